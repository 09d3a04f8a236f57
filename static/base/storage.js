/** What the reader brings: what this browser keeps for the page, which works without any of it, and secrets in the address. */

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

// -- what stands behind "#" in the address, and is for nobody else: browsers send it to no server

const SECRET = /(?:^#|&)(host|guest|key)=([^&]+)/g;

/**
 * `host`: of a link that makes whoever opens it a host; `guest`: of one that lets them in; `key`: of a door. Whoever has
 * used one takes it out.
 *
 * @type {{host?: string, guest?: string, key?: string}}
 */
export const secrets = {};

/** Take them out of the address, before they are copied with it, or seen there. @returns {boolean} whether there are any */
export function takeSecrets() {
  const found = [...location.hash.matchAll(SECRET)];
  if (found.length) history.replaceState(history.state, "", location.pathname + location.search);
  for (const [, name, secret] of found) secrets[/** @type {"host"|"guest"|"key"} */ (name)] = decoded(secret);
  return found.length > 0;
}

/** Of a code that somebody has made up, browsers write some letters otherwise. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const PASS = "chat:pass:";

/** What says that the reader was let into a room before. @param {string} room @returns {string|undefined} */
export function passOf(room) {
  const pass = recall(PASS + room);
  return typeof pass === "string" ? pass : undefined;
}

/** @param {string} room @param {string} [pass] */
export function keepPass(room, pass) {
  delete secrets.key; // the pass is as good
  delete secrets.guest;
  if (pass) remember(PASS + room, pass);
}
