/** One message as an item of the list, or one that is still on its way; times and days as they are written there. */

import { element } from "../base/dom.js";
import { LANGUAGE } from "../base/language.js";
import { t } from "../base/strings.js";
import { initial, shownName } from "../base/text.js";
import { hostMark, hueClass } from "../people/people.js";
import { beginning, isJumbo, mentions, render, untranslated } from "./markup.js";

const GROUP_WITHIN = 5 * 60_000; // ms from a heading in which messages of its sender share it

// The browser's own locale where it speaks the page's language: it knows 12 from 24 hours.
export const locale = globalThis.navigator?.language?.startsWith(LANGUAGE) ? navigator.language : LANGUAGE;
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(locale, { dateStyle: "full" });

/**
 * What a text that is shown in part has in full, for folding.js.
 *
 * @type {WeakMap<Element, {body: string, me: string, by?: string}>}
 */
export const fullTexts = new WeakMap();

/** @typedef {import("../connection/session.js").Message} Message */
/** @typedef {import("../files/file_words.js").SharedFile} SharedFile */

/**
 * @param {string} userName
 * @param {string} body
 * @param {string} [me] the reader's name, which stands out
 * @param {string} [by] as of the message
 * @returns {HTMLElement[]} what a message and one on its way have in common: of the text, as much as is shown at once
 */
export function linesOf(userName, body, me = "", by = "") {
  const name = shownName(userName);
  const avatar = untranslated(element("span", "avatar", initial(name)));
  avatar.ariaHidden = "true";
  const sender = untranslated(element("bdi", "sender", name));
  sender.title = name;
  const text = element("div", isJumbo(body) ? "text jumbo" : "text");
  text.dir = "auto";
  const { parts, whole } = beginning(body, me, by);
  text.append(...render(parts));
  if (!whole) fullTexts.set(text, { body, me, by });
  return [avatar, sender, text];
}

/** @type {(line: HTMLAnchorElement, id: string) => void} */
let fill = () => {};

/** Have the lines filled that say what is answered. @param {typeof fill} how */
export function fillAnswered(how) {
  fill = how;
}

/** A line of the message that is answered, and the way there; empty until it is filled. @param {string} id */
export function answeredLine(id) {
  const line = element("a", "answered");
  line.dataset.of = id;
  line.tabIndex = -1; // see timeLink, also for the next one
  line.ariaLive = "off";
  fill(line, id);
  return line;
}

/** @type {(box: HTMLElement, file: SharedFile, onlyOnRequest?: boolean) => void} */
let fillFile = () => {};

/** Have the places filled that pictures and files have. @param {typeof fillFile} how */
export function fillFiles(how) {
  fillFile = how;
}

/** The place of a picture or file: as large as it will be, and empty until it is filled. @param {SharedFile} file @param {boolean} [onlyOnRequest] shown */
export function fileBox(file, onlyOnRequest) {
  const box = element("div", "file");
  const { width, height } = file;
  if (width && height) box.style.cssText = `width:${Math.min(352, width, (320 * width) / height)}px;aspect-ratio:${width}/${height}`;
  fillFile(box, file, onlyOnRequest);
  return box;
}

/**
 * @param {Message} message
 * @param {{own: boolean, me: string}} reader
 */
export function messageRow(message, { own, me }) {
  const item = element("li", `message ${hueClass(message.userName)}`);
  item.dataset.id = message.id;
  item.tabIndex = -1;
  const lines = linesOf(message.userName, message.body, own ? "" : me, message.by);
  const row = element("div", "row", ...lines, timeLink(message));
  if (message.file) lines[2].after(fileBox(message.file));
  if (message.replyTo) item.append(answeredLine(message.replyTo));
  item.append(row);
  item.classList.toggle("own", own);
  if (message.by === "host") lines[1].after(hostMark());
  if (!message.userId) uncheck(row);
  const isPart = fullTexts.has(lines[2]);
  if (row.querySelector("mark") || (isPart && !own && mentions(message.body, me, message.by))) {
    item.classList.add("mentioned");
    row.append(element("span", "unseen", t.mentionsYou));
  }
  if (message.editedAt) row.append(editedMark(message.editedAt));
  if (isPart) fold(item, row);
  return item;
}

