/** What stands behind "#" in the page's address and is for nobody else: browsers send it to no server. */

import { recall, remember } from "../base/storage.js";

const SECRET = /(?:^#|&)(host|key)=([^&]+)/g;

/**
 * `host`: of a link that makes whoever opens it a host; `key`: of a door. Whoever has used one takes it out.
 *
 * @type {{host?: string, key?: string}}
 */
export const secrets = {};

/** Take them out of the address, before they are copied with it, or seen there. @returns {boolean} whether there are any */
export function takeSecrets() {
  const found = [...location.hash.matchAll(SECRET)];
  if (found.length) history.replaceState(history.state, "", location.pathname + location.search);
  for (const [, name, secret] of found) secrets[/** @type {"host"|"key"} */ (name)] = secret;
  return found.length > 0;
}

const PASS = "chat:pass:";

/** What says that the reader was let into a room before. @param {string} room @returns {string|undefined} */
export const passOf = (room) => recall(PASS + room) ?? undefined;

/** @param {string} room @param {string} [pass] */
export function keepPass(room, pass) {
  delete secrets.key; // the pass is as good
  if (pass) remember(PASS + room, pass);
}
