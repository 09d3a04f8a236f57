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
 * @property {(body: string, timestamp: string, replyTo: string, attached?: Attached) => string} onSend
 *   takes the message over and returns ""; or returns why not, and the text stays in the box
 * @property {() => void} onTyping
 * @property {() => void} onUp the reader wants to change what they said last
 * @property {() => void} onAnswer what is answered is another message now, or none
 *
 * @typedef {((body: string, timestamp: string, replyTo?: string) => void) & {id?: string, alt?: string}} Attached
 *   has files go with what is said; as the first of them makes a message longer
 *
 * @typedef {object} Loan what the box is lent to
 * @property {string} id of a message that is written anew
 * @property {(body: string) => string} submit as onSend; "" is for it to judge, too
 */
export class Composer {
  #form;
  #body;
  #notice;
  #options;
  #draftKey;
  #answerKey;
  #answered;
  #saved; // the draft as this tab knows it to be kept
  #saveTimer = 0;
  #toldAt = 0;
  /** @type {string[]} newest first */
  #said = [];
  #recalled = -1;
  /** @type {Loan|null} */
  #loan = null;
  #draft = ""; // while the box is lent
  /** What goes with the next message: then that needs no text. @type {Attached|undefined} */
  attached;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    const { form, body, notice } = options.parts;
    this.#form = form;
    this.#body = body;
    this.#notice = notice;
    this.#draftKey = `chat:draft:${options.room}`;
    this.#answerKey = `chat:answer:${options.room}`;
    this.#answered = String(recall(this.#answerKey) ?? "");
    if (this.#answered) options.onAnswer();
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
    addEventListener("storage", ({ key }) => key === this.#answerKey && (this.answered = String(recall(key) ?? "")));
    this.#fit();
  }

  focus() {
    this.#body.focus();
  }

  /** The id of the message that is answered by what is said next, or "". */
  get answered() {
    return this.#answered;
  }

  set answered(id) {
    if (id === this.#answered) return;
    this.#answered = id;
    remember(this.#answerKey, id || null);
    this.#options.onAnswer();
  }

  /** Put `text` back into the box, above what is in it. @param {string} text */
  giveBack(text) {
    this.#write(this.#text ? `${text}\n${this.#text}` : text);
    this.focus();
  }

  /** Have something else than a new message written; with null, go on with that. @param {Loan|null} loan @param {string} [text] */
  lend(loan, text = this.#draft) {
    if (!this.#loan) this.#draft = this.#body.value;
    this.#loan = loan;
    this.#body.value = text;
    this.#recalled = -1;
    this.#fit();
    this.#save();
  }

  /** What is to be said: kept as a draft. */
  get #text() {
    return this.#loan ? this.#draft : this.#body.value;
  }

  set #text(text) {
    if (this.#loan) this.#draft = text;
    else this.#body.value = text;
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
    const loan = this.#loan;
    const attached = loan ? undefined : this.attached;
    if (isBlank(text) && !attached) return loan?.submit("");
    const timestamp = clockText(new Date());
    const send = loan ? loan.submit : this.#options.onSend;
    const answered = loan ? "" : this.#answered;
    const problem = this.#tooLong(text, loan?.id ?? timestamp, answered) || send(text, timestamp, answered, attached);
    this.notice(problem);
    if (problem || loan) return;
    this.#said = [text, ...this.#said.filter((said) => said !== text)].filter(Boolean).slice(0, MOST_RECALLED);
    this.#write("");
    this.answered = "";
    this.#toldAt = 0;
  }

  /** @param {string} body @param {string} timestamp @param {string} replyTo */
  #tooLong(body, timestamp, replyTo) {
    const most = this.#options.maxMessageBytes();
    const cmid = newCmid();
    const excess = byteLength(messageFrame({ cmid, body, timestamp, replyTo, file: this.attached })) - most;
    return excess > 0 ? t.tooLong(excess, most) : "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // That key ends a word in an input method; Safari has ended it already and says so by 229 only.
    if (event.isComposing || event.keyCode === 229) return;
    const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !this.#loan;
    const sends = !isTouch() || event.ctrlKey || event.metaKey; // with a keyboard at hand, a finger is still first
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && sends) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (plain && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      this.#recall(event, event.key === "ArrowUp" ? 1 : -1);
    } else if (plain && event.key === "ArrowUp" && !this.#body.value) {
      event.preventDefault();
      this.#options.onUp();
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
    if (this.#loan || !this.#body.value.trim() || now - this.#toldAt < TELL_EVERY) return;
    this.#toldAt = now;
    this.#options.onTyping();
  }

  /** @param {string} text */
  #write(text) {
    this.#text = text;
    this.#recalled = -1;
    this.#fit();
    this.#save();
  }

  #save() {
    clearTimeout(this.#saveTimer);
    const text = this.#text;
    if (text !== this.#saved && remember(this.#draftKey, text || null)) this.#saved = text;
  }

  /** Another tab may have gone on with the draft, or sent it. */
  #look() {
    const untouched = this.#text === this.#saved;
    this.#saved = this.#kept();
    if (!untouched || this.#text === this.#saved) return;
    this.#text = this.#saved;
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
