/** Keeps screen readers to what is news: the log goes live only while nothing is put into it by hand. */

const SETTLE = 400; // ms after which what was put into the log is no longer read out

export class Announcer {
  #log;
  #timer = 0;

  /** @param {HTMLElement} log */
  constructor(log) {
    this.#log = log;
  }

  /** What is put into the log from here on is not news. */
  quiet() {
    clearTimeout(this.#timer);
    this.#log.ariaBusy = "true";
    this.#log.ariaLive = "off";
  }

  /** What comes from now on is news, as soon as the browser has seen what came before. */
  settle() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#log.ariaLive = "polite";
      this.#log.ariaBusy = "false";
    }, SETTLE);
  }

  /** @param {() => void} work puts into the log what is not news */
  quietly(work) {
    this.quiet();
    work();
    this.settle();
  }
}
