/** What hosts have done in this room, newest first; what was removed can be brought back. */

import { button, element } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { isolated } from "../people/happenings.js";
import { doorWords } from "./door_words.js";
import { partsOf, rulesIn } from "./logged.js";
import { ruleWords } from "./rule_line.js";
import { refill } from "./section.js";
import { moment, span } from "./times.js";
import { words } from "./words.js";

const MOST_SHOWN = 100; // entries

/** What the log says of rules beside who may write. @type {Record<string, string>} */
const OF_RULES = {
  "others than those with a token after approval": `${words.unchecked} ${words.uncheckedChoice.held}.`,
  "only those with a token": `${words.unchecked} ${words.uncheckedChoice.no}.`,
  "files only from hosts": `${words.files} ${words.filesChoice.hosts}.`,
  "no files": `${words.files} ${words.filesChoice.nobody}.`,
  "no reactions": words.noReactions,
  "open to all": doorWords.doors.open,
  "open with the code": doorWords.doors.code,
  "nobody new": doorWords.doors.shut,
  "new code": words.codeIsNew,
  listed: `${doorWords.listed}.`,
  "not listed": words.notListed,
};

export class HostLog {
  #store;
  #restore;
  #list = element("ol");
  #none = element("p", "fine", words.nothingYet);
  node = element("details", "", element("summary", "", words.log), this.#none, this.#list);

  /** @param {import("../base/store.js").Store} store @param {(what: {id: string}|{at: string}) => void} restore a message, or all that went at a time */
  constructor(store, restore) {
    this.#store = store;
    this.#restore = restore;
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    this.node.hidden = !this.#store.state.role;
    if (!seen) return; // what is there stays until the server has answered
    this.#none.hidden = seen.log.length > 0;
    /** @type {Set<string>} ids of messages of which there is something newer, and times of what is back */
    const settled = new Set();
    refill(this.#list, seen.log.slice(0, MOST_SHOWN).map((logged) => {
      const { act, what = "", at } = logged;
      const { count, unfinished, finished, of } = partsOf(what);
      const isOfMany = (act === "clear" || act === "bar") && (count > 0 || unfinished) && !finished;
      const back = act === "remove" ? { id: what } : isOfMany ? { at } : null;
      const undo = back && !settled.has("id" in back ? what : at) ? [" ", button("quiet", words.undo, () => this.#restore(back))] : [];
      if (act === "remove" || act === "restore") settled.add(of || what);
      const time = element("time", "fine", moment(new Date(logged.at)));
      time.dateTime = logged.at;
      const item = element("li", "", time, ` ${sentence(logged)}`, ...undo);
      item.dataset.key = `${logged.at} ${act} ${what}`;
      return item;
    }));
  }
}

/** @param {import("./hosting.js").Logged} logged */
export function sentence({ act, by, whom, what = "" }) {
  const [who, whomElse] = [by, whom].map((one) => isolated(shownName(one?.userName ?? "")));
  const { guests, finished, count } = partsOf(what);
  const special = { makeLink: guests && "makeGuestLink", useLink: guests && "useGuestLink", admit: what === "everybody" && "admitAll", bar: finished && "taken", restore: count > 0 && "restoreAll" };
  const kind = special[/** @type {keyof typeof special} */ (act)] || act;
  const more = act === "rules" ? rulesOf(what) : act === "quiet" || kind === "bar" ? lasting(what) : messagesIn(what);
  return words.logged[kind]?.(who, whomElse, more) ?? [`${who}: ${act}`, whomElse, what].filter(Boolean).join(", ");
}

/** How long something lasts, and what else there is to say of it; "" if it was undone. @param {string} what */
function lasting(what) {
  const { seconds, everywhere, count } = partsOf(what);
  if (seconds === 0) return "";
  const lasts = seconds ? span(seconds) : words.untilUndone;
  return [lasts, everywhere && words.everywhere, count && words.loggedWith(messagesIn(what))].filter(Boolean).join(", ");
}

/** @param {string} what */
function messagesIn(what) {
  const { count, unfinished } = partsOf(what);
  return words.loggedMessages(count, unfinished);
}

/** The server's words, where they say more than this knows. @param {string} what */
function rulesOf(what) {
  const { rules, others } = rulesIn(what);
  return [...(rules ? [ruleWords(rules)] : []), ...others.map((one) => OF_RULES[one] ?? one)].join(" ");
}
