/**
 * The messages written here whose arrival is not certain yet.
 *
 * The protocol has no acknowledgement. What it has: a message comes back to its sender, like to
 * everyone else, once it is stored. So a message stays in the outbox until it has been seen coming
 * back, live or among the past messages after a reconnect. What is not among those was never stored
 * and may be sent again: nothing gets lost, and nothing said twice.
 */

import { recall, remember } from "./dom.js";

/**
 * @typedef {object} Item
 * @property {number} key
 * @property {string} userName
 * @property {string} body
 * @property {string} timestamp
 * @property {"waiting"|"sent"|"doubt"|"refused"} state
 *   waiting: to be sent; sent: on this connection; doubt: on one that broke; refused: by the server
 * @property {number} [sentAt] ms, when state is "sent"
 * @property {string} [reason] when state is "refused"
 */
export class Outbox {
  /** The id of the last message seen: what is in the outbox can only come back after it. */
  cursor = null;

  #key;
  #items = [];
  #lastKey = 0;

  /** @param {string} room an outbox survives a reload, per room and tab */
  constructor(room) {
    this.#key = `chat:outbox:${room}`;
    const kept = recall("sessionStorage", this.#key);
    if (!kept?.items?.length) return;
    this.cursor = kept.cursor;
    this.#items = kept.items.map((item) => ({ ...item, key: ++this.#lastKey }));
    this.connectionLost();
  }

  /** @returns {readonly Item[]} oldest first */
  get items() {
    return this.#items;
  }

  get inDoubt() {
    return this.#items.some((item) => item.state === "doubt");
  }

  /** @param {{userName: string, body: string, timestamp: string}} message */
  add({ userName, body, timestamp }) {
    this.#items.push({ key: ++this.#lastKey, userName, body, timestamp, state: "waiting" });
  }

  /** Take the item out, whatever its state. */
  remove(item) {
    this.#items = this.#items.filter((other) => other !== item);
  }

  /** A message came in: if it is the oldest one of ours that reads so, that one has arrived. */
  confirm({ userName, body, timestamp }) {
    const item = this.#items.find(
      (other) =>
        (other.state === "sent" || other.state === "doubt") &&
        other.body === body && other.userName === userName && other.timestamp === timestamp,
    );
    if (item) this.remove(item);
    return Boolean(item);
  }

  /** Send all that waits, in order, by `send(text)`, which returns false when it cannot. */
  sendWaiting(send) {
    for (const item of this.#items) {
      if (item.state !== "waiting") continue;
      if (!send(frameOf(item))) return;
      item.state = "sent";
      item.sentAt = Date.now();
    }
  }

  /** Of what was sent and has not come back, nobody knows any more whether it arrived. */
  connectionLost() {
    this.#move("sent", "doubt");
  }

  /** All past messages have been seen: what is still in doubt did not arrive. */
  notArrived() {
    this.#move("doubt", "waiting");
  }

  /**
   * The server refused one of ours. It takes frames in order and stops at the one it refuses, so
   * that is the oldest that has not arrived.
   */
  refuseOldest(reason) {
    const item = this.#items.find(({ state }) => state === "sent" || state === "doubt");
    if (item) Object.assign(item, { state: "refused", reason });
  }

  /** Seconds since the oldest unanswered send; 0 without one. */
  unansweredFor(now = Date.now()) {
    const oldest = this.#items.find((item) => item.state === "sent");
    return oldest ? (now - oldest.sentAt) / 1000 : 0;
  }

  /** Keep the outbox for a reload of this tab. */
  save() {
    const kept = this.#items.length ? { cursor: this.cursor, items: this.#items } : null;
    remember("sessionStorage", this.#key, kept);
  }

  #move(from, to) {
    for (const item of this.#items) {
      if (item.state === from) item.state = to;
    }
  }
}

/** The text frame that says `message`. */
export function frameOf({ userName, body, timestamp }) {
  return JSON.stringify({ userName, body, timestamp });
}
