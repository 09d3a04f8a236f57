/** The small parts of the sheet in which a host chooses. */

import { button, byId, element, isTouch } from "../base/dom.js";

const AT_REST = 700; // ms
const SURE_WITHIN = 6_000; // ms
const SURE_AFTER = 500; // ms; whoever clicks twice at once means one click

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
  let askedAt = 0;
  const calm = () => {
    clearTimeout(timer);
    timer = 0;
    made.textContent = label;
    made.classList.remove("danger");
  };
  const made = button(className, label, () => {
    if (timer) {
      if (performance.now() - askedAt < SURE_AFTER) return;
      calm();
      return work();
    }
    askedAt = performance.now();
    made.textContent = sure;
    made.classList.add("danger");
    timer = setTimeout(calm, SURE_WITHIN);
  });
  made.addEventListener("blur", calm);
  made.addEventListener("keydown", stopRepeating);
  return made;
}

/** A key that is held down means one press. @param {KeyboardEvent} event */
export function stopRepeating(event) {
  if (event.repeat && event.key === "Enter") event.preventDefault();
}

/** What had the focus goes: on to the box or, where that would open a keyboard on the screen, to the conversation. */
export function toWriting() {
  byId(isTouch() ? "scroller" : "body", HTMLElement).focus();
}

/**
 * Radio buttons that do something. By arrows, one passes others on the way to the one that is meant: that counts once one
 * rests there, or goes on.
 *
 * @param {HTMLElement} group
 * @param {(value: string) => void} choose
 * @returns {() => boolean} whether somebody is on the way
 */
export function whenChosen(group, choose) {
  let [timer, value, isByKey] = [0, "", false];
  const rest = () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    choose(value);
  };
  group.addEventListener("keydown", ({ key }) => (isByKey = key.startsWith("Arrow")));
  group.addEventListener("pointerdown", () => (isByKey = false));
  group.addEventListener("focusout", ({ relatedTarget }) => group.contains(/** @type {Node|null} */ (relatedTarget)) || rest());
  group.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    value = target.value;
    clearTimeout(timer);
    timer = setTimeout(rest, isByKey ? AT_REST : 0);
  });
  return () => timer !== 0;
}
