/** The list of rooms with what is unread in each; the way into another one. Loaded once the page is live. */

import { batched, byId, element, later } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { at, roomUrl } from "../connection/addresses.js";
import { isReadMark, lastRead } from "../conversation/unread.js";
import { unreadBetween, visitedRooms } from "./visited.js";

const going = later(() => import("./going.js"));
const MOST_LISTED = 200; // rooms
const PATIENCE = 15_000; // ms for an answer

/**
 * @typedef {{name: string, last: string}} Summary a room, and the id of its newest message
 * @typedef {{link: HTMLAnchorElement, item: HTMLLIElement, count: number}} Entry
 */

export class RoomList {
  #list = byId("rooms", HTMLElement);
  #input = byId("room-name", HTMLInputElement);
  #why = byId("room-why", HTMLElement);
  #store;
  #onNews;
  /** @type {Map<string, string>} names and newest ids */
  #known = new Map();
  /** @type {Map<string, string>} the same, of what was said since the server was last asked */
  #heard = new Map();
  /** @type {Map<string, Entry>} */
  #shown = new Map();

  /**
   * @param {import("../base/store.js").Store} store
   * @param {(name: string, since: string) => void} onNews something was said in another room that the
   *   reader goes to, behind the message `since`
   */
  constructor(store, onNews) {
    this.#store = store;
    this.#onNews = onNews;
    const show = batched(() => this.#show());
    this.#input.addEventListener("input", () => this.#why.replaceChildren());
    addEventListener("storage", ({ key }) => isReadMark(key) && show()); // read in another tab
    store.watch(["unread"], show);
    byId("side", HTMLElement).addEventListener("toggle", () => this.#reveal());
    this.#show();
  }

  /** Go where the reader has typed to. */
  go() {
    going().then((part) => part.go([...this.#shown.keys(), ...this.#known.keys()]), () => (this.#why.textContent = t.unreachable));
  }

  /** Ask the server which rooms there are; from then on it tells. */
  async look() {
    this.#heard = new Map();
    try {
      const answer = await fetch(at("api/rooms"), {
        headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE),
      });
      if (!answer.ok) return;
      /** @type {Summary[]} */
      const rooms = (await answer.json()).rooms;
      this.#known = new Map([...rooms.map(toPair), ...this.#heard]);
    } catch {
      // Offline: what was known last stays.
    }
    this.#show();
    this.#reveal();
  }

  /** Something was said in these rooms. @param {Summary[]} rooms */
  hear(rooms) {
    for (const { name, last } of rooms) {
      const since = this.#known.get(name) ?? lastRead(name);
      const goesThere = lastRead(name) !== null && name !== this.#store.state.room;
      this.#known.set(name, last);
      this.#heard.set(name, last);
      if (goesThere && since !== null) this.#onNews(name, since);
    }
    this.#show();
  }

  #show() {
    // Where there are too many, those that the reader goes to are not left out.
    const names = new Set([this.#store.state.room, ...visitedRooms(), ...this.#known.keys()]);
    const sorted = [...names].slice(0, MOST_LISTED).sort((one, other) => one.localeCompare(other));
    const before = this.#shown;
    this.#shown = new Map(sorted.map((name) => [name, before.get(name) ?? this.#entry(name)]));
    for (const [name, entry] of this.#shown) this.#count(name, entry);
    this.#store.set({ elsewhere: this.#elsewhere() });
    // Items that stand as they should are not put there again: whoever has one in focus would lose it.
    if (sorted.join("\n") === [...before.keys()].join("\n")) return;
    const focused = /** @type {HTMLElement|null} */ (this.#list.querySelector(":focus"));
    this.#list.replaceChildren(...[...this.#shown.values()].map(({ item }) => item));
    focused?.focus();
  }

  /** @param {string} name @returns {Entry} */
  #entry(name) {
    const link = element("a", "room", element("bdi", "", name));
    link.href = roomUrl(name).href;
    if (name === this.#store.state.room) link.ariaCurrent = "page";
    return { link, item: element("li", "", link), count: 0 };
  }

  /** What is unread there. @param {string} name @param {Entry} entry */
  #count(name, entry) {
    const { room, unread } = this.#store.state;
    const last = this.#known.get(name);
    const count = name === room ? unread : last ? unreadBetween(lastRead(name), last) : 0;
    if (count === entry.count) return;
    entry.count = count;
    for (const old of entry.link.querySelectorAll("span")) old.remove();
    if (count === 0) return;
    const badge = element("span", "badge", count > 999 ? "999+" : String(count));
    badge.ariaHidden = "true";
    entry.link.append(badge, element("span", "unseen", late.unreadIn(count)));
  }

  /** Have the room that this is in sight, among however many. */
  #reveal() {
    this.#shown.get(this.#store.state.room)?.item.scrollIntoView({ block: "nearest" });
  }

  #elsewhere() {
    const { room } = this.#store.state;
    return [...this.#shown].reduce((sum, [name, { count }]) => (name === room ? sum : sum + count), 0);
  }
}

/** @param {Summary} room @returns {[string, string]} */
function toPair({ name, last }) {
  return [name, last];
}
