/** Search in this room; a result leads to its place in the conversation. Loaded when it is first wanted. */

import { byId, element, isTouch } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import "../base/late_styles.js";
import { t } from "../base/strings.js";
import { shownName } from "../base/text.js";
import { ArchiveError } from "../connection/archive.js";
import { hueClass } from "../people/people.js";
import { watchChanges } from "./changing.js";
import { PILE, untranslated } from "./markup.js";
import { dateOf, locale } from "./row.js";

const EXCERPT = 220; // characters of a result
const LEAD = 60; // of them, before the first match
const PATIENCE = 250; // ms after the last key
const AGAIN_AFTER = 1_000; // ms; the first searches of a long room only make it ready
const MOST_TRIES = 30;
const COVERS = 0.6; // of a window's width: then the conversation cannot be seen beside the search
const LOOKED_AT = 1_000; // characters of a body that are searched in one go

// Scripts without spaces between words, or with endings behind them: found is what stands anywhere in a run
// of them; elsewhere, what begins a word. So does the server (history/words.py).
const SPACELESS = "[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}ー\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}]";
const IS_SPACELESS = new RegExp(SPACELESS, "u");
const WORDS = new RegExp(`((?:${SPACELESS}\\p{M}*)+|(?:(?!${SPACELESS})[\\p{L}\\p{N}\\p{M}])+)`, "u");

const brief = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const briefOfYear = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** @typedef {import("../connection/session.js").Message} Message */

export class Search {
  #panel = byId("search", HTMLElement);
  #form = byId("search-form", HTMLFormElement);
  #input = byId("search-for", HTMLInputElement);
  #results = byId("results", HTMLElement);
  #summary = byId("search-summary", HTMLElement);
  #more = byId("search-more", HTMLButtonElement);
  #archive;
  #timer = 0;
  #asked = 0;
  #text = "";
  #oldest = "";
  #closed;
  #noted = false;

