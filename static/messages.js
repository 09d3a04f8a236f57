/** The conversation as it stands on the page: committed messages, grouped, under their days. */

import { dayName, fullTime, hueClass, initial, sameDay, shortTime } from "./text.js";
import { element } from "./dom.js";

const MOST_SHOWN = 2_000; // messages in the page; more make typing and scrolling slow
const MOST_WHILE_READING = 4_000; // nothing is taken away above a reader's eyes before this
const IDS_KEPT = 5_000; // above MOST_SHOWN and any usual replay
const GROUP_WITHIN = 5 * 60_000; // ms between messages of one sender that share a heading
const LONG_TEXT = 1_500; // UTF-16 units
const LONG_LINES = 18;

/**
 * @typedef {object} Message
 * @property {string} userName
 * @property {string} body
 * @property {string} timestamp what its sender's clock read, as text
 * @property {string} [id] unique, opaque
 * @property {string} [sentAt] ISO 8601
 */
export class MessageList {
  #log;
  #empty;
  #queue = [];
  #ids = new Set();
  #count = 0;
  #last = null; // {userName, date, own} of the last message, or null where the next starts anew

  /** @param {{log: HTMLElement, empty: HTMLElement}} parts */
  constructor({ log, empty }) {
    this.#log = log;
    this.#empty = empty;
  }

  /**
   * Have `message` shown by the next flush().
   *
   * @param {Message} message
   * @param {boolean} own whether to show it as the reader's own
   * @returns {boolean} false if it is on the page already
   */
  add(message, own) {
    if (this.has(message)) return false;
    if (message.id) {
      this.#ids.add(message.id);
      if (this.#ids.size > IDS_KEPT) this.#ids.delete(this.#ids.values().next().value);
    }
    this.#queue.push({ message, own });
    if (this.#queue.length > MOST_SHOWN) this.#queue.shift(); // would be taken away again at once
    return true;
  }

  /** Whether `message` has been added before. */
  has({ id }) {
    return this.#ids.has(id);
  }

  /** Say, before the next message, that some are missing. */
  addGap() {
    this.#queue.push({ gap: true });
  }

  /** Whether the reader is being shown past messages, which are not to be read out. */
  set busy(busy) {
    this.#log.setAttribute("aria-busy", String(busy));
    this.#empty.hidden = busy || this.#count + this.#queue.length > 0;
  }

  /**
   * Put what was added onto the page, in one go.
   *
   * @param {boolean} mayTrim whether old messages may go, because the reader is at the newest
   */
  flush(mayTrim) {
    if (this.#queue.length === 0) return;
    const fragment = document.createDocumentFragment();
    for (const { gap, message, own } of this.#queue) {
      if (gap) this.#appendNote(fragment, "Some messages are missing here.");
      else this.#appendMessage(fragment, message, own);
    }
    this.#queue = [];
    this.#empty.hidden = true;
    this.#log.append(fragment);
    if (this.#count > (mayTrim ? MOST_SHOWN : MOST_WHILE_READING)) this.#trim();
  }

  /** Whether a message that `userName` writes now goes under the heading of the last one. */
  continues(userName, own, date = new Date()) {
    const last = this.#last;
    if (!last || last.userName !== userName || last.own !== own || !last.date || !date) return false;
    return sameDay(last.date, date) && date - last.date < GROUP_WITHIN;
  }

  /** "Today" does not stay today: word the days anew. */
  renameDays() {
    for (const time of this.#log.querySelectorAll(".day time")) {
      time.textContent = dayName(new Date(time.dateTime));
    }
  }

  #appendMessage(fragment, message, own) {
    const date = dateOf(message);
    if (date && !(this.#last?.date && sameDay(this.#last.date, date))) fragment.append(dayElement(date));
    const follows = this.continues(message.userName, own, date);
    fragment.append(messageElement(message, { date, own, follows }));
    this.#last = { userName: message.userName, date, own };
    this.#count += 1;
  }

  #appendNote(fragment, text) {
    fragment.append(element("p", "note", text));
    this.#last = null;
  }

  /** Take the oldest away; what is then on top gets the heading that it shared before. */
  #trim() {
    const kept = [...this.#log.querySelectorAll(".message")].slice(-MOST_SHOWN);
    const first = kept[0];
    while (this.#log.firstChild !== first) this.#log.firstChild.remove();
    first.classList.remove("follows");
    this.#log.prepend(element("p", "note", "Older messages are not shown."));
    const time = first.querySelector("time[datetime]");
    if (time) first.before(dayElement(new Date(time.dateTime)));
    this.#count = kept.length;
  }
}

/** The parts that a message, committed or pending, has in common: avatar, sender and text. */
export function linesOf({ userName, body }) {
  const avatar = element("span", "avatar", initial(userName));
  avatar.setAttribute("aria-hidden", "true");
  const sender = element("bdi", "sender", userName);
  sender.title = userName;
  const text = element("div", "text", body);
  text.dir = "auto";
  return [avatar, sender, text];
}

function messageElement(message, { date, own, follows }) {
  const made = element("article", `message ${hueClass(message.userName)}`);
  if (own) made.classList.add("own");
  if (follows) made.classList.add("follows");
  made.append(...linesOf(message), timeElement(message, date));
  if (isLong(message.body)) fold(made);
  return made;
}

function timeElement(message, date) {
  const time = element("time", "", date ? shortTime(date) : message.timestamp);
  if (date) {
    time.dateTime = date.toISOString();
    time.title = fullTime(date);
  }
  return time;
}

function dayElement(date) {
  const day = element("div", "day");
  const time = element("time", "", dayName(date));
  time.dateTime = date.toISOString();
  day.append(time);
  return day;
}

function dateOf({ sentAt }) {
  const date = new Date(sentAt ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

function isLong(body) {
  return body.length > LONG_TEXT || body.split("\n", LONG_LINES + 1).length > LONG_LINES;
}

/** Nobody should have to scroll past a whole file: show its beginning, and the rest on request. */
function fold(message) {
  const more = element("button", "quiet more", "Show all");
  more.type = "button";
  more.setAttribute("aria-expanded", "false");
  more.addEventListener("click", () => {
    const folded = message.classList.toggle("folded");
    more.textContent = folded ? "Show all" : "Show less";
    more.setAttribute("aria-expanded", String(!folded));
  });
  message.classList.add("folded");
  message.append(more);
}
