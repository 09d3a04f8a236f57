/** What a host has beside everybody else in the list of people: a button that leads to what there is to decide. */

import { button, byId } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { words } from "./words.js";

/**
 * Show who is here, with these buttons for a host. Whoever has the focus in the list keeps it there.
 *
 * @param {import("./hosting.js").Hosting} hosting
 * @param {Readonly<import("../base/store.js").State>} state
 * @param {() => void} show
 */
export function showWithTools(hosting, { role, me, people }, show) {
  const list = byId("people", HTMLElement);
  const focused = document.activeElement?.closest("#people li");
  const at = focused ? [...list.children].indexOf(focused) : -1;
  show();
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[data-id]"))) {
    const { id = "" } = item.dataset;
    const old = item.querySelector("button");
    if (!role || id === me.userId) old?.remove();
    else if (!old) item.append(tool(hosting, id, people.get(id) ?? ""));
  }
  if (!(focused instanceof HTMLElement) || focused.isConnected) return;
  focusOn(focused.dataset.id ?? "", at);
}

/** Somebody's button or, where they are gone, the next one's. @param {string} id @param {number} [at] in the list */
export function focusOn(id, at = 0) {
  const list = byId("people", HTMLElement);
  const item = list.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? list.children[Math.min(at, list.children.length - 1)];
  /** @type {HTMLElement} */ (item?.querySelector("button") ?? list).focus();
}

/** @param {import("./hosting.js").Hosting} hosting @param {string} id @param {string} name */
function tool(hosting, id, name) {
  const made = button("icon-button", "⋯", () => hosting.openPerson(id, name));
  made.ariaLabel = made.title = words.about(shownName(name));
  return made;
}
