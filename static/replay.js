/**
 * The past messages that the server sends to whoever joins, and what of them is new here.
 *
 * The room has one order. So what comes before the last message we saw is old, and what comes
 * after it is new. Where that message does not come at all (too long ago, or the history was
 * put back to an older state), this shows only at the end of the past messages.
 */

const MOST_HELD = 4_000; // messages: twice what the list shows

export class Replay {
  #cursor;
  #held = [];

  /** @param {string|null} cursor id of the last message seen; null: everything is new */
  constructor(cursor) {
    this.#cursor = cursor;
  }

  /** The new messages that are certain now that `message` came: none, or just it. */
  take(message) {
    if (this.#cursor === null) return [message];
    if (message.id === this.#cursor) {
      this.#cursor = null;
      this.#held = [];
    } else {
      this.#held.push(message);
      if (this.#held.length > MOST_HELD) this.#held.splice(0, MOST_HELD / 2);
    }
    return [];
  }

  /** No more past messages will come. Returns what cannot be told from new: there is a gap before it. */
  finish() {
    const held = this.#held;
    this.#cursor = null;
    this.#held = [];
    return held;
  }
}
