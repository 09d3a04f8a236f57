/**
 * The conversation as it stands on the page: a window onto the room, without holes, of a bounded
 * number of items.
 *
 * It is *attached* while its last item is the room's newest message. A reader far above the end,
 * or one who followed a link to an old message, looks through a window that is not; what comes
 * meanwhile is kept in its tail, with which the window can be attached again at once.
 */

import { element } from "../base/dom.js";
import { seqOf } from "../base/text.js";
import { dateOf, linesAbove, messageRow, moveTabStop, standing } from "./row.js";
import { Tail, placeFor } from "./tail.js";

const MOST_SHOWN = 500; // items in the page
const KEPT = 350; // of them, when there were more

/**
 * @typedef {import("../connection/session.js").Message} Message
 * @typedef {object} Entry
 * @property {string} id of the message; "" for a note
 * @property {HTMLLIElement} node
 * @property {import("./row.js").Line|null} line
 * @property {Message} [message]
 * @property {string} [instead] of which message the note stands here
 *
 * @typedef {{kind: "unread"|"missed"|"gap", text: string}} Mark a line above a message
 */
export class Timeline {
  #list;
  #reader;
  /** @type {Entry[]} */
  #entries = [];
  /** @type {Map<string, Entry>} */
  #byId = new Map();
  /** @type {Array<Message|HTMLLIElement>} */
  #queue = [];
  #tail = new Tail();
  /** @type {Map<string, Mark>} */
  #marks = new Map();
  #attached = true;
  #from = Infinity; // seq from which on the window has no hole, whatever was removed
  #restored = new Set(); // ids of messages that are no news when they are shown

  /** @param {HTMLElement} list @param {() => {userId: string, userName: string}} reader */
  constructor(list, reader) {
    this.#list = list;
    this.#reader = reader;
  }

  get attached() {
    return this.#attached;
  }

  /** Whether nothing was said; notes do not count. */
  get empty() {
    return !this.first && this.#queue.every((item) => item instanceof HTMLLIElement);
  }

  /** @returns {Message|undefined} */
  get first() {
    return this.#entries.find(({ message }) => message)?.message;
  }

  /** @returns {Message|undefined} */
  get last() {
    return this.#entries.findLast(({ message }) => message)?.message;
  }

  /** The room's newest message that the page has been told of. */
  get newest() {
    return this.tail.at(-1);
  }

  /** @returns {readonly Message[]} the newest messages, oldest first, also those that are not shown */
  get tail() {
    return this.#tail.messages;
  }

  /** @param {{userId?: string}} message */
  isOwn({ userId }) {
    return Boolean(userId) && userId === this.#reader().userId;
  }

