/**
 * Messages that read otherwise than at first, or are gone: wherever the page has them. Loaded when
 * the first one changes, or before.
 *
 * Nobody is told, and whoever reads on stays where they are.
 */

import { byId } from "../base/dom.js";
import { toggle } from "./folding.js";
import { messageRow } from "./row.js";
import { nameItem } from "./walking.js";

export const REMOVED = "chat:removed"; // to whoever has told the reader of a message
const MOST_REMEMBERED = 500; // changes, for answers that are on their way when they come

/**
 * @typedef {import("../connection/session.js").Message} Message
 *
 * @typedef {object} Parts
 * @property {import("../connection/archive.js").Archive} archive
 * @property {import("./timeline.js").Timeline} timeline
 * @property {import("./scroll.js").Follower} follower
 * @property {import("./unread.js").Unread} unread
 * @property {string} me the reader's name
 */

/** @type {Map<string, Message|null>} as they were heard of; null: gone */
const heard = new Map();
/** @type {BroadcastChannel|null} */
let tabs = null;
/** @type {((id: string, message: Message|null) => void)[]} */
const watchers = [];
/** @type {(message: Message) => HTMLLIElement|null} */
let noteInstead = () => null;

/** Call `watcher` with each change, as it is on the page. @param {(id: string, message: Message|null) => void} watcher */
export function watchChanges(watcher) {
  watchers.push(watcher);
}

/** Have a note stand where a host has removed a message. @param {(message: Message) => HTMLLIElement|null} make */
export function noteRemovals(make) {
  noteInstead = make;
}

/**
 * What an answer of the server says by now: it may have been on its way for a while.
 *
 * @param {Message[]} messages
 */
export function asNow(messages) {
  return messages.map((message) => heard.get(message.id) ?? message).filter(({ id }) => heard.get(id) !== null);
}

/** A message reads like this now; with null, it is gone. @param {Parts} parts @param {string} id @param {Message|null} message @param {string} by whom it was removed */
export function change(parts, id, message, by) {
  parts.archive.asNow = asNow;
  if (!message && heard.get(id) === null) return; // it comes once more
  heard.delete(id);
  heard.set(id, message); // the last one now
  if (heard.size > MOST_REMEMBERED) heard.delete([...heard.keys()][0]);
  if (message) rewrite(parts, message);
  else takeOut(parts, id, by);
  for (const watcher of watchers) watcher(id, message);
}

/** @param {Parts} parts @param {Message} message */
function rewrite({ timeline, follower, me }, message) {
  const known = timeline.held(message.id);
  if (!known.length) return keepPlace(follower, null, () => timeline.restore(message));
  for (const held of known) Object.assign(held, message);
  const item = timeline.find(message.id);
  if (!item) return;
  try {
    const fresh = messageRow(message, { own: timeline.isOwn(message), me });
    keepPlace(follower, item, () => redraw(item, fresh));
  } catch (error) {
    reportError(error); // as timeline.js does
    item.replaceChildren(message.body.slice(0, 1_500));
  }
}

/** The item stays, and with it the focus and the lines above; only what it says is new. @param {HTMLElement} item @param {HTMLElement} fresh */
function redraw(item, fresh) {
  const [old, row] = [item, fresh].map((one) => /** @type {HTMLElement} */ (one.querySelector(".row")));
  const focused = item.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  const wasUnfolded = old.querySelector(".more") && !item.classList.contains("folded");
  item.ariaLive = "off"; // else it would be read out as if it were news
  row.append(...old.querySelectorAll(".message-tools"));
  row.querySelector(".file")?.replaceWith(...old.querySelectorAll(".file")); // it is the same one
  old.replaceWith(row);
  for (const kind of ["folded", "mentioned"]) item.classList.toggle(kind, fresh.classList.contains(kind));
  const more = row.querySelector(".more");
  if (wasUnfolded && more) toggle(more, (work) => work());
  if (focused) (focused.isConnected ? focused : item).focus({ preventScroll: true });
  if (item.ariaLabel) nameItem(item);
}

/** @param {Parts} parts @param {string} id @param {string} by */
function takeOut({ timeline, follower, unread }, id, by) {
  const [held] = timeline.held(id);
  unread.removed(id, Boolean(held && timeline.isOwn(held)));
  withdrawNotification(id);
  const item = timeline.find(id);
  const near = item && (messageBeside(item, "nextElementSibling") ?? messageBeside(item, "previousElementSibling"));
  const note = by === "host" && held ? noteInstead(held) : null;
  const hadFocus = item?.contains(document.activeElement);
  if (near) near.ariaLive = "off"; // the line above a day may go there
  keepPlace(follower, item, () => {
    timeline.remove(id, note);
    if (!timeline.last) timeline.attach(); // a window with nothing in it leads nowhere
  });
  const undo = note?.querySelector("button[data-mine]"); // where the reader has removed it
  const next = undo ?? (near?.isConnected ? near : byId("scroller", HTMLElement));
  if (hadFocus) /** @type {HTMLElement} */ (next).focus({ preventScroll: true });
}

/** @param {Element} item @param {"nextElementSibling"|"previousElementSibling"} side @returns {HTMLElement|null} */
function messageBeside(item, side) {
  let beside = item[side];
  while (beside && !beside.matches(".message")) beside = beside[side];
  return /** @type {HTMLElement|null} */ (beside);
}

/** @param {import("./scroll.js").Follower} follower @param {Element|null} item @param {() => void} work changes the item, or takes it out */
function keepPlace(follower, item, work) {
  if (follower.atEnd) return work(); // and there the reader stays
  const edge = byId("scroller", HTMLElement).getBoundingClientRect().top;
  const reaches = (/** @type {Element|null|undefined} */ one) => Boolean(one && one.getBoundingClientRect().bottom > edge);
  const isOnTop = reaches(item) && !reaches(item?.previousElementSibling);
  const next = isOnTop ? item?.nextElementSibling : null;
  follower.keepPlace(work, next?.querySelector(".row") ?? next ?? undefined);
}

/** Whichever tab has shown it. @param {string} id */
function withdrawNotification(id) {
  if (!globalThis.BroadcastChannel) return;
  tabs ??= new BroadcastChannel(REMOVED);
  tabs.postMessage(id);
}
