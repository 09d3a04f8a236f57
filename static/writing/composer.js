/** The box in which the reader writes: keys, draft, recall, and what is to be said about it. */

import { isTouch } from "../base/dom.js";
import { recall, remember } from "../base/storage.js";
import { t } from "../base/strings.js";
import { byteLength, clockText, isBlank, newCmid, wellFormed } from "../base/text.js";
import { messageFrame } from "../connection/session.js";

const MOST_RECALLED = 20; // texts
const SAVE_AFTER = 300; // ms
const TELL_EVERY = 2_000; // ms between two words that somebody types

/**
 * @typedef {object} Options
 * @property {{form: HTMLFormElement, body: HTMLTextAreaElement, notice: HTMLElement}} parts
 * @property {string} room a draft is kept per room
 * @property {() => number} maxMessageBytes of one frame
 * @property {(body: string, timestamp: string) => string} onSend
 *   takes the message over and returns ""; or returns why not, and the text stays in the box
 * @property {() => void} onTyping
 */
export class Composer {
  #form;
  #body;
  #notice;
  #options;
  #draftKey;
  #saved; // the draft as this tab knows it to be kept
  #saveTimer = 0;
  #toldAt = 0;
  /** @type {string[]} newest first */
  #said = [];
  #recalled = -1;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { form, body, notice } = options.parts;
    this.#form = form;
    this.#body = body;
    this.#notice = notice;
    this.#draftKey = `chat:draft:${options.room}`;
    this.#saved = this.#kept();
    const early = body.value; // written before this script was there
    body.value = [this.#saved, early === this.#saved ? "" : early].filter(Boolean).join("\n");
    body.enterKeyHint = isTouch() ? "enter" : "send";
    form.addEventListener("submit", (event) => this.#submit(event));
    body.addEventListener("keydown", (event) => this.#key(event));
    body.addEventListener("input", () => this.#changed());
    addEventListener("pagehide", () => this.#save());
    addEventListener("pageshow", () => this.#look());
    addEventListener("storage", ({ key }) => key === this.#draftKey && this.#look());
    this.#fit();
  }

  focus() {
    this.#body.focus();
  }

  /** Put `text` back into the box, above what is in it. @param {string} text */
  giveBack(text) {
    const { value } = this.#body;
    this.#write(value ? `${text}\n${value}` : text);
    this.focus();
  }

  /** Say something about what was written; "" takes it back. @param {string} text */
  notice(text) {
    if (this.#notice.textContent !== text) this.#notice.textContent = text;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = wellFormed(this.#body.value).replace(/^\s*\n/, "").trimEnd();
    this.focus();
    if (isBlank(text)) return;
    const timestamp = clockText(new Date());
    const problem = this.#tooLong(text, timestamp) || this.#options.onSend(text, timestamp);
    this.notice(problem);
    if (problem) return;
    this.#said = [text, ...this.#said.filter((said) => said !== text)].slice(0, MOST_RECALLED);
    this.#write("");
    this.#toldAt = 0;
  }

  /** @param {string} body @param {string} timestamp */
  #tooLong(body, timestamp) {
    const most = this.#options.maxMessageBytes();
    const excess = byteLength(messageFrame({ cmid: newCmid(), body, timestamp })) - most;
    return excess > 0 ? t.tooLong(excess, most) : "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // That key ends a word in an input method; Safari has ended it already and says so by 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    const plain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    const sends = !isTouch() || event.ctrlKey || event.metaKey; // with a keyboard at hand, a finger is still first
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && sends) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (plain && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      this.#recall(event, event.key === "ArrowUp" ? 1 : -1);
    }
  }

  /** @param {KeyboardEvent} event @param {1|-1} step further back, or forth */
  #recall(event, step) {
    const untouched = this.#recalled >= 0 && this.#body.value === this.#said[this.#recalled];
    if (this.#body.value && !untouched) return;
    const next = (untouched ? this.#recalled : -1) + step;
    if (next >= this.#said.length || next < -1) return;
    event.preventDefault();
    this.#write(this.#said[next] ?? "");
    this.#recalled = next;
  }

  #changed() {
    this.notice("");
    this.#recalled = -1;
    this.#fit();
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => this.#save(), SAVE_AFTER);
    const now = Date.now();
    if (!this.#body.value.trim() || now - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = now;
    this.#options.onTyping();
  }

  /** @param {string} text */
  #write(text) {
    this.#body.value = text;
    this.#recalled = -1;
    this.#fit();
    this.#save();
  }

  #save() {
    clearTimeout(this.#saveTimer);
    const { value } = this.#body;
    if (value !== this.#saved && remember(this.#draftKey, value || null)) this.#saved = value;
  }

  /** Another tab may have gone on with the draft, or sent it. */
  #look() {
    const untouched = this.#body.value === this.#saved;
    this.#saved = this.#kept();
    if (!untouched || this.#body.value === this.#saved) return;
    this.#body.value = this.#saved;
    this.#fit();
  }

  #kept() {
    return String(recall(this.#draftKey) ?? "");
  }

  /** As high as its text; the style sheet says where that ends. */
  #fit() {
    const { style } = this.#body;
    const around = /** @type {HTMLElement} */ (this.#body.parentElement);
    // Else the conversation is higher while the box is low, and browsers scroll a reader at its end up for good.
    around.style.minHeight = `${around.offsetHeight}px`;
    style.height = "auto";
    const height = this.#body.scrollHeight;
    if (height) style.height = `${height + 2}px`; // 2: both borders
    around.style.minHeight = "";
  }
}
