/**
 * Pictures and files that the reader sends: the button in the box, what is pasted or dropped, what goes with the next message,
 * and what is on its way. Loaded while there is nothing else to do, or when it is first wanted.
 */

import { button, byId, element } from "../base/dom.js";
import "../base/late_styles.js";
import { t } from "../base/strings.js";
import { isBlank } from "../base/text.js";
import { drawn } from "../conversation/message_tools.js";
import { untranslated } from "../conversation/markup.js";
import { fileBox } from "../conversation/row.js";
import { Attachment } from "./attachment.js";
import { fileWords, sizeText } from "./file_words.js";
import { Uploads } from "./uploads.js";

const CLIP = "m15.5 9-6 6a3.5 3.5 0 0 1-5-5l6.5-6.5a2.3 2.3 0 0 1 3.3 3.3L8 13a1.1 1.1 0 0 1-1.6-1.6l5.6-5.6";
const MOST = 10; // at once

/**
 * @typedef {import("../writing/outbox.js").Item} Item
 *
 * @typedef {object} Parts
 * @property {import("../base/store.js").Store} store
 * @property {import("../writing/outbox.js").Outbox} outbox
 * @property {import("../writing/composer.js").Composer} composer
 * @property {() => void} toBox
 * @property {import("../writing/pending.js").Actions} actions what the buttons do with a message in the outbox
 * @property {() => void} send what waits in the outbox
 * @property {() => void} paint
 */
export class Sending {
  #parts;
  #uploads;
  /** @type {Attachment[]} what goes with the next message */
  #chosen = [];
  /** @type {Map<string, Attachment>} of messages in the outbox, by cmid */
  #underWay = new Map();
  #clip = button("icon-button", "", () => this.#input.click());
  #input = element("input");
  #list = element("ul");
  #hint = element("p", "fine");
  #panel = element("div", "", this.#list, this.#hint);

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { store, outbox, composer, send, paint } = parts;
    this.#uploads = new Uploads({ store, outbox, send, paint, notice: (words) => composer.notice(words) });
    for (const code of ["no-such-file", "files-off"]) t.reasons[code] = fileWords.reasons[code]; // of a message with a file
    this.#makePanel();
    this.#makeClip();
    this.#join(parts.actions);
    store.watch(["limits"], () => this.#offer());
    this.#offer();
    new MutationObserver(() => this.#sweep()).observe(byId("pending", HTMLElement), { childList: true });
  }

  // -- what the reader chooses ----------------------------------------------------------------

  #makeClip() {
    this.#clip.id = "clip";
    this.#clip.ariaLabel = this.#clip.title = fileWords.clip;
    this.#clip.append(drawn(CLIP));
    this.#input.type = "file"; // of any kind: then a phone offers its camera, too
    this.#input.multiple = true;
    this.#input.hidden = true;
    this.#input.addEventListener("change", () => {
      this.take([...(this.#input.files ?? [])]);
      this.#input.value = "";
    });
  }

  /** The button is there where it leads to something. It is not put there anew: it would lose the focus. */
  #offer() {
    if (!this.#most) this.#clip.remove();
    else if (!this.#clip.isConnected) byId("send", HTMLButtonElement).before(this.#clip, this.#input);
  }

  /** Bytes of one file. */
  get #most() {
    return this.#parts.store.state.limits.maxFileBytes ?? 0;
  }

  /** Have these go with the next message. @param {File[]} files */
  async take(files) {
    const { composer, toBox } = this.#parts;
    if (!this.#most) return composer.notice(fileWords.noFiles);
    composer.notice("");
    const fit = files.slice(0, Math.max(0, MOST - this.#chosen.length));
    if (fit.length < files.length) composer.notice(fileWords.tooMany(MOST));
    toBox();
    for (const file of fit) {
      const attachment = new Attachment(file);
      this.#chosen.push(attachment);
      this.#show();
      this.#check(file, attachment);
    }
  }

  /** What cannot be sent is not kept. @param {File} file @param {Attachment} attachment */
  async #check(file, attachment) {
    const isReadable = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    await attachment.ready;
    let why = "";
    if (!isReadable) why = fileWords.unreadable(file.name);
    else if (!file.size) why = fileWords.isEmpty(file.name);
    else if (attachment.version.blob.size > this.#most) why = this.#tooLarge(attachment);
    if (!this.#chosen.includes(attachment)) return; // it is on its way
    if (why) this.#takeOut(attachment);
    if (why) this.#parts.composer.notice(why);
    this.#show();
  }

  /** @param {Attachment} attachment */
  #tooLarge({ name }) {
    return fileWords.tooLarge(name, sizeText(this.#most));
  }

  /** @param {Attachment} attachment */
  #takeOut(attachment) {
    this.#chosen = this.#chosen.filter((one) => one !== attachment);
    attachment.release();
    this.#show();
  }

  #makePanel() {
    this.#panel.id = "attached";
    this.#panel.role = "group";
    this.#panel.ariaLabel = fileWords.attached;
    this.#hint.role = "status";
  }

  /** Show what goes with the next message. */
  #show() {
    const { composer } = this.#parts;
    const isAny = this.#chosen.length > 0;
    this.#list.replaceChildren(...this.#chosen.map((one) => this.#row(one)));
    const words = this.#chosen.some(({ isPicture }) => isPicture) ? fileWords.describe : "";
    if (this.#hint.textContent !== words) this.#hint.textContent = words;
    if (isAny && !this.#panel.isConnected) byId("composer", HTMLFormElement).querySelector(".writing")?.before(this.#panel);
    if (!isAny) this.#panel.remove();
    composer.attached = isAny ? (...said) => this.#say(...said) : undefined;
  }

  /** @param {Attachment} attachment */
  #row(attachment) {
    const { blob } = attachment.version;
    const name = untranslated(element("bdi", "file-name", attachment.name));
    const about = element("div", "about", name, " ", element("span", "fine", sizeText(blob.size)));
    if (attachment.note) about.append(element("p", "fine", attachment.note));
    if (attachment.canBeSmaller) about.append(this.#choice(attachment));
    const cross = button("icon-button", "×", () => {
      this.#takeOut(attachment);
      this.#parts.toBox();
    });
    cross.ariaLabel = cross.title = fileWords.takeOut(attachment.name);
    return element("li", "", ...(attachment.isPicture ? [attachment.draw()] : []), about, cross);
  }

  /** @param {Attachment} attachment */
  #choice(attachment) {
    const box = element("input");
    box.type = "checkbox";
    box.checked = attachment.asFile;
    box.addEventListener("change", () => {
      attachment.asFile = box.checked;
      const isTooLarge = attachment.version.blob.size > this.#most;
      if (isTooLarge) attachment.asFile = false;
      this.#parts.composer.notice(isTooLarge ? this.#tooLarge(attachment) : "");
      this.#show();
      const at = this.#chosen.indexOf(attachment);
      this.#list.children[at]?.querySelector("input")?.focus();
    });
    return element("label", "check", box, fileWords.asFile);
  }

  // -- on its way -----------------------------------------------------------------------------

  /** One message for each; the first has the text. @param {string} body @param {string} timestamp @param {string} [replyTo] */
  #say(body, timestamp, replyTo) {
    this.#chosen.splice(0).forEach((attachment, at) => {
      this.#begin(attachment, at || isBlank(body) ? "" : body, timestamp, at ? undefined : replyTo);
    });
    this.#show();
  }

  /** @param {Attachment} attachment @param {string} body @param {string} timestamp @param {string} [replyTo] */
  #begin(attachment, body, timestamp, replyTo) {
    const { outbox } = this.#parts;
    const item = outbox.add(body, timestamp, undefined, replyTo, attachment.told);
    this.#underWay.set(item.cmid, attachment);
    this.#uploads.begin(item.cmid, attachment, () => this.#cancel(item));
  }

