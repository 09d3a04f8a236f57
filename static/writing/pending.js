/** The outbox as it stands on the page: what was written here and is still on its way. */

import { button, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { answeredLine, linesOf } from "../conversation/row.js";
import { hueClass } from "../people/people.js";

const SLOW_AFTER = 400; // ms; most messages are back sooner, and words that flash by help nobody

/**
 * @typedef {import("./outbox.js").Item} Item
 * @typedef {Record<"retry"|"edit"|"discard", (item: Item) => void> & {bring: (item: Item, fate: Element) => void}} Actions bring: the item has a file
 */
export class PendingView {
  #list;
  #actions;
  /** @type {Item[]} */
  #waiting = [];
  #words = element("span");
  #discardAll = button("quiet", t.discardAll, () => this.#waiting.forEach((item) => this.#actions.discard(item)));
  #note = element("li", "note waits", this.#words, " ", this.#discardAll); // said once of all that wait
  /** @type {Map<string, HTMLLIElement>} */
  #rows = new Map();

  /** @param {HTMLElement} list @param {Actions} actions what the buttons do */
  constructor(list, actions) {
    this.#list = list;
    list.append(this.#note);
    this.#actions = actions;
  }

  /**
   * Show just these items.
   *
   * @param {readonly Item[]} items
   * @param {string} userName under which they will be said
   * @param {boolean} continues whether the first goes under the list's last heading
   */
  show(items, userName, continues) {
    const gone = new Map(this.#rows);
    items.forEach((item, at) => {
      const row = this.#rows.get(item.cmid) ?? this.#make(item, userName);
      gone.delete(item.cmid);
      this.#update(row, item);
      row.classList.toggle("follows", at > 0 || continues);
    });
    for (const [cmid, row] of gone) {
      row.remove();
      this.#rows.delete(cmid);
    }
    this.#tellWaiting(items.filter(({ state }) => state === "waiting"));
    this.#list.hidden = items.length === 0;
  }

  /** @param {Item} item @param {string} userName */
  #make(item, userName) {
    const row = element("li", `pending own ${hueClass(userName)}`);
    if (item.replyTo) row.append(answeredLine(item.replyTo));
    row.append(element("div", "row", ...linesOf(userName, item.body), element("div", "fate")));
    this.#rows.set(item.cmid, row);
    this.#note.before(row);
    setTimeout(() => row.classList.add("slow"), SLOW_AFTER);
    return row;
  }

  /** @param {HTMLLIElement} row @param {Item} item */
  #update(row, item) {
    const state = item.state === "acked" ? "sent" : item.state;
    if (row.dataset.state === state) return;
    row.dataset.state = state;
    const fate = /** @type {HTMLElement} */ (row.querySelector(".fate"));
    if (item.file) this.#actions.bring(item, fate);
    if (state === "sent") fate.replaceChildren(t.onItsWay);
    if (state === "waiting") fate.replaceChildren(this.#cross(item));
    if (state === "held") fate.replaceChildren(t.heldForHost, " ", this.#cross(item));
    if (state === "failed") {
      const reason = element("span", "reason", t.notSent(item.reason ?? ""));
      const buttons = /** @type {const} */ (["retry", "edit", "discard"]);
      fate.replaceChildren(reason, ...buttons.map((action) => this.#button(item, action)));
    }
  }

  /** @param {Item[]} waiting */
  #tellWaiting(waiting) {
    this.#waiting = waiting;
    this.#note.hidden = waiting.length === 0;
    const words = waiting.some(({ unkept }) => unkept) ? t.waitingUnkept : t.waiting;
    this.#words.textContent = words(waiting.length);
    this.#discardAll.hidden = waiting.length < 2;
  }

  /** @param {Item} item */
  #cross(item) {
    const cross = this.#button(item, "discard");
    cross.className = "icon-button discard";
    cross.ariaLabel = cross.title = t.discard;
    cross.textContent = "×";
    return cross;
  }

  /** @param {Item} item @param {"retry"|"edit"|"discard"} action */
  #button(item, action) {
    return button(`quiet ${action}`, t[action], () => this.#actions[action](item));
  }
}
