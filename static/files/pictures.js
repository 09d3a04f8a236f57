/** Pictures and files in the conversation. Loaded with the first message that has one. */

import { button, byId, element } from "../base/dom.js";
import "../base/late_styles.js";
import { ask, isClosed, noteDoor } from "../connection/proved.js";
import { untranslated } from "../conversation/markup.js";
import { fileWords, sizeText } from "./file_words.js";
import { THUMBNAIL, ViewPass, thumbnailOf } from "./view_pass.js";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const GONE = new Set([404, 410]);
const OF_ITEM = "a, button"; // what there is to use in a box

/** @typedef {import("./file_words.js").SharedFile} SharedFile */

export class Pictures {
  #store;
  #pass;
  #list = byId("list", HTMLElement);

  /** @param {Pick<import("../base/store.js").Store, "state">} store */
  constructor(store) {
    this.#store = store;
    const { room, door } = store.state;
    if (door && !isClosed()) noteDoor(door); // what knows better may still be on its way
    this.#pass = new ViewPass(room, () => this.#renew());
    this.#list.addEventListener("focusin", ({ target }) => this.#offerToKeys(target));
    this.#list.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {HTMLElement} box @param {SharedFile} file @param {boolean} [isHeld] it waits for a host, who is to see it only on request */
  fill(box, file, isHeld = false) {
    if (!file.id && !box.firstChild) box.append(element("p", "note", file.name)); // it is on its way: sending.js shows more
    if (!file.id) return;
    if (!SHOWN.has(file.type)) box.removeAttribute("style"); // whatever its sender says of its size
    box.classList.toggle("held", isHeld);
    if (!SHOWN.has(file.type)) this.#put(box, this.#card(file, isHeld));
    else if (this.#isCrowded) this.#put(box, [this.#offer(box, file)]);
    else if (isHeld) this.#veil(box, file);
    else this.#show(box, file);
  }

  /** Where a crowd is, none of it loads what it may not want. */
  get #isCrowded() {
    const { count, limits: { presenceLimit = Infinity } } = this.#store.state;
    return count > presenceLimit;
  }

  /** @param {HTMLElement} box @param {SharedFile} file */
  #offer(box, file) {
    const offer = button("quiet", fileWords.showPicture(sizeText(file.size)), () => {
      box.classList.remove("veiled");
      this.#show(box, file);
      box.querySelector("button")?.focus({ preventScroll: true });
    });
    if (file.alt && !box.matches(".held")) offer.append(element("span", "unseen", `: ${file.alt}`)); // whoever hears it need not load it
    return offer;
  }

