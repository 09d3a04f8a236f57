/**
 * Pictures and files that the reader sends: the button in the box, what is pasted or dropped, what goes with the next message,
 * and what is on its way. Loaded while there is nothing else to do, or when it is first wanted.
 */

import { button, byId, element } from "../base/dom.js";
import "../base/late_styles.js";
import { t } from "../base/strings.js";
import { isBlank } from "../base/text.js";
import { drawn } from "../conversation/message_tools.js";
import { fileBox } from "../conversation/row.js";
import { Attachment } from "./attachment.js";
import { Chosen } from "./chosen.js";
import { fileWords, sizeText } from "./file_words.js";
import { Uploads } from "./uploads.js";

const CLIP = "m15.5 9-6 6a3.5 3.5 0 0 1-5-5l6.5-6.5a2.3 2.3 0 0 1 3.3 3.3L8 13a1.1 1.1 0 0 1-1.6-1.6l5.6-5.6";
const LIKE_AN_ID = "0".repeat(32); // of a file, as long as they are
const MOST = 20; // at once: so many the server takes of one person in ten minutes

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
  #chosen;
  #attached;
  /** @type {Map<string, Attachment>} of messages in the outbox, by cmid */
  #underWay = new Map();
  #clip = button("icon-button", "", () => this.#input.click());
  #input = element("input");

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { store, outbox, composer, send, paint } = parts;
    this.#uploads = new Uploads({ store, outbox, send, paint, notice: (words) => composer.notice(words) });
    for (const code of ["no-such-file", "files-off"]) t.reasons[code] = fileWords.reasons[code]; // of a message with a file
    this.#chosen = new Chosen({ takeOut: (one) => this.#takeOut(one), asFile: (one) => this.#asFile(one), toBox: parts.toBox });
    const say = (/** @type {[body: string, timestamp: string, replyTo?: string]} */ ...said) => this.#say(...said);
    this.#attached = Object.defineProperty(Object.assign(say, { id: LIKE_AN_ID }), "alt", { get: () => this.#chosen.all[0]?.description });
    this.#makeClip();
    this.#join(parts.actions);
    store.watch(["limits", "files", "role"], () => this.#offer());
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
    const { composer, toBox } = this.#parts;
    const why = this.#whyNot;
    if (!why && !this.#clip.isConnected) byId("send", HTMLButtonElement).before(this.#clip, this.#input);
    if (!why || !this.#clip.isConnected) return;
    const hadFocus = this.#clip === document.activeElement;
    this.#clip.remove();
    if (hadFocus) toBox();
    if (this.#chosen.all.length) composer.notice(why); // they stay: a host may decide otherwise
  }

  /** Why the reader can send none here, or "". */
  get #whyNot() {
    const { files, role } = this.#parts.store.state;
    if (!this.#most) return fileWords.noFiles;
    if (files === "nobody") return fileWords.nobody;
    return files === "hosts" && !role ? fileWords.onlyHosts : "";
  }

  /** Bytes of one file. */
  get #most() {
    return this.#parts.store.state.limits.maxFileBytes ?? 0;
  }

  /** Have these go with the next message. @param {File[]} files */
  async take(files) {
    const { composer, toBox } = this.#parts;
    const why = this.#whyNot;
    if (why) return composer.notice(why);
    const fit = files.slice(0, Math.max(0, MOST - this.#chosen.all.length));
    composer.notice(fit.length < files.length ? fileWords.tooMany(MOST) : "");
    toBox();
    for (const file of fit) {
      const attachment = new Attachment(file);
      this.#add(attachment);
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
    if (!this.#chosen.all.includes(attachment)) return; // it is on its way
    if (why) this.#takeOut(attachment);
    if (why) this.#parts.composer.notice(why);
    this.#chosen.update(attachment);
  }

  /** @param {Attachment} attachment */
  #tooLarge({ name }) {
    return fileWords.tooLarge(name, sizeText(this.#most));
  }

  /** @param {Attachment} attachment */
  #add(attachment) {
    this.#chosen.add(attachment);
    this.#parts.composer.attached = this.#attached;
  }

  /** @param {Attachment} attachment */
  #takeOut(attachment) {
    this.#chosen.remove(attachment);
    attachment.release();
    if (!this.#chosen.all.length) this.#parts.composer.attached = undefined;
  }

  /** @param {Attachment} attachment */
  #asFile(attachment) {
    const isTooLarge = attachment.version.blob.size > this.#most;
    if (isTooLarge) attachment.asFile = false;
    this.#parts.composer.notice(isTooLarge ? this.#tooLarge(attachment) : "");
    this.#chosen.update(attachment);
  }

  // -- on its way -----------------------------------------------------------------------------

  /** One message for each; the first has the text. @param {string} body @param {string} timestamp @param {string} [replyTo] */
  #say(body, timestamp, replyTo) {
    this.#chosen.takeAll().forEach((attachment, at) => {
      this.#begin(attachment, at || isBlank(body) ? "" : body, timestamp, at ? undefined : replyTo);
    });
    this.#parts.composer.attached = undefined;
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
  #takeBack({ cmid, file }) {
    const attachment = this.#underWay.get(cmid);
    if (file?.alt && !attachment) this.#chosen.lostAlt = file.alt;
    if (!attachment) return;
    this.#underWay.delete(cmid);
    this.#add(attachment);
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
