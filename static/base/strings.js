/**
 * All that the page says: english.js or german.js. The browser's preference decides, and only that one is loaded.
 *
 * A string that the template holds stands there in English, with its key in `data-t` (its text),
 * `data-t-label`, `data-t-title` or `data-t-placeholder`. tsc sees to it that German lacks nothing.
 */

import { LANGUAGE } from "./language.js";

// early.js has begun to load it.
export const t = LANGUAGE === "de" ? (await import("./german.js")).german : (await import("./english.js")).english;

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
