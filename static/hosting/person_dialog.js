/** What a host can decide about somebody: to make them a host, to keep them quiet, to remove them. Loaded when first opened. */

import { button, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { isolated } from "../people/happenings.js";
import { sheet } from "../shell/dialogs.js";
import { moment, restOfToday, span } from "./times.js";
import { words } from "./words.js";

const MINUTE = 60; // s
const HOUR = 60 * MINUTE;
const WHAT = ["nothing", "recent", "all"]; // of what they wrote goes with them: as `what` on the wire
const RANKS = ["", "host", "maker", "operator"];

/**
 * @typedef {import("./hosting.js").Hosting} Hosting
 * @typedef {import("../base/store.js").Store} Store
 */

/** @type {PersonDialog|null} */
let dialog = null;

/** @param {Hosting} hosting @param {Store} store @param {string} userId @param {string} userName */
export function openPerson(hosting, store, userId, userName) {
  dialog ??= new PersonDialog(hosting, store);
  dialog.open({ userId, userName });
}

class PersonDialog {
  #hosting;
  #store;
  #content = element("div", "decisions");
  #why = element("p", "why");
  #what = element("select", "", ...WHAT.map((choice) => new Option(words.withWhat[choice], choice)));
  #dialog;
  /** @type {import("./hosting.js").Listed} */
  #whom = { userId: "", userName: "" };

  /** @param {Hosting} hosting @param {Store} store */
  constructor(hosting, store) {
    this.#hosting = hosting;
    this.#store = store;
    this.#why.role = "alert";
    this.#dialog = sheet("person-dialog", "", this.#why, this.#content);
    hosting.watch(() => this.#dialog.open && this.#look());
  }

  /** @param {import("./hosting.js").Listed} whom */
  open(whom) {
    this.#whom = whom;
    this.#what.value = "nothing";
    this.#why.textContent = "";
    const title = /** @type {HTMLElement} */ (this.#dialog.querySelector("h2"));
    title.replaceChildren(element("bdi", "", shownName(whom.userName)));
    this.#show(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#look();
  }

  async #look() {
    const { userId } = this.#whom;
    const seen = await this.#hosting.act("look", { userId });
    if (seen && userId === this.#whom.userId) this.#show(seen);
  }

  /** @param {import("./hosting.js").Seen|null} seen what the server knows; null: not yet */
  #show(seen) {
    const { userId } = this.#whom;
    const { role: mine, roles, me } = this.#store.state;
    const role = seen?.hosts.find((host) => host.userId === userId)?.role ?? roles.get(userId) ?? "";
    const held = seen?.quiet.find((one) => one.userId === userId);
    const out = seen?.barred.find((one) => one.userId === userId);
    const parts = role
      ? [part(words.isHost, this.#mayUnmake(role, mine, me.userId) ? this.#unmake() : words.isHostMore)]
      : [
          held ? part(untilOf(words.isQuiet, held), this.#undo("quiet")) : part(words.quiet, words.quietMore, ...this.#quiets()),
          out ? part(untilOf(words.isRemoved, out), this.#undo("bar")) : this.#removal(seen?.sharing ?? 0),
          part(words.makeHost, words.makeHostMore, button("quiet", words.makeHost, () => this.#do("makeHost", {}))),
        ];
    this.#content.replaceChildren(...parts);
  }

  /** @param {string} role @param {string} mine @param {string} myId */
  #mayUnmake(role, mine, myId) {
    return this.#whom.userId === myId || (RANKS.indexOf(mine) >= RANKS.indexOf("maker") && RANKS.indexOf(mine) > RANKS.indexOf(role));
  }

  #unmake() {
    return button("quiet", words.unmakeHost, () => this.#do("unmakeHost", {}));
  }

  /** @param {number} sharing how many others have the same address */
  #removal(sharing) {
    const made = part(words.removePerson, words.removePersonMore, ...this.#bars());
    made.append(element("label", "apart", `${words.theirMessages} `, this.#what));
    if (sharing) made.append(element("p", "fine", words.sharing(sharing)));
    return made;
  }

  #quiets() {
    return [
      this.#choice("quiet", span(10 * MINUTE), () => 10 * MINUTE),
      this.#choice("quiet", span(HOUR), () => HOUR),
      this.#choice("quiet", words.untilUndone, () => undefined),
    ];
  }

  #bars() {
    return [
      this.#choice("bar", span(HOUR), () => HOUR),
      this.#choice("bar", words.today, restOfToday),
      this.#choice("bar", words.forGood, () => undefined),
    ];
  }

  /** @param {"quiet"|"bar"} act @param {string} label @param {() => number|undefined} seconds without any, until undone */
  #choice(act, label, seconds) {
    const what = () => (act === "bar" && this.#what.value !== "nothing" ? { what: this.#what.value } : {});
    return button("quiet", label, () => this.#do(act, { seconds: seconds(), ...what() }));
  }

  /** @param {"quiet"|"bar"} act */
  #undo(act) {
    return button("quiet", words.undo, () => this.#do(act, { seconds: 0 }));
  }

  /** @param {string} act @param {{seconds?: number}} fields */
  async #do(act, fields) {
    const whom = this.#whom;
    const done = await this.#hosting.act(act, { userId: whom.userId, userName: whom.userName, ...fields });
    if (!done) return void (this.#why.textContent = this.#hosting.problem);
    this.#dialog.close();
    if (act === "quiet" || act === "bar") this.#tellHeld(act, whom, fields.seconds);
  }

  /** @param {"quiet"|"bar"} act @param {import("./hosting.js").Listed} whom @param {number|undefined} seconds */
  #tellHeld(act, { userId, userName }, seconds) {
    const name = isolated(shownName(userName));
    const until = seconds ? moment(new Date(Date.now() + seconds * 1000)) : "";
    const [now, free] = act === "quiet" ? [words.nowQuiet, words.nowFree] : [words.nowRemoved, words.nowBack];
    if (seconds === 0) return this.#hosting.tell(free(name));
    this.#hosting.tell(now(name, until), () => this.#hosting.act(act, { userId, userName, seconds: 0 }));
  }
}

/** @param {(until: string) => string} say @param {import("./hosting.js").Listed} held */
export function untilOf(say, { until }) {
  return say(until ? moment(new Date(until)) : "");
}

/** @param {string} title @param {...(string|HTMLElement)} content a sentence, and buttons */
function part(title, ...content) {
  const heading = element("h3", "", title);
  const said = content.filter((one) => typeof one === "string").map((one) => element("p", "fine", one));
  const buttons = content.filter((one) => typeof one !== "string");
  return element("section", "", heading, ...said, element("div", "buttons", ...buttons));
}
