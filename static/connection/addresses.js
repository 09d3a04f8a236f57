/** Addresses of the page's own server. */

export const DEFAULT_ROOM = "lobby";

/** The path under which the program is served: "/" unless a proxy puts it elsewhere. */
export const BASE = new URL(document.body.dataset.base || "/", location.origin);

/** @param {string} path without a slash in front */
export const at = (path) => new URL(path, BASE);

/** @param {string} room */
export function roomUrl(room) {
  if (room === DEFAULT_ROOM) return BASE;
  // A path of dots alone would lead elsewhere.
  if (/^\.+$/.test(room)) return at(`?room=${encodeURIComponent(room)}`);
  return at(`rooms/${encodeURIComponent(room)}`);
}

/** All that was said there; null for a path of dots alone. @param {string} room @param {boolean} saved as a file */
export function transcriptUrl(room, saved) {
  return /^\.+$/.test(room) ? null : at(`rooms/${encodeURIComponent(room)}/transcript${saved ? "?download" : ""}`);
}
