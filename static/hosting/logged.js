/** What the host log says of an act, taken apart: the server's own words, as ruling.py and sweeping.py have them. */

const COUNT = /^([\d,]+) messages?( so far| in all)?$/;
const OF = /^of (\d{4}-\d\d-\d\dT[\d:.]+Z)$/;
const SECONDS = /^(\d+) s$/;
const SPEAK = /^(everybody|slow|approval|hosts)(?: \((\d+) s\))?$/;

/**
 * @typedef {object} Parts
 * @property {number|undefined} seconds for which it lasts; 0 where it was undone, and undefined until that is done
 * @property {boolean} everywhere in all rooms
 * @property {boolean} guests a link for them
 * @property {number} count messages that went
 * @property {boolean} unfinished more of them go
 * @property {boolean} finished that was all of them, of an act that was logged before
 * @property {string} of when they had gone, where they are back; else ""
 */

/** @param {string} what @returns {Parts} */
export function partsOf(what) {
  const parts = what.split(", ");
  const found = (/** @type {RegExp} */ pattern) => parts.map((one) => pattern.exec(one)).find(Boolean) ?? [];
  const [, count = "0", more = ""] = found(COUNT);
  const [, seconds] = found(SECONDS);
  const [, of = ""] = found(OF);
  return {
    seconds: parts.includes("undone") ? 0 : seconds ? Number(seconds) : undefined,
    everywhere: parts.includes("everywhere"),
    guests: parts.includes("for guests") || parts.includes("as a guest"),
    count: Number(count.replaceAll(",", "")),
    unfinished: more === " so far",
    finished: more === " in all",
    of,
  };
}

/**
 * Of rules: who may speak, and how the log calls what else it says, in its order.
 *
 * @param {string} what
 * @returns {{rules: import("../connection/session.js").Rules|null, others: string[]}} null where this knows no such words
 */
export function rulesIn(what) {
  const [first, ...others] = what.split(", ");
  const [, speak, seconds = "0"] = SPEAK.exec(first) ?? [];
  if (!speak) return { rules: null, others: [what] };
  const needsHost = others[0] === "only while a host is here";
  return { rules: { speak, slowSeconds: Number(seconds), needsHost }, others: others.slice(Number(needsHost)) };
}
