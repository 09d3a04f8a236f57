/**
 * The way to hosting.js, which is loaded where somebody is in charge or the room has rules: until it is there, what is
 * told of that waits here. So whoever is in a room without either pays next to nothing.
 */

const ERRORS = new Set(["paused", "muted", "slow", "removed", "wrong-link", "too-many", "wrong-key", "shut", "no-entry", "everybody-out"]);

/**
 * @typedef {import("./hosting.js").Hosting} Hosting
 * @typedef {import("../connection/session.js").Problem} Problem
 */
export class WayToHosting {
  /** @type {Hosting|null} */
  part = null;
  #parts;
  #isRuled = false; // as far as is known without the part
  /** @type {any[]} frames for it, in order */
  #untold = [];

  /** @param {() => import("./hosting.js").Parts} parts that it works with */
  constructor(parts) {
    this.#parts = parts;
  }

  /** It is wanted now. @returns {Promise<Hosting>} rejected where it cannot be had */
  load = async () => {
    const { Hosting } = await import("./hosting.js");
    this.part ??= new Hosting(this.#parts());
    for (const frame of this.#untold.splice(0)) this.part.hear(frame);
    return this.part;
  };

  /** @param {any} frame from the server */
  hear(frame) {
    if (this.part) return this.part.hear(frame);
    this.#untold.push(frame);
    this.load().catch(() => {}); // else with the next one
  }

  /** @param {import("../connection/session.js").Welcome} welcome */
  welcome({ role = "", rules }) {
    this.#isRuled = Boolean(rules && !role);
    const waits = this.#parts().outbox.items.some(({ state }) => state === "held");
    if (this.part || role || rules || waits) this.hear({ type: "welcome", role, rules });
  }

  /** @param {Problem} problem @returns {boolean} whether it was for hosts or their rules to refuse */
  error(problem) {
    if (!ERRORS.has(problem.code)) return false;
    this.hear(problem);
    return true;
  }

  /** Why nothing is to be said now, or "". */
  get whyNot() {
    return this.part?.whyNot() ?? "";
  }

  /** Whether the outbox may send its next message. */
  get lets() {
    return this.part ? this.part.lets() : !this.#isRuled;
  }

  /** @param {() => void} show who is here */
  showPeople(show) {
    if (this.part) this.part.showPeople(show);
    else show();
  }
}