  /** Have a message shown at the end by the next flush(). @param {Message} message @returns {boolean} false if it is known already */
  add(message) {
    if (!this.#tail.add(message)) return false;
    if (this.#attached && !this.#byId.has(message.id)) this.#queue.push(message);
    return true;
  }

  /** Have an item shown that is not a message. @param {HTMLLIElement} node */
  addNote(node) {
    if (this.#attached) this.#queue.push(node);
  }

  /** What was queued last, or stands last, if it is a note: then the next one belongs to it. */
  get lastNote() {
    const last = this.#queue.length ? this.#queue.at(-1) : this.#entries.at(-1);
    if (last instanceof HTMLLIElement) return last;
    return last && "node" in last && !last.message ? last.node : null;
  }

  /** Put what was added onto the page, in one go. @param {boolean} following the reader is at the end: then old items may go */
  flush(following) {
    const queued = this.#queue.splice(0);
    if (queued.length === 0) return;
    // A crowd of old items that nobody saw need not be made only to be thrown away.
    if (following && queued.length > MOST_SHOWN) queued.splice(0, queued.length - KEPT);
    const fit = Math.max(0, 2 * MOST_SHOWN - this.#entries.length);
    if (!following && queued.splice(fit).length) this.#attached = false;
    this.#append(queued);
    if (following && this.#entries.length > MOST_SHOWN) this.#cutTop();
  }

  /** Show the newest messages again, whatever was shown before. */
  attach() {
    if (this.#attached) return;
    this.#clear();
    this.#attached = true;
    this.#append(this.tail.slice(-KEPT));
  }

  /** Show these instead of what is shown: messages from somewhere in the room's past. @param {Message[]} messages */
  show(messages) {
    this.#clear();
    this.#attached = false;
    this.#append(messages);
    this.#join();
  }

  /** Put older messages on top. @param {Message[]} messages the ones just before the first */
  prepend(messages) {
    const fresh = messages.filter(({ id }) => !this.#byId.has(id));
    this.#from = messages.length ? Math.min(this.#from, seqOf(messages[0].id)) : 0;
    const made = fresh.map((message) => this.#entry(message));
    this.#entries.unshift(...made);
    this.#list.prepend(...made.map(({ node }) => node));
    made.forEach((_, at) => this.#decorate(at));
    this.#decorateFrom(made.length);
    if (this.#entries.length > MOST_SHOWN) this.#cutBottom();
    return fresh.length;
  }

  /** Put newer messages at the end of a window that is not attached. @param {Message[]} messages the ones just behind the last; none where there are none */
  extend(messages) {
    this.#append(messages.filter(({ id }) => !this.#byId.has(id)));
    if (messages.length === 0) this.#attached = true;
    else this.#join();
    if (this.#entries.length > MOST_SHOWN) this.#cutTop();
  }

  /** @param {string} id @returns {HTMLLIElement|null} */
  find(id) {
    return this.#byId.get(id)?.node ?? null;
  }

  /** Each copy of a message that is held. @param {string} id @returns {Message[]} */
  held(id) {
    const all = [this.#byId.get(id)?.message, ...this.tail, ...this.#queue];
    return /** @type {Message[]} */ (all.filter((one) => one?.id === id));
  }

  /** Take a message out; a line above it goes to the next one. @param {string} id @param {HTMLLIElement|null} [note] instead of it */
  remove(id, note) {
    const at = this.#entries.findIndex((entry) => entry.id === id);
    const run = /** @type {{id: string}[]} */ (at < 0 ? this.tail : this.#entries);
    const from = run.findIndex((one) => one.id === id);
    const next = run.find((one, where) => from >= 0 && where > from && one.id);
    const mark = this.#marks.get(id);
    if (mark && next) this.#marks.set(next.id, mark);
    this.#marks.delete(id);
    this.#tail.remove(id);
    this.#queue = this.#queue.filter((one) => one.id !== id);
    if (at < 0) return;
    if (note) this.#entries[at].node.before(note);
    this.#drop(at, 1);
    if (note) this.#entries.splice(at, 0, { id: "", node: note, line: null, instead: id });
    this.#decorateFrom(at);
    moveTabStop(this.#list);
  }

  /** Put a message back where it stood, or would have; what is not in the window comes with the rest. @param {Message} message */
  restore(message) {
    this.#tail.restore(message);
    if (this.#attached && this.#from === Infinity) this.#from = 0; // nothing was there, back to the room's beginning
    const note = this.#entries.findIndex(({ instead }) => instead === message.id);
    const at = note < 0 ? placeFor(this.#entries, message.id) : note;
    const isLast = at === this.#entries.length;
    if (at === 0 && this.#entries.length >= MOST_SHOWN) this.#from = seqOf(this.first?.id ?? ""); // whoever goes there loads the rest
    if (seqOf(message.id) < this.#from || (isLast && !this.#attached)) return;
    this.#restored.add(message.id);
    if (isLast && this.#queue.length) return void this.#queue.splice(placeFor(this.#queue, message.id), 0, message);
    const entry = this.#entry(message);
    this.#list.insertBefore(entry.node, this.#entries[at]?.node ?? null);
    if (note >= 0) this.#drop(note, 1);
    this.#entries.splice(at, 0, entry);
    this.#decorateFrom(at);
    moveTabStop(this.#list);
  }

  /** Draw a line above a message, in place of any other of this kind. @param {string} id @param {Mark} mark */
  mark(id, mark) {
    this.unmark(mark.kind);
    this.#marks.set(id, mark);
    this.#redecorate(id);
  }

  /** @param {Mark["kind"]} kind */
  unmark(kind) {
    if (kind === "gap") return; // what is missing stays missing
    for (const [id, mark] of this.#marks) {
      if (mark.kind !== kind) continue;
      this.#marks.delete(id);
      this.#redecorate(id);
    }
  }

  /** Whether a message that `userId` writes now goes under the heading of the last one. */
  continues(userId = this.#reader().userId) {
    const last = this.#entries.at(-1);
    return standing(last?.line ?? null, { sender: userId, date: new Date() }).follows;
  }

  /** @param {Array<Message|HTMLLIElement>} added */
  #append(added) {
    const from = this.#entries.length;
    const first = added.find((one) => !(one instanceof HTMLLIElement));
    if (first) this.#from = Math.min(this.#from, seqOf(first.id));
    const made = added.map((one) => (one instanceof HTMLLIElement ? { id: "", node: one, line: null } : this.#entry(one)));
    this.#entries.push(...made);
    made.forEach((_, at) => this.#decorate(from + at));
    this.#list.append(...made.map(({ node }) => node));
    moveTabStop(this.#list);
  }

  /** @param {Message} message @returns {Entry} */
  #entry(message) {
    const own = this.isOwn(message);
    const node = this.#row(message, own);
    if (this.#restored.delete(message.id)) node.ariaLive = "off";
    const sender = message.userId || `plain:${message.userName}`;
    const entry = { id: message.id, node, line: { sender, date: dateOf(message) }, message };
    this.#byId.set(message.id, entry);
    return entry;
  }

  /** Whatever is wrong with one message, those that came with it are shown. @param {Message} message @param {boolean} own */
  #row(message, own) {
    try {
      return messageRow(message, { own, me: this.#reader().userName });
    } catch (error) {
      reportError(error);
      return element("li", "message", message.body.slice(0, 1_500));
    }
  }

  /** What a message shares with the one above it, and the lines between them. @param {number} at */
  #decorate(at) {
    const entry = this.#entries[at];
    if (!entry?.line) return;
    const mark = this.#marks.get(entry.id);
    const before = this.#above(at);
    const { newDay, follows } = standing(before, entry.line);
    const joined = follows && !mark && this.#entries[at - 1]?.line !== null;
    entry.line.headed = joined ? (before?.headed ?? before?.date) : entry.line.date;
    entry.node.classList.toggle("follows", joined);
    for (const old of entry.node.querySelectorAll(":scope > .between")) old.remove();
    entry.node.prepend(...linesAbove(newDay ? entry.line.date : null, mark));
  }

  /** The same for all below whose heading that changes. @param {number} from */
  #decorateFrom(from) {
    for (let at = from; at >= 0 && at < this.#entries.length; at += 1) {
      const { line } = this.#entries[at];
      const before = line?.headed?.getTime();
      this.#decorate(at);
      if (line && line.headed?.getTime() === before) return;
    }
  }

  /** The message above, past any notes. @param {number} at */
  #above(at) {
    for (let above = at - 1; above >= 0; above -= 1) {
      if (this.#entries[above].line) return this.#entries[above].line;
    }
    return null;
  }

  /** @param {string} id */
  #redecorate(id) {
    this.#decorateFrom(this.#entries.findIndex((entry) => entry.id === id));
  }

  #cutTop() {
    this.#drop(0, this.#entries.length - KEPT);
    this.#from = seqOf(this.first?.id ?? "");
    this.#decorateFrom(0);
  }

  #cutBottom() {
    this.#drop(KEPT);
    this.#queue = [];
    this.#attached = false;
  }

  #drop(/** @type {number} */ from, count = Infinity) {
    for (const { id, node } of this.#entries.splice(from, count)) {
      node.remove();
      this.#byId.delete(id);
    }
  }

  /** If the window has reached what is held of the end, put the rest behind it. */
  #join() {
    const last = this.last;
    if (!last || !this.#tail.has(last.id)) return;
    const at = this.tail.findIndex(({ id }) => id === last.id);
    this.#append(this.tail.slice(at + 1).filter(({ id }) => !this.#byId.has(id)));
    this.#attached = true;
  }

  #clear() {
    this.#list.replaceChildren();
    this.#entries = [];
    this.#byId.clear();
    this.#queue = [];
    this.#from = Infinity;
  }
}
