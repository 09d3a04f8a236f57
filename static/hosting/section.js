/** What the sections of the sheet have in common. */

import { element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { untranslated } from "../conversation/markup.js";

/** @param {string} title @param {...Node} content */
export function sectionOf(title, ...content) {
  return element("section", "", element("h3", "", title), ...content);
}

/** One of a list, with what can be done about it. @param {(Node|string)[]} about @param {...Node} tools */
export function entry(about, ...tools) {
  return element("li", "", element("span", "about", ...about), ...tools);
}

/** @param {string} name */
export function nameOf(name) {
  return untranslated(element("bdi", "", shownName(name)));
}

/**
 * Fill a list anew; whoever has the focus on one of its buttons keeps it on the one that stands there now.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items
 */
export function refill(list, items) {
  const buttons = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
  const at = buttons().findIndex((one) => one === document.activeElement);
  list.replaceChildren(...items);
  if (at < 0) return;
  const next = buttons()[Math.min(at, buttons().length - 1)];
  (next ?? /** @type {HTMLElement} */ (list.closest("dialog")?.querySelector(".head button"))).focus();
}
