/** What the reader wants changed, from asking to the answer: asked again where the connection broke. */

import { newCmid } from "../base/text.js";

const MINUTE = 60_000; // ms

/**
 * @typedef {import("../connection/session.js").Message} Message
 *
 * @typedef {object} Change
 * @property {"edit"|"remove"} type
 * @property {string} cmid
 * @property {string} id
 * @property {string} [body] of "edit"
 */
export class Changes {
  #ask;
  /** @type {Map<string, Change>} by cmid */
  #asked = new Map();

  /** @param {(change: Change) => boolean} ask false where it cannot be sent now */
  constructor(ask) {
    this.#ask = ask;
  }

  /** @param {string} id @param {string} [body] without one, it is to be gone @returns {boolean} whether the server was asked */
  want(id, body) {
    const type = body === undefined ? "remove" : "edit";
    /** @type {Change} */
    const change = { type, cmid: newCmid(), id, body };
    if (!this.#ask(change)) return false;
    this.#asked.set(change.cmid, change);
    return true;
  }

  /** There is a connection again: what was asked for on the last one may never have arrived. */
  askAgain() {
    for (const change of this.#asked.values()) this.#ask(change);
  }

  /** There is an answer. @param {string} cmid @returns {Change|undefined} to what */
  answered(cmid) {
    const change = this.#asked.get(cmid);
    this.#asked.delete(cmid);
    return change;
  }
}

/**
 * Whether a message can be edited, as far as this browser's clock can tell: it may be wrong, and is
 * set by what came live.
 *
 * @param {Message} message
 * @param {number} minutes in which it can be
 * @param {readonly Message[]} others oldest first
 */
export function isEditable(message, minutes, others, now = Date.now()) {
  const live = others.findLast(({ heardAt }) => heardAt);
  const ahead = live?.heardAt ? live.heardAt - Date.parse(live.sentAt) : 0;
  return now - ahead - Date.parse(message.sentAt) < minutes * MINUTE;
}
