/** The line above the box that says what a host has just done, with the way back. */

import { button, byId, element } from "../base/dom.js";
import { toWriting } from "./choices.js";
import { words } from "./words.js";

const SHOWN_FOR = 15_000; // ms; later, the sheet has it

export class DoneLine {
  #words = element("span");
  #undo = button("quiet", words.undo, () => this.#undoIt());
  #line = element("p", "line-above empty", this.#words, this.#undo); // it stays: else a screen reader may miss the first words
  #timer = 0;
  /** @type {(() => Promise<any>)|undefined} */
  #work;

  constructor() {
    this.#line.id = "done";
    this.#words.role = "status";
    this.#words.id = "done-words";
    this.#undo.setAttribute("aria-describedby", this.#words.id);
    this.#undo.hidden = true;
    byId("composer", HTMLFormElement).querySelector(".writing")?.before(this.#line);
  }

  /** @param {string} said @param {() => Promise<any>} [undo] */
  show(said, undo) {
    this.#work = undo;
    this.#words.textContent = said;
    this.#undo.hidden = !undo;
    this.#line.classList.remove("empty");
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#line.matches(":focus-within, :hover") ? this.#wait() : this.#hide()), SHOWN_FOR);
  }

  async #undoIt() {
    const hadFocus = this.#line.contains(document.activeElement);
    this.#hide();
    if (hadFocus) toWriting();
    await this.#work?.();
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#words.textContent = "";
    this.#undo.hidden = true;
    this.#line.classList.add("empty");
  }
}
