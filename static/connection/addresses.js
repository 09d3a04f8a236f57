/** Addresses of the page's own server. */

import { firstCodePoints } from "../base/text.js";

export const DEFAULT_ROOM = "lobby";

// As chatroom/names.py has it.
const ROOM_NAME = /^(?!\p{M})(?:(?![\p{DI}\u{13441}\u{13442}\u{16fe4}])[\p{L}\p{M}\p{N}_.-]){1,64}$/u;

/** The path under which the program is served: "/" unless a proxy puts it elsewhere. */
export const BASE = new URL(document.body.dataset.base || "/", location.origin);

/** @param {string} path without a slash in front */
export const at = (path) => new URL(path, BASE);

/** @param {string} room */
export function socketUrl(room) {
  const url = at("chat");
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (room !== DEFAULT_ROOM) url.searchParams.set("room", room);
  return url;
}

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

/** @param {string} name */
export function isRoomName(name) {
  return ROOM_NAME.test(name);
}

/**
 * The room meant by a typed name or a pasted address; "" if there is none.
 *
 * @param {string} text
 */
export function roomMeant(text) {
  const written = text.trim().replace(/^#/, "").normalize("NFC");
  const path = /^https?:\/\//i.test(written) && URL.canParse(written) ? new URL(written) : null;
  if (!path) return isRoomName(written) ? written : "";
  const named = path.searchParams.get("room") ?? /\/rooms\/([^/]+)\/?$/.exec(path.pathname)?.[1];
  try {
    const room = decodeURIComponent(named ?? DEFAULT_ROOM).normalize("NFC");
    return isRoomName(room) ? room : "";
  } catch {
    return "";
  }
}

/**
 * A name that is possible, like the one that was typed; "" if there is none.
 *
 * @param {string} text
 */
export function roomLike(text) {
  if (/^https?:/i.test(text.trim())) return "";
  const seen = text.normalize("NFC").replace(/\p{DI}/gu, "").replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "-");
  const name = firstCodePoints(seen.replace(/^[-\p{M}]+/u, ""), 64).replace(/-+$/, "");
  return isRoomName(name) ? name : "";
}
