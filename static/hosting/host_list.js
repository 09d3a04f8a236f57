/** Who is in charge of the room, and the links that make somebody a host. */

import { button, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { at, roomUrl } from "../connection/addresses.js";
import { copyButton } from "../shell/copying.js";
import { entry, nameOf, refill, sectionOf } from "./section.js";
import { moment } from "./times.js";
import { words } from "./words.js";

const YEAR = 365 * 24 * 60 * 60; // s

/** @type {Record<string, {fields: Record<string, unknown>, how: string}>} links other than for another host */
const LINKS = {
  own: { fields: { seconds: YEAR }, how: words.ownLinkMore },
  guest: { fields: { makes: "guest" }, how: words.guestLinkMore },
};

/**
 * @typedef {import("./speak_choice.js").Act} Act
 * @typedef {import("./hosting.js").Listed} Listed
 */

export class HostList {
  #store;
  #act;
  #none = element("p", "fine");
  #list = element("ul");
  #makers = element("div", "buttons", this.#maker(words.hostLink), this.#maker(words.ownLink, "own"), this.#maker(words.guestLink, "guest"));
  #how = element("p", "fine");
  #address = element("a");
  #copy = copyButton(this.#address);
  #made = element("div", "made", this.#how, element("div", "address", this.#address, this.#copy));
  #left = element("div", "", element("h4", "", words.linksLeft));
  #links = element("ul");
  node = sectionOf(words.hosts, this.#none, this.#list, this.#makers, this.#made, this.#left);

  /** @param {import("../base/store.js").Store} store @param {Act} act */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.#left.append(this.#links);
    this.#made.hidden = true;
    this.#address.dir = "ltr";
    this.#address.translate = false;
    this.#address.addEventListener("click", (event) => event.preventDefault()); // it would be used up
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    const { role } = this.#store.state;
    const hosts = seen?.hosts ?? this.#present();
    refill(this.#list, hosts.map((host) => this.#host(host)));
    this.#none.textContent = hosts.length ? "" : words.noHostsHere;
    this.#none.hidden = hosts.length > 0;
    this.#makers.hidden = !role;
    if (!role) this.#made.hidden = true;
    if (!seen && role) return; // what is there stays until the server has answered
    const links = seen?.links ?? [];
    this.#left.hidden = links.length === 0;
    refill(this.#links, links.map(({ link, until, uses, makes }) => {
      const revoke = button("quiet", words.revoke, () => this.#act("revokeLink", { link }));
      return entry(link, [`${makes ? words.forGuests : ""}${words.linkUntil(moment(new Date(until)), uses)}`], revoke);
    }));
  }

  /** @param {string} label @param {"own"|"guest"} [whose] */
  #maker(label, whose) {
    return button("quiet", label, ({ detail }) => detail > 1 || this.makeLink(whose)); // two clicks at once mean one link
  }

  /** The sheet is closed: whoever looks at it later, perhaps with others, does not read a secret there. */
  forget() {
    this.#made.hidden = true;
    this.#address.removeAttribute("href");
    this.#address.textContent = "";
  }

  /** @param {"own"|"guest"} [whose] */
  async makeLink(whose) {
    const { fields, how } = LINKS[whose ?? ""] ?? { fields: {}, how: words.hostLinkMore };
    const told = await this.#act("makeLink", fields);
    if (!told) return;
    const url = new URL(await this.#roomAddress());
    url.hash = `${whose === "guest" ? "guest" : "host"}=${told.link}`;
    this.#how.textContent = how;
    this.#address.href = url.href;
    this.#address.textContent = decodeURI(url.href);
    this.#made.hidden = false;
    this.#copy.focus();
  }

  /** The one that others can reach, which only the server knows. */
  async #roomAddress() {
    const { room } = this.#store.state;
    try {
      const answer = await fetch(at(`invitation?room=${encodeURIComponent(room)}`)); // without a code: hosts need none
      return String((await answer.json()).url);
    } catch {
      return roomUrl(room).href;
    }
  }

  /** Whoever is no host knows of those who are here. @returns {Listed[]} */
  #present() {
    const { people, roles } = this.#store.state;
    return [...people].filter(([id]) => roles.get(id)).map(([userId, userName]) => ({ userId, userName, role: roles.get(userId) }));
  }

  /** @param {Listed} host */
  #host({ userId, userName, role = "" }) {
    const { me, role: mine } = this.#store.state;
    const isMe = userId === me.userId;
    const rank = [isMe ? t.you : "", words.ranks[role] ?? ""].filter(Boolean).join(", ");
    const about = [nameOf(userName), ...(rank ? [element("span", "fine", ` ${rank}`)] : [])];
    const mayUnmake = isMe || (role === "host" && ["maker", "operator"].includes(mine)) || (role === "maker" && mine === "operator");
    if (!mayUnmake || role === "operator") return entry(userId, about);
    return entry(`${userId} may go`, about, button("quiet", isMe ? words.unmakeMyself : words.unmakeHost, () => this.#act("unmakeHost", { userId })));
  }
}
