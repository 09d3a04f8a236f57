/** Which language the page speaks, and what depends on it. */

/** The first language of the browser that the page speaks. */
export const LANGUAGE = (globalThis.navigator?.languages ?? [])
  .map((tag) => tag.slice(0, 2).toLowerCase())
  .find((tag) => tag === "en" || tag === "de") ?? "en";

/** @param {number} n @param {string} one @param {string} many */
export const count = (n, one, many) => (n === 1 ? one : many.replace("#", n < 1_000 ? String(n) : n.toLocaleString(LANGUAGE)));

/** @param {string[]} names @param {string} and */
export function list(names, and) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${and} ${names.at(-1)}`;
}
