/** Whether the reader may speak now: said above the box before they write, and what the outbox waits for. */

import { RuleLine, whyHeld } from "./rule_line.js";
import { Rules } from "./rules.js";

const LOOK_EVERY = 30_000; // ms; a computer that sleeps stops its timers, and not the clock
const RETRY_AFTER = 15_000; // ms, in a room that does not tell when a host comes

/** @typedef {import("../connection/session.js").Problem} Problem */

export class Speaking {
  #store;
  #timeline;
  #outbox;
  #send;
  #rules = new Rules();
  #line;
  #timer = 0;
  #hostWasHere = false;

  /**
   * @param {object} parts
   * @param {import("../base/store.js").Store} parts.store
   * @param {Pick<import("../conversation/timeline.js").Timeline, "tail"|"isOwn">} parts.timeline
   * @param {import("../writing/outbox.js").Outbox} parts.outbox
   * @param {() => void} parts.send what waits in the outbox, as far as `lets` lets it
   * @param {() => void} change where a host changes the rules
   */
  constructor({ store, timeline, outbox, send }, change) {
    this.#store = store;
    this.#timeline = timeline;
    this.#outbox = outbox;
    this.#send = send;
    this.#line = new RuleLine(change);
    store.watch(["people", "roles"], () => this.#lookWhoIsHere());
  }

  get rules() {
    return this.#rules.rules;
  }

  // -- the server tells -----------------------------------------------------------------------

  /** @param {{rules?: import("../connection/session.js").Rules}} frame */
  welcome(frame) {
    this.#rules.welcome(frame);
  }

  /** The past is over. */
  live() {
    const own = this.#timeline.tail.findLast((message) => this.#timeline.isOwn(message));
    if (own) this.#rules.said(Math.min(this.#here(own.sentAt), Date.now())); // the clock here may be slow, by hours
    this.update();
  }

  /** @param {import("../connection/session.js").Rules} rules */
  ruled(rules) {
    this.#rules.set(rules);
  }

  /** @param {{retryAfter?: number}} frame seconds; without them, until that is undone */
  muted({ retryAfter }) {
    this.#rules.mute(retryAfter ? Date.now() + retryAfter * 1000 : Infinity);
  }

  unmuted() {
    this.#rules.mute(0);
  }

  /** A message, or a new name. @param {Problem} problem @returns {string} why, of what does not wait in the outbox */
  refused(problem) {
    this.#rules.refused(problem, Date.now());
    const standing = this.#rules.standing(Date.now());
    return !problem.cmid && standing.kind === "muted" ? whyHeld(standing) : "";
  }

  /** A message of the reader's has come. */
  said() {
    this.#rules.said(Date.now());
    this.update();
  }

  hostCame() {
    this.#rules.hostCame();
  }

  // -- may the reader speak? ------------------------------------------------------------------

  /** Why nothing is to be said now, or "": what only has to wait for its turn goes into the outbox. */
  whyNot() {
    const standing = this.#rules.standing(Date.now());
    const isHeld = ["muted", "hosts"].includes(standing.kind) || (standing.kind === "absent" && this.#tellsWhoIsHere);
    return isHeld ? whyHeld(standing) : "";
  }

  /** Whether the next message may be sent; where the room is slow, one is after the other. */
  lets() {
    const { role, rules } = this.#rules;
    const isUnderWay = this.#outbox.items.some(({ state }) => state === "sent");
    if (!role && rules.speak === "slow" && isUnderWay) return false;
    return this.#rules.standing(Date.now()).kind === "free";
  }

  /** What is shown, sent and waited for from here on. */
  update() {
    this.#rules.role = this.#store.state.role;
    this.#hostWasHere = this.#hostIsHere;
    const { kind, until } = this.#rules.standing(Date.now());
    this.#line.show(this.#rules, this.#hostIsHere);
    clearTimeout(this.#timer);
    if (kind === "free") return this.#send();
    const wait = kind === "absent" && !this.#tellsWhoIsHere ? RETRY_AFTER : until - Date.now();
    if (wait === Infinity) return;
    this.#timer = setTimeout(() => {
      if (kind === "absent") this.#rules.hostCame(); // as far as we know
      this.update();
    }, Math.min(Math.max(wait, 0), LOOK_EVERY));
  }

  #lookWhoIsHere() {
    const isHere = this.#hostIsHere;
    if (isHere && !this.#hostWasHere) this.#rules.hostCame();
    if (isHere !== this.#hostWasHere) this.update();
  }

  /** In a large room, people are only counted. */
  get #tellsWhoIsHere() {
    return this.#store.state.people.size > 0;
  }

  get #hostIsHere() {
    const { people, roles } = this.#store.state;
    return !this.#tellsWhoIsHere || [...people.keys()].some((id) => roles.get(id));
  }

  /** By this browser's clock. @param {string} at ISO 8601, by the server's @returns {number} Unix ms */
  #here(at) {
    const live = this.#timeline.tail.findLast(({ heardAt }) => heardAt);
    const ahead = live?.heardAt ? live.heardAt - Date.parse(live.sentAt) : 0;
    return Date.parse(at) + ahead;
  }
}
