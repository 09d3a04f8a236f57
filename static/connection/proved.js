/** Questions over HTTP about a room that is not open to everybody: with the pass that says that the reader was let in. */

import { passOf } from "../base/storage.js";

const CLOSED = new Set([401, 403]);

/** Whether the server has wanted a proof. A proxy may have a use of its own for the header, so it is not sent before. */
let closed = false;

/** @param {string} door as the room's rules call it */
export function noteDoor(door) {
  closed = door !== "open";
}

/** Whether the room's addresses open nothing by themselves. */
export function isClosed() {
  return closed;
}

/** @param {string} room @param {URL} url @param {RequestInit} [options] */
export async function ask(room, url, options = {}) {
  const pass = passOf(room);
  const prove = () => fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${pass}` } });
  if (closed && pass) return prove();
  const answer = await fetch(url, options);
  if (!pass || !CLOSED.has(answer.status)) return answer;
  closed = true;
  return prove();
}
