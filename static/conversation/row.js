/** One message as an item of the list; also one that is still on its way. */

import { button, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { initial, shownName } from "../base/text.js";
import { hueClass } from "../people/colours.js";
import { isJumbo, parse, render } from "./markup.js";
import { fullTime, shortTime } from "./time.js";

const LONG_TEXT = 1_500; // UTF-16 units
const LONG_LINES = 18;

/** @typedef {import("../connection/session.js").Message} Message */

/**
 * @param {string} userName
 * @param {string} body
 * @param {string} [me] the reader's name, which stands out
 * @returns {Node[]} what a message and one on its way have in common
 */
export function linesOf(userName, body, me = "") {
  const name = shownName(userName);
  const avatar = element("span", "avatar", initial(name));
  avatar.ariaHidden = "true";
  const sender = element("bdi", "sender", name);
  sender.title = name;
  const text = element("div", isJumbo(body) ? "text jumbo" : "text");
  text.dir = "auto";
  text.append(...render(parse(body, me)));
  return [avatar, sender, text];
}

/**
 * @param {Message} message
 * @param {{own: boolean, me: string}} reader
 */
export function messageRow(message, { own, me }) {
  const item = element("li", `message ${hueClass(message.userName)}`);
  item.dataset.id = message.id;
  const row = element("div", "row", ...linesOf(message.userName, message.body, own ? "" : me));
  row.append(timeLink(message));
  item.append(row);
  item.classList.toggle("own", own);
  if (!message.userId) uncheck(row);
  const mentioned = row.querySelector("mark");
  if (mentioned) {
    item.classList.add("mentioned");
    row.append(element("span", "unseen", t.mentionsYou));
  }
  if (isLong(message.body)) fold(item, row);
  return item;
}

/** Time of day, the exact one on hover; it is the link to the message. @param {Message} message */
function timeLink(message) {
  const date = dateOf(message);
  const time = element("time", "", date ? shortTime(date) : message.timestamp);
  const link = element("a", "when", time);
  link.href = `#${message.id}`;
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
  sender.title = t.unchecked;
}

/** @param {string} body */
function isLong(body) {
  return body.length > LONG_TEXT || body.split("\n", LONG_LINES + 1).length > LONG_LINES;
}

/**
 * Nobody should have to scroll past a whole file: show its beginning, and the rest on request.
 *
 * @param {HTMLElement} item
 * @param {HTMLElement} row
 */
function fold(item, row) {
  const more = button("quiet more", t.showAll, () => {
    const folded = item.classList.toggle("folded");
    more.textContent = folded ? t.showAll : t.showLess;
    more.ariaExpanded = String(!folded);
  });
  more.ariaExpanded = "false";
  item.classList.add("folded");
  row.append(more);
}
