/** Pure functions over names, bodies and times. Nothing here touches the page. */

const LONE_SURROGATE = /\p{Surrogate}/gu; // under `u` a whole pair is one code point, so only halves match
const HUES = 12; // as many as chat.css has .hue-N classes

const encoder = new TextEncoder();
const graphemes = globalThis.Intl?.Segmenter ? new Intl.Segmenter() : null;

/** `text` with each lone surrogate replaced by U+FFFD: the server refuses frames that hold one. */
export function wellFormed(text) {
  return text.toWellFormed?.() ?? text.replace(LONE_SURROGATE, "\uFFFD");
}

/** The first `limit` code points of `text`: the server's unit, where `.length` would count UTF-16 units. */
export function firstCodePoints(text, limit) {
  return text.length <= limit ? text : [...text].slice(0, limit).join("");
}

/** Bytes of `text` as UTF-8, which is what a text frame carries. */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/** Local time as the protocol's `timestamp` wants it, in any locale: `10:42 AM`. */
export function clockText(date) {
  const hours = date.getHours();
  const minutes = String(date.getMinutes()).padStart(2, "0");
  return `${hours % 12 || 12}:${minutes} ${hours < 12 ? "AM" : "PM"}`;
}

/** The letter on a sender's avatar: what a reader sees as the first character. */
export function initial(name) {
  const first = graphemes ? graphemes.segment(name)[Symbol.iterator]().next().value?.segment : [...name][0];
  return (first ?? "").toLocaleUpperCase();
}

/** The class that gives a sender a colour: the same one on every page (FNV-1a of the name). */
export function hueClass(name) {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return `hue-${((hash ^ (hash >>> 16)) >>> 0) % HUES}`;
}

const timeFormat = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayOfYearFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

/** Time of day, in the reader's locale and time zone. */
export function shortTime(date) {
  return timeFormat.format(date);
}

/** Date and time of day, in the reader's locale and time zone. */
export function fullTime(date) {
  return fullFormat.format(date);
}

/** "Today", "Yesterday" or the date, as seen at `now`. */
export function dayName(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (sameDay(date, now)) return "Today";
  if (sameDay(date, yesterday)) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? dayFormat : dayOfYearFormat).format(date);
}

/** Whether two dates fall on one calendar day of the reader. */
export function sameDay(one, other) {
  return one.toDateString() === other.toDateString();
}