  /** @param {import("../connection/archive.js").Archive} archive @param {() => void} closed */
  constructor(archive, closed) {
    this.#archive = archive;
    this.#closed = closed;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#look();
    });
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#look(), PATIENCE);
    });
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    byId("search-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this.#more.addEventListener("click", () => this.#look(this.#oldest));
    this.#results.addEventListener("click", ({ target }) => {
      const led = target instanceof Element && target.closest("a");
      if (led && this.#covers) this.#panel.hidden = true;
    });
    // Where the search is all that is seen, the way back leads out of it, and not out of the room.
    new MutationObserver(() => this.#note()).observe(this.#panel, { attributeFilter: ["hidden"] });
    addEventListener("popstate", ({ state }) => {
      if (this.#noted) this.#panel.hidden = !state?.search; // else it is a link beside the search that was followed
    });
    watchChanges((id, message) => this.#changed(id, message));
    this.#note();
    if (this.#input.value) this.#look(); // typed while this module was on its way
  }

  close() {
    if (history.state?.search) history.back();
    this.#panel.hidden = true;
    if (!isTouch()) this.#closed(); // which leads to the box, and there to a keyboard on the screen
  }

  get #covers() {
    return this.#panel.clientWidth > innerWidth * COVERS;
  }

  /** A step in the browser's history, where the search has just opened. */
  #note() {
    if (this.#panel.hidden || !this.#covers || history.state?.search) return;
    this.#noted = true;
    history.pushState({ search: true }, "");
  }

  /** @param {string} [before] an id: go on with older ones */
  async #look(before = "") {
    clearTimeout(this.#timer);
    const text = this.#input.value.trim();
    const asked = (this.#asked += 1);
    if (!before) this.#text = text;
    if (!text) return this.#show([], before, "");
    this.#summary.textContent = late.searching;
    for (let tries = 1; asked === this.#asked; tries += 1) {
      try {
        const found = await this.#archive.search(this.#text, before);
        if (asked === this.#asked) this.#show(found, before, late.found(found.length, found.length >= 50));
        return;
      } catch (error) {
        const isBusy = error instanceof ArchiveError && error.status === 503 && tries < MOST_TRIES;
        if (!isBusy && asked === this.#asked) return this.#show([], before, this.#sorry(error));
        await new Promise((wake) => setTimeout(wake, AGAIN_AFTER));
      }
    }
  }

  /** @param {unknown} error */
  #sorry(error) {
    if (this.#archive.missing) return late.searchMissing;
    return late.searchFailed(error instanceof ArchiveError ? error.message : t.unreachable);
  }

  /** @param {Message[]} found oldest first @param {string} before @param {string} summary */
  #show(found, before, summary) {
    const items = found.toReversed().map((message) => resultItem(message, this.#text));
    if (before) this.#results.append(...items);
    else this.#results.replaceChildren(...items);
    this.#summary.textContent = summary;
    this.#oldest = found[0]?.id ?? "";
    this.#more.hidden = found.length < 50;
  }

  /** What was found reads otherwise now, or is gone. @param {string} id @param {Message|null} message */
  #changed(id, message) {
    const link = [...this.#results.querySelectorAll("a")].find(({ hash }) => hash === `#${id}`);
    const item = link?.closest("li");
    if (!link || !item) return;
    const hadFocus = document.activeElement === link;
    if (message) item.replaceChildren(...resultItem(message, this.#text).childNodes);
    else item.remove();
    if (!message) this.#summary.textContent = late.found(this.#results.children.length, !this.#more.hidden);
    if (hadFocus) /** @type {HTMLElement} */ (item.isConnected ? item.firstChild : this.#results.parentElement).focus();
  }
}

/** @param {Message} message @param {string} text */
function resultItem(message, text) {
  const date = dateOf(message);
  const link = element("a", "result");
  link.href = `#${message.id}`;
  const sender = untranslated(element("bdi", message.userId ? "sender" : "sender unchecked", shownName(message.userName)));
  const head = element("span", "result-head", sender);
  head.append(element("time", "", date ? dateAndTime(date) : message.timestamp));
  const body = element("span", "result-body", ...excerpt(message.body, text));
  body.dir = "auto";
  link.append(head, body);
  return element("li", hueClass(message.userName), link);
}

/** @param {Date} date */
function dateAndTime(date, now = new Date()) {
  return (date.getFullYear() === now.getFullYear() ? brief : briefOfYear).format(date);
}

/** What stands around the first match, with each match marked. @param {string} body @param {string} text */
function excerpt(body, text) {
  const words = text.split(WORDS).filter((_, n) => n % 2).map(plain);
  const start = Math.max(0, firstMatch(body, words) - LEAD);
  const shown = body.slice(start, start + EXCERPT).replace(PILE, "$1");
  return [start > 0 ? "…" : "", ...marked(shown, words), start + EXCERPT < body.length ? "…" : ""];
}

/** Where the first of the words stands; 0 where none does. @param {string} body @param {string[]} words */
function firstMatch(body, words) {
  const longest = Math.max(0, ...words.map((word) => word.length));
  for (let from = 0; from < body.length; from += LOOKED_AT) {
    const piece = plain(body.slice(from, from + LOOKED_AT + longest));
    const found = words.map((word) => piece.indexOf(word)).filter((at) => at >= 0);
    if (found.length) return from + Math.min(...found);
  }
  return 0;
}

/** @param {string} text @param {string[]} words @returns {(Node|string)[]} */
function marked(text, words) {
  return text.split(WORDS).flatMap((piece) => {
    if (IS_SPACELESS.test(piece)) return markedInside(piece, words);
    return words.some((word) => plain(piece).startsWith(word)) ? element("mark", "", piece) : piece;
  });
}

/** Each of the words in a run of a spaceless script. @param {string} run @param {string[]} words @returns {(Node|string)[]} */
function markedInside(run, words) {
  const word = words.find((word) => run.includes(word));
  if (!word) return [run];
  const at = run.indexOf(word);
  const [before, after] = [run.slice(0, at), run.slice(at + word.length)];
  return [...markedInside(before, words), element("mark", "", word), ...markedInside(after, words)];
}

/** Without case and accents; of the same length wherever that is possible. @param {string} text */
function plain(text) {
  const base = (/** @type {string} */ letter) => (IS_SPACELESS.test(letter) ? letter : letter.normalize("NFD")[0]);
  return text.toLowerCase().replace(/[^\x00-\x7f]/gu, base);
}
