/** The list of rooms with what is unread in each; the way into another one. */

import { byId, element } from "./dom.js";
import { at, roomMeant, roomUrl } from "./places.js";
import { lastRead, unreadBetween, visitedRooms } from "./reading.js";
import { t } from "./strings.js";

const LOOK_EVERY = 20_000; // ms, while somebody may be looking
const MOST_LISTED = 200; // rooms

/** @typedef {{name: string, last: string, sentAt: string}} Summary as the API tells it */

export class RoomList {
  #list = byId("rooms", HTMLElement);
  #form = byId("room-form", HTMLFormElement);
  #input = byId("room-name", HTMLInputElement);
  #why = byId("room-why", HTMLElement);
  #store;
  /** @type {Summary[]} */
  #known = [];
  #timer = 0;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
    this.#form.addEventListener("submit", (event) => this.#go(event));
    this.#input.addEventListener("input", () => this.#why.replaceChildren());
    document.addEventListener("visibilitychange", () => !document.hidden && this.look());
    store.watch(["unread"], () => this.#show());
  }

  focus() {
    this.#input.focus();
  }

  /** Ask the server which rooms there are, now and from time to time. */
  async look() {
    clearTimeout(this.#timer);
    try {
      const answer = await fetch(at("api/rooms"), { headers: { Accept: "application/json" } });
      if (answer.ok) this.#known = (await answer.json()).rooms;
      if (answer.status !== 404) this.#again();
    } catch {
      this.#again(); // offline: what was known last stays
    }
    this.#show();
  }

  #again() {
    this.#timer = setTimeout(() => (document.hidden ? this.#again() : this.look()), LOOK_EVERY);
  }

  #show() {
    const names = new Set([this.#store.state.room, ...visitedRooms(), ...this.#known.map(({ name }) => name)]);
    const last = new Map(this.#known.map((room) => [room.name, room.last]));
    const sorted = [...names].sort((one, other) => one.localeCompare(other)).slice(0, MOST_LISTED);
    this.#list.replaceChildren(...sorted.map((name) => this.#item(name, last.get(name))));
  }

  /** @param {string} name @param {string} [last] id of its newest message */
  #item(name, last) {
    const { room, unread } = this.#store.state;
    const link = element("a", "room", element("bdi", "", name));
    link.href = roomUrl(name).href;
    const here = name === room;
    if (here) link.ariaCurrent = "page";
    const count = here ? unread : unreadBetween(lastRead(name), last ?? "");
    if (count > 0 && (here || last)) {
      const badge = element("span", "badge", count > 999 ? "999+" : String(count));
      badge.ariaHidden = "true";
      link.append(badge, element("span", "unseen", t.unreadIn(count)));
    }
    return element("li", "", link);
  }

  /** @param {Event} event */
  #go(event) {
    event.preventDefault();
    const room = roomMeant(this.#input.value);
    if (!room) {
      this.#why.textContent = t.badRoom;
      this.#input.focus();
      return;
    }
    location.assign(roomUrl(room));
  }
}
