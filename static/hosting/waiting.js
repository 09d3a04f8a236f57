/** What waits for a host: messages to approve, people at the door. A line above the box, and a dialog. Loaded with the first of them. */

import { button, byId, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { sheet } from "../shell/dialogs.js";
import { isolated } from "../people/happenings.js";
import { entry, nameOf, refill } from "./section.js";
import { moment } from "./times.js";
import { doorWords } from "./door_words.js";
import { words } from "./words.js";

/**
 * @typedef {{id: string, userName: string, userId?: string, body: string, heldAt: string}} Held
 * @typedef {{userId: string, userName: string, like: import("./hosting.js").Listed, removedAt: string}} Knock
 */
export class Waiting {
  #act;
  /** @type {Map<string, Held>} by id, oldest first */
  #held = new Map();
  /** @type {Map<string, Knock>} by user id, oldest first */
  #knocks = new Map();
  /** @type {Set<string>} ids of what a host has decided here: gone from the list before the server says so */
  #decided = new Set();
  #words = element("span");
  #line = element("p", "line-above empty", this.#words, button("strong", doorWords.lookAtThem, () => this.open()));
  #why = element("p", "why");
  #nobody = element("p", "fine", doorWords.nobodyWaits);
  #list = element("ul");
  #all = button("quiet", doorWords.admitAll, () => this.#do("admit", {}));
  #dialog;

  /** @param {import("./speak_choice.js").Act} act @param {() => string} problem why the last act was refused */
  constructor(act, problem) {
    this.#act = act;
    this.problem = problem;
    this.#line.id = "waiting";
    this.#words.role = "status";
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

  /** The reader has come in, for the first time or again: what still waits is told next. */
  clear() {
    this.#held.clear();
    this.#knocks.clear();
    this.#decided.clear();
    this.#show();
  }

  /** @param {any} frame held, settled, knock or knocked */
  hear(frame) {
    if (frame.type === "held") this.#held.set(frame.id, frame);
    else if (frame.type === "settled") this.#held.delete(frame.id);
    else if (frame.type === "knock") this.#knocks.set(frame.userId, frame);
    else if (frame.type === "knocked") this.#knocks.delete(frame.userId);
    if (frame.type === "knock") this.#decided.delete(frame.userId); // once more
    this.#show();
  }

  #show() {
    const held = [...this.#held.values()].filter(({ id }) => !this.#decided.has(id));
    const knocks = [...this.#knocks.values()].filter(({ userId }) => !this.#decided.has(userId));
    const [messages, people] = [held.length, knocks.length];
    this.#words.textContent = messages + people ? doorWords.waiting(messages, people) : "";
    this.#line.classList.toggle("empty", messages + people === 0);
    this.#line.hidden = messages + people === 0;
    this.#nobody.hidden = messages + people > 0;
    this.#all.hidden = people === 0;
    refill(this.#list, [...knocks.map((one) => this.#knock(one)), ...held.map((one) => this.#message(one))]);
  }

  /** @param {Held} held */
  #message({ id, userName, body }) {
    const text = element("p", "text", body);
    text.dir = "auto";
    return entry(
      [nameOf(userName), text],
      this.#tool("a", doorWords.approve, "approve", { id }),
      this.#tool("x", doorWords.refuse, "refuse", { id }),
    );
  }

  /** @param {Knock} knock */
  #knock({ userId, userName, like, removedAt }) {
    const about = element("p", "fine", doorWords.knocks(isolated(shownName(like.userName)), moment(new Date(removedAt))));
    return entry(
      [nameOf(userName), about],
      this.#tool("a", doorWords.admit, "admit", { userId }),
      this.#tool("x", doorWords.refuse, "refuse", { userId }),
    );
  }

  /** @param {string} key @param {string} label @param {string} act @param {Record<string, string>} fields */
  #tool(key, label, act, fields) {
    const made = button("quiet", label, () => this.#decide(act, fields));
    made.dataset.key = key;
    made.ariaKeyShortcuts = key.toUpperCase();
    return made;
  }

  /** A and X stand for the buttons of the one that has the focus, or of the first. @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = document.activeElement?.closest("#waiting-dialog li") ?? this.#list.firstElementChild;
    const tool = item?.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
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
    this.#show();
  }

  /** @param {string} act @param {Record<string, string>} fields @returns {Promise<boolean>} whether the server did it */
  async #do(act, fields) {
    const told = await this.#act(act, fields);
    this.#why.textContent = told ? "" : this.problem();
    return Boolean(told);
  }
}
