/** Who is here, who types, who came and went. */

import { arrange, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { initial, shownName } from "../base/text.js";
import { hueClass, share } from "./colours.js";

const TYPES_FOR = 6_000; // ms after the last word of it

/** @typedef {import("../connection/session.js").Person} Person */

/** Of those who are here, by all that they show. @type {Map<string, HTMLLIElement>} */
let items = new Map();

/**
 * The list of those who are here.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement} total
 * @param {Readonly<import("../base/store.js").State>} state
 */
export function showPeople(list, total, { people, count, me, roles }) {
  total.textContent = String(count || "");
  const mine = /** @type {[string, string][]} */ ([...people].filter(([id]) => id === me.userId));
  const others = [...people].filter(([id]) => id !== me.userId);
  others.sort(([, one], [, other]) => one.localeCompare(other));
  const before = items;
  items = new Map([...mine, ...others].map(([id, name]) => {
    const shown = JSON.stringify([id, name, me.userId, roles.get(id), hueClass(name)]);
    return [shown, before.get(shown) ?? personItem(id, name, id === me.userId, roles.get(id))];
  }));
  const aside = count && people.size === 0 ? [element("li", "aside", t.onlyCounted)] : [];
  arrange(list, [...items.values(), ...aside]);
}

/** Show the reader's own name. @param {string} userName */
export function showMe(userName) {
  const name = userName && shownName(userName);
  byId("my-name", HTMLElement).textContent = name;
  const portrait = byId("portrait", HTMLElement);
  portrait.hidden = !name;
  portrait.textContent = initial(name);
  portrait.className = `avatar ${hueClass(userName)}`;
}

/** @param {Person[]} users @returns {{people: Map<string, string>, roles: Map<string, string|undefined>}} who they are, and what */
export function byUserId(users) {
  return {
    people: new Map(users.map(({ userId, userName }) => [userId, userName])),
    roles: new Map(users.map(({ userId, role }) => [userId, role])),
  };
}

/**
 * Who is here after somebody has come, gone, or taken another name.
 *
 * @param {"joined"|"left"|"renamed"} kind
 * @param {Person} person
 * @param {Readonly<import("../base/store.js").State>} state
 */
export function afterwards(kind, { userId, userName, role }, { people, roles }) {
  const now = new Map(people);
  if (kind === "left") now.delete(userId);
  else now.set(userId, userName);
  return { people: now, count: now.size, roles: kind === "joined" ? new Map(roles).set(userId, role) : roles };
}

/** @param {string} id @param {string} name @param {boolean} isMe @param {string} [role] */
function personItem(id, name, isMe, role) {
  const avatar = element("span", "avatar small", initial(shownName(name)));
  avatar.ariaHidden = "true";
  const shown = element("bdi", "name", shownName(name));
  shown.title = shownName(name);
  const item = element("li", hueClass(name), avatar, shown);
  item.dataset.id = id;
  if (role) item.append(hostMark());
  if (isMe) item.append(element("span", "aside", `(${t.you})`));
  return item;
}

/** That somebody is a host: an element of its own, which no name can imitate. */
export function hostMark() {
  const mark = element("span", "host-mark", element("span", "", t.host));
  mark.title = t.host;
  mark.ariaLive = "off"; // of what is new, the sender and the text are read out
  return mark;
}

/** Of those who are here, no two have one colour: also in what they said before. @param {Iterable<string>} names */
export function shareColours(names) {
  for (const [name, before] of share([...names])) {
    for (const node of document.querySelectorAll(`.${before}`)) {
      if (node.querySelector(".sender")?.textContent !== shownName(name)) continue;
      node.classList.replace(before, hueClass(name));
    }
  }
}

/** The line that says who types. */
export class TypingLine {
  #line;
  /** @type {Map<string, {name: string, timer: number}>} */
  #typing = new Map();

  /** @param {HTMLElement} line */
  constructor(line) {
    this.#line = line;
  }

  /** @param {Person} person */
  add({ userId, userName }) {
    clearTimeout(this.#typing.get(userId)?.timer);
    const timer = setTimeout(() => this.remove(userId), TYPES_FOR);
    this.#typing.set(userId, { name: shownName(userName), timer });
    this.#show();
  }

  /** Their message has come, or they have gone. @param {string} [userId] */
  remove(userId = "") {
    clearTimeout(this.#typing.get(userId)?.timer);
    if (this.#typing.delete(userId)) this.#show();
  }

  clear() {
    for (const userId of [...this.#typing.keys()]) this.remove(userId);
  }

  #show() {
    const names = [...this.#typing.values()].map(({ name }) => `\u2068${name}\u2069`); // isolated, as by <bdi>
    this.#line.textContent = names.length ? t.typing(names) : "";
  }
}
