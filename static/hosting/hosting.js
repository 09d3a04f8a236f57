/**
 * A room in which somebody is in charge: who that is, what the rules are, and what a host can do. Loaded when
 * the server first tells of one of these, or the reader asks.
 */

import { button, byId } from "../base/dom.js";
import "../base/late_styles.js";
import { recall, remember, secrets } from "../base/storage.js";
import { noteDoor } from "../connection/proved.js";
import { isolated } from "../people/happenings.js";
import { DoneLine } from "./done_line.js";
import { OwnHeld } from "./own_held.js";
import { showWithTools } from "./people_tools.js";
import { Requests } from "./requests.js";
import { noteOf } from "./section.js";
import { Speaking } from "./speaking.js";
import { Taken } from "./taken.js";
import { words } from "./words.js";

/**
 * @typedef {import("../connection/session.js").Problem} Problem
 *
 * @typedef {object} Parts
 * @property {import("../base/store.js").Store} store
 * @property {import("../connection/session.js").Session} session
 * @property {import("../connection/connection.js").Connection} connection
 * @property {import("../conversation/conversation.js").Conversation} conversation
 * @property {import("../writing/composer.js").Composer} composer
 * @property {import("../writing/outbox.js").Outbox} outbox
 * @property {() => void} send what waits in the outbox
 * @property {() => void} paint
 * @property {() => void} showWho who is here
 *
 * @typedef {{userId: string, userName: string, role?: string, until?: string, everywhere?: boolean}} Listed
 * @typedef {{at: string, act: string, by: Listed, whom?: Listed, what?: string}} Logged
 * @typedef {{link: string, until: string, uses: number, makes?: "guest"}} HostLink
 * @typedef {{hosts: Listed[], quiet: Listed[], barred: Listed[], links: HostLink[], keys: {name: string, userId: string, say: boolean}[], log: Logged[], code?: string, typedCode?: boolean, sharing?: number}} Seen
 */
export class Hosting {
  /** Why the last wish was refused. */
  problem = { code: "", said: "" };
  #parts;
  #speaking;
  #requests;
  #ownHeld;
  #doneLine = new DoneLine();
  /** @type {(() => void)[]} */
  #watchers = [];
  /** @type {HTMLLIElement[]} for when the past is over */
  #notes = [];
  /** @type {import("./shown_out.js").ShownOut|null} */
  #shownOut = null;
  /** @type {import("./at_the_door.js").AtTheDoor|null} */
  #atTheDoor = null;
  #isIn = false;
  #savesWithPass = false;
  /** @type {import("./waiting.js").Waiting|null} */
  #waiting = null;
  /** @type {any[]} frames for it */
  #unheard = [];
  #taken = new Taken((wish) => this.want(wish));

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { store, session, conversation: { timeline }, outbox, send } = parts;
    this.#requests = new Requests((frame) => session.ask(frame));
    this.#ownHeld = new OwnHeld(parts, this.#requests);
    this.#speaking = new Speaking({ store, timeline, outbox, send }, () => this.openSheet());
    store.watch(["role"], () => this.#becomes());
    this.#becomes();
  }

  // -- the server tells -----------------------------------------------------------------------

  /** @param {any} frame welcome, rules, host, muted, unmuted, log or error */
  hear(frame) {
    if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "rules") this.#ruled(frame);
    else if (frame.type === "muted") this.#speaking.muted(frame);
    else if (frame.type === "unmuted") this.#speaking.unmuted();
    else if (frame.type === "host") this.#host(frame);
    else if (frame.type === "error") this.#error(frame);
    else if (frame.type === "knocking") this.#stand(frame.hostIsHere ? "knocking" : "alone");
    else if (frame.type === "log") this.#taken.hear(frame);
    else this.#wait(frame);
    if (frame.type !== "welcome") this.#speaking.update(); // else at its end: whoever is quiet is told so next
    this.#parts.paint();
    for (const watcher of this.#watchers) watcher();
  }

