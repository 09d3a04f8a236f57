/** What waits for a host: messages to approve, people at the door. A line above the box, and a dialog. Loaded with the first of them. */

import { button, byId, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { fileBox } from "../conversation/row.js";
import { sheet } from "../shell/dialogs.js";
import { isolated } from "../people/happenings.js";
import { toWriting } from "./choices.js";
import { entry, nameOf, refill } from "./section.js";
import { moment } from "./times.js";
import { doorWords } from "./door_words.js";

const LONG = 300; // characters
const STILL_FOR = 400; // ms for which something stands where it is before a click means it

/**
 * @typedef {{id: string, userName: string, userId?: string, body: string, heldAt: string, file?: import("../files/file_words.js").SharedFile}} Held
 * @typedef {{userId: string, userName: string, like: import("./hosting.js").Listed, removedAt: string}} Knock
 */
export class Waiting {
  #hosting;
  /** @type {Map<string, Held>} by id, oldest first */
  #held = new Map();
  /** @type {Map<string, Knock>} by user id, oldest first */
  #knocks = new Map();
  /** @type {Set<string>} ids of what a host has decided here: gone from the list before the server says so */
  #decided = new Set();
  /** @type {Map<string, HTMLElement>} in the list, by id: what one of them shows on request stays, and so does the focus in it */
  #entries = new Map();
  #isComingBack = false;
  #words = element("span");
  #look = button("strong", doorWords.lookAtThem, () => this.open());
  #line = element("p", "line-above empty", this.#words, this.#look); // it stays: else a screen reader may miss the first words
  #why = element("p", "why");
  #nobody = element("p", "fine", doorWords.nobodyWaits);
  #list = element("ul");
  #all = button("quiet", doorWords.admitAll, (event) => this.#isMeant(this.#all, event) && this.#do("admit", {}));
  /** @type {WeakMap<Element, number>} when each came to stand where it is */
  #movedAt = new WeakMap();
  #dialog;

  /** @param {import("./hosting.js").Hosting} hosting */
  constructor(hosting) {
    this.#hosting = hosting;
    this.#line.id = "waiting";
    this.#words.role = "status";
    this.#look.hidden = true;
    this.#why.role = "alert";
    byId("composer", HTMLFormElement).querySelector(".writing")?.before(this.#line);
    const keys = element("p", "fine for-keys", doorWords.waitingKeys);
    this.#dialog = sheet("waiting-dialog", doorWords.waitsForYou, this.#why, this.#nobody, this.#list, this.#all, keys);
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  open() {
    this.#why.textContent = "";
    this.#show();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#list.querySelector("button")?.focus();
  }

  /** The reader has come in, for the first time or again: what still waits is told next, and shown once that is complete. */
  clear() {
    this.#isComingBack = true;
    this.#held.clear();
    this.#entries.clear();
    this.#knocks.clear();
    this.#decided.clear();
  }

  /** All that waits has been told. */
  live() {
    this.#isComingBack = false;
    this.#show();
  }

  /** The reader is no host any more. */
  stop() {
    const hadFocus = this.#dialog.open || this.#line.contains(document.activeElement);
    this.#dialog.close();
    this.clear();
    this.live();
    if (hadFocus) toWriting();
  }

  /** @param {any} frame held, settled, knock or knocked */
  hear(frame) {
    // Of a server that this page does not know: one of them would keep all others from being shown.
    const lacks = { held: !("userName" in frame && "body" in frame), knock: !("userName" in frame && frame.like && frame.removedAt) };
    if (lacks[/** @type {keyof typeof lacks} */ (frame.type)]) return;
    if (frame.type === "held") this.#held.set(frame.id, frame);
    else if (frame.type === "settled") this.#held.delete(frame.id);
    else if (frame.type === "knock") this.#knocks.set(frame.userId, frame);
    else if (frame.type === "knocked") this.#knocks.delete(frame.userId);
    if (frame.type === "knock") this.#decided.delete(frame.userId); // once more
    this.#show();
  }

  #show() {
    if (this.#isComingBack) return;
    const held = [...this.#held.values()].filter(({ id }) => !this.#decided.has(id));
    for (const id of this.#entries.keys()) if (!this.#held.has(id)) this.#entries.delete(id);
    const knocks = [...this.#knocks.values()].filter(({ userId }) => !this.#decided.has(userId));
    const [messages, people] = [held.length, knocks.length];
    const said = messages + people ? doorWords.waiting(messages, people) : "";
    if (this.#words.textContent !== said) this.#words.textContent = said;
    this.#line.classList.toggle("empty", said === "");
    this.#look.hidden = said === "";
    this.#nobody.hidden = said !== "";
    this.#noteMoves(() => {
      this.#all.hidden = people === 0;
      refill(this.#list, [...knocks.map((one) => this.#knock(one)), ...held.map((one) => this.#message(one))]);
    });
  }

  /** @param {() => void} work moves what can be clicked */
  #noteMoves(work) {
    const top = (/** @type {Element} */ one) => one.getBoundingClientRect().top;
    const before = new Map([...this.#list.children, this.#all].map((one) => [one, top(one)]));
    work();
    for (const one of [...this.#list.children, this.#all]) {
      if (before.get(one) !== top(one)) this.#movedAt.set(one, performance.now());
    }
  }

  /**
   * Whether a click is for what it hits: not the second of two at once, nor one for what stood there a moment ago.
   *
   * @param {Element} what
   * @param {MouseEvent} event
   */
  #isMeant(what, { detail }) {
    return detail === 0 || performance.now() - (this.#movedAt.get(what) ?? 0) > STILL_FOR; // 0: by a key
  }

  /** The same one each time: it may still wait for its picture. @param {Held} held */
  #message(held) {
    const made = this.#entries.get(held.id) ?? this.#entryOf(held);
    this.#entries.set(held.id, made);
    return made;
  }

  /** @param {Held} held */
  #entryOf({ id, userName, body, file }) {
    const text = element("p", "text", body);
    text.dir = "auto";
    if (body.length > LONG) text.tabIndex = 0; // it scrolls
    return entry(
      `held ${id}`,
      [nameOf(userName), text, ...(file ? [fileBox(file, true)] : []), ...(file?.alt ? [described(file.alt)] : [])],
      this.#tool("a", doorWords.approve, "approve", { id }),
      this.#tool("x", doorWords.refuse, "refuse", { id }),
    );
  }

  /** @param {Knock} knock */
  #knock({ userId, userName, like, removedAt }) {
    const about = element("p", "fine", doorWords.knocks(isolated(shownName(like.userName)), moment(new Date(removedAt))));
    return entry(
      `knock ${userId}`,
      [nameOf(userName), about],
      this.#tool("a", doorWords.admit, "admit", { userId }),
      this.#tool("x", doorWords.refuse, "refuse", { userId }),
    );
  }

  /** @param {string} key @param {string} label @param {string} act @param {Record<string, string>} fields */
  #tool(key, label, act, fields) {
    const made = button("quiet", label, (event) => {
      const item = /** @type {Element} */ (made.closest("li"));
      if (this.#isMeant(item, event)) this.#decide(act, fields);
    });
    made.dataset.key = key;
    made.ariaKeyShortcuts = key.toUpperCase();
    return made;
  }

  /** A and X stand for the buttons of the one that has the focus, or of the first. @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (event.repeat && ["a", "x", "enter"].includes(key)) return event.preventDefault(); // held down, it means the first one
    const item = document.activeElement?.closest("#waiting-dialog li") ?? this.#list.firstElementChild;
    const tool = item?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!(tool instanceof HTMLButtonElement)) return;
    event.preventDefault();
    tool.focus();
    tool.click();
  }

  /** The next one stands there at once, also for whoever is faster than the line. @param {string} act @param {{id?: string, userId?: string}} fields */
  async #decide(act, fields) {
    const id = /** @type {string} */ (fields.id ?? fields.userId);
    this.#decided.add(id);
    this.#show();
    if (await this.#do(act, fields)) return;
    this.#decided.delete(id);
    if (this.#hosting.problem.code === "gone") for (const all of [this.#held, this.#knocks]) all.delete(id);
    this.#show();
  }

  /** @param {string} act @param {Record<string, string>} fields @returns {Promise<boolean>} whether the server did it */
  async #do(act, fields) {
    const told = await this.#hosting.act(act, fields);
    const { code, said } = this.#hosting.problem;
    this.#why.textContent = told ? "" : code === "gone" ? doorWords.decidedAlready : said;
    return Boolean(told);
  }
}

/** What is said of a picture is for a host to approve, too. @param {string} alt */
function described(alt) {
  const text = element("span", "", alt);
  text.dir = "auto";
  return element("p", "fine", doorWords.describedAs, " ", text);
}
