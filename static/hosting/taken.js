/** The messages that went with what a host has just done: how many, and the way back where they are few. */

import { partsOf } from "./logged.js";

const MOST_RESTORED = 100; // messages in one go: each has a line in the log of hosts

export class Taken {
  #want;
  /** @type {import("./hosting.js").Logged|null} the newest that was told of */
  #logged = null;
  /** @type {string[]} */
  #ids = [];

  /** @param {(wish: {type: string, id: string}) => Promise<any>} want */
  constructor(want) {
    this.#want = want;
  }

  /** What comes from here on belongs to the next act. */
  begin() {
    [this.#logged, this.#ids] = [null, []];
  }

  /** @param {import("./hosting.js").Logged} logged what some host has done */
  hear(logged) {
    this.#logged = logged;
  }

  /** @param {string} id of a message that went together with others */
  gone(id) {
    this.#ids.push(id);
  }

  /** @param {string} act that is done @param {string} me who did it @returns {{count: number, unfinished: boolean, restore?: () => Promise<unknown>}} */
  with(act, me) {
    const { act: its, by, what = "" } = this.#logged ?? {};
    const { count, unfinished } = partsOf(its === act && by?.userId === me ? what : "");
    const ids = [...this.#ids];
    const isAll = count > 0 && ids.length === count && count <= MOST_RESTORED && !unfinished;
    return { count, unfinished, ...(isAll && { restore: () => Promise.all(ids.map((id) => this.#want({ type: "restore", id }))) }) };
  }
}
