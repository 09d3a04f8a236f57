/** Search in this room; a result leads to its place in the conversation. Loaded when it is first wanted. */

import { byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { shownName } from "../base/text.js";
import { ArchiveError } from "../connection/archive.js";
import { hueClass } from "../people/colours.js";
import { dateOf } from "./row.js";
import { dateAndTime } from "./time.js";

const EXCERPT = 220; // characters of a result
const LEAD = 60; // of them, before the first match
const PATIENCE = 250; // ms after the last key
const AGAIN_AFTER = 1_000; // ms; the first searches of a long room only make it ready
const MOST_TRIES = 30;
const COVERS = 0.6; // of a window's width: then the conversation cannot be seen beside the search

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
      if (led && this.#panel.clientWidth > innerWidth * COVERS) this.#panel.hidden = true;
    });
    if (this.#input.value) this.#look(); // typed while this module was on its way
  }

  close() {
    this.#panel.hidden = true;
    this.#closed();
  }

  /** @param {string} [before] an id: go on with older ones */
  async #look(before = "") {
    clearTimeout(this.#timer);
    const text = this.#input.value.trim();
    const asked = (this.#asked += 1);
    if (!before) this.#text = text;
    if (!text) return this.#show([], before, "");
    this.#summary.textContent = t.searching;
    for (let tries = 1; asked === this.#asked; tries += 1) {
      try {
        const found = await this.#archive.search(this.#text, before);
        if (asked === this.#asked) this.#show(found, before, t.found(found.length, found.length >= 50));
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
    if (this.#archive.missing) return t.searchMissing;
    return t.searchFailed(error instanceof ArchiveError ? error.message : t.unreachable);
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
}

/** @param {Message} message @param {string} text */
function resultItem(message, text) {
  const date = dateOf(message);
  const link = element("a", "result");
  link.href = `#${message.id}`;
  const head = element("span", "result-head", element("bdi", "sender", shownName(message.userName)));
  head.append(element("time", "", date ? dateAndTime(date) : message.timestamp));
  const body = element("span", "result-body", ...excerpt(message.body, text));
  body.dir = "auto";
  link.append(head, body);
  return element("li", hueClass(message.userName), link);
}

/** What stands around the first match, with each match marked. @param {string} body @param {string} text */
function excerpt(body, text) {
  const words = text.split(/[^\p{L}\p{N}]+/u).filter(Boolean).map(plain);
  const folded = plain(body);
  const found = words.map((word) => folded.indexOf(word)).filter((at) => at >= 0);
  const start = Math.max(0, Math.min(...found, body.length) - LEAD);
  const from = found.length && start > 0 ? start : 0;
  const shown = body.slice(from, from + EXCERPT);
  return [from > 0 ? "…" : "", ...marked(shown, words), from + EXCERPT < body.length ? "…" : ""];
}

/** @param {string} text @param {string[]} words @returns {(Node|string)[]} */
function marked(text, words) {
  if (words.length === 0) return [text];
  const pieces = text.split(/([\p{L}\p{N}\p{M}]+)/u);
  return pieces.map((piece) => (words.some((word) => plain(piece).startsWith(word)) ? element("mark", "", piece) : piece));
}

/** Without case and accents; of the same length wherever that is possible. @param {string} text */
function plain(text) {
  return text.toLowerCase().replace(/\p{L}/gu, (letter) => letter.normalize("NFD")[0]);
}

