/** What can be done with an own message: buttons on the one that is pointed at or has the focus, and keys. */

import { button, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";

const SVG = "http://www.w3.org/2000/svg";
const PENCIL = "m4 16 .7-3.3 8.6-8.6 2.6 2.6-8.6 8.6zM11.6 5.8l2.6 2.6";
const BIN = "M3.5 5.5h13M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5";

/**
 * @typedef {object} Hooks
 * @property {(id: string) => boolean} canEdit
 * @property {(id: string) => void} edit
 * @property {(id: string) => void} remove
 */
export class OwnTools {
  #list;
  #hooks;
  #edit = this.#button(t.edit, PENCIL, (id) => this.#hooks.edit(id));
  #remove = this.#button(late.remove, BIN, (id) => this.#hooks.remove(id));
  #node = element("span", "tools-of-own", this.#edit, this.#remove);

  /** @param {HTMLElement} list of messages @param {Hooks} hooks */
  constructor(list, hooks) {
    this.#list = list;
    this.#hooks = hooks;
    this.#node.role = "group";
    this.#node.ariaLabel = late.ownMessage;
    this.#node.ariaLive = "off";
    list.addEventListener("focusin", () => this.#toFocus());
    list.addEventListener("focusout", () => setTimeout(() => this.#toFocus()));
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.#toPointer(event.target));
    list.addEventListener("pointerleave", () => this.#toFocus());
    list.addEventListener("keydown", (event) => this.#key(event));
    // What called this module was there before it: the pointer, which may rest now, or the focus.
    this.#toPointer(matchMedia("(hover: hover)").matches ? list.querySelector(":scope > :hover") : null);
  }

  /** Where that is not at an own message, the focus keeps them: the mouse may only lie there. @param {EventTarget|null} target */
  #toPointer(target) {
    const item = messageOf(target);
    if (item?.matches(".own")) this.#show(item);
    else this.#toFocus();
  }

  #toFocus() {
    if (document.querySelector("dialog[open]")) return; // the focus comes back from there
    this.#show(messageOf(document.activeElement));
  }

  /** @param {HTMLElement|null} item */
  #show(item) {
    if (!item?.matches(".own")) return this.#hide();
    this.#edit.hidden = !this.#hooks.canEdit(item.dataset.id ?? "");
    // The list is one stop of the Tab key, and what is in a message comes behind that.
    for (const tool of [this.#edit, this.#remove]) tool.tabIndex = item.contains(document.activeElement) ? 0 : -1;
    if (item.contains(this.#node)) return;
    this.#hide();
    item.querySelector(".row")?.append(this.#node);
  }

  #hide() {
    const item = messageOf(this.#node);
    if (this.#node.contains(document.activeElement)) item?.focus({ preventScroll: true });
    this.#node.remove();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const item = event.target;
    if (!(item instanceof HTMLElement) || item.parentElement !== this.#list || !item.matches(".own")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { id = "" } = item.dataset;
    const isEdit = event.key.toLowerCase() === "e" && this.#hooks.canEdit(id);
    if (!isEdit && event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault(); // else the letter is typed into the box
    if (isEdit) this.#hooks.edit(id);
    else this.#hooks.remove(id);
  }

  /** @param {string} label @param {string} path @param {(id: string) => void} work */
  #button(label, path, work) {
    const made = button("icon-button", "", () => work(messageOf(made)?.dataset.id ?? ""));
    made.ariaLabel = made.title = label;
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "0 0 20 20");
    picture.ariaHidden = "true";
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    picture.append(line);
    made.append(picture);
    return made;
  }
}

/** @param {EventTarget|null} target @returns {HTMLElement|null} */
function messageOf(target) {
  return target instanceof Element ? target.closest("#list > .message") : null;
}