  /** @param {import("../connection/session.js").Rules} frame */
  #ruled(frame) {
    this.#speaking.ruled(frame);
    this.#noteRules();
  }

  /** What others go by. */
  #noteRules() {
    const { door = "open", files } = this.rules;
    this.#parts.store.set({ files });
    noteDoor(door);
    const print = byId("print-all", HTMLAnchorElement);
    print.hidden = door !== "open" || !print.href; // a tab of its own could not show the pass
    if (door === "open" || this.#savesWithPass) return;
    this.#savesWithPass = true;
    const { store, composer } = this.#parts;
    import("./saving.js").then((part) => part.saveWithPass(store.state.room, (said) => composer.notice(said)), () => (this.#savesWithPass = false));
  }

  /** @param {{role: string, rules?: import("../connection/session.js").Rules}} frame */
  #welcome(frame) {
    this.#speaking.welcome(frame);
    this.#noteRules();
    this.#isIn = true;
    this.#shownOut?.hide();
    this.#atTheDoor?.hide();
    this.#unheard = [];
    this.#waiting?.clear();
    if (frame.role) delete secrets.host; // there is no more to be had from a link
    if (this.#parts.session.live) this.live(); // loaded since
  }

  /** Something waits for a host, or does not any more. @param {any} frame */
  #wait(frame) {
    if (!["held", "settled", "knock", "knocked"].includes(frame.type)) return;
    this.#ownHeld.hear(frame);
    if (!this.#parts.store.state.role) return;
    if (this.#waiting) return this.#waiting.hear(frame);
    this.#unheard.push(frame);
    this.#offer();
  }

  /** Have what hosts need on the page: it is tried again with whatever comes next, where it cannot be had. */
  #offer() {
    import("./host_tools.js").then((part) => part.offerHostTools(this, this.#parts)).catch(() => {});
    import("./waiting.js").then((part) => {
      this.#waiting ??= new part.Waiting(this);
      for (const one of this.#unheard.splice(0)) this.#waiting.hear(one);
    }).catch(() => {});
  }

  /** The reader does not want to say it any more. @param {string} cmid */
  withdraw(cmid) {
    return this.#ownHeld.withdraw(cmid);
  }

  /** @param {import("./at_the_door.js").Why} why @param {number} [retryAfter] */
  async #stand(why, retryAfter) {
    const { connection } = this.#parts;
    this.#isIn = false;
    const part = await import("./at_the_door.js").catch(() => null); // the status says so in any case
    if (!part || this.#isIn) return;
    this.#shownOut?.hide();
    this.#atTheDoor ??= new part.AtTheDoor(() => connection.again());
    this.#atTheDoor.show(why, retryAfter);
  }

  /** The past is over. */
  live() {
    this.#ownHeld.live();
    this.#waiting?.live();
    if (this.#parts.store.state.role) this.#offer();
    this.#speaking.live();
    this.#requests.askAgain();
    for (const note of this.#notes.splice(0)) this.#note(note);
  }

  /** @param {{userId: string, userName: string, role: string}} frame somebody is a host now, or no longer */
  #host({ userId, userName, role }) {
    const { store } = this.#parts;
    const isMe = userId === store.state.me.userId;
    const before = isMe ? store.state.role : store.state.roles.get(userId);
    store.set({ roles: new Map(store.state.roles).set(userId, role), ...(isMe && { role }) });
    if (isMe) delete secrets.host;
    if (role) this.#speaking.hostCame();
    if (Boolean(role) === Boolean(before)) return;
    if (!isMe) this.#note(noteOf((role ? words.hostNow : words.hostNoMore)(isolated(userName))));
    else if (!role) this.#note(noteOf(words.youNoMore));
  }

  /** @param {Problem} problem of a message, a new name, or what came with the hello */
  #error(problem) {
    const { code, retryAfter } = problem;
    if (code === "removed") return void this.#showOut(retryAfter);
    if (code === "wrong-key") {
      const why = secrets.key ? "wrong" : "code";
      delete secrets.key;
      return void this.#stand(why, retryAfter);
    }
    if (code === "shut" || code === "no-entry" || code === "everybody-out") return void this.#stand(code);
    if (code === "too-many" && retryAfter) return void this.#stand("crowded");
    const isOfLink = code === "wrong-link" || code === "too-many";
    if (isOfLink) delete secrets[secrets.host ? "host" : "guest"];
    const why = isOfLink ? words.refused[code] : this.#speaking.refused(problem);
    if (why) this.#parts.composer.notice(why);
  }

  /** @param {number} [retryAfter] seconds */
  async #showOut(retryAfter) {
    const { connection } = this.#parts;
    const part = await import("./shown_out.js").catch(() => null); // the status says so in any case
    if (!part) return;
    this.#atTheDoor?.hide();
    this.#shownOut ??= new part.ShownOut(() => connection.retryNow());
    this.#shownOut.show(retryAfter);
  }

  /** A message of the reader's has come. */
  said() {
    this.#speaking.said();
  }

  /** Why nothing is to be said now, or "". */
  whyNot() {
    return this.#speaking.whyNot();
  }

  /** Whether the outbox may send its next message. */
  lets() {
    return this.#speaking.lets();
  }

  // -- the reader as a host -------------------------------------------------------------------

  get rules() {
    return this.#speaking.rules;
  }

  /** @param {() => void} watcher is called whenever a host has done something */
  watch(watcher) {
    this.#watchers.push(watcher);
  }

  /** @param {string} act @param {Record<string, unknown>} [fields] @returns {Promise<any>} as `want` */
  act(act, fields = {}) {
    return this.want({ type: "host", act, ...fields });
  }

  /**
   * Have the server do something.
   *
   * @param {{type: string, [field: string]: unknown}} wish
   * @returns {Promise<any>} what it tells; null where it refused, and why is said
   */
  want(wish) {
    if (wish.act !== "look") this.#taken.begin();
    return this.#requests.want(wish).catch((/** @type {Problem} */ { code, detail }) => {
      this.problem = { code, said: words.refused[code] ?? words.failed(detail) };
      if (!document.querySelector("dialog[open]")) this.#parts.composer.notice(this.problem.said);
      return null;
    });
  }

  /** Something is done. @param {string} said @param {() => Promise<any>} [undo] if the reader can */
  tell(said, undo) {
    this.#doneLine.show(said, undo);
  }

  /** Which messages went with an act that was just done. @param {string} act */
  taken(act) {
    return this.#taken.with(act, this.#parts.store.state.me.userId);
  }

  /** The newest message that the reader has been told of. */
  get newest() {
    return this.#parts.conversation.timeline.newest?.id;
  }

  /** @param {string} cmid @param {any} told */
  done(cmid, told) {
    this.#requests.done(cmid, told);
  }

  /** @param {string} cmid @param {Problem} problem @returns {boolean} whether it was about one of these wishes */
  refused(cmid, problem) {
    return this.#requests.refused(cmid, problem);
  }

  /** The reader is a host now, or none any more. */
  #becomes() {
    const { role, room } = this.#parts.store.state;
    const key = `chat:host:${room}`;
    document.body.classList.toggle("host", Boolean(role));
    this.#parts.showWho();
    if (!role) {
      this.#waiting?.stop();
      return void remember(key, null);
    }
    this.#offer();
    if (recall(key)) return; // told before
    remember(key, role);
    const isOperator = role === "operator";
    const note = noteOf(`${words.told[role] ?? words.told.host} ${isOperator ? words.wayBackOperator : words.wayBack}`);
    if (!isOperator) note.append(" ", button("quiet", words.getOwnLink, ({ detail }) => detail > 1 || this.openSheet("own")));
    this.#note(note);
  }

  /** @param {HTMLLIElement} note */
  #note(note) {
    if (!this.#parts.session.live) return void this.#notes.push(note);
    this.#parts.conversation.timeline.addNote(note);
    this.#parts.paint();
  }

  // -- on the page ----------------------------------------------------------------------------

  /** The sheet about this room. @param {"own"} [link] that is made at once */
  async openSheet(link) {
    const part = await import("./room_sheet.js").catch(() => null);
    if (part) part.openSheet(this, this.#parts.store, link);
    else this.#parts.composer.notice(words.refused.offline);
  }

  /** What there is to decide about somebody. @param {string} userId @param {string} userName */
  async openPerson(userId, userName) {
    const part = await import("./person_dialog.js").catch(() => null);
    if (part) part.openPerson(this, this.#parts.store, userId, userName);
    else this.#parts.composer.notice(words.refused.offline);
  }

  /** @param {() => void} show who is here */
  showPeople(show) {
    showWithTools(this, this.#parts.store.state, show);
  }
}
