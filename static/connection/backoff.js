/** How long to wait before the next attempt: full jitter, so that a crowd does not return at once. */

export const SHORTEST = 500; // ms
export const LONGEST = 20_000; // ms

/**
 * @param {number} attempt 1 for the first one
 * @param {() => number} [random] in [0, 1)
 * @returns {number} milliseconds
 */
export function delay(attempt, random = Math.random) {
  const ceiling = Math.min(LONGEST, SHORTEST * 2 ** attempt);
  return SHORTEST + random() * (ceiling - SHORTEST);
}
