/** Puts the whole of what is shown on paper. Loaded while there is nothing else to do: printing waits for nothing. */

import { byId, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { at } from "../connection/addresses.js";
import { fold, unfoldForPaper } from "./folding.js";
import { fullTime } from "./row.js";

let begun = false;

/** @param {string} room */
export function printAll(room) {
  if (begun) return;
  begun = true;
  const list = byId("list", HTMLElement);
  const head = element("div", "print-head");
  /** @type {Element[]} */
  let unfolded = [];

  addEventListener("beforeprint", () => {
    unfolded = [...list.querySelectorAll(".folded")];
    unfolded.forEach(unfoldForPaper);
    head.replaceChildren(...headOf(list, room));
    byId("script", HTMLElement).prepend(head);
  });
  addEventListener("afterprint", () => {
    unfolded.forEach(fold);
    head.remove();
  });
}

/** The room, the date, which part of the conversation it is, and where the whole is. @param {HTMLElement} list @param {string} room */
function headOf(list, room) {
  const days = [...list.querySelectorAll(".message .when time")].map((time) => /** @type {HTMLTimeElement} */ (time).dateTime);
  const [first, last] = [days.at(0), days.at(-1)].map((day) => (day ? fullTime(new Date(day)) : ""));
  const whole = at(`rooms/${encodeURIComponent(room)}/transcript`).href;
  return [
    element("h2", "", element("bdi", "", room)),
    element("p", "", late.printedAt(fullTime(new Date()))),
    element("p", "", first && last ? `${late.printedPart(first, last)} ` : "", late.printedWhole(whole)),
  ];
}