  /** Blurred, until a host wants to see it. @param {HTMLElement} box @param {SharedFile} file */
  #veil(box, file) {
    const image = this.#image(file, true);
    image.alt = ""; // the button says what there is
    image.addEventListener("error", () => image.remove());
    box.classList.add("veiled");
    this.#put(box, [image, this.#offer(box, file)]);
    this.#point(image, file.id ?? "", true);
  }

  /** @param {HTMLElement} box @param {SharedFile} file */
  #show(box, file) {
    const { id = "", width = Infinity, height = Infinity } = file;
    const isHeld = box.matches(".held");
    // Whoever decides about a picture sees it itself: a thumbnail is whatever its sender says.
    const isSmall = !isHeld && Math.max(width, height) > THUMBNAIL;
    const image = this.#image(file, isSmall);
    image.addEventListener("error", () => {
      if (!image.dataset.small || !image.dataset.whole) return void this.#failed(box, file);
      delete image.dataset.small;
      image.src = image.dataset.whole;
    });
    const open = button("picture", "", () => {});
    open.append(untranslated(image));
    this.#put(box, [open]);
    this.#point(image, id, isHeld);
  }

  /** @param {SharedFile} file @param {boolean} isSmall a thumbnail, where there is one */
  #image({ id = "", name, width, height, alt }, isSmall) {
    const image = element("img");
    image.alt = alt || fileWords.picture(name);
    image.loading = "lazy"; // only what is looked at is fetched
    image.decoding = "async";
    if (width && height) [image.width, image.height] = [width, height];
    Object.assign(image.dataset, { file: id, name, ...(isSmall && { small: "yes" }), ...(alt && { described: "yes" }) });
    return image;
  }

  /** @param {SharedFile} file @param {boolean} isHeld */
  #card({ id = "", name, size }, isHeld) {
    const title = untranslated(element("bdi", "file-name", name));
    const link = element("a", "card", element("span", "unseen", `${fileWords.file} `), title, " ", element("span", "fine", sizeText(size)));
    link.dataset.file = id;
    link.download = name;
    this.#point(link, id, isHeld);
    return [link];
  }

  /** @param {HTMLElement} box @param {Node[]} content */
  #put(box, content) {
    const hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...content);
    const item = box.closest("#list > .message");
    const isReached = item?.contains(document.activeElement) || !item;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll(OF_ITEM))) part.tabIndex = isReached || hadFocus ? 0 : -1;
    if (hadFocus) /** @type {HTMLElement|null} */ (box.querySelector(OF_ITEM) ?? item)?.focus({ preventScroll: true });
  }

  // -- addresses ------------------------------------------------------------------------------

  /** @param {HTMLImageElement|HTMLAnchorElement} node @param {string} id @param {boolean} isHeld */
  async #point(node, id, isHeld) {
    const set = (/** @type {string} */ address) => {
      node.dataset.whole = address; // for large.js
      if (!(node instanceof HTMLImageElement)) node.href = address;
      else if (!isLoaded(node)) node.src = node.dataset.small ? thumbnailOf(address) : address;
    };
    const known = this.#pass.known(id, isHeld);
    if (known) return set(known);
    await this.#pass.address(id, isHeld).then(set, () => node.dispatchEvent(new Event("error")));
  }

  /** All addresses are others now: also of what was not loaded yet. */
  #renew() {
    for (const node of document.querySelectorAll("[data-file]")) {
      if (!(node instanceof HTMLImageElement || node instanceof HTMLAnchorElement)) continue;
      this.#point(node, node.dataset.file ?? "", node.closest(".held") !== null);
    }
  }

  /** A picture did not come: find out why. @param {HTMLElement} box @param {SharedFile} file */
  async #failed(box, file) {
    const { id = "" } = file;
    this.#pass.forget();
    const options = { method: "HEAD" };
    const asked = box.matches(".held")
      ? this.#pass.address(id, true).then((address) => fetch(address, options))
      : ask(this.#store.state.room, this.#pass.bare(id), options);
    const status = await asked.then((answer) => answer.status, () => 0);
    if (GONE.has(status)) return this.#put(box, [element("p", "note", fileWords.gone)]);
    const again = button("quiet", fileWords.tryAgain, () => this.#show(box, file));
    this.#put(box, [element("p", "note", fileWords.notLoaded, " ", again)]);
    // Of one that needed a new pass, or where the line was gone.
    if (status === 200 && !box.dataset.tried) {
      box.dataset.tried = "once";
      this.#show(box, file);
    }
  }

  // -- what the reader does -------------------------------------------------------------------

  /** @param {MouseEvent} event */
  async #click({ target }) {
    const open = target instanceof Element ? target.closest("#list .picture") : null; // what is held is large enough
    if (!(open instanceof HTMLButtonElement)) return;
    const part = await import("./large.js").catch(() => null); // it is in sight as it is
    part?.openLarge(open, (image) => this.#anew(image));
  }

  /** The address of a picture that did not come: with a new pass, where it needs one. @param {HTMLImageElement} image */
  async #anew({ dataset }) {
    this.#pass.forget();
    dataset.whole = await this.#pass.address(dataset.file ?? "").catch(() => dataset.whole);
    return dataset.whole ?? "";
  }

  /** The list is one stop of the Tab key: what is in a message comes behind it. @param {EventTarget|null} target */
  #offerToKeys(target) {
    const item = target instanceof Element ? target.closest("#list > .message") : null;
    const all = /** @type {NodeListOf<HTMLElement>} */ (this.#list.querySelectorAll(`.file :is(${OF_ITEM})`));
    for (const part of all) part.tabIndex = item?.contains(part) ? 0 : -1;
  }
}

/** @param {HTMLImageElement} image */
function isLoaded(image) {
  return image.complete && image.naturalWidth > 0;
}
