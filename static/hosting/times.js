/** How long something lasts, and until when, in words. */

import { locale, sameDay, shortTime } from "../conversation/row.js";

/** Seconds in each, the longest first. @type {[string, number][]} */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

const otherDay = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const otherYear = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** "10 minutes". @param {number} seconds */
export function span(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size && seconds % size === 0) ?? UNITS[3];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

/** "10:42", with the day unless that is today. @param {Date} date */
export function moment(date, now = new Date()) {
  if (sameDay(date, now)) return shortTime(date);
  return (date.getFullYear() === now.getFullYear() ? otherDay : otherYear).format(date);
}

/** "7 s" or "2:07". @param {number} milliseconds */
export function countdown(milliseconds) {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** What is left of today: its last minute reads better than the first of tomorrow. @returns {number} seconds */
export function restOfToday(now = new Date()) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  return Math.max(60, Math.floor((midnight.getTime() - now.getTime()) / 1000) - 1);
}
