/** What tells the reader that something was said: a count in the title and on the icon; more on request. Loaded with the first of it. */

import { byId } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { BASE } from "../connection/addresses.js";

/** @typedef {import("../base/store.js").Store} Store */

export class Attention {
  #store;
  #room;
  /** @type {import("./notifier.js").Notifier|null} */
  #notifier = null;

  /** @param {Store} store @param {string} room */
  constructor(store, room) {
    this.#store = store;
    this.#room = room;
    showUnread(store);
  }

  /** Whether the reader wants notifications or a sound. */
  get wanted() {
    return this.#store.state.notify !== "off" || this.#store.state.sound;
  }

  /** Somebody else said something, here or in another room. @param {import("../connection/session.js").Message} message */
  async notify(message) {
    if (this.wanted) (await this.#load()).notify(message);
  }

  /** Something was said in another room that the reader goes to. @param {string} name @param {string} since id */
  async elsewhere(name, since) {
    if (!this.wanted) return;
    const archive = import("../connection/archive.js").then((part) => new part.Archive(BASE, name));
    const said = await archive.then((past) => past.newer(since)).catch(() => []);
    for (const message of said) if (message.userId !== this.#store.state.me.userId) this.notify(message);
  }

  async sound() {
    (await this.#load()).sound();
  }

  /** Most readers never want it, so it is not loaded before one does. */
  async #load() {
    const { Notifier } = await import("./notifier.js");
    return (this.#notifier ??= new Notifier(this.#store, this.#room));
  }
}

/** @param {Store} store */
function showUnread(store) {
  const icon = byId("icon", HTMLLinkElement);
  const menu = byId("menu", HTMLElement);
  const { href } = icon;
  const { unread: other } = icon.dataset;
  const title = document.title;
  const show = ({ unread, elsewhere } = store.state) => {
    document.title = unread ? `(${unread}) ${title}` : elsewhere ? `• ${title}` : title;
    const wanted = unread + elsewhere && other ? other : href;
    if (icon.getAttribute("href") !== wanted) icon.href = wanted;
    byId("elsewhere", HTMLElement).hidden = !elsewhere;
    menu.ariaLabel = menu.title = elsewhere ? late.menuUnread(elsewhere) : t.menu;
    const badge = unread + elsewhere ? navigator.setAppBadge?.(unread + elsewhere) : navigator.clearAppBadge?.();
    badge?.catch(() => {}); // only an installed page has one
  };
  show();
  store.watch(["unread", "elsewhere"], show);
}
