/** The small parts of the sheet in which a host chooses. */

import { button, element } from "../base/dom.js";

const SURE_WITHIN = 6_000; // ms

/** @param {string} id */
export function checkbox(id) {
  const made = element("input");
  made.type = "checkbox";
  made.id = id;
  return made;
}

/**
 * A button for what cannot be undone in one go: the first click asks, the second one does it.
 *
 * @param {string} className
 * @param {string} label
 * @param {string} sure
 * @param {() => void} work
 */
export function twice(className, label, sure, work) {
  let timer = 0;
  const calm = () => {
    clearTimeout(timer);
    timer = 0;
    made.textContent = label;
    made.classList.remove("danger");
  };
  const made = button(className, label, () => {
    if (timer) {
      calm();
      return work();
    }
    made.textContent = sure;
    made.classList.add("danger");
    timer = setTimeout(calm, SURE_WITHIN);
  });
  made.addEventListener("blur", calm);
  return made;
}
