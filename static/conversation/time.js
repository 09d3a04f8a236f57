/** Times and days, in the reader's language and time zone. */

import { LANGUAGE } from "../base/language.js";
import { t } from "../base/strings.js";

const GROUP_WITHIN = 5 * 60_000; // ms from a heading in which messages of its sender share it

// The browser's own locale where it speaks the page's language: it knows 12 from 24 hours.
const locale = globalThis.navigator?.language?.startsWith(LANGUAGE) ? navigator.language : LANGUAGE;
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const brief = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const briefOfYear = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(locale, { dateStyle: "full" });

/** @param {Date} date */
export const shortTime = (date) => clock.format(date);

/** @param {Date} date */
export const fullTime = (date) => exact.format(date);

/** @param {Date} date */
export function dateAndTime(date, now = new Date()) {
  return (date.getFullYear() === now.getFullYear() ? brief : briefOfYear).format(date);
}

/**
 * "Today", "Yesterday" or the date, as seen at `now`.
 *
 * @param {Date} date
 */
export function dayName(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (sameDay(date, now)) return t.today;
  if (sameDay(date, yesterday)) return t.yesterday;
  return (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);
}

/**
 * Whether two dates fall on one calendar day of the reader.
 *
 * @param {Date} one
 * @param {Date} other
 */
export function sameDay(one, other) {
  return one.toDateString() === other.toDateString();
}

/**
 * How a line stands below the one before it: does a day begin, does it share the heading?
 *
 * @typedef {object} Line
 * @property {string} sender tells people apart
 * @property {Date|null} date
 * @property {Date|null} [headed] when the heading was written under which it stands
 *
 * @param {Line|null} before
 * @param {Line} line
 */
export function standing(before, line) {
  const newDay = line.date !== null && !(before?.date && sameDay(before.date, line.date));
  const headed = before?.headed ?? before?.date;
  const follows =
    !newDay && before !== null && before.sender === line.sender && !!headed && line.date !== null &&
    line.date.getTime() - headed.getTime() < GROUP_WITHIN;
  return { newDay, follows };
}
