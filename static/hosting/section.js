/** What the sections of the sheet have in common. */

import { arrange, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { untranslated } from "../conversation/markup.js";

/** @param {string} title @param {...Node} content */
export function sectionOf(title, ...content) {
  return element("section", "", element("h3", "", title), ...content);
}

let entries = 0;

/**
 * One of a list, with what can be done about it: each button says of what, for whoever hears but the button.
 *
 * @param {string} key tells it apart from the others
 * @param {(Node|string)[]} about
 * @param {...HTMLElement} tools
 */
export function entry(key, about, ...tools) {
  const said = element("span", "about", ...about);
  said.id = `about-${(entries += 1)}`;
  for (const tool of tools) tool.setAttribute("aria-describedby", said.id);
  const item = element("li", "", said, ...tools);
  item.dataset.key = key;
  return item;
}

/** @param {string} name */
export function nameOf(name) {
  return untranslated(element("bdi", "", shownName(name)));
}

/**
 * Fill a list: an item that reads as before stays. Whoever has the focus on a button of one that goes has it on the next.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement[]} items each with a key
 */
export function refill(list, items) {
  const before = new Map(/** @type {HTMLElement[]} */ ([...list.children]).map((item) => [item.dataset.key, item]));
  const buttons = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
  const focused = buttons().find((one) => one === document.activeElement);
  const at = focused ? buttons().indexOf(focused) : -1;
  arrange(list, items.map((item) => {
    const old = before.get(item.dataset.key);
    before.delete(item.dataset.key);
    return old?.textContent === item.textContent ? old : item;
  }));
  if (!focused || focused.isConnected) return;
  const next = buttons()[Math.min(at, buttons().length - 1)];
  (next ?? /** @type {HTMLElement} */ (list.closest("dialog")?.querySelector(".head button"))).focus();
}

/** Between the messages. @param {string} said */
export function noteOf(said) {
  return element("li", "note of-hosts", said);
}
