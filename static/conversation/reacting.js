/**
 * What people think of messages: buttons under each, and a tool that offers all six. Loaded when the conversation is there.
 *
 * Nothing of it is read out by itself. Of two states of a message, the one with the higher mark is the newer, whichever comes first.
 */

import { batched, button, byId, element } from "../base/dom.js";
import { list as sentence } from "../base/language.js";
import { late } from "../base/late_strings.js";
import "../base/late_styles.js";
import { shownName } from "../base/text.js";
import { Requests } from "../hosting/requests.js";
import { MessageTools } from "./message_tools.js";

const PICTURES = /** @type {Record<string, string>} */ ({ like: "👍", love: "❤️", laugh: "😂", wow: "😮", question: "❓", done: "✅" });
const FACE = "M10 3a7 7 0 1 0 .01 0M7.5 7.5v1.2M12.5 7.5v1.2M6.8 11.7a3.8 3.8 0 0 0 6.4 0";
const MOST_KEPT = 5_000; // messages
const ASK_EVERY = 300; // ms
const STEPS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 });

/**
 * @typedef {object} Told
 * @property {string} id
 * @property {number} mark
 * @property {Record<string, number>} counts
 * @property {Record<string, {userName: string}[]>} [people]
 * @property {string[]} [mine]
 *
 * @typedef {{mark: number, counts: Record<string, number>, people: Record<string, {userName: string}[]>, mine: Set<string>}} State
 *
 * @typedef {object} Parts
 * @property {import("../connection/session.js").Session} session
 * @property {import("../base/store.js").Store} store
 * @property {(words: string) => void} notice
 */
export class Reacting {
  #session;
  #store;
  #notice;
  #list = byId("list", HTMLElement);
  #requests;
  /** @type {Map<string, State>} by the message's id */
  #states = new Map();
  #mark = 0; // all that has changed up to this one is here
  #heard = 0; // the highest that was told
  #waits = false; // for what was missed: until it is here, newer changes do not count as all
  #askedFrom = Infinity; // the seq of the first message of which the server has been asked
  #isBehind = true;
  /** @type {string[]} */
  #kinds = [];
  #isOn = true;
  #picker = element("span", "react-picker");
  #askOlder = batched(() => this.#askFrom(), ASK_EVERY);

