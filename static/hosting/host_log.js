/** What hosts have done in this room, newest first. */

import { element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { isolated } from "../people/happenings.js";
import { ruleWords } from "./rule_line.js";
import { moment, span } from "./times.js";
import { words } from "./words.js";

const MOST_SHOWN = 100; // entries
const RULES = /^(\w+)(?: \((\d+) s\))?(, only while a host is here)?$/;

export class HostLog {
  #store;
  #list = element("ol");
  #none = element("p", "fine", words.nothingYet);
  node = element("details", "", element("summary", "", words.log), this.#none, this.#list);

  /** @param {import("../base/store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    this.node.hidden = !this.#store.state.role;
    if (!seen) return; // what is there stays until the server has answered
    this.#none.hidden = seen.log.length > 0;
    this.#list.replaceChildren(...seen.log.slice(0, MOST_SHOWN).map((logged) => {
      const at = new Date(logged.at);
      const time = element("time", "fine", moment(at));
      time.dateTime = logged.at;
      return element("li", "", time, ` ${sentence(logged)}`);
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

/** @param {string} what */
function rulesOf(what) {
  const found = RULES.exec(what);
  if (!found) return what; // also about the door: as the server puts it
  const [, speak = "", seconds = "0", needsHost] = found;
  return ruleWords({ speak, slowSeconds: Number(seconds), needsHost: Boolean(needsHost) });
}
