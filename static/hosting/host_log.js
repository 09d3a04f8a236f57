/** What hosts have done in this room, newest first; a message that was removed can be brought back. */

import { button, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { isolated } from "../people/happenings.js";
import { ruleWords } from "./rule_line.js";
import { refill } from "./section.js";
import { moment, span } from "./times.js";
import { words } from "./words.js";

const MOST_SHOWN = 100; // entries
const RULES = /^(everybody|slow|hosts)(?: \((\d+) s\))?(, only while a host is here)?$/;

export class HostLog {
  #store;
  #restore;
  #list = element("ol");
  #none = element("p", "fine", words.nothingYet);
  node = element("details", "", element("summary", "", words.log), this.#none, this.#list);

  /** @param {import("../base/store.js").Store} store @param {(id: string) => void} restore */
  constructor(store, restore) {
    this.#store = store;
    this.#restore = restore;
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    this.node.hidden = !this.#store.state.role;
    if (!seen) return; // what is there stays until the server has answered
    this.#none.hidden = seen.log.length > 0;
    /** @type {Set<string>} ids of messages of which there is something newer */
    const settled = new Set();
    refill(this.#list, seen.log.slice(0, MOST_SHOWN).map((logged) => {
      const { act, what = "" } = logged;
      const isOfMessage = act === "remove" || act === "restore";
      const undo = act === "remove" && !settled.has(what) ? [" ", button("quiet", words.undo, () => this.#restore(what))] : [];
      if (isOfMessage) settled.add(what);
      const time = element("time", "fine", moment(new Date(logged.at)));
      time.dateTime = logged.at;
      return element("li", "", time, ` ${sentence(logged)}`, ...undo);
    }));
  }
}

/** @param {import("./hosting.js").Logged} logged */
export function sentence({ act, by, whom, what = "" }) {
  const [who, whomElse] = [by, whom].map((one) => isolated(shownName(one?.userName ?? "")));
  return words.logged[act]?.(who, whomElse, act === "rules" ? rulesOf(what) : lasting(what)) ?? [`${who}: ${act}`, whomElse, what].filter(Boolean).join(", ");
}

/** How long something lasts; "" if it was undone. @param {string} what */
function lasting(what) {
  const seconds = /^(\d+) s$/.exec(what);
  if (seconds) return span(Number(seconds[1]));
  return what === "undone" ? "" : words.untilUndone;
}

/** The server's words, where they say more than this knows. @param {string} what */
function rulesOf(what) {
  const [, speak, seconds = "0", needsHost] = RULES.exec(what) ?? [];
  if (!speak) return what;
  return ruleWords({ speak, slowSeconds: Number(seconds), needsHost: Boolean(needsHost) });
}
