/** The outbox as it stands on the page: what was written here and is still on its way. */

import { element } from "./dom.js";
import { hueClass } from "./text.js";
import { linesOf } from "./messages.js";

const SLOW_AFTER = 400; // ms; most messages are back sooner, and words that flash by help nobody

const SHOWN_AS = { waiting: "waiting", doubt: "waiting", sent: "sending", refused: "refused" };

/**
 * @typedef {import("./outbox.js").Item} Item
 * @typedef {{retry: (item: Item) => void, edit: (item: Item) => void, discard: (item: Item) => void}} Actions
 */
export class PendingView {
  #parent;
  #actions;
  #elements = new Map(); // Item.key -> element

  /** @param {HTMLElement} parent @param {Actions} actions what the buttons of a refused message do */
  constructor(parent, actions) {
    this.#parent = parent;
    this.#actions = actions;
  }

  /**
   * Show just these items.
   *
   * @param {readonly Item[]} items
   * @param {(userName: string) => boolean} continues whether the first goes under the list's last heading
   */
  show(items, continues) {
    const gone = new Map(this.#elements);
    let previous = null;
    for (const item of items) {
      const made = this.#elements.get(item.key) ?? this.#make(item);
      gone.delete(item.key);
      this.#update(made, item);
      const follows = previous === null ? continues(item.userName) : previous === item.userName;
      made.classList.toggle("follows", follows);
      previous = item.userName;
    }
    for (const [key, made] of gone) {
      made.remove();
      this.#elements.delete(key);
    }
  }

  #make(item) {
    const made = element("article", `pending own ${hueClass(item.userName)}`);
    made.append(...linesOf(item), element("div", "fate"));
    this.#elements.set(item.key, made);
    this.#parent.append(made);
    setTimeout(() => made.classList.add("slow"), SLOW_AFTER);
    return made;
  }

  #update(made, item) {
    const state = SHOWN_AS[item.state];
    if (made.dataset.state === state) return;
    made.dataset.state = state;
    const fate = made.querySelector(".fate");
    if (state === "sending") fate.replaceChildren("sending…");
    if (state === "waiting") fate.replaceChildren("waiting to be sent");
    if (state === "refused") {
      fate.replaceChildren(element("span", "reason", `Not sent: ${item.reason}`), ...this.#buttons(item));
    }
  }

  #buttons(item) {
    return ["Retry", "Edit", "Discard"].map((label) => {
      const action = label.toLowerCase();
      const button = element("button", `quiet ${action}`, label);
      button.type = "button";
      button.addEventListener("click", () => this.#actions[action](item));
      return button;
    });
  }
}
