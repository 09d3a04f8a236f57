/** What is told of those who came, went, or have another name. Loaded with the first of them. */

import { late } from "../base/late_strings.js";
import { shownName } from "../base/text.js";

const MOST_NAMED = 4; // people in one note

/** @typedef {import("../connection/session.js").Person} Person */

/**
 * What happened to people between two messages, as one note.
 *
 * Who came and went again, or went and came back, was no news.
 */
export class Happenings {
  /** @type {Map<string, string>} */
  came = new Map();
  /** @type {Map<string, string>} */
  went = new Map();
  /** @type {Map<string, {before: string, now: string}>} */
  renamed = new Map();

  /** @param {"joined"|"left"|"renamed"} kind @param {Person} person @param {string} before its name */
  add(kind, { userId, userName }, before) {
    if (kind === "joined" && !this.went.delete(userId)) this.came.set(userId, userName);
    if (kind === "left" && !this.came.delete(userId)) this.went.set(userId, userName);
    if (kind !== "renamed") return;
    if (this.came.has(userId)) this.came.set(userId, userName);
    else this.renamed.set(userId, { before: this.renamed.get(userId)?.before ?? before, now: userName });
  }

  /** @returns {string[]} sentences; none where nothing is left to tell */
  sentences() {
    const told = [];
    for (const { before, now } of this.renamed.values()) {
      if (before !== now) told.push(late.isNow(isolated(before), isolated(now)));
    }
    for (const [people, say] of /** @type {const} */ ([[this.came, late.came], [this.went, late.went]])) {
      if (people.size === 0) continue;
      const names = [...people.values()].map(isolated);
      // "and one more" is no shorter than the name.
      const shown = names.length > MOST_NAMED + 1 ? names.slice(0, MOST_NAMED) : names;
      told.push(say(shown, names.length - shown.length));
    }
    return told;
  }
}

/** Kept apart from the words around it, whichever way it runs. @param {string} name */
export function isolated(name) {
  return `\u2068${shownName(name)}\u2069`;
}
