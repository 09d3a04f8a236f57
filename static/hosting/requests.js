/** What a host has asked for, from asking to the answer: asked again where the connection broke. */

import { newCmid } from "../base/text.js";

/**
 * @typedef {{type: string, cmid: string, [field: string]: unknown}} Frame
 * @typedef {{code: string, detail: string}} Problem
 *
 * @typedef {object} Asked
 * @property {Frame} frame
 * @property {(told: any) => void} done
 * @property {(problem: Problem) => void} refused
 */
export class Requests {
  #send;
  /** @type {Map<string, Asked>} by cmid */
  #asked = new Map();

  /** @param {(frame: Frame) => boolean} send false where it cannot be sent now */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {{type: string, [field: string]: unknown}} wish
   * @returns {Promise<any>} what the server tells; it is rejected with a Problem, whose code is "offline" without a connection
   */
  want(wish) {
    return this.again({ ...wish, cmid: newCmid() });
  }

  /** About what has a cmid already. @param {Frame} frame @returns {Promise<any>} as `want` */
  again(frame) {
    return new Promise((done, refused) => {
      if (!this.#send(frame)) return refused({ code: "offline", detail: "" });
      this.#asked.set(frame.cmid, { frame, done, refused });
    });
  }

  /** There is a connection again: what was asked for on the last one may never have arrived. */
  askAgain() {
    for (const { frame } of this.#asked.values()) this.#send(frame);
  }

  /** @param {string} cmid @param {any} told */
  done(cmid, told) {
    this.#take(cmid)?.done(told);
  }

  /** @param {string} cmid @param {Problem} problem @returns {boolean} whether it was one of these */
  refused(cmid, problem) {
    const asked = this.#take(cmid);
    asked?.refused(problem);
    return asked !== undefined;
  }

  /** @param {string} cmid */
  #take(cmid) {
    const asked = this.#asked.get(cmid);
    this.#asked.delete(cmid);
    return asked;
  }
}
