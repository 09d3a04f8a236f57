/** Addresses of a room's files. Where the room has a door, a short-lived pass is part of them: for a picture, a browser sends no header. */

import { passOf } from "../base/storage.js";
import { at } from "../connection/addresses.js";
import { ask, isClosed } from "../connection/proved.js";

export const THUMBNAIL = 480; // px: a picture that is no larger has none, or needs none
const SHARE = 0.8; // of its time, after which a pass is renewed
const AGAIN_AFTER = 5_000; // ms; the server could not be asked

/** @param {string} address of a picture @returns {string} of its thumbnail, or of itself where it has none */
export function thumbnailOf(address) {
  const url = new URL(address);
  url.pathname += "/thumbnail";
  return url.href;
}

export class ViewPass {
  #room;
  #url;
  #renewed;
  #view = "";
  #until = 0; // Unix ms
  /** @type {Promise<string>|null} */
  #asked = null;

  /** @param {string} room @param {() => void} renewed is called whenever all addresses have become others */
  constructor(room, renewed) {
    this.#room = room;
    this.#url = at(`api/rooms/${encodeURIComponent(room)}/files`);
    this.#renewed = renewed;
  }

  /** Of a file, without a pass. @param {string} id */
  bare(id) {
    return new URL(`${this.#url.pathname}/${encodeURIComponent(id)}`, this.#url);
  }

  /**
   * An address, if it needs no pass, or one that is there.
   *
   * @param {string} id
   * @param {boolean} [isHeld] not said yet: then it always needs one
   * @returns {string} "" where the pass has to be asked for
   */
  known(id, isHeld = false) {
    if (!isClosed() && !isHeld) return this.bare(id).href;
    if (Date.now() >= this.#until) return "";
    const url = this.bare(id);
    url.searchParams.set("view", this.#view);
    return url.href;
  }

  /** @param {string} id @param {boolean} [isHeld] @returns {Promise<string>} rejected where the server cannot be asked */
  async address(id, isHeld) {
    if (!this.known(id, isHeld)) await (this.#asked ??= this.#ask());
    return this.known(id, isHeld) || this.bare(id).href;
  }

  /** The pass that there is has turned out to be no good. */
  forget() {
    this.#until = 0;
  }

  async #ask() {
    try {
      const pass = passOf(this.#room);
      const answer = await (pass ? fetch(this.#url, { headers: { Authorization: `Bearer ${pass}` } }) : ask(this.#room, this.#url));
      if (!answer.ok) throw new Error(`no pass: ${answer.status}`);
      const { view, seconds } = await answer.json();
      this.#view = view;
      this.#until = Date.now() + seconds * 1_000;
      setTimeout(() => this.#renew(), seconds * 1_000 * SHARE);
      return view;
    } finally {
      this.#asked = null;
    }
  }

  /** In time, so that no link on the page leads nowhere. */
  async #renew() {
    try {
      await (this.#asked ??= this.#ask());
      this.#renewed();
    } catch {
      setTimeout(() => this.#renew(), AGAIN_AFTER);
    }
  }
}
