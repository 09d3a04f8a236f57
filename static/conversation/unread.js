/**
 * What the reader has not read: the marks of how far each room was read, the count, and the lines
 * above the first message that is unread, was missed, or follows a gap.
 */

import { recall, remember } from "../base/storage.js";
import { t } from "../base/strings.js";
import { seqOf } from "../base/text.js";

export const PREFIX = "chat:read:"; // of keys of localStorage; a room follows

/**
 * @typedef {import("../connection/session.js").Message} Message
 * @typedef {import("./timeline.js").Timeline} Timeline
 *
 * @typedef {object} Parts
 * @property {import("../base/store.js").Store} store `unread` is the count, of this room
 * @property {Pick<Timeline, "attached"|"newest"|"tail"|"find"|"mark"|"unmark"|"isOwn">} timeline
 * @property {Pick<import("./scroll.js").Follower, "atEnd"|"reveal">} follower
 * @property {Pick<HTMLElement, "querySelector">} log
 * @property {(words: string) => void} news something about the connection that there is to say
 */
export class Unread {
  #store;
  #timeline;
  #follower;
  #log;
  #news;
  /** @type {string[]|null} ids of others' messages, while a resume is under way */
  #missed = null;
  #gap = false; // in what comes with this welcome
  #gapAhead = false; // before the next message
  #last = ""; // id of the room's newest, removed or not

  /** @param {Parts} parts */
  constructor({ store, timeline, follower, log, news }) {
    this.#store = store;
    this.#timeline = timeline;
    this.#follower = follower;
    this.#log = log;
    this.#news = news;
  }

  get count() {
    return this.#store.state.unread;
  }

