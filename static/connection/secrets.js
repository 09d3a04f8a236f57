/** What stands behind "#" in the page's address and is for nobody else: browsers send it to no server. */

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
