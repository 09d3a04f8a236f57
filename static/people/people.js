/** Who is here, who types, who came and went. */

import { arrange, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { initial, shownName } from "../base/text.js";

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

// -- colours: of those who are here, no two share one while there are enough for all. Everybody has a favourite, by their
// name, so most look the same on every page; who was here first keeps theirs.

const HUES = 12; // as many as colours.css has .hue-N classes
const MOST_KNOWN = 2_000; // names
const STEP = 5; // from one choice to the next: neighbours look alike

const encoder = new TextEncoder();
/** @type {Map<string, number>} by name, as seen since the page was opened */
const hues = new Map();
/** @type {Set<string>} names */
let here = new Set();

/** The class that gives somebody their colour. @param {string} name */
export function hueClass(name) {
  const hue = hues.get(name) ?? choose(name, new Set([...here].map((other) => hues.get(other))));
  hues.set(name, hue);
  if (hues.size > MOST_KNOWN) forgetOne();
  return `hue-${hue}`;
}

/**
 * Share the colours out among those who are here.
 *
 * @param {string[]} names
 * @returns {Map<string, string>} names and the class before, of those who had another colour
 */
export function share(names) {
  const rank = (/** @type {string} */ name) => (here.has(name) ? 0 : hues.has(name) ? 1 : 2);
  const taken = new Set();
  const changed = new Map();
  for (const name of [...names].sort((one, other) => rank(one) - rank(other))) {
    const had = hues.get(name);
    if (had === undefined || (taken.has(had) && taken.size < HUES)) hues.set(name, choose(name, taken));
    if (had !== undefined && had !== hues.get(name)) changed.set(name, `hue-${had}`);
    taken.add(hues.get(name));
  }
  here = new Set(names);
  return changed;
}

/** Somebody has another name, and stays the same person. @param {string} before @param {string} now */
export function passOn(before, now) {
  const hue = hues.get(before);
  if (hue === undefined) return;
  hues.set(now, hue);
  if (here.delete(before)) here.add(now);
}

/** @param {string} name @param {Set<number|undefined>} taken by those who are here */
function choose(name, taken) {
  const first = favourite(name);
  const choices = Array.from({ length: HUES }, (_, at) => (first + at * STEP) % HUES);
  const free = choices.filter((hue) => !taken.has(hue));
  if (free.length === 0) return first;
  const used = new Set(hues.values());
  return free.find((hue) => !used.has(hue)) ?? free[0];
}

function forgetOne() {
  for (const name of hues.keys()) {
    if (!here.has(name)) return hues.delete(name);
  }
}

/** FNV-1a of the name. @param {string} name */
function favourite(name) {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash ^ (hash >>> 16)) >>> 0) % HUES;
}