  /** @param {Parts} parts */
  constructor({ session, store, notice }) {
    this.#session = session;
    this.#store = store;
    this.#notice = notice;
    this.#requests = new Requests((frame) => session.ask(frame));
    this.#picker.role = "group";
    this.#picker.ariaLabel = late.react;
    this.#picker.ariaLive = "off";
    this.#picker.addEventListener("keydown", (event) => this.#key(event));
    this.#picker.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !this.#isIn(relatedTarget) && this.#picker.remove());
    document.addEventListener("pointerdown", ({ target }) => this.#isIn(target) || this.#picker.remove());
    this.#list.addEventListener("focusin", ({ target }) => this.#offerToKeys(target));
    new MutationObserver((changes) => this.#added(changes.flatMap(({ addedNodes }) => [...addedNodes]))).observe(this.#list, { childList: true });
    session.tap = (frame) => this.#hear(frame);
    if (session.welcomed) this.#welcome(session.welcomed);
    if (session.live) this.#live();
    // Once it is known what there is: the pointer may rest on a message already.
    new MessageTools(this.#list, {
      kind: "tools-to-react",
      label: late.reactions,
      fits: (item) => Boolean(item.dataset.id) && this.#canReact,
      tools: [{ label: late.react, picture: FACE, keys: ["l"], work: (id) => this.#offer(id) }],
      place: 2,
    });
  }

  get #canReact() {
    return this.#isOn && this.#kinds.length > 0;
  }

  // -- the server tells -----------------------------------------------------------------------

  /** @param {any} frame @returns {boolean} whether nobody else is to hear it */
  #hear(frame) {
    if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "live") queueMicrotask(() => this.#live()); // once the session is
    else if (frame.type === "rules") this.#ruled(frame);
    else if (frame.type === "removed") for (const id of frame.ids ?? [frame.id]) this.#states.delete(id);
    else if (frame.type === "done") this.#requests.done(frame.cmid, frame);
    else if (frame.type === "error") return this.#requests.refused(frame.cmid, frame);
    else if (frame.type === "reacted") this.#have(frame.id, frame.kind, frame.on);
    else if (frame.type === "reactions") {
      for (const one of frame.messages) this.#take(one);
      this.#heard = Math.max(this.#heard, frame.mark);
      this.#waits &&= frame.messages.length > 0 && !frame.messages[0].mine; // else it is an answer
      if (!this.#waits) this.#mark = this.#heard;
    }
    return frame.type === "reacted" || frame.type === "reactions";
  }

  /** @param {import("../connection/session.js").Welcome} welcome */
  #welcome({ recovered, reactions = 0, limits, rules }) {
    this.#kinds = limits.reactions ?? [];
    const goesOn = recovered && this.#mark <= reactions; // else an older backup may have been restored
    this.#isBehind = !goesOn || this.#mark < reactions;
    if (!goesOn) {
      this.#states.clear();
      this.#mark = 0;
    }
    this.#heard = this.#mark;
    this.#waits = this.#isBehind;
    this.#ruled(rules ?? {});
  }

  #live() {
    this.#requests.askAgain();
    if (this.#isBehind && this.#mark) this.#ask({ since: this.#mark });
    else if (this.#isBehind) this.#waits = this.#askFrom();
    this.#isBehind = false;
  }

  /** @param {{reactions?: boolean}} rules */
  #ruled({ reactions = true }) {
    this.#isOn = reactions;
    if (!reactions) this.#picker.remove();
    for (const item of this.#list.querySelectorAll(":scope > .message")) this.#draw(/** @type {HTMLElement} */ (item));
  }

  /** All from the first message on that is here. */
  #askFrom() {
    const first = this.#list.querySelector(":scope > .message[data-id]");
    if (!(first instanceof HTMLElement) || !this.#kinds.length || !this.#ask({ from: first.dataset.id })) return false;
    this.#askedFrom = seqOf(first);
    return true;
  }

  /** @param {{since?: number, from?: string}} which */
  #ask(which) {
    return this.#session.ask({ type: "reactions", people: this.#store.state.people.size > 0, ...which });
  }

  /** @param {Told} told */
  #take({ id, mark, counts, people, mine }) {
    const known = this.#states.get(id);
    if (known && known.mark > mark) return;
    const has = new Set((mine ?? [...(known?.mine ?? [])]).filter((kind) => counts[kind]));
    this.#states.delete(id);
    this.#states.set(id, { mark, counts, people: people ?? (known?.mark === mark ? known.people : {}), mine: has });
    if (this.#states.size > MOST_KEPT) this.#states.delete([...this.#states.keys()][0]);
    this.#drawOne(id);
  }

  /** The reader has a reaction, or has it no more. @param {string} id @param {string} kind @param {boolean} on */
  #have(id, kind, on) {
    const state = this.#states.get(id);
    if (!state) return;
    if (on && state.counts[kind]) state.mine.add(kind);
    else state.mine.delete(kind);
    this.#drawOne(id);
  }

  // -- on the page ----------------------------------------------------------------------------

  /** @param {Node[]} nodes */
  #added(nodes) {
    for (const item of nodes) {
      if (!(item instanceof HTMLElement) || !item.matches(".message[data-id]")) continue;
      this.#draw(item);
      if (seqOf(item) < this.#askedFrom) this.#askOlder();
    }
  }

