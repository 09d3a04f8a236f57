/** The messages that went with what a host has just done: how many, and the way back. */

import { partsOf } from "./logged.js";

export class Taken {
  #want;
  /** @type {import("./hosting.js").Logged|null} the newest that was told of */
  #logged = null;

  /** @param {(wish: {type: string, act: string, at: string}) => Promise<any>} want */
  constructor(want) {
    this.#want = want;
  }

  /** What comes from here on belongs to the next act. */
  begin() {
    this.#logged = null;
  }

  /** @param {import("./hosting.js").Logged} logged what some host has done */
  hear(logged) {
    this.#logged = logged;
  }

  /** @param {string} act that is done @param {string} me who did it @returns {{count: number, unfinished: boolean, restore?: () => Promise<unknown>}} */
  with(act, me) {
    const { act: its, by, what = "", at = "" } = this.#logged ?? {};
    const { count, unfinished } = partsOf(its === act && by?.userId === me ? what : "");
    return { count, unfinished, ...((count || unfinished) && { restore: () => this.#want({ type: "host", act: "restore", at }) }) };
  }
}
