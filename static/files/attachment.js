/** One file that the reader has chosen: as it is, as the browser has made it smaller, and how it is seen meanwhile. */

import { element } from "../base/dom.js";
import { wellFormed } from "../base/text.js";
import { untranslated } from "../conversation/markup.js";
import { fileWords, sizeText } from "./file_words.js";
import { prepare } from "./smaller.js";

export class Attachment {
  /** Leave its bytes alone. */
  asFile = false;
  /** What it shows, as it is being written. */
  alt = "";
  #file;
  /** @type {import("./smaller.js").Prepared|null} */
  #prepared = null;
  #url = "";

  /** @param {File} file */
  constructor(file) {
    this.#file = file;
    /** @type {Promise<import("./smaller.js").Prepared>} */
    this.ready = prepare(file).then((prepared) => (this.#prepared = prepared));
  }

  get name() {
    return this.#file.name;
  }

  /** Whether it is a picture; not known before it is ready. */
  get isPicture() {
    return (this.#prepared?.what ?? "file") !== "file";
  }

  get canBeSmaller() {
    return Boolean(this.#prepared?.small);
  }

  /** What is sent of it, as far as that is known. @returns {import("./smaller.js").Version} */
  get version() {
    const { small, whole } = this.#prepared ?? { small: undefined, whole: { blob: this.#file, name: this.#file.name } };
    return (!this.asFile && small) || whole;
  }

  /** What it shows, for those who cannot see it: in one line. */
  get description() {
    return wellFormed(this.alt).replace(/\s+/g, " ").trim();
  }

  /** As a message has it. @returns {import("./file_words.js").SharedFile} */
  get told() {
    const { blob, name, width, height } = this.version;
    const type = this.isPicture ? blob.type : "application/octet-stream";
    const alt = this.description;
    return { name, type, size: blob.size, ...(width && height && { width, height }), ...(alt && { alt }) };
  }

  /** What the reader is to know of it. */
  get note() {
    const what = this.#prepared?.what;
    if (!what) return fileWords.preparing;
    if (what === "lies") return fileWords.canvasLies;
    if (what === "moves") return fileWords.mayMove;
    return this.asFile || (what === "file" && this.#file.type.startsWith("image/")) ? fileWords.asItIs : "";
  }

  /** What is seen of it: the picture, or its name. @returns {HTMLElement} */
  draw() {
    if (!this.isPicture) return untranslated(element("p", "note", this.name, " ", element("span", "fine", sizeText(this.#file.size))));
    const { thumbnail, blob } = this.#prepared?.small ?? this.version;
    this.#url ||= URL.createObjectURL(thumbnail ?? blob); // twenty of them are no burden
    const image = untranslated(element("img"));
    image.alt = this.description || fileWords.picture(this.name);
    image.src = this.#url;
    return image;
  }

  /** It is not needed any more. */
  release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }
}
