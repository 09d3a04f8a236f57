/** What only the parts of the page say that are loaded later. Both languages: nobody waits for it. */

import { LANGUAGE, count } from "./language.js";

const english = {
  showLess: "Show less",

  searching: "Searching…",
  found: /** @param {number} n @param {boolean} more */ (n, more) =>
    n === 0 ? "Nothing found." : count(n, "One message found.", more ? "The newest # messages found." : "# messages found."),
  searchFailed: /** @param {string} reason */ (reason) => `The search failed: ${reason}`,
  searchMissing: "This server cannot search.",

  printedAt: /** @param {string} date */ (date) => `Printed on ${date}.`,
  printedPart: /** @param {string} first @param {string} last */ (first, last) => `These are the messages from ${first} to ${last}.`,
  printedWhole: /** @param {string} url */ (url) => `The whole conversation is at ${url}`,
};

/** @type {typeof english} */
const german = {
  showLess: "Weniger zeigen",

  searching: "Suche läuft…",
  found: (n, more) =>
    n === 0 ? "Nichts gefunden." : count(n, "Eine Nachricht gefunden.", more ? "Die neuesten # Nachrichten gefunden." : "# Nachrichten gefunden."),
  searchFailed: (reason) => `Die Suche ist fehlgeschlagen: ${reason}`,
  searchMissing: "Dieser Server kann nicht suchen.",

  printedAt: (date) => `Gedruckt am ${date}.`,
  printedPart: (first, last) => `Das sind die Nachrichten vom ${first} bis zum ${last}.`,
  printedWhole: (url) => `Das ganze Gespräch gibt es unter ${url}`,
};

export const late = LANGUAGE === "de" ? german : english;
