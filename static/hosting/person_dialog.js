/** What a host can decide about somebody: to make them a host, to keep them quiet, to remove them. Loaded when first opened. */

import { batched, button, byId, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { isolated } from "../people/happenings.js";
import { focusOn } from "./people_tools.js";
import { sheet } from "../shell/dialogs.js";
import { moment, restOfToday, span } from "./times.js";
import { words } from "./words.js";

const MINUTE = 60; // s
const HOUR = 60 * MINUTE;
const WHAT = ["nothing", "recent", "all"]; // of what they wrote goes with them: as `what` on the wire
const LOOK_EVERY = 300; // ms
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
  #shown = ""; // what is known, as it stands there

  /** @param {Hosting} hosting @param {Store} store */
  constructor(hosting, store) {
    this.#hosting = hosting;
    this.#store = store;
    this.#why.role = "alert";
    this.#dialog = sheet("person-dialog", "", this.#why, this.#content);
    this.#dialog.addEventListener("close", () => this.#giveBackFocus());
    hosting.watch(batched(() => this.#look(), LOOK_EVERY));
  }

  /** @param {import("./hosting.js").Listed} whom */
  open(whom) {
    this.#whom = whom;
    this.#what.value = "nothing";
    this.#shown = "";
    this.#why.textContent = "";
    const title = /** @type {HTMLElement} */ (this.#dialog.querySelector("h2"));
    title.replaceChildren(element("bdi", "", shownName(whom.userName)));
    this.#show(null);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#look();
  }

  /** What opened the dialog may be gone, with its button or message. */
  #giveBackFocus() {
    const { activeElement: now, body } = document;
    if (now !== body && !this.#dialog.contains(now)) return;
    if (byId("people", HTMLElement).getClientRects().length) focusOn(this.#whom.userId);
    else byId("scroller", HTMLElement).focus();
  }

  async #look() {
    if (!this.#dialog.open) return;
    if (!this.#store.state.role) return this.#dialog.close();
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
    const bars = seen?.barred.filter((one) => one.userId === userId) ?? [];
    const out = bars.find(({ everywhere }) => everywhere) ?? bars[0];
    const mayUnmake = this.#mayUnmake(role, mine, me.userId);
    const shown = JSON.stringify([userId, role, mine, mayUnmake, held, out, seen?.sharing]);
    if (shown === this.#shown) return; // whoever is about to choose finds all where it was
    this.#shown = shown;
    const parts = role
      ? [part(words.isHost, mayUnmake ? this.#unmake() : words.isHostMore)]
      : [
          held ? part(untilOf(words.isQuiet, held), this.#undo("quiet")) : part(words.quiet, words.quietMore, ...this.#quiets()),
          out ? this.#removed(out) : this.#removal(seen?.sharing ?? 0),
          part(words.makeHost, words.makeHostMore, button("quiet", words.makeHost, () => this.#do("makeHost", {}))),
        ];
    this.#fill(parts);
  }

  /** Whoever has the focus on a choice has it there again or, where that is gone, where the dialog begins. @param {HTMLElement[]} parts */
  #fill(parts) {
    const choices = () => /** @type {HTMLElement[]} */ ([...this.#content.querySelectorAll("button, select")]);
    const focused = choices().find((one) => one === document.activeElement);
    const reads = focused?.closest("section")?.querySelector("h3")?.textContent + (focused?.textContent ?? "");
    this.#content.replaceChildren(...parts);
    if (!focused) return;
    const again = choices().find((one) => one.closest("section")?.querySelector("h3")?.textContent + (one.textContent ?? "") === reads);
    (again ?? /** @type {HTMLElement} */ (this.#dialog.querySelector(".head button"))).focus();
  }

  /** @param {import("./hosting.js").Listed} out */
  #removed(out) {
    if (!out.everywhere) return part(untilOf(words.isRemoved, out), this.#undo("bar"));
    const mayUndo = this.#store.state.role === "operator";
    return part(`${untilOf(words.isRemoved, out)}, ${words.everywhere}`, mayUndo ? this.#undo("bar") : words.onlyOperator);
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
    const more = this.#store.state.role === "operator" ? words.removePersonEverywhere : words.removePersonMore;
    const made = part(words.removePerson, more, ...this.#bars());
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
    if (!done) return void (this.#why.textContent = this.#hosting.problem.said);
    const taken = this.#hosting.taken(act);
    this.#dialog.close();
    if (act === "quiet" || act === "bar") this.#tellHeld(act, whom, fields.seconds, taken);
  }

  /** @param {"quiet"|"bar"} act @param {import("./hosting.js").Listed} whom @param {number|undefined} seconds @param {{count: number, restore?: () => Promise<unknown>}} taken messages that went, too */
  #tellHeld(act, { userId, userName }, seconds, taken) {
    const name = isolated(shownName(userName));
    const until = seconds ? moment(new Date(Date.now() + seconds * 1000)) : "";
    const [now, free] = act === "quiet" ? [words.nowQuiet, words.nowFree] : [words.nowRemoved, words.nowBack];
    if (seconds === 0) return this.#hosting.tell(free(name));
    const also = taken.count ? ` ${words.alsoTaken(taken.count)}` : "";
    this.#hosting.tell(now(name, until) + also, async () => {
      if (!(await this.#hosting.act(act, { userId, userName, seconds: 0 }))) return;
      const stay = taken.restore && !(await taken.restore());
      this.#hosting.tell(free(name) + (stay ? ` ${words.messagesStay}` : ""));
    });
  }
}

/** @param {(until: string) => string} say @param {import("./hosting.js").Listed} held */
export function untilOf(say, { until }) {
  return say(until ? moment(new Date(until)) : "");
}

let parts = 0;

/** @param {string} title @param {...(string|HTMLElement)} content a sentence, and buttons */
function part(title, ...content) {
  const heading = element("h3", "", title);
  const said = content.filter((one) => typeof one === "string").map((one) => element("p", "fine", one));
  const buttons = content.filter((one) => typeof one !== "string");
  const made = element("section", "", heading, ...said, element("div", "buttons", ...buttons));
  heading.id = `part-${(parts += 1)}`;
  made.role = "group"; // "1 hour" stands there twice: whoever hears but the button has to know of what
  made.setAttribute("aria-labelledby", heading.id);
  return made;
}
