/** The sheet about this room: who may come in, who may write, who is in charge, who is held back, what hosts did. Loaded when first opened. */

import { batched, button, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { sheet } from "../shell/dialogs.js";
import { Clearing } from "./clearing.js";
import { DoorChoice } from "./door_choice.js";
import { HeldBack } from "./held_back.js";
import { HostList } from "./host_list.js";
import { HostLog } from "./host_log.js";
import { KeyList } from "./key_list.js";
import { SpeakChoice } from "./speak_choice.js";
import { words } from "./words.js";

const LOOK_EVERY = 300; // ms

/**
 * @typedef {import("./hosting.js").Hosting} Hosting
 * @typedef {import("../base/store.js").Store} Store
 *
 * @typedef {object} Section a part of the sheet
 * @property {HTMLElement} node
 * @property {(seen: import("./hosting.js").Seen|null) => void} show what the server knows; null where the reader is no host
 */

/** @type {RoomSheet|null} */
let room = null;

/** @param {Hosting} hosting @param {Store} store @param {"own"} [link] */
export function openSheet(hosting, store, link) {
  room ??= new RoomSheet(hosting, store);
  room.open(link);
}

class RoomSheet {
  #hosting;
  #store;
  #rank = element("p", "fine");
  #why = element("p", "why");
  #did = element("span");
  #undo = button("quiet", words.undo, () => this.#undoIt());
  #told = element("div", "told", this.#why, element("p", "did", this.#did, this.#undo)); // in sight, however far one has scrolled
  /** @type {(() => Promise<unknown>)|undefined} */
  #wayBack;
  #hosts;
  /** @type {Section[]} in their order */
  #sections;
  #dialog;
  #asked = 0;

  /** @param {Hosting} hosting @param {Store} store */
  constructor(hosting, store) {
    this.#hosting = hosting;
    this.#store = store;
    this.#why.role = "alert";
    this.#did.role = "status";
    /** @param {{type: string, [field: string]: unknown}} wish */
    const want = async (wish) => {
      this.#say("");
      const told = await hosting.want(wish);
      this.#why.textContent = told ? "" : hosting.problem.said;
      if (!told) this.#show(null); // as it is, and not as it was wanted
      return told;
    };
    /** @param {string} name @param {Record<string, unknown>} [fields] */
    const act = (name, fields) => want({ type: "host", act: name, ...fields });
    /** @param {{id: string}|{at: string}} what */
    const restore = (what) => want("id" in what ? { type: "restore", ...what } : { type: "host", act: "restore", ...what });
    /** @type {import("./clearing.js").Say} */
    const say = (said, undo) => this.#say(said, undo);
    this.#hosts = new HostList(store, act);
    this.#sections = [
      new DoorChoice(hosting, store, act, say),
      new SpeakChoice(hosting, store, act),
      this.#hosts,
      new HeldBack(store, act),
      new KeyList(store, act),
      new Clearing(hosting, store, act, say),
      new HostLog(store, restore),
    ];
    this.#dialog = sheet("room-dialog", t.thisRoom, this.#told, this.#rank, ...this.#sections.map(({ node }) => node));
    this.#dialog.addEventListener("close", () => this.#hosts.forget());
    const look = batched(() => this.#look(), LOOK_EVERY);
    hosting.watch(look);
    store.watch(["people", "roles"], look);
    store.watch(["role"], ({ role }) => {
      if (!role) this.#why.textContent = words.youNoMore;
      look();
    });
  }

  /** @param {"own"} [link] */
  open(link) {
    this.#why.textContent = "";
    this.#say("");
    this.#show(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#look();
    if (link) this.#hosts.makeLink(link);
  }

  /** @param {string} said @param {() => Promise<unknown>} [undo] */
  #say(said, undo) {
    this.#did.textContent = said;
    this.#wayBack = undo;
    this.#undo.hidden = !undo;
  }

  async #undoIt() {
    const undo = this.#wayBack;
    const hadFocus = document.activeElement === this.#undo;
    this.#say("");
    if (hadFocus) /** @type {HTMLElement} */ (this.#dialog.querySelector(".head button")).focus();
    await undo?.();
  }

  async #look() {
    if (!this.#dialog.open) return;
    const asked = (this.#asked += 1);
    const seen = this.#store.state.role ? await this.#hosting.act("look") : null;
    if (asked === this.#asked) this.#show(seen);
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  #show(seen) {
    const { role } = this.#store.state;
    this.#rank.textContent = words.youAre[role] ?? "";
    this.#rank.hidden = !role;
    for (const section of this.#sections) section.show(seen);
  }
}
