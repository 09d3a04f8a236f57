/** Shows all of a long message, and less of it again. Loaded when it is first wanted. */

import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { beginning, pieces, render } from "./markup.js";
import { fullTexts } from "./row.js";

const AT_ONCE = 200; // parts that are drawn before the page does anything else
const MOST_AT_ONCE = 2_000; // later, since each time all of the paragraph is laid out
const BREATH = 10; // ms
const MOST_ON_PAPER = 500; // parts of one message

/**
 * @typedef {import("./markup.js").Part} Part
 * @typedef {(work: () => void, still: Element) => void} Change changes what is shown, while something stands still
 */

/** @type {WeakMap<Element, Iterator<Part>>} what is still to be drawn of a text */
const rests = new WeakMap();

/** @param {Element} item @returns {Element} */
function textOf(item) {
  return /** @type {Element} */ (item.querySelector(".text"));
}

/** Show all of a message, or less again. @param {Element} more its button @param {Change} change */
export function toggle(more, change) {
  const item = /** @type {Element} */ (more.closest("li"));
  // Above the end, the reader is left at the beginning of what unfolds: they want that first.
  if (item.classList.contains("folded")) unfold(item, change);
  else change(() => fold(item), more);
}

/** A browser scrolls in what is folded to show what has the focus, or was searched for: it is wanted whole. @param {Element} text @param {Change} change */
export function uncover(text, change) {
  unfold(/** @type {Element} */ (text.closest("li")), change);
  text.scrollTop = 0;
  if (text.contains(document.activeElement)) document.activeElement?.scrollIntoView({ block: "nearest" });
}

/** A step at a time. @param {Element} item @param {Change} change */
async function unfold(item, change) {
  const text = textOf(item);
  const full = fullTexts.get(text);
  if (!full) return;
  const rest = pieces(full.body, full.me, full.by);
  rests.set(text, rest);
  let most = AT_ONCE;
  let parts = next(rest, most);
  change(() => {
    const focused = [...text.querySelectorAll("a, pre")].findIndex((node) => node === document.activeElement);
    text.replaceChildren(...render(parts));
    const again = /** @type {HTMLElement[]} */ ([...text.querySelectorAll("a, pre")])[focused];
    again?.focus({ preventScroll: true });
    say(item, false);
  }, item);
  while (parts.length === most) {
    await new Promise((wake) => setTimeout(wake, BREATH));
    if (rests.get(text) !== rest || !text.isConnected) return; // folded again, or gone
    most = Math.min(2 * most, MOST_AT_ONCE);
    parts = next(rest, most);
    change(() => text.append(...render(parts)), item);
  }
}

/** Show the beginning of a message alone. @param {Element} item */
export function fold(item) {
  const text = textOf(item);
  const full = fullTexts.get(text);
  if (!full) return;
  rests.delete(text);
  text.replaceChildren(...render(beginning(full.body, full.me, full.by).parts));
  say(item, true);
}

/** Show all of a message at once; of one that has far too many links and the like, the rest as plain text. @param {Element} item */
export function unfoldForPaper(item) {
  const text = textOf(item);
  const full = fullTexts.get(text);
  if (!full) return;
  const rest = pieces(full.body, full.me, full.by);
  const parts = next(rest, MOST_ON_PAPER);
  text.replaceChildren(...render(parts), ...render([{ kind: "text", text: [...rest].map((part) => part.text).join("") }]));
  say(item, false);
}

/** @param {Iterator<Part>} rest @param {number} most */
function next(rest, most) {
  const parts = [];
  for (let step = rest.next(); !step.done; step = rest.next()) {
    parts.push(step.value);
    if (parts.length === most) break;
  }
  return parts;
}

/** @param {Element} item @param {boolean} folded */
function say(item, folded) {
  item.classList.toggle("folded", folded);
  const more = item.querySelector(".more");
  if (!more) return;
  more.textContent = folded ? t.showAll : late.showLess;
  more.ariaExpanded = String(!folded);
}
