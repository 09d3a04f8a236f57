/**
 * People's colours: of those who are here, no two share one while there are enough for all.
 *
 * Everybody has a favourite, by their name, so most look the same on every page; who was here first
 * keeps theirs. Nothing here touches the page.
 */

const HUES = 12; // as many as colours.css has .hue-N classes
const MOST_KNOWN = 2_000; // names
const STEP = 5; // from one choice to the next: neighbours look alike

const encoder = new TextEncoder();
/** @type {Map<string, number>} by name, as seen since the page was opened */
const hues = new Map();
/** @type {Set<string>} names */
let here = new Set();

/** The class that gives somebody their colour. @param {string} name */
export function hueClass(name) {
  const hue = hues.get(name) ?? choose(name, new Set([...here].map((other) => hues.get(other))));
  hues.set(name, hue);
  if (hues.size > MOST_KNOWN) forgetOne();
  return `hue-${hue}`;
}

/**
 * Share the colours out among those who are here.
 *
 * @param {string[]} names
 * @returns {Map<string, string>} names and the class before, of those who had another colour
 */
export function share(names) {
  const rank = (/** @type {string} */ name) => (here.has(name) ? 0 : hues.has(name) ? 1 : 2);
  const taken = new Set();
  const changed = new Map();
  for (const name of [...names].sort((one, other) => rank(one) - rank(other))) {
    const had = hues.get(name);
    if (had === undefined || (taken.has(had) && taken.size < HUES)) hues.set(name, choose(name, taken));
    if (had !== undefined && had !== hues.get(name)) changed.set(name, `hue-${had}`);
    taken.add(hues.get(name));
  }
  here = new Set(names);
  return changed;
}

/** Somebody has another name, and stays the same person. @param {string} before @param {string} now */
export function passOn(before, now) {
  const hue = hues.get(before);
  if (hue === undefined) return;
  hues.set(now, hue);
  if (here.delete(before)) here.add(now);
}

/** @param {string} name @param {Set<number|undefined>} taken by those who are here */
function choose(name, taken) {
  const first = favourite(name);
  const choices = Array.from({ length: HUES }, (_, at) => (first + at * STEP) % HUES);
  const free = choices.filter((hue) => !taken.has(hue));
  if (free.length === 0) return first;
  const used = new Set(hues.values());
  return free.find((hue) => !used.has(hue)) ?? free[0];
}

function forgetOne() {
  for (const name of hues.keys()) {
    if (!here.has(name)) return hues.delete(name);
  }
}

/** FNV-1a of the name. @param {string} name */
function favourite(name) {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash ^ (hash >>> 16)) >>> 0) % HUES;
}
