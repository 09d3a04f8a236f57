/** What goes with the next message: a row for each file, in which a picture can be described. */

import { button, byId, element, isTouch } from "../base/dom.js";
import { untranslated } from "../conversation/markup.js";
import { fileWords, sizeText } from "./file_words.js";

const LONGEST_ALT = 1_000; // characters that the server takes

let named = 0; // rows

/**
 * @typedef {import("./attachment.js").Attachment} Attachment
 *
 * @typedef {object} Row
 * @property {HTMLLIElement} node
 * @property {HTMLElement} about
 * @property {HTMLElement} size
 * @property {HTMLElement} note
 * @property {boolean} isWhole it has all that its file needs, which is known once that is ready
 *
 * @typedef {object} Parts
 * @property {(attachment: Attachment) => void} takeOut
 * @property {(attachment: Attachment) => void} asFile it is to go as it is, or no longer
 * @property {() => void} toBox
 */
export class Chosen {
  /** What a picture shows whose bytes were lost with a page: said of the next one that is chosen. */
  lostAlt = "";
  #parts;
  /** @type {Map<Attachment, Row>} in the order in which they were chosen */
  #rows = new Map();
  #list = element("ul");
  #hint = element("p", "unseen");
  #panel = element("div", "", this.#list, this.#hint);

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#panel.id = "attached";
    this.#panel.role = "group";
    this.#panel.ariaLabel = fileWords.attached;
    this.#hint.role = "status";
  }

  /** @returns {Attachment[]} */
  get all() {
    return [...this.#rows.keys()];
  }

  /** @param {Attachment} attachment */
  add(attachment) {
    const row = this.#row(attachment);
    this.#rows.set(attachment, row);
    this.#list.append(row.node);
    this.update(attachment);
  }

  /** @param {Attachment} attachment */
  remove(attachment) {
    this.#rows.get(attachment)?.node.remove();
    this.#rows.delete(attachment);
    this.#place();
  }

  /** They are on their way now. */
  takeAll() {
    const { all } = this;
    for (const attachment of all) this.remove(attachment);
    return all;
  }

  /** More is known of it, or it has been changed. What is written in the row and where the focus is stay. @param {Attachment} attachment */
  update(attachment) {
    const row = this.#rows.get(attachment);
    if (!row) return;
    row.size.textContent = sizeText(attachment.version.blob.size);
    row.note.textContent = attachment.note;
    row.note.hidden = !attachment.note;
    if (attachment.isPicture && !row.isWhole) {
      row.isWhole = true;
      row.node.prepend(attachment.draw());
      row.about.append(this.#describe(attachment, row));
      if (attachment.canBeSmaller) row.about.append(this.#choice(attachment));
    }
    const box = row.about.querySelector("input");
    if (box) box.checked = attachment.asFile;
    this.#place();
  }

  /** Where the panel is, and what is said of it once. */
  #place() {
    const isAny = this.#rows.size > 0;
    const words = this.all.some(({ isPicture }) => isPicture) ? fileWords.canBeDescribed : "";
    if (this.#hint.textContent !== words) this.#hint.textContent = words;
    if (isAny && !this.#panel.isConnected) byId("composer", HTMLFormElement).querySelector(".writing")?.before(this.#panel);
    if (!isAny) this.#panel.remove();
  }

  /** @param {Attachment} attachment @returns {Row} */
  #row(attachment) {
    const name = untranslated(element("bdi", "file-name", attachment.name));
    const size = element("span", "fine");
    const note = element("p", "fine");
    const about = element("div", "about", name, " ", size, note);
    const cross = button("icon-button", "×", () => {
      this.#parts.takeOut(attachment);
      this.#parts.toBox();
    });
    cross.ariaLabel = cross.title = fileWords.takeOut(attachment.name);
    return { node: element("li", "", about, cross), about, size, note, isWhole: false };
  }

  /** @param {Attachment} attachment @param {Row} row */
  #describe(attachment, { about }) {
    const field = element("textarea");
    field.rows = 1;
    field.dir = "auto";
    field.maxLength = LONGEST_ALT;
    field.enterKeyHint = isTouch() ? "done" : "send";
    attachment.alt ||= this.lostAlt;
    this.lostAlt = "";
    field.value = attachment.alt;
    field.addEventListener("input", () => (attachment.alt = field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return; // as in the box
      event.preventDefault();
      if (isTouch()) field.blur();
      else field.form?.requestSubmit();
    });
    const name = /** @type {HTMLElement} */ (about.querySelector(".file-name"));
    name.id = `attached-${(named += 1)}`;
    field.setAttribute("aria-describedby", name.id); // of several, which one
    return element("label", "describe", element("span", "fine", fileWords.describe), field);
  }

  /** @param {Attachment} attachment */
  #choice(attachment) {
    const box = element("input");
    box.type = "checkbox";
    box.addEventListener("change", () => {
      attachment.asFile = box.checked;
      this.#parts.asFile(attachment);
    });
    return element("label", "check", box, fileWords.asFile);
  }
}
