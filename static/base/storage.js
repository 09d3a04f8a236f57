/** What this browser keeps for the page. The page works without any of it. */

/**
 * What is kept under `key`, or null.
 *
 * @param {string} key
 * @returns {any}
 */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null; // storage may be forbidden, and anything may have been written there
  }
}

/**
 * Keep `value` under `key`; null forgets it.
 *
 * @param {string} key
 * @param {unknown} value
 * @returns {boolean} whether it is kept: else, forbidden or full, it lives as long as the page does
 */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/**
 * All that is kept under keys that begin so.
 *
 * @param {string} prefix
 * @returns {any[]}
 */
export function recallAll(prefix) {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map(recall)
      .filter((value) => value !== null);
  } catch {
    return [];
  }
}
