/** What can be done with a message: buttons on the one that is pointed at or has the focus, and keys. */

import { button, element } from "../base/dom.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {object} Tool
 * @property {string} label
 * @property {string} picture the path of its lines, 20 by 20
 * @property {string[]} keys in lower case
 * @property {(id: string) => boolean} [can] whether it is there for this message
 * @property {(id: string) => void} work
 */

/**
 * Several kinds may be at one message: then they stand side by side.
 */
export class MessageTools {
  #list;
  #fits;
  #place;
  #tools;
  #node;

  /**
   * @param {HTMLElement} list of messages
   * @param {object} options
   * @param {string} options.kind class of the node with the buttons
   * @param {string} options.label
   * @param {(item: HTMLElement) => boolean} options.fits whether a message has them
   * @param {Tool[]} options.tools
   * @param {number} [options.place] from left to right, whichever module came first
   */
  constructor(list, { kind, label, fits, tools, place = 0 }) {
    this.#list = list;
    this.#place = place;
    this.#fits = fits;
    this.#tools = tools.map((tool) => ({ ...tool, button: makeButton(tool) }));
    this.#node = element("span", kind, ...this.#tools.map((tool) => tool.button));
    this.#node.role = "group";
    this.#node.dataset.place = String(place);
    this.#node.ariaLabel = label;
    list.addEventListener("focusin", () => this.#toFocus());
    list.addEventListener("focusout", () => setTimeout(() => this.#toFocus()));
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.#toPointer(event.target));
    list.addEventListener("pointerleave", () => this.#toFocus());
    list.addEventListener("keydown", (event) => this.#key(event));
    // What called this module was there before it: the pointer, which may rest now, or the focus.
    this.#toPointer(matchMedia("(hover: hover)").matches ? list.querySelector(":scope > :hover") : null);
  }

  /** Where that is not at a message of these, the focus keeps them: the mouse may only lie there. @param {EventTarget|null} target */
  #toPointer(target) {
    const item = messageOf(target);
    if (item && this.#fits(item)) this.#show(item);
    else this.#toFocus();
  }

  #toFocus() {
    if (document.querySelector("dialog[open]")) return; // the focus comes back from there
    this.#show(messageOf(document.activeElement));
  }

  /** @param {HTMLElement|null} item */
  #show(item) {
    if (!item || !this.#fits(item)) return this.#hide();
    for (const { button, can } of this.#tools) {
      button.hidden = !(can?.(item.dataset.id ?? "") ?? true);
      // The list is one stop of the Tab key, and what is in a message comes behind that.
      button.tabIndex = item.contains(document.activeElement) ? 0 : -1;
    }
    if (item.contains(this.#node)) return;
    this.#hide();
    const tools = toolsOf(item);
    const behind = /** @type {HTMLElement[]} */ ([...tools.children]).find(({ dataset }) => Number(dataset.place) > this.#place);
    tools.insertBefore(this.#node, behind ?? null);
  }

  #hide() {
    const item = messageOf(this.#node);
    if (this.#node.contains(document.activeElement)) item?.focus({ preventScroll: true });
    const tools = this.#node.parentElement;
    this.#node.remove();
    if (!tools?.firstChild) tools?.remove();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const item = event.target;
    if (!(item instanceof HTMLElement) || item.parentElement !== this.#list || !this.#fits(item)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { id = "" } = item.dataset;
    const tool = this.#tools.find(({ keys, can }) => keys.includes(event.key.toLowerCase()) && (can?.(id) ?? true));
    if (!tool) return;
    event.preventDefault(); // else the letter is typed into the box
    tool.work(id);
  }
}

/** Where the tools of a message stand. @param {HTMLElement} item */
function toolsOf(item) {
  const there = item.querySelector(".message-tools");
  if (there) return there;
  const made = element("span", "message-tools");
  made.ariaLive = "off";
  item.querySelector(".row")?.append(made);
  return made;
}

/** @param {Tool} tool */
function makeButton({ label, picture, work }) {
  // The second of two clicks at once may hit another message, which has moved there.
  const made = button("icon-button", "", ({ detail }) => detail > 1 || work(messageOf(made)?.dataset.id ?? ""));
  made.ariaLabel = made.title = label;
  made.append(drawn(picture));
  return made;
}

/** @param {string} lines a path, 20 by 20 */
export function drawn(lines) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 20 20");
  picture.ariaHidden = "true";
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines);
  picture.append(path);
  return picture;
}

/** @param {EventTarget|null} target @returns {HTMLElement|null} */
function messageOf(target) {
  return target instanceof Element ? target.closest("#list > .message") : null;
}
