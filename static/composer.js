/** Where the reader writes: the name, the box, and what is to be said about them. */

import { byteLength, clockText, firstCodePoints, hueClass, initial, wellFormed } from "./text.js";
import { recall, remember } from "./dom.js";
import { frameOf } from "./outbox.js";

const NAME_KEY = "chat:name";
const NOBODY = "Anonymous";

/**
 * @typedef {object} Options
 * @property {Record<"form"|"name"|"body"|"portrait"|"notice", HTMLElement>} parts
 * @property {number} maxNameLength code points
 * @property {number} maxMessageBytes of one frame
 * @property {string} draftKey under which an unsent text survives a reload
 * @property {(message: {userName: string, body: string, timestamp: string}) => string} onSend
 *   takes the message over and returns ""; or returns why not, and the text stays in the box
 */
export class Composer {
  #parts;
  #options;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#parts = options.parts;
    const { form, name, body } = this.#parts;
    name.value = String(recall("localStorage", NAME_KEY) ?? "");
    body.value ||= recall("sessionStorage", options.draftKey) ?? "";
    form.addEventListener("submit", (event) => this.#submit(event));
    body.addEventListener("keydown", (event) => this.#key(event));
    body.addEventListener("input", () => this.#bodyChanged());
    name.addEventListener("keydown", (event) => this.#nameKey(event));
    name.addEventListener("input", (event) => event.isComposing || this.#nameChanged());
    name.addEventListener("compositionend", () => this.#nameChanged());
    name.addEventListener("change", () => this.#nameChosen());
    addEventListener("pagehide", () => remember("sessionStorage", options.draftKey, body.value || null));
    this.#nameChanged();
    this.#fit();
  }

  /** The name as it goes onto the wire. */
  get userName() {
    const name = wellFormed(this.#parts.name.value).trim();
    return firstCodePoints(name, this.#options.maxNameLength) || NOBODY;
  }

  /** Put `text` back into the box, above what is in it. */
  giveBack(text) {
    const { body } = this.#parts;
    body.value = body.value ? `${text}\n${body.value}` : text;
    this.#fit();
    body.focus();
  }

  /** Say something about what was written; "" takes it back. */
  notice(text) {
    this.#parts.notice.textContent = text;
  }

  #submit(event) {
    event.preventDefault();
    const { body } = this.#parts;
    const text = wellFormed(body.value).replace(/^\s*\n/, "").trimEnd();
    body.focus();
    if (!text) return;
    const message = { userName: this.userName, body: text, timestamp: clockText(new Date()) };
    const problem = this.#tooLong(message) || this.#options.onSend(message);
    this.notice(problem);
    if (problem) return;
    body.value = "";
    this.#fit();
  }

  #tooLong(message) {
    const most = this.#options.maxMessageBytes;
    const excess = byteLength(frameOf(message)) - most;
    if (excess <= 0) return "";
    const n = (bytes) => bytes.toLocaleString();
    return `This message is ${n(excess)} bytes too long; ${n(most)} fit. Please shorten or split it.`;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    // That Enter ends a word in an input method; Safari has ended it already and says so by 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#parts.form.requestSubmit();
  }

  #nameKey(event) {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#parts.body.focus();
  }

  #bodyChanged() {
    this.notice("");
    this.#fit();
  }

  #nameChanged() {
    const { name, portrait } = this.#parts;
    const fitting = firstCodePoints(name.value, this.#options.maxNameLength);
    if (fitting !== name.value) name.value = fitting;
    portrait.textContent = initial(this.userName);
    this.#parts.form.className = hueClass(this.userName);
  }

  #nameChosen() {
    const { name } = this.#parts;
    name.value = name.value.trim();
    this.#nameChanged();
    remember("localStorage", NAME_KEY, name.value || null);
  }

  /** As high as its text; the style sheet says where that ends. */
  #fit() {
    const { style } = this.#parts.body;
    style.height = "auto";
    style.height = `${this.#parts.body.scrollHeight + 2}px`; // 2: both borders
  }
}

export { NOBODY };