  /** What is done with a message is done with its file, too. @param {import("../writing/pending.js").Actions} actions */
  #join(actions) {
    const { retry, edit } = actions;
    actions.retry = (item) => (item.file ? this.#retry(item) : retry(item));
    actions.edit = (item) => {
      this.#takeBack(item);
      edit(item);
    };
  }

  /** A message in the outbox has a file: show it, and how far it is. @param {Item} item @param {Element} fate */
  async show(item, fate) {
    const { outbox, paint } = this.#parts;
    const attachment = this.#underWay.get(item.cmid);
    const node = this.#uploads.nodeOf(item.cmid);
    if (item.state === "uploading" && !(attachment && node)) { // of a page that is gone, or another tab
      outbox.fail(item.cmid, fileWords.lost);
      return paint();
    }
    if (item.state === "uploading" && node) fate.replaceChildren(node);
    if (item.file && !fate.parentElement?.querySelector(".file")) fate.before(fileBox({ ...item.file, id: "" }));
    await attachment?.ready;
    const box = fate.parentElement?.querySelector(".file");
    if (attachment && box && !box.querySelector("img")) box.replaceChildren(attachment.draw());
  }

  /** The text is not lost with the file. @param {Item} item */
  #cancel({ cmid, body, replyTo }) {
    const { outbox, composer, toBox, paint } = this.#parts;
    if (!outbox.remove(cmid)) return;
    if (body) composer.giveBack(body);
    if (replyTo) composer.answered = replyTo;
    toBox();
    paint();
  }

  /** Once more, whole. @param {Item} item */
  #retry({ cmid, body, timestamp, replyTo }) {
    const { outbox, composer, paint } = this.#parts;
    const attachment = this.#underWay.get(cmid);
    if (!attachment) return composer.notice(fileWords.lost);
    if (!outbox.remove(cmid)) return;
    this.#underWay.delete(cmid);
    composer.notice("");
    this.#begin(attachment, body, timestamp, replyTo);
    paint();
  }

  /** To what goes with the next message; its text is in the box already. @param {Item} item */
  #takeBack({ cmid }) {
    const attachment = this.#underWay.get(cmid);
    if (!attachment) return;
    this.#underWay.delete(cmid);
    this.#chosen.push(attachment);
    this.#show();
  }

  /** Messages have left the outbox. */
  #sweep() {
    this.#uploads.sweep();
    const left = new Set(this.#parts.outbox.items.map(({ cmid }) => cmid));
    for (const [cmid, attachment] of this.#underWay) {
      if (left.has(cmid)) continue;
      this.#underWay.delete(cmid);
      attachment.release();
    }
  }
}