/** That it read otherwise before; until when, on hover and for screen readers. @param {string} at */
function editedMark(at) {
  const when = fullTime(new Date(at));
  const mark = element("span", "edited", t.edited, element("span", "unseen", `, ${when}`));
  mark.title = when;
  return mark;
}

/** Time of day, the exact one on hover; it is the link to the message. @param {Message} message */
function timeLink(message) {
  const date = dateOf(message);
  const time = element("time", "", date ? shortTime(date) : message.timestamp);
  const link = element("a", "when", time);
  link.href = `#${message.id}`;
  link.tabIndex = -1; // the message itself is what keys reach
  link.ariaLive = "off"; // of what is new, the sender and the text are read out
  if (date) {
    time.dateTime = date.toISOString();
    link.title = fullTime(date);
    link.ariaLabel = t.linkTo(shortTime(date));
  }
  return link;
}

/** @param {{sentAt: string}} message */
export function dateOf({ sentAt }) {
  const date = new Date(sentAt ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** A plain client's name is whatever it says it is. @param {HTMLElement} row */
function uncheck(row) {
  const sender = /** @type {HTMLElement} */ (row.querySelector(".sender"));
  sender.classList.add("unchecked");
  sender.title = row.dataset.doubt = t.unchecked; // in sight where the message has the focus: a finger does not hover
}

/** The rest is there on request: see folding.js. @param {HTMLElement} item @param {HTMLElement} row */
function fold(item, row) {
  const more = element("button", "quiet more", t.showAll);
  more.type = "button";
  more.ariaExpanded = "false";
  item.classList.add("folded");
  row.append(more);
}

/** @param {Date|null} day that begins with a message @param {import("./timeline.js").Mark} [mark] */
export function linesAbove(day, mark) {
  const lines = [];
  if (day) {
    const time = element("time", "day", dayName(day));
    time.dateTime = day.toISOString();
    lines.push(element("p", "between date", time));
  }
  if (mark) lines.push(element("p", `between ${mark.kind}`, element("span", "", mark.text)));
  return lines;
}

/**
 * By the Tab key, one message is reached: the one that has the focus, else the newest. See walking.js.
 *
 * @param {HTMLElement} list
 */
export function moveTabStop(list) {
  const messages = /** @type {HTMLElement[]} */ ([...list.children].filter((item) => item.matches(".message")));
  const wanted = messages.find((item) => item.contains(document.activeElement)) ?? messages.at(-1);
  for (const item of messages) if (item !== wanted && item.tabIndex === 0) item.tabIndex = -1;
  if (wanted) wanted.tabIndex = 0;
}

/** @param {Date} date */
export const shortTime = (date) => clock.format(date);

/** @param {Date} date */
export const fullTime = (date) => exact.format(date);

/**
 * "Today", "Yesterday" or the date, as seen at `now`.
 *
 * @param {Date} date
 */
export function dayName(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (sameDay(date, now)) return t.today;
  if (sameDay(date, yesterday)) return t.yesterday;
  return (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);
}

/** "Today" does not stay today: word the days anew. @param {HTMLElement} list */
export function renameDays(list) {
  for (const time of list.querySelectorAll("time.day")) {
    time.textContent = dayName(new Date(/** @type {HTMLTimeElement} */ (time).dateTime));
  }
}

/**
 * Whether two dates fall on one calendar day of the reader.
 *
 * @param {Date} one
 * @param {Date} other
 */
export function sameDay(one, other) {
  return one.toDateString() === other.toDateString();
}

/**
 * How a line stands below the one before it: does a day begin, does it share the heading?
 *
 * @typedef {object} Line
 * @property {string} sender tells people apart
 * @property {Date|null} date
 * @property {Date|null} [headed] when the heading was written under which it stands
 *
 * @param {Line|null} before
 * @param {Line} line
 */
export function standing(before, line) {
  const newDay = line.date !== null && !(before?.date && sameDay(before.date, line.date));
  const headed = before?.headed ?? before?.date;
  const follows =
    !newDay && before !== null && before.sender === line.sender && !!headed && line.date !== null &&
    line.date.getTime() - headed.getTime() < GROUP_WITHIN;
  return { newDay, follows };
}
