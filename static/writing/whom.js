/** Whom an "@" may mean: what was typed behind it, who fits, and what is written for them. Nothing here touches the page. */

import { SPACED_LETTER, pieces } from "../conversation/markup.js";

const MOST_TYPED = 64; // UTF-16 units: no name that anybody types to its end is longer
// Not in an address of mail or of the web.
const BEGUN = new RegExp(`(?<!${SPACED_LETTER}|[/.:=&?#%+-])@([^@]{0,${MOST_TYPED}})$`, "u");
const BEGINS_WITH_ALL = new RegExp(`^all(?!${SPACED_LETTER})`, "iu");
const WORD = /(?<![\p{L}\p{N}_])[\p{L}\p{N}_]/gu;
/** What Unicode does not take apart. @type {Record<string, string>} */
const PLAIN = { Ø: "O", Ł: "L", Đ: "D", Æ: "AE", Œ: "OE" };

/**
 * @typedef {{name: string, isHere: boolean}} Known
 * @typedef {{name: string, isAll: boolean, written: string}} Choice isAll: everybody is called, and nobody has that name
 */

/**
 * The name that has been begun where somebody writes.
 *
 * @param {string} text
 * @param {number} caret
 * @returns {{from: number, typed: string}|null} where its "@" is, and what is behind it
 */
export function begun(text, caret) {
  const lineFrom = text.slice(0, caret).lastIndexOf("\n") + 1;
  const line = text.slice(lineFrom, caret);
  const found = BEGUN.exec(line);
  if (!found || /^[\p{L}\p{M}\p{N}_]/u.test(text.slice(caret))) return null;
  const from = lineFrom + found.index;
  return isCode(text, from, line) ? null : { from, typed: found[1] };
}

/** @param {string} text @param {number} from where the "@" is @param {string} line up to the caret */
function isCode(text, from, line) {
  if (!text.includes("`")) return false;
  if (line.split("`").length % 2 === 0) return true; // whether or not it ends further on
  return [...pieces(text.slice(0, from + 1), "", "", true)].at(-1)?.kind === "block";
}

/**
 * Whom the page knows of, but for the reader: those who are here, and then those who spoke lately; of each the latest first.
 *
 * @param {ReadonlyMap<string, string>} people user ids and names; empty in a room that only counts its people
 * @param {readonly {userId?: string, userName: string}[]} said oldest first
 * @param {{userId: string, userName: string}} me
 * @returns {Known[]} no name twice
 */
export function known(people, said, me) {
  /** @type {Map<string, string>} user ids and names; who has no id has a name alone */
  const spoke = new Map();
  for (let at = said.length - 1; at >= 0; at -= 1) {
    const { userId, userName } = said[at];
    const id = userId || `plain:${userName}`;
    if (!spoke.has(id)) spoke.set(id, people.get(id) ?? userName);
  }
  const others = [...people].sort(([, one], [, other]) => one.localeCompare(other));
  const here = [...[...spoke].filter(([id]) => people.has(id)), ...others];
  /** @type {Map<string, Known>} */
  const all = new Map();
  for (const [list, isHere] of /** @type {const} */ ([[here, true], [[...spoke], false]])) {
    for (const [id, name] of list) {
      if (id !== me.userId && name !== me.userName && !all.has(name)) all.set(name, { name, isHere });
    }
  }
  return [...all.values()];
}

/**
 * Who fits what was typed, best first: the whole name, its beginning, then the beginning of another of its words.
 *
 * @param {readonly Known[]} people in the order in which they come where they fit equally
 * @param {string} typed
 * @param {{all: string, most: number}} options what else "all" is called, "" where the writer cannot call everybody; how many fit on the page
 * @returns {Choice[]} none where there is nothing left to choose
 */
export function choices(people, typed, { all, most }) {
  const wanted = folded(typed);
  const ranked = people.map(({ name, isHere }) => ({ name, rank: rankOf(name, wanted), isHere }));
  const fitting = ranked.filter(({ rank }) => rank < Infinity);
  fitting.sort((one, other) => one.rank - other.rank || Number(other.isHere) - Number(one.isHere));
  const found = fitting.map(({ name }) => ({ name, isAll: false, written: written(name, Boolean(all)) }));
  const everybody = { name: "all", isAll: true, written: "@all" };
  if (all && wanted === "ALL") found.unshift(everybody);
  // Last, since it calls so many; but it always has a place.
  else if (all && Math.min(rankOf("all", wanted), rankOf(all, wanted)) < Infinity) found.splice(most - 1, Infinity, everybody);
  const isDone = found.length === 1 && found[0].written.toLowerCase() === `@${typed}`.toLowerCase();
  return isDone ? [] : found.slice(0, most);
}

/** What calls somebody. A host's "@All Ears" would call everybody, so there the name stands alone. @param {string} name @param {boolean} isHost */
function written(name, isHost) {
  return isHost && BEGINS_WITH_ALL.test(name) ? name : `@${name}`;
}

/** @param {string} name @param {string} wanted folded @returns {number} the lower, the better; Infinity where it does not fit */
function rankOf(name, wanted) {
  const text = folded(name);
  if (text === wanted) return 0;
  if (text.startsWith(wanted)) return 1;
  for (const { index } of text.matchAll(WORD)) if (text.startsWith(wanted, index)) return 2;
  return Infinity;
}

/** Without case and accents. @param {string} text */
export function folded(text) {
  const bare = text.normalize("NFKD").replace(/[\p{M}\p{DI}]/gu, "").toUpperCase();
  return bare.replace(/[ØŁĐÆŒ]/g, (letter) => PLAIN[letter]);
}
