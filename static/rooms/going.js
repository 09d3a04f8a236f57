/** The way into another room, by its name or address. Loaded when it is first wanted. */

import { byId } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { firstCodePoints } from "../base/text.js";
import { DEFAULT_ROOM, roomUrl } from "../connection/addresses.js";

// As chatroom/names.py has it.
const ROOM_NAME = /^(?!\p{M})(?:(?![\p{DI}\u{13441}\u{13442}\u{16fe4}])[\p{L}\p{M}\p{N}_.-]){1,64}$/u;

let offered = ""; // what was typed when another name was offered

/** Go where the reader has typed to. @param {string[]} known names of rooms */
export function go(known) {
  const input = byId("room-name", HTMLInputElement);
  const typed = input.value.trim();
  const room = roomMeant(typed);
  const other = room ? sameButFor(room, [DEFAULT_ROOM, ...known]) : roomLike(typed);
  // Typed once more, it is meant so.
  if (room && (!other || typed === offered)) return location.assign(roomUrl(room));
  offered = typed;
  const words = other ? (room ? late.roomThere : late.roomLike)(`\u2068${other}\u2069`) : late.badRoom;
  byId("room-why", HTMLElement).textContent = words;
  if (other) input.value = other;
  input.focus();
}

/** The room whose name differs in case only; "" if there is none, or this very one. @param {string} room @param {string[]} names */
function sameButFor(room, names) {
  return names.includes(room) ? "" : names.find((name) => name.toLowerCase() === room.toLowerCase()) ?? "";
}

/** @param {string} name */
function isRoomName(name) {
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
function roomLike(text) {
  if (/^https?:/i.test(text.trim())) return "";
  const seen = text.normalize("NFC").replace(/\p{DI}/gu, "").replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, "-");
  const name = firstCodePoints(seen.replace(/^[-\p{M}]+/u, ""), 64).replace(/-+$/, "");
  return isRoomName(name) ? name : "";
}
