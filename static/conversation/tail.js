/** The room's newest messages, whether they are shown or not: up to its end, and without holes. */

import { seqOf } from "../base/text.js";

const MOST_KEPT = 350; // messages; twice as many, before some go

/** @typedef {import("../connection/session.js").Message} Message */

export class Tail {
  /** @type {Message[]} oldest first */
  messages = [];
  /** @type {Set<string>} */
  #ids = new Set();

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /** @param {Message} message the newest @returns {boolean} false if it is known already */
  add(message) {
    if (this.has(message.id)) return false;
    this.messages.push(message);
    this.#ids.add(message.id);
    if (this.messages.length > MOST_KEPT * 2) {
      const gone = this.messages.splice(0, this.messages.length - MOST_KEPT);
      for (const { id } of gone) this.#ids.delete(id);
    }
    return true;
  }

  /** @param {string} id */
  remove(id) {
    this.messages = this.messages.filter((one) => one.id !== id);
    this.#ids.delete(id);
  }

  /** Put a message back; one from before all of these stays out: there may be others between. @param {Message} message */
  restore(message) {
    const at = placeFor(this.messages, message.id);
    if (this.has(message.id) || (at === 0 && this.messages.length)) return;
    this.messages.splice(at, 0, message);
    this.#ids.add(message.id);
  }
}

/** Where a message belongs among others, and notes without an id. @param {readonly {id: string}[]} items @param {string} id */
export function placeFor(items, id) {
  const at = items.findIndex((one) => one.id && seqOf(one.id) > seqOf(id));
  return at < 0 ? items.length : at;
}
