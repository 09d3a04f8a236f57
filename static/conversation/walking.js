/** From message to message by keys: to the Tab key, the list is one stop. Loaded when one has the focus, or before. */

import { moveTabStop } from "./row.js";

const MOST_READ = 500; // characters of a message in its name

const STEPS = /** @type {Record<string, (at: number, count: number) => number>} */ ({
  ArrowUp: (at) => at - 1,
  ArrowDown: (at) => at + 1,
  Home: () => 0,
  End: (_, count) => count - 1,
});

let begun = false;

/** @param {HTMLElement} list of messages, among which there may be notes */
export function walkByKeys(list) {
  if (begun) return;
  begun = true;
  list.addEventListener("keydown", (event) => {
    const item = event.target;
    if (!(item instanceof HTMLElement) || item.parentElement !== list) return; // a link or code in it
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "Enter") return item.querySelector("a.when")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    const messages = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(":scope > .message")]);
    const to = messages[STEPS[event.key]?.(messages.indexOf(item), messages.length) ?? -1];
    if (!to) return;
    event.preventDefault();
    nameItem(to);
    to.focus();
  });
  const arrive = () => {
    const item = document.activeElement?.closest("#list > .message");
    if (!(item instanceof HTMLElement)) return;
    moveTabStop(list);
    nameItem(item);
  };
  list.addEventListener("focusin", arrive);
  arrive(); // before this module did
}

/** What a screen reader says of a message that has the focus. @param {HTMLElement} item */
export function nameItem(item) {
  const parts = [...item.querySelectorAll(".answered, .sender, .host-mark, .text, .file :is(img, a, button, p), .edited, .when, .reactions")];
  const said = parts.map((part) => (part instanceof HTMLImageElement ? part.alt : part.textContent) ?? "").filter(Boolean);
  item.ariaLabel = said.map((words) => words.slice(0, MOST_READ)).join(", ");
}