  /** @param {string} id */
  #drawOne(id) {
    const item = this.#list.querySelector(`:scope > .message[data-id="${CSS.escape(id)}"]`);
    if (item instanceof HTMLElement) this.#draw(item);
  }

  /** @param {HTMLElement} item */
  #draw(item) {
    const state = this.#states.get(item.dataset.id ?? "");
    const kinds = this.#kinds.filter((kind) => state?.counts[kind]);
    const there = item.querySelector(":scope > .reactions");
    if (!there && !kinds.length) return;
    const node = there ?? element("span", "reactions");
    item.ariaLive = "off"; // else it would be read out as if it were news
    node.ariaLive = "off";
    const buttons = /** @type {Map<string, HTMLButtonElement>} */ (new Map([...node.querySelectorAll("button")].map((one) => [one.dataset.kind ?? "", one])));
    for (const [kind, old] of buttons) {
      if (kinds.includes(kind)) continue;
      if (old === document.activeElement) item.focus({ preventScroll: true });
      old.remove();
    }
    kinds.forEach((kind, at) => {
      const made = buttons.get(kind) ?? this.#button(kind);
      if (node.children[at] !== made) node.insertBefore(made, node.children[at] ?? null);
      if (state) this.#label(made, kind, state);
      made.tabIndex = item.contains(document.activeElement) ? 0 : -1;
    });
    if (!kinds.length) node.remove();
    else if (!there) item.querySelector(":scope > .row")?.after(node);
  }

  /** @param {string} kind */
  #button(kind) {
    const made = button("reaction", "", () => this.#toggle(made.closest(".message"), kind));
    made.dataset.kind = kind;
    return made;
  }

  /** @param {HTMLButtonElement} made @param {string} kind @param {State} state */
  #label(made, kind, { counts, people, mine }) {
    const count = counts[kind] ?? 0;
    const names = (people[kind] ?? []).map(({ userName }) => shownName(userName));
    const who = names.length ? sentence(count > names.length ? [...names, late.moreReacted(count - names.length)] : names, late.and) : "";
    made.textContent = `${PICTURES[kind] ?? kind} ${count}`;
    made.ariaPressed = String(mine.has(kind));
    made.title = [late.reactionKinds[kind] ?? kind, who].filter(Boolean).join(": ");
    made.ariaLabel = `${made.title}, ${count}`;
    made.disabled = !this.#canReact;
  }

  /** The list is one stop of the Tab key: what is in a message comes behind it. @param {EventTarget|null} target */
  #offerToKeys(target) {
    const item = target instanceof Element ? target.closest("#list > .message") : null;
    for (const one of this.#list.querySelectorAll(".reactions button")) {
      /** @type {HTMLElement} */ (one).tabIndex = item?.contains(one) ? 0 : -1;
    }
  }

  // -- the reader reacts ----------------------------------------------------------------------

  /** All six. @param {string} id */
  #offer(id) {
    const item = this.#list.querySelector(`:scope > .message[data-id="${CSS.escape(id)}"]`);
    if (!item || !this.#canReact) return;
    const mine = this.#states.get(id)?.mine ?? new Set();
    this.#picker.replaceChildren(...this.#kinds.map((kind) => {
      const made = button("reaction", PICTURES[kind] ?? kind, () => {
        this.#close();
        this.#toggle(item, kind);
      });
      made.ariaLabel = made.title = late.reactionKinds[kind] ?? kind;
      made.ariaPressed = String(mine.has(kind));
      return made;
    }));
    item.ariaLive = "off"; // see above
    item.append(this.#picker);
    this.#picker.querySelector("button")?.focus();
  }

  #close() {
    const item = this.#picker.parentElement;
    if (this.#picker.contains(document.activeElement)) item?.focus({ preventScroll: true });
    this.#picker.remove();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const buttons = [...this.#picker.querySelectorAll("button")];
    const at = buttons.findIndex((one) => one === document.activeElement);
    const step = STEPS[event.key];
    if (event.key === "Escape") this.#close();
    else if (step) buttons[(at + step + buttons.length) % buttons.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation(); // it means no more than that
  }

  /** @param {EventTarget|null} target */
  #isIn(target) {
    return target instanceof Node && this.#picker.contains(target);
  }

  /** @param {Element|null} item @param {string} kind */
  #toggle(item, kind) {
    const id = item instanceof HTMLElement ? (item.dataset.id ?? "") : "";
    const on = !this.#states.get(id)?.mine.has(kind);
    this.#notice("");
    this.#requests.want({ type: "react", id, kind, on }).then(
      () => this.#have(id, kind, on),
      ({ code, detail }) => this.#notice(late.reactionRefused[code] ?? late.reactionFailed(detail)),
    );
  }
}

/** @param {HTMLElement} item */
function seqOf(item) {
  return Number.parseInt(item.dataset.id ?? "", 10);
}
