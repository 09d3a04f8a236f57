/** The connection's state, in words. */

import { byId, isTouch } from "../base/dom.js";
import { because, t } from "../base/strings.js";

const GOING_AWAY = 1001;
const SERVER_ERROR = 1011;
const SLOW = 4008;
const NEWS_LAST = 12_000; // ms that a word about what was missed stays
const HUSH = 5_000; // ms of a planned restart in which nobody need worry

/** @typedef {import("../connection/connection.js").Cause} Cause */
export class StatusLine {
  #line;
  #words;
  #countdown;
  #button;
  #ticker = 0;
  #hush = 0;
  #calmUntil = 0; // Unix ms: the server said that it would be back

  /** @param {{line: HTMLElement, words: HTMLElement, countdown: HTMLElement, button: HTMLButtonElement}} parts */
  constructor({ line, words, countdown, button }) {
    this.#line = line;
    this.#words = words;
    this.#countdown = countdown;
    this.#button = button;
  }

  /**
   * @param {"naming"|"connecting"|"joining"|"connected"|"waiting"|"refused"} state
   * @param {Cause} [cause] of "waiting" and "refused"
   * @param {number} [until] when the next attempt is due
   */
  show(state, cause, until) {
    clearInterval(this.#ticker);
    clearTimeout(this.#hush);
    document.body.dataset.state = state;
    const isAway = state === "waiting" || state === "connecting";
    if (state === "waiting" && cause?.code === GOING_AWAY) this.#calmUntil = Date.now() + HUSH;
    if (!isAway || !navigator.onLine) this.#calmUntil = 0;
    const calm = this.#calmUntil - Date.now();
    if (calm <= 0) return this.#paint(state, cause, until);
    this.#paint("connecting", cause, until, t.restarting);
    this.#hush = setTimeout(() => this.#paint(state, cause, until), calm);
  }

  /** A word about the connection that is there again. @param {string} words */
  news(words) {
    this.#say(words);
    this.#words.classList.add("news");
    clearTimeout(this.#hush);
    this.#hush = setTimeout(() => this.#paint("connected"), NEWS_LAST);
  }

  /**
   * @param {string} state
   * @param {Cause} [cause]
   * @param {number} [until]
   * @param {string} [words]
   */
  #paint(state, cause, until, words = wordsFor(state, cause)) {
    this.#line.dataset.state = state;
    this.#words.classList.remove("news");
    const offered = state === "waiting" || state === "refused";
    // Focus on a button that vanishes would fall back to the top of the page; a finger wants no keyboard.
    if (!offered && document.activeElement === this.#button) byId(isTouch() ? "scroller" : "body", HTMLElement).focus();
    this.#button.hidden = !offered;
    this.#countdown.textContent = "";
    this.#say(words);
    if (state === "waiting" && until && navigator.onLine) this.#countTo(until);
  }

  /** Only what is new is written: a live region reads out whatever is, even if it reads the same. */
  #say(/** @type {string} */ words) {
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }

  #countTo(/** @type {number} */ until) {
    const tick = () => {
      const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
      this.#countdown.textContent = t.inSeconds(seconds);
    };
    tick();
    this.#ticker = setInterval(tick, 250);
  }
}

/** @param {string} state @param {Cause} [cause] */
function wordsFor(state, cause) {
  if (state === "naming") return "";
  if (state === "connected") return t.connected;
  if (state === "refused") return t.refused(bare(because(cause?.code ?? "", cause?.reason ?? "")));
  if (cause && state !== "refused" && !navigator.onLine) return t.offline;
  if (state === "waiting" && cause) return `${why(cause)} ${t.tryingAgain}`;
  return t.connecting;
}

/** @param {Cause} cause */
function why({ code, reason, opened, health }) {
  if (code === GOING_AWAY) return t.restarting;
  if (code === SERVER_ERROR) return t.serverTrouble(bare(because(code, reason)));
  if (code === SLOW) return t.tooSlow;
  if (reason) return t.closedBecause(bare(reason));
  if (opened) return t.lost;
  if (health === "ok") return t.full;
  if (health === "failing") return t.failing;
  return t.unreachable;
}

/** Without the full stop that the sentence around it brings. @param {string} text */
function bare(text) {
  return text.replace(/[.\s]+$/, "");
}
