/** The connection's state, in words. */

import { GOING_AWAY } from "./connection.js";

const SERVER_ERROR = 1011;
const SLOW = 4008;

/** @typedef {import("./connection.js").Cause} Cause */
export class StatusLine {
  #line;
  #words;
  #countdown;
  #button;
  #ticker = 0;

  /** @param {{line: HTMLElement, words: HTMLElement, countdown: HTMLElement, button: HTMLButtonElement}} parts */
  constructor({ line, words, countdown, button }) {
    this.#line = line;
    this.#words = words;
    this.#countdown = countdown;
    this.#button = button;
  }

  /**
   * @param {"connecting"|"connected"|"waiting"|"refused"} state
   * @param {Cause} [cause] of "waiting" and "refused"
   * @param {number} [until] when the next attempt is due
   */
  show(state, cause, until) {
    clearInterval(this.#ticker);
    document.body.dataset.state = this.#line.dataset.state = state;
    this.#button.hidden = state !== "waiting" && state !== "refused";
    this.#countdown.textContent = "";
    this.#say(wordsFor(state, cause));
    if (state === "waiting") this.#countTo(until);
  }

  /** Only what is new is written: a live region reads out whatever is, even if it reads the same. */
  #say(words) {
    if (this.#words.textContent !== words) this.#words.textContent = words;
  }

  #countTo(until) {
    const tick = () => {
      const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
      this.#countdown.textContent = ` in ${seconds} s…`;
    };
    tick();
    this.#ticker = setInterval(tick, 250);
  }
}

function wordsFor(state, cause) {
  if (state === "connecting") return "Connecting…";
  if (state === "connected") return "Connected";
  if (state === "refused") return sentence(`The server closed this connection: ${cause.reason || cause.code}`);
  return `${why(cause)} Trying again`;
}

function why({ code, reason, opened, health }) {
  if (!navigator.onLine) return "Offline.";
  if (code === GOING_AWAY) return "The server is restarting.";
  if (code === SERVER_ERROR) return sentence(`The server has trouble: ${reason || "it did not say which"}`);
  if (code === SLOW) return "This connection was too slow to follow.";
  if (reason) return sentence(`Connection closed: ${reason}`);
  if (opened) return "Connection lost.";
  if (health === "ok") return "The server lets nobody in now; the room may be full.";
  if (health === "failing") return "The server is in trouble.";
  return "The server cannot be reached.";
}

/** `text` with one full stop at its end. */
function sentence(text) {
  return `${text.replace(/[.\s]+$/, "")}.`;
}
