/** The reader's language: a browser loads one alone, which early.js asks for before this module is here. */

import { LANGUAGE } from "./language.js";

export const t =
  LANGUAGE === "de" ? (await import("./german.js")).german : (await import("./english.js")).english;

/**
 * Why the server does not want something, in the reader's language where there are words for it.
 *
 * @param {string|number} code
 * @param {string} detail the server's own words, in English
 */
export function because(code, detail) {
  return t.reasons[code] ?? t.reasons[detail] ?? (detail || String(code));
}

/**
 * Put the template's own words into the reader's language.
 *
 * @param {Document} page
 */
export function translate(page) {
  page.documentElement.lang = LANGUAGE;
  const said = /** @type {Record<string, any>} */ (t);
  for (const node of page.querySelectorAll("[data-t]")) {
    node.textContent = said[/** @type {HTMLElement} */ (node).dataset.t ?? ""];
  }
  for (const [data, attribute] of [["label", "aria-label"], ["title", "title"], ["placeholder", "placeholder"]]) {
    for (const node of page.querySelectorAll(`[data-t-${data}]`)) {
      node.setAttribute(attribute, said[node.getAttribute(`data-t-${data}`) ?? ""]);
    }
  }
}
