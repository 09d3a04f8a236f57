/**
 * What was written here and is not known to be stored: kept through reloads and restarts, one
 * entry per message, so that two tabs never overwrite each other's.
 *
 * The same cmid is stored once, however often it is sent. So whatever is in doubt is sent again.
 */

import { newCmid } from "../base/text.js";

const KEPT = new Set(["failed", "held", "uploading"]); // states that outlive the page

/**
 * @typedef {object} Item
 * @property {string} cmid
 * @property {string} body
 * @property {string} timestamp
 * @property {string} [replyTo] id of the message that it answers
 * @property {number} at when it was written: Unix ms, and unique in this outbox
 * @property {import("../files/file_words.js").SharedFile} [file] which it brings; without an id until it is uploaded
 * @property {"uploading"|"waiting"|"sent"|"acked"|"held"|"failed"} state
 *   uploading: its file is on its way, which goes first; waiting: to be sent; sent: on this connection; acked: stored, and not seen yet; held: for a host to approve; failed: refused
 * @property {boolean} [unconfirmed] of "held": the server has not said so on this connection
 * @property {string} [heldAt] of "held": since when, by the server's clock
 * @property {number} [sentAt] when it went out last: Unix ms
 * @property {string} [reason] of "failed"
 * @property {boolean} [unkept] the browser could not keep it: it is lost with the page
 *
 * @typedef {object} Keeper
 * @property {(key: string, value: unknown) => boolean} remember whether it is kept
 * @property {(prefix: string) => any[]} recallAll
 */
export class Outbox {
  #prefix;
  #keeper;
  /** @type {Item[]} */
  #items = [];

  /** @param {string} room @param {Keeper} keeper */
  constructor(room, keeper) {
    this.#prefix = `chat:outbox:${room}:`;
    this.#keeper = keeper;
    this.#items = keeper
      .recallAll(this.#prefix)
      .filter((item) => typeof item.cmid === "string" && typeof item.body === "string")
      .map((item) => ({ ...item, unkept: false, unconfirmed: true, state: KEPT.has(item.state) ? item.state : "waiting" }))
      .sort((one, other) => one.at - other.at);
  }

  /** @returns {readonly Item[]} in the order in which they were written */
  get items() {
    return this.#items;
  }

  /** How many will go out, or are out. */
  get underWay() {
    return this.#items.filter(({ state }) => state === "waiting" || state === "sent").length;
  }

  /**
   * @param {string} body
   * @param {string} timestamp
   * @param {number} [now]
   * @param {string} [replyTo]
   * @param {Item["file"]} [file] that is to be uploaded first
   */
  add(body, timestamp, now = Date.now(), replyTo, file) {
    const at = Math.max(now, (this.#items.at(-1)?.at ?? 0) + 1);
    /** @type {Item} */
    const item = { cmid: newCmid(), body, timestamp, at, state: file ? "uploading" : "waiting", replyTo, file };
    this.#items.push(item);
    this.#keep(item);
    return item;
  }

  /**
   * Send all that waits, in order.
   *
   * @param {(item: Item) => boolean} send false where it cannot be sent now
   */
  flush(send) {
    for (const item of this.#items) {
      if (item.state !== "waiting") continue;
      if (!send(item)) return;
      item.state = "sent";
      item.sentAt = Date.now();
    }
  }

  /** Milliseconds since the oldest send without an answer; 0 without one. */
  unansweredFor(now = Date.now()) {
    const oldest = this.#items.find(({ state }) => state === "sent");
    return oldest?.sentAt ? now - oldest.sentAt : 0;
  }

  /** Of what was sent and not acknowledged, nobody knows whether it arrived: it goes out again. */
  connectionLost() {
    for (const item of this.#items) {
      if (item.state === "sent") item.state = "waiting";
      item.unconfirmed = true;
    }
  }


  /**
   * It is stored: it need not be kept. It stays in sight until the message itself has come.
   *
   * @param {string} cmid
   */
  ack(cmid) {
    const item = this.#find(cmid);
    if (!item) return;
    item.state = "acked";
    this.#keeper.remember(this.#prefix + cmid, null);
  }

  /** The server does not want it yet. @param {string} cmid */
  wait(cmid) {
    const item = this.#find(cmid);
    if (item?.state === "sent") item.state = "waiting";
  }

  /**
   * The server will not have it.
   *
   * @param {string} cmid
   * @param {string} reason
   */
  fail(cmid, reason) {
    this.change(cmid, { state: "failed", reason });
  }

  /** @param {string} cmid @param {Partial<Item>} change */
  change(cmid, change) {
    const item = this.#find(cmid);
    if (item) this.#keep(Object.assign(item, change));
  }

  /**
   * The server closed the connection over a frame: it takes them in order, so over the oldest.
   *
   * @param {string} reason
   */
  failOldest(reason) {
    const item = this.#items.find(({ state }) => state === "sent");
    if (item) this.fail(item.cmid, reason);
  }

  /**
   * Take it out: it has come back, or is not to be sent any more.
   *
   * @param {string} cmid
   */
  remove(cmid) {
    if (!this.#find(cmid)) return false;
    this.#items = this.#items.filter((item) => item.cmid !== cmid);
    this.#keeper.remember(this.#prefix + cmid, null);
    return true;
  }

  /** What has been acknowledged will not come any more: it has been seen before. */
  forgetAcked() {
    this.#items = this.#items.filter(({ state }) => state !== "acked");
  }

  /**
   * Another tab took something out.
   *
   * @param {string} key in the storage
   */
  removedElsewhere(key) {
    if (!key.startsWith(this.#prefix)) return false;
    const cmid = key.slice(this.#prefix.length);
    const before = this.#items.length;
    this.#items = this.#items.filter((item) => item.cmid !== cmid || item.state === "acked");
    return this.#items.length < before;
  }

  /** @param {string} cmid */
  #find(cmid) {
    return this.#items.find((item) => item.cmid === cmid);
  }

  /** @param {Item} item */
  #keep(item) {
    item.unkept = !this.#keeper.remember(this.#prefix + item.cmid, item);
  }
}
