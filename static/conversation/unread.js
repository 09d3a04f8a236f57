/** How far the reader has read, here and in the rooms visited before; what is unread. */

import { recall, remember } from "../base/storage.js";
import { seqOf } from "../base/text.js";

const PREFIX = "chat:read:";

/** @param {string} room @returns {string|null} the id of the last message read, null before the first visit */
export function lastRead(room) {
  const id = recall(PREFIX + room);
  return typeof id === "string" ? id : null;
}

/** @param {string} room @param {string} id */
export function setLastRead(room, id) {
  if (lastRead(room) !== id) remember(PREFIX + room, id);
}

/** @param {string|null} key of localStorage @returns {boolean} whether it says how far a room was read */
export function isReadMark(key) {
  return key === null || key.startsWith(PREFIX);
}

/** @returns {string[]} the rooms that this browser has been to */
export function visitedRooms() {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  } catch {
    return [];
  }
}

/**
 * How many messages came after the last one read.
 *
 * @param {string|null} read id
 * @param {string} last id of the room's newest
 */
export function unreadBetween(read, last) {
  return read === null || read === last ? 0 : Math.max(0, seqOf(last) - seqOf(read));
}

/**
 * What of these was not read: the first, how many of others there are from it on, and how many there
 * are besides before all of these.
 *
 * @param {readonly {id: string, own: boolean}[]} messages oldest first
 * @param {string|null} read id of the last one read
 */
export function firstUnread(messages, read) {
  if (read === null || messages.length === 0) return { id: null, count: 0, earlier: 0 };
  const at = messages.findIndex(({ id }) => id === read);
  // Not among them: it is older than all, or gone with an older history.
  const earlier = at < 0 ? seqOf(messages[0].id) - seqOf(read) - 1 : 0;
  if (earlier < 0) return { id: null, count: 0, earlier: 0 };
  const unread = messages.slice(at + 1).filter(({ own }) => !own);
  return { id: unread[0]?.id ?? null, count: unread.length, earlier };
}
