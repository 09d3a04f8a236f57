/** Own messages that are edited or deleted. Loaded while there is nothing else to do, or when it is first wanted. */

import { button, byId, describe, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import "../base/late_styles.js";
import { t } from "../base/strings.js";
import { watchChanges } from "../conversation/changing.js";
import { Changes, isEditable } from "./changes.js";
import { offerOwnTools } from "./own_tools.js";
import { askWhetherToRemove } from "./removal.js";

const MOST_QUOTED = 200; // characters of the message that is edited

/**
 * @typedef {import("../connection/session.js").Message} Message
 *
 * @typedef {object} Parts
 * @property {import("../base/store.js").Store} store
 * @property {Pick<import("../connection/session.js").Session, "ask">} session
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("./composer.js").Composer} composer
 * @property {() => void} toBox
 */
export class Editor {
  #store;
  #timeline;
  #conversation;
  #composer;
  #toBox;
  #changes;
  #form = byId("composer", HTMLFormElement);
  #body = byId("body", HTMLTextAreaElement);
  #send = /** @type {Element} */ (byId("send", HTMLButtonElement).firstElementChild);
  #line = element("p");
  #quoted = element("bdi");
  /** @type {{id: string, body: string}|null} what is being edited, as it read then */
  #edited = null;

  /** @param {Parts} parts */
  constructor({ store, session, conversation, composer, toBox }) {
    this.#store = store;
    this.#timeline = conversation.timeline;
    this.#conversation = conversation;
    this.#composer = composer;
    this.#toBox = toBox;
    this.#changes = new Changes((change) => session.ask(change));
    this.#line.id = "editing";
    const cancel = button("quiet", t.cancel, () => this.cancel());
    this.#line.append(element("b", "", late.editing), " ", this.#quoted, cancel);
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#edited || event.isComposing) return;
      event.stopPropagation(); // it means no more than that
      this.cancel();
    });
    watchChanges((id, message) => message || this.#gone(id));
    offerOwnTools(byId("list", HTMLElement), {
      canEdit: (id) => this.#canEdit(this.#own(id)),
      edit: (id) => this.edit(id),
      remove: (id) => this.#remove(id),
    });
  }

  // -- the reader wants -----------------------------------------------------------------------

  editLast() {
    const last = this.#timeline.tail.findLast((message) => this.#timeline.isOwn(message));
    if (last && this.#canEdit(last)) this.edit(last.id);
    else if (last) this.#composer.notice(late.nothingToEdit);
  }

  /** @param {string} id @param {string} [text] to begin with */
  edit(id, text) {
    const message = this.#own(id);
    if (!message) return;
    if (this.#edited?.id === id && text === undefined) return this.#composer.focus();
    this.#mark(false);
    this.#edited = { id, body: message.body };
    this.#composer.notice("");
    this.#lend(id, text ?? message.body);
    this.#quoted.textContent = message.body.slice(0, MOST_QUOTED).replace(/\s+/g, " ");
    this.#form.querySelector(".writing")?.before(this.#line);
    describe(this.#body, "answering", false); // it is not to be seen meanwhile
    describe(this.#body, "editing", true);
    this.#send.textContent = t.save;
    this.#mark(true);
    this.#composer.focus();
  }

  /** Write something new again: what was in the box before is there. */
  cancel() {
    this.#end();
    this.#composer.notice("");
    this.#toBox();
  }

  /** @param {string} body @returns {string} why it stays in the box, or "" */
  #submit(body) {
    const edited = /** @type {{id: string, body: string}} */ (this.#edited);
    if (!body) {
      this.#remove(edited.id);
      return "";
    }
    if (body !== edited.body && !this.#changes.want(edited.id, body)) return late.notConnected;
    this.#end();
    return "";
  }

  /** @param {string} id */
  async #remove(id) {
    const message = this.#own(id);
    if (!message) return;
    const isSure = await askWhetherToRemove(message);
    if (!this.#own(id)) return; // gone meanwhile
    const isAsked = isSure && this.#changes.want(id);
    if (isSure) this.#composer.notice(isAsked ? "" : late.notConnected);
    if (this.#edited?.id !== id) return;
    if (isAsked) this.#end();
    else if (!this.#body.value.trim()) this.#lend(id, message.body);
  }

  // -- the server tells -----------------------------------------------------------------------

  /** There is a connection again. */
  live() {
    this.#changes.askAgain();
  }

  /** @param {string} cmid */
  done(cmid) {
    this.#changes.answered(cmid);
  }

  /** The server does not want something. @param {string} cmid @param {string} code @param {string} detail @returns {boolean} whether it was a change */
  refused(cmid, code, detail) {
    const change = this.#changes.answered(cmid);
    if (!change) return false;
    const { id, body } = change;
    const message = this.#own(id);
    if (body !== undefined && message?.body === body) return true; // asked twice: it was done at first
    if (body !== undefined && message && code === "not-stored" && !this.#edited) this.edit(id, body);
    else if (body !== undefined) this.#composer.giveBack(body);
    this.#composer.notice(late.changeRefused[code] ?? late.changeFailed(detail));
    if (code === "gone") this.#conversation.changed(id, null);
    return true;
  }

  /** A message is gone; the reader may be editing it. @param {string} id */
  #gone(id) {
    if (this.#edited?.id !== id) return;
    const { value } = this.#body;
    const isNew = value.trim() !== "" && value !== this.#edited.body;
    this.#end();
    if (isNew) this.#composer.giveBack(value);
    this.#composer.notice([late.goneMeanwhile, ...(isNew ? [late.keptAsDraft] : [])].join(" "));
  }

  // -- on the page ----------------------------------------------------------------------------

  /** @param {string} id @param {string} text */
  #lend(id, text) {
    this.#composer.lend({ id, submit: (body) => this.#submit(body) }, text);
  }

  #end() {
    this.#mark(false);
    this.#edited = null;
    const hadFocus = this.#line.contains(document.activeElement);
    this.#line.remove();
    if (hadFocus) this.#toBox();
    describe(this.#body, "editing", false);
    describe(this.#body, "answering", Boolean(this.#composer.answered));
    this.#send.textContent = t.send;
    this.#composer.lend(null);
  }

  /** @param {boolean} isOn */
  #mark(isOn) {
    if (this.#edited) this.#timeline.find(this.#edited.id)?.classList.toggle("is-edited", isOn);
  }

  /** @param {string} id @returns {Message|undefined} */
  #own(id) {
    return this.#timeline.held(id).find((message) => this.#timeline.isOwn(message));
  }

  /** @param {Message|undefined} message */
  #canEdit(message) {
    const { editMinutes = 0 } = this.#store.state.limits;
    return message !== undefined && isEditable(message, editMinutes, this.#timeline.tail);
  }
}
