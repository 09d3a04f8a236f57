/** The rooms that the reader has been to, and what is unread there. Loaded with their list. */

import { seqOf } from "../base/text.js";
import { PREFIX } from "../conversation/unread.js";

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
