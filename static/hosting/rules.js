/** Whether the reader may speak, as far as the page knows: by the room's rules, and by what hosts have decided about them. */

/** @typedef {import("../connection/session.js").Rules} RoomRules */

/** @type {RoomRules} */
export const FREE = { speak: "everybody", slowSeconds: 0, needsHost: false, door: "open", listed: true, unchecked: "speak", files: "everybody", reactions: true };

/**
 * @typedef {object} Standing
 * @property {"free"|"slow"|"muted"|"hosts"|"absent"} kind what holds the reader back: "slow" lets the next message wait for
 *   its time; "muted", "hosts" (only they may) and "absent" (none is here) let none be written
 * @property {number} until when that ends, Unix ms by this browser's clock; Infinity: when somebody ends it
 */
export class Rules {
  role = "";
  rules = FREE;
  #mutedUntil = 0;
  #nextAt = 0;
  #isAbsent = false;

  /** The reader has come in, for the first time or again. @param {{role?: string, rules?: RoomRules}} welcome */
  welcome({ role = "", rules = FREE }) {
    this.role = role;
    this.set(rules);
    this.#mutedUntil = 0; // whoever is quiet is told so next
  }

  /** @param {RoomRules} rules */
  set(rules) {
    this.rules = { ...FREE, ...rules };
    this.#isAbsent = false;
  }

  /** Whether there are any. */
  get areFree() {
    return this.rules.speak === "everybody" && !this.rules.needsHost;
  }

  /** @param {number} until Unix ms by this browser's clock; 0: no longer */
  mute(until) {
    this.#mutedUntil = until;
  }

  /** The reader has said something. @param {number} at Unix ms by this browser's clock */
  said(at) {
    if (this.rules.speak === "slow") this.#nextAt = Math.max(this.#nextAt, at + this.rules.slowSeconds * 1000);
  }

  /** A host is here. */
  hostCame() {
    this.#isAbsent = false;
  }

  /** The server has refused a message; it knows best. @param {{code: string, retryAfter?: number}} problem @param {number} now */
  refused({ code, retryAfter }, now) {
    const until = retryAfter ? now + retryAfter * 1000 : Infinity;
    if (code === "muted") this.#mutedUntil = until;
    if (code === "slow") this.#nextAt = until;
    if (code === "paused" && this.rules.needsHost && this.rules.speak !== "hosts") this.#isAbsent = true;
  }

  /** @param {number} now @returns {Standing} */
  standing(now) {
    if (this.role) return { kind: "free", until: 0 };
    if (now < this.#mutedUntil) return { kind: "muted", until: this.#mutedUntil };
    if (this.#isAbsent) return { kind: "absent", until: Infinity };
    if (this.rules.speak === "hosts") return { kind: "hosts", until: Infinity };
    const isSlow = this.rules.speak === "slow" && now < this.#nextAt;
    return isSlow ? { kind: "slow", until: this.#nextAt } : { kind: "free", until: 0 };
  }
}
