/**
 * What messages answer: one line of it above each, as it now reads; the way there, and the way back.
 * Loaded with the first answer.
 */

import { button, byId, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import "../base/late_styles.js";
import { shownName } from "../base/text.js";
import { watchChanges } from "./changing.js";
import { excerpt } from "./excerpt.js";
import { untranslated } from "./markup.js";

const MOST_SHOWN = 160; // characters
const MOST_FETCHED = 500; // messages that are remembered
const AGAIN_AFTER = 5_000; // ms; the archive could not be asked

/** @typedef {import("../connection/session.js").Message} Message */

export class Answers {
  #timeline;
  #past;
  #reveal;
  /** @type {Map<string, Promise<Message|null>>} of messages that are not on the page; null: gone */
  #fetched = new Map();
  #sight = new IntersectionObserver((seen) => seen.forEach((one) => one.isIntersecting && this.#inSight(one.target)), {
    rootMargin: "50%",
  });
  #back = button("quiet back-to-answer", late.backToAnswer, () => this.#goBack());
  #from = "";

  /**
   * @param {Pick<import("./timeline.js").Timeline, "held"|"find">} timeline
   * @param {() => Promise<Pick<import("../connection/archive.js").Archive, "one">>} past
   * @param {(id: string) => Promise<void>} reveal
   */
  constructor(timeline, past, reveal) {
    this.#timeline = timeline;
    this.#past = past;
    this.#reveal = reveal;
    this.#back.ariaLive = "off";
    watchChanges((id, message) => this.#changed(id, message));
    document.addEventListener("click", (event) => this.#click(event), true); // before any other link
    byId("list", HTMLElement).addEventListener("focusin", ({ target }) => this.#offerToKeys(target));
    addEventListener("hashchange", () => this.#back.remove());
  }

  /** Write into the line what it is of. @param {HTMLAnchorElement} line @param {string} id */
  fill(line, id) {
    const [held] = this.#timeline.held(id);
    if (held) write(line, held);
    else this.#sight.observe(line); // only what is looked at is fetched
  }

  /** @param {Element} line */
  async #inSight(line) {
    if (!(line instanceof HTMLAnchorElement)) return;
    this.#sight.unobserve(line);
    const id = line.dataset.of ?? "";
    try {
      const message = this.#timeline.held(id)[0] ?? (await this.#fetch(id));
      if (!line.hasChildNodes()) write(line, message); // else it has changed meanwhile
    } catch {
      this.#fetched.delete(id);
      setTimeout(() => line.isConnected && this.#sight.observe(line), AGAIN_AFTER);
    }
  }

  /** @param {string} id */
  #fetch(id) {
    return this.#fetched.get(id) ?? this.#keep(id, this.#past().then((archive) => archive.one(id)));
  }

  /** @param {string} id @param {Promise<Message|null>} message */
  #keep(id, message) {
    this.#fetched.set(id, message);
    if (this.#fetched.size > MOST_FETCHED) this.#fetched.delete([...this.#fetched.keys()][0]);
    return message;
  }

  /** @param {string} id @param {Message|null} message */
  #changed(id, message) {
    if (!message || this.#fetched.has(id)) this.#keep(id, Promise.resolve(message));
    for (const line of document.querySelectorAll(`.answered[data-of="${CSS.escape(id)}"]`)) {
      write(/** @type {HTMLAnchorElement} */ (line), message);
    }
  }

  // -- there and back -------------------------------------------------------------------------

  /** @param {MouseEvent} event */
  async #click(event) {
    const line = event.target instanceof Element ? event.target.closest("a.answered") : null;
    if (!(line instanceof HTMLAnchorElement) || !line.hash) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // into another tab
    event.preventDefault();
    event.stopPropagation();
    const item = line.closest("#list > .message");
    this.#from = item instanceof HTMLElement ? (item.dataset.id ?? "") : "";
    const id = line.dataset.of ?? "";
    if (this.#from) history.replaceState(history.state, "", `#${this.#from}`); // where the browser's way back leads
    history.pushState(null, "", `#${id}`);
    this.#back.remove();
    await this.#reveal(id);
    if (this.#from) this.#timeline.find(id)?.append(this.#back);
  }

  #goBack() {
    this.#back.remove();
    history.back();
  }

  /** The list is one stop of the Tab key: what is in a message comes behind it. @param {EventTarget|null} target */
  #offerToKeys(target) {
    const item = target instanceof Element ? target.closest("#list > .message") : null;
    for (const line of document.querySelectorAll('#list a.answered[tabindex="0"]')) {
      if (!item?.contains(line)) /** @type {HTMLElement} */ (line).tabIndex = -1;
    }
    const line = item?.querySelector("a.answered");
    if (line) /** @type {HTMLElement} */ (line).tabIndex = 0;
  }
}

/** @param {HTMLAnchorElement} line @param {Message|null} message null: it is gone */
function write(line, message) {
  const label = element("span", "unseen", late.inReplyTo, " ");
  if (!message) {
    line.removeAttribute("href");
    line.replaceChildren(label, element("i", "", late.answeredGone));
    return;
  }
  line.href = `#${message.id}`;
  const name = untranslated(element("bdi", "", shownName(message.userName)));
  const text = element("bdi", "", excerpt(message, 2 * MOST_SHOWN).replace(/\s+/g, " ").trim().slice(0, MOST_SHOWN));
  line.replaceChildren(label, element("b", "", name), " ", text);
}
