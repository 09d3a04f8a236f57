/**
 * Names to choose from: "@" and the first letters open a list above the box. Loaded with the rest.
 *
 * The box stays what it is, and keeps the focus. An element that takes several lines cannot be a combobox to screen
 * readers, so it cannot say that it is expanded, either: a line that is read out says how many names there are.
 */

import { byId, element, isTouch } from "../base/dom.js";
import { LANGUAGE, count } from "../base/language.js";
import "../base/late_styles.js";
import { initial, shownName } from "../base/text.js";
import { untranslated } from "../conversation/markup.js";
import { hueClass } from "../people/people.js";
import { begun, choices, known } from "./whom.js";

const MOST = 6; // names; more letters lead to the others
const LEAST = 2; // however low the window is
const ROW = 2.4; // rem, as in mentioning.css
const ROW_TO_TOUCH = 2.75;

const english = {
  title: "People to mention",
  everybody: "everybody in this room",
  found: /** @param {number} n */ (n) => count(n, "1 name to choose", "# names to choose from"),
};

/** @type {typeof english} */
const german = {
  title: "Wen du erwähnen kannst",
  everybody: "alle in diesem Raum",
  found: (n) => count(n, "1 Name zur Wahl", "# Namen zur Wahl"),
};

const words = LANGUAGE === "de" ? german : english;

/** @typedef {import("./whom.js").Choice} Choice */

export class Mentioning {
  #store;
  #timeline;
  #form = byId("composer", HTMLFormElement);
  #body = byId("body", HTMLTextAreaElement);
  #list = untranslated(element("ul"));
  #status = element("p", "unseen");
  /** @type {Choice[]} what is in the list; none while it is closed */
  #choices = [];
  #active = -1; // in it; -1: none, so that Enter still sends
  #from = -1; // where the "@" is
  #typed = ""; // behind it
  #over = -1; // where the "@" is for which nothing more is to be offered

  /** @param {import("../base/store.js").Store} store @param {Pick<import("../conversation/timeline.js").Timeline, "tail">} timeline */
  constructor(store, timeline) {
    this.#store = store;
    this.#timeline = timeline;
    this.#list.id = "mentioning";
    this.#list.role = "listbox";
    this.#list.ariaLabel = words.title;
    this.#list.hidden = true;
    this.#status.role = "status";
    this.#form.append(this.#list, this.#status);
    this.#body.setAttribute("aria-autocomplete", "list");
    this.#body.setAttribute("aria-haspopup", "listbox");
    this.#body.setAttribute("aria-controls", this.#list.id);
    this.#body.addEventListener("input", (event) => this.#typedOn(/** @type {InputEvent} */ (event)));
    this.#body.addEventListener("blur", () => this.#close());
    this.#form.addEventListener("submit", () => this.#close());
    document.addEventListener("selectionchange", () => this.#isOpen && this.#look());
    this.#list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    this.#list.addEventListener("mousemove", ({ target, movementX, movementY }) => {
      const at = this.#indexOf(target);
      if (at >= 0 && (movementX || movementY)) this.#point(at); // not where the list has come to lie under the pointer
    });
    this.#list.addEventListener("click", ({ target }) => this.#take(this.#indexOf(target)));
    // Before anybody else hears of a key: while there is a list, it means no more than that.
    addEventListener("keydown", (event) => this.#isOpen && event.target === this.#body && this.#key(event), true);
    if (document.activeElement === this.#body) this.#look(); // what was typed before this was here
  }

  get #isOpen() {
    return this.#choices.length > 0;
  }

  /** Also within a composition: on a phone, every word is one. @param {InputEvent} event */
  #typedOn({ inputType = "" }) {
    if (inputType.startsWith("delete")) this.#over = -1;
    if (inputType.startsWith("insertFrom")) this.#close(); // pasted or dropped: nobody looks for a name
    else this.#look();
  }

  /** What is being written now? */
  #look() {
    const { value, selectionStart, selectionEnd } = this.#body;
    const name = selectionStart === selectionEnd ? begun(value, selectionEnd) : null;
    if (name?.from !== this.#over) this.#over = -1;
    if (!name || name.from === this.#over) return this.#close();
    if (this.#isOpen && name.from === this.#from && name.typed === this.#typed) return; // where it was
    this.#from = name.from;
    this.#typed = name.typed;
    this.#offer();
  }

  #offer() {
    const { people, me, role } = this.#store.state;
    const found = known(people, this.#timeline.tail, me);
    const all = role ? words.everybody : "";
    this.#choices = choices(found, this.#typed, { all, most: this.#howMany() });
    if (!this.#isOpen) return this.#close();
    this.#list.replaceChildren(...this.#choices.map(option));
    this.#list.hidden = false;
    const said = words.found(this.#choices.length);
    if (this.#status.textContent !== said) this.#status.textContent = said;
    // Whoever has typed no letter of a name, or a space behind it, may be done.
    this.#point(/\S$/.test(this.#typed) ? 0 : -1);
  }

  /** As many as there is room for above the box: then nothing has to scroll. */
  #howMany() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const row = (isTouch() ? ROW_TO_TOUCH : ROW) * rem;
    return Math.max(LEAST, Math.min(MOST, Math.floor(this.#form.getBoundingClientRect().top / row) - 1));
  }

  #close() {
    this.#choices = [];
    this.#active = this.#from = -1;
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#body.removeAttribute("aria-activedescendant");
    this.#status.textContent = "";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // Within a composition, they are the input method's.
    if (event.isComposing || event.keyCode === 229 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#choices.length - 1;
    if (event.key === "ArrowDown") this.#point(this.#active < last ? this.#active + 1 : 0);
    else if (event.key === "ArrowUp") this.#point(this.#active > 0 ? this.#active - 1 : last);
    else if (event.key === "Escape") this.#giveUp();
    else if ((event.key === "Enter" || event.key === "Tab") && this.#active >= 0) this.#take(this.#active);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #giveUp() {
    this.#over = this.#from;
    this.#close();
  }

  /** @param {number} at in the list; -1: none of it */
  #point(at) {
    this.#active = at;
    [...this.#list.children].forEach((item, index) => (item.ariaSelected = String(index === at)));
    if (at < 0) this.#body.removeAttribute("aria-activedescendant");
    else this.#body.setAttribute("aria-activedescendant", this.#list.children[at].id);
  }

  /** @param {EventTarget|null} target @returns {number} -1 between them */
  #indexOf(target) {
    return [...this.#list.children].findIndex((item) => target instanceof Node && item.contains(target));
  }

  /** Write the name in place of what was typed. @param {number} at */
  #take(at) {
    const choice = this.#choices[at];
    if (!choice) return;
    const from = this.#from;
    const to = from + 1 + this.#typed.length;
    const isEnded = /^[\s\p{P}]/u.test(this.#body.value.slice(to));
    const text = isEnded ? choice.written : `${choice.written} `;
    this.#giveUp();
    this.#body.setSelectionRange(from, to);
    // As if it were typed: so it can be undone, and the box hears of it.
    if (document.execCommand("insertText", false, text)) return;
    this.#body.setRangeText(text, from, to, "end");
    this.#body.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** @param {Choice} choice @param {number} at */
function option({ name, isAll }, at) {
  const shown = shownName(name);
  const avatar = element("span", "avatar small", isAll ? "@" : initial(shown));
  avatar.ariaHidden = "true";
  const item = element("li", isAll ? "" : hueClass(name), avatar, element("bdi", "name", isAll ? `@${shown}` : shown));
  if (isAll) item.append(" ", element("span", "aside", words.everybody));
  item.id = `mention-${at}`;
  item.role = "option";
  return item;
}
