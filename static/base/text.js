/** Pure functions over names, bodies and ids. Nothing here touches the page. */

const LONE_SURROGATE = /\p{Surrogate}/gu; // under `u` a whole pair is one code point, so only halves match

// What is shown as nothing, as names.py has it. It stays where it makes an emoji of what is before it, or
// joins emoji, or stands inside a word of a script that needs it.
const JOINED = String.raw`[\p{ExtPict}\p{EMod}\p{sc=Arab}\p{sc=Beng}\p{sc=Deva}\p{sc=Gujr}\p{sc=Guru}\p{sc=Knda}\p{sc=Mlym}\p{sc=Orya}\p{sc=Sinh}\p{sc=Taml}\p{sc=Telu}]`;
const STAYS = String.raw`(?<=\p{ExtPict})\ufe0f|\ufe0f\u20e3|(?<=${JOINED}\ufe0f?)[\u200c\u200d]${JOINED}`;
// To Unicode these are letters, marks and symbols.
const BLANK = String.raw`\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}`;

// Looking up all that costs a slow phone a tenth of a second, and most names are of Latin letters alone.
/** @type {RegExp|undefined} */
let unseenOnes;
const unseen = () => (unseenOnes ??= new RegExp(`(?!${STAYS})[\\p{DI}\\p{Cf}\\p{Cc}${BLANK}]`, "gu"));
const LATIN = "[!-~\u00a1-\u00ac\u00ae-\u024f]"; // each of them can be seen, and is a character of its own
const IS_LATIN = new RegExp(`^${LATIN}+( ${LATIN}+)*$`);
const BEGINS_LATIN = new RegExp(`^${LATIN}( |${LATIN}|$)`);
/** @type {Intl.Segmenter|undefined} */
let graphemes;

const encoder = new TextEncoder();

/**
 * `text` with each lone surrogate replaced by U+FFFD: the server refuses frames that hold one.
 *
 * @param {string} text
 */
export function wellFormed(text) {
  return text.replace(LONE_SURROGATE, "\uFFFD");
}

/**
 * The first `limit` code points of `text`: the server's unit, where `.length` would count UTF-16 units.
 *
 * @param {string} text
 * @param {number} limit
 */
export function firstCodePoints(text, limit) {
  return text.length <= limit ? text : [...text].slice(0, limit).join("");
}

/**
 * Bytes of `text` as UTF-8, which is what a text frame carries.
 *
 * @param {string} text
 */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/**
 * Local time as the protocol's `timestamp` wants it, in any locale: `10:42 AM`.
 *
 * @param {Date} date
 */
export function clockText(date) {
  const hours = date.getHours();
  const minutes = String(date.getMinutes()).padStart(2, "0");
  return `${hours % 12 || 12}:${minutes} ${hours < 12 ? "AM" : "PM"}`;
}

/**
 * A name as it may be shown: whatever cannot be seen in it is taken out, so that two names that
 * differ in nothing else look the same, and none turns the line around.
 *
 * @param {string} name
 */
export function shownName(name) {
  if (IS_LATIN.test(name)) return name;
  return name.replace(unseen(), "").replace(/\s+/gu, " ").trim() || "?";
}

/**
 * Whether nothing of `text` can be seen.
 *
 * @param {string} text
 */
export function isBlank(text) {
  return !/[!-~]/.test(text) && text.replace(unseen(), "").trim() === "";
}

/**
 * The letter on a sender's avatar: what a reader sees as the first character.
 *
 * @param {string} name
 */
export function initial(name) {
  return (BEGINS_LATIN.test(name) ? name[0] : firstGrapheme(name)).toLocaleUpperCase();
}

/** @param {string} name */
function firstGrapheme(name) {
  if (!globalThis.Intl?.Segmenter) return [...name][0] ?? "";
  graphemes ??= new Intl.Segmenter();
  return graphemes.segment(name)[Symbol.iterator]().next().value?.segment ?? "";
}

/**
 * Which message of its room an id names. Only good for counting: two ids are compared as a whole.
 *
 * @param {string} id such as `42-664c976f9a047975`
 */
export function seqOf(id) {
  return Number.parseInt(id, 10) || 0;
}

/** A new id for a message: 96 random bits. crypto.randomUUID is missing on plain http. */
export function newCmid() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