  /** Whether anything is unread, or was missed and is not counted yet. */
  get hasNews() {
    return this.count > 0 || Boolean(this.#missed?.length);
  }

  /**
   * The past comes next.
   *
   * @param {boolean|undefined} recovered
   * @param {boolean} begun whether any past came before
   * @param {string} last id of the room's newest message
   */
  welcome(recovered, begun, last) {
    forgetOtherHistory(this.#store.state.room, last);
    this.#missed = recovered === undefined ? null : [];
    this.#gap = recovered === false && begun;
    this.#gapAhead ||= this.#gap;
    this.#last = last;
  }

  /** @param {Message} message a new one in the timeline @param {boolean} live @returns {boolean} whether it is another's */
  message(message, live) {
    if (this.#gapAhead) this.#timeline.mark(message.id, { kind: "gap", text: t.gap });
    this.#gapAhead = false;
    if (this.#timeline.isOwn(message)) return false;
    if (live) this.#arrived(message.id, 1);
    else this.#missed?.push(message.id);
    return true;
  }

  /** A message is gone. @param {string} id @param {boolean} own */
  removed(id, own) {
    if (this.#missed) this.#missed = this.#missed.filter((missed) => missed !== id);
    const isUnread = !own && this.count && seqOf(id) > seqOf(lastRead(this.#store.state.room) ?? "");
    if (isUnread) this.#store.set({ unread: this.count - 1 });
    if (seqOf(id) > seqOf(this.#last)) this.#last = id;
  }

  /** The past is over. @param {boolean} begun whether it was not the first one */
  live(begun) {
    if (begun && this.#missed?.length) this.#tellMissed(this.#missed);
    if (this.#gap) this.#news(t.gapTitle);
    this.#missed = null;
    this.#gap = false; // if nothing has come yet, the next message gets the line
  }

  /**
   * The first past is over: count what is unread in it, and lead the reader there.
   *
   * @returns {boolean} whether the first unread message is older than all that came
   */
  begin() {
    const { id, count, earlier } = this.#in(this.#timeline.tail);
    if (!id) return false;
    this.#store.set({ unread: count + earlier });
    if (!earlier) this.#drawLine(id);
    this.#toLine(id);
    return earlier > 0;
  }

  /** @param {readonly Message[]} messages oldest first @returns {string|null} the id of the first unread one */
  firstOf(messages) {
    return this.#in(messages).id;
  }

  /** Lead the reader to the first unread message, which is shown. @param {string} id */
  leadTo(id) {
    this.#drawLine(id);
    this.#toLine(id);
  }

  /** The reader says something: the lines have served their purpose. */
  spoke() {
    this.#timeline.unmark("unread");
    this.#timeline.unmark("missed");
  }

  /** Another tab may have shown its reader what this one has not. */
  readElsewhere() {
    const { count, earlier } = this.#in(this.#timeline.tail);
    this.#store.set({ unread: Math.min(this.count, count + earlier) });
  }

  /** The page is looked at again. */
  returned() {
    const line = this.#log.querySelector(".unread, .missed")?.closest("li");
    if (this.count > 0 && line && this.#follower.atEnd) this.#follower.reveal(line, "start");
  }

  /** The reader or the content has moved: is everything read? */
  look() {
    if (!this.#seesTheEnd) return;
    if (this.count) this.#store.set({ unread: 0 });
    const newest = this.#timeline.newest?.id ?? "0-0";
    const isBehind = !this.#missed && seqOf(newest) < seqOf(this.#last);
    setLastRead(this.#store.state.room, isBehind ? this.#last : newest);
  }

  get #seesTheEnd() {
    return !document.hidden && this.#follower.atEnd && this.#timeline.attached;
  }

  /** @param {string} id of the first @param {number} count of others' messages */
  #arrived(id, count) {
    if (this.#seesTheEnd) return;
    const unread = this.count;
    if (unread === 0) this.#drawLine(id);
    this.#store.set({ unread: unread + count });
  }

  /** @param {string[]} ids */
  #tellMissed(ids) {
    this.#arrived(ids[0], ids.length);
    this.#timeline.unmark("unread");
    if (this.#gap) return; // its line is there, and says more
    this.#timeline.mark(ids[0], { kind: "missed", text: t.missedFromHere(ids.length) });
    this.#news(t.resumed(ids.length));
  }

  /** @param {readonly Message[]} messages */
  #in(messages) {
    const told = messages.map((message) => ({ id: message.id, own: this.#timeline.isOwn(message) }));
    return firstUnread(told, lastRead(this.#store.state.room));
  }

  /** @param {string} id of the first unread message */
  #drawLine(id) {
    this.#timeline.mark(id, { kind: "unread", text: t.unreadFromHere });
  }

  /** @param {string} id */
  #toLine(id) {
    const node = this.#timeline.find(id);
    if (node) this.#follower.reveal(node, "start");
  }
}

/** @param {string} room @returns {string|null} the id of the last message read, null before the first visit */
export function lastRead(room) {
  const id = recall(PREFIX + room);
  return typeof id === "string" ? id : null;
}

/**
 * It only moves forward: else two pages, one of which has not heard the latest, would move it back and
 * forth without end.
 *
 * @param {string} room
 * @param {string} id
 */
export function setLastRead(room, id) {
  const read = lastRead(room);
  if (read === null || seqOf(id) > seqOf(read)) remember(PREFIX + room, id);
}

/** A mark that lies ahead of the room's newest message is of an earlier history. @param {string} room @param {string} last */
function forgetOtherHistory(room, last) {
  const read = lastRead(room);
  if (read !== null && read !== last && seqOf(read) >= seqOf(last)) remember(PREFIX + room, last);
}

/** @param {string|null} key of localStorage @returns {boolean} whether it says how far a room was read */
export function isReadMark(key) {
  return key === null || key.startsWith(PREFIX);
}

/**
 * The first unread message among these, how many of others follow from it on, and how many unread
 * ones came before all of these.
 *
 * @param {readonly {id: string, own: boolean}[]} messages oldest first
 * @param {string|null} read id of the last one read
 */
export function firstUnread(messages, read) {
  if (read === null || messages.length === 0) return { id: null, count: 0, earlier: 0 };
  const isPast = messages.findLast(({ id }) => seqOf(id) <= seqOf(read));
  // Not among them, it is older than all of them, was removed, or belongs to an earlier history.
  const earlier = isPast ? 0 : seqOf(messages[0].id) - seqOf(read) - 1;
  if (isPast && seqOf(isPast.id) === seqOf(read) && isPast.id !== read) return { id: null, count: 0, earlier: 0 };
  const unread = messages.filter(({ id, own }) => !own && seqOf(id) > seqOf(read));
  return { id: unread[0]?.id ?? null, count: unread.length, earlier };
}
