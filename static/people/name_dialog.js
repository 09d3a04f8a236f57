/** Asks for a name: at the first visit, when it is taken, and when the reader wants another. */

import { byId } from "../base/dom.js";
import { t } from "../base/strings.js";
import { firstCodePoints, shownName, wellFormed } from "../base/text.js";

export class NameDialog {
  #dialog = byId("name-dialog", HTMLDialogElement);
  #form = byId("name-form", HTMLFormElement);
  #input = byId("name", HTMLInputElement);
  #why = byId("name-why", HTMLElement);
  #title = byId("name-title", HTMLElement);
  #submit = byId("name-submit", HTMLButtonElement);
  #cancel = byId("name-cancel", HTMLButtonElement);
  #lead = byId("name-lead", HTMLElement);
  #note = byId("name-note", HTMLElement);
  #welcome;
  #maxLength;
  /** @type {(name: string) => void} */
  #chosen = () => {};
  #must = false;

  /** @param {string} room @param {() => number} maxLength code points */
  constructor(room, maxLength) {
    this.#welcome = this.#title.textContent = t.welcome(`\u2068${room}\u2069`);
    this.#maxLength = maxLength;
    this.#form.addEventListener("submit", (event) => this.#choose(event));
    this.#cancel.addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("cancel", (event) => this.#must && event.preventDefault());
    // A second Escape closes a dialog regardless.
    this.#dialog.addEventListener("close", () => this.#must && this.#dialog.showModal());
    this.#input.addEventListener("input", () => this.#cut());
  }

  /** Whether nothing goes on without a name. */
  get insists() {
    return this.#dialog.open && this.#must;
  }

  /** Whether it insists, and there is no answer yet, nor part of one. */
  get isBlank() {
    return this.insists && this.#input.value === "";
  }

  /**
   * @param {object} question
   * @param {string} question.name what stands in the box
   * @param {string} [question.why] what is wrong with the name before
   * @param {boolean} question.must whether there is no way around an answer
   * @param {(name: string) => void} question.chosen
   */
  ask({ name, why = "", must, chosen }) {
    this.#chosen = chosen;
    this.#must = must;
    this.#title.textContent = must ? (why ? t.anotherName : this.#welcome) : t.rename;
    this.#submit.textContent = must ? t.enter : t.save;
    this.#cancel.hidden = must;
    this.#lead.hidden = this.#note.hidden = !must || why !== "";
    const isOpen = this.#dialog.open; // by early.js: keep what was typed into the box meanwhile
    if (name || !isOpen) this.#input.value = name;
    this.#why.textContent = why;
    this.#input.ariaInvalid = String(why !== "");
    if (!isOpen) this.#dialog.showModal();
    if (name || !isOpen) {
      this.#input.focus();
      this.#input.select();
    }
    if ("answered" in this.#form.dataset) this.#form.requestSubmit();
  }

  close() {
    this.#must = false;
    this.#dialog.close();
  }

  /** @param {Event} event */
  #choose(event) {
    event.preventDefault();
    delete this.#form.dataset.answered;
    const name = wellFormed(this.#input.value).trim();
    if (!name || shownName(name) === "?") {
      this.#why.textContent = name ? t.badName : "";
      this.#input.focus();
      return;
    }
    this.close();
    this.#chosen(firstCodePoints(name, this.#maxLength()));
  }

  #cut() {
    const fitting = firstCodePoints(this.#input.value, this.#maxLength());
    if (fitting !== this.#input.value) this.#input.value = fitting;
    this.#why.textContent = "";
  }
}

/**
 * What was wrong with a name, in words.
 *
 * @param {{code: string, detail: string, suggestion?: string}} error
 * @param {string} name that was asked for
 */
export function whyNot({ code, detail, suggestion }, name) {
  if (code === "name-taken") {
    return [t.nameTaken(name), suggestion ? t.nameFree(suggestion) : ""].join(" ").trim();
  }
  return code === "bad-name" ? t.badName : detail;
}
