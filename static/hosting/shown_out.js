/** What somebody sees whom a host has removed: until when, and what they can do. It comes back by itself when that is over. */

import { button, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { roomUrl, DEFAULT_ROOM } from "../connection/addresses.js";
import { toWriting } from "./choices.js";
import { moment } from "./times.js";
import { words } from "./words.js";

const LOOK_EVERY = 30_000; // ms; a computer that sleeps stops its timers, and not the clock

export class ShownOut {
  #again;
  #until = element("p");
  #node;
  #timer = 0;

  /** @param {() => void} again tries to come back */
  constructor(again) {
    this.#again = again;
    const title = element("h2", "", words.shutTitle);
    const lobby = element("a", "", words.toLobby);
    lobby.href = roomUrl(DEFAULT_ROOM).href;
    lobby.hidden = document.body.dataset.room === DEFAULT_ROOM;
    const buttons = element("p", "buttons", button("strong", t.tryNow, () => this.#again()), lobby);
    this.#node = element("section", "instead", title, this.#until, element("p", "", words.shutMore), buttons);
    this.#node.id = "shown-out";
    this.#node.tabIndex = -1;
    title.id = "shown-out-title";
    this.#node.setAttribute("aria-labelledby", title.id);
  }

  /** @param {number} [retryAfter] seconds; without it, until a host undoes it */
  show(retryAfter) {
    const until = retryAfter ? Date.now() + retryAfter * 1000 : Infinity;
    this.#until.textContent = retryAfter ? words.shutUntil(moment(new Date(until))) : words.shutForGood;
    document.body.classList.add("shown-out");
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) dialog.close();
    if (!this.#node.isConnected) {
      byId("scroller", HTMLElement).before(this.#node);
      this.#node.focus();
    }
    this.#wait(until);
  }

  /** The reader is in again. */
  hide() {
    clearTimeout(this.#timer);
    document.body.classList.remove("shown-out");
    const hadFocus = this.#node.contains(document.activeElement);
    this.#node.remove();
    if (hadFocus) toWriting();
  }

  /** @param {number} until Unix ms */
  #wait(until) {
    clearTimeout(this.#timer);
    if (until === Infinity) return;
    const left = until - Date.now();
    this.#timer = setTimeout(() => (Date.now() < until ? this.#wait(until) : this.#again()), Math.min(left + 1_000, LOOK_EVERY));
  }
}
