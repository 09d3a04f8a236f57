/** The line above the box that says who may write now, and when the reader may again. */

import { button, byId, describe, element } from "../base/dom.js";
import { countdown, moment } from "./times.js";
import { words } from "./words.js";

const TICK = 250; // ms
const MOST_COUNTED = 10 * 60_000; // ms; what takes longer has a time of day

export class RuleLine {
  #words = element("span");
  #count = element("span", "count");
  #change;
  #line;
  #form = byId("composer", HTMLFormElement);
  #ticker = 0;

  /** @param {() => void} change where a host can change the rules */
  constructor(change) {
    this.#change = button("quiet", words.change, change);
    this.#line = element("p", "line-above empty", this.#words, this.#count, this.#change);
    this.#line.id = "rule";
    this.#words.role = "status"; // it is read out when it changes; not so each second
    this.#count.ariaHidden = "true";
    this.#form.querySelector(".writing")?.before(this.#line);
  }

  /**
   * @param {import("./rules.js").Rules} rules
   * @param {boolean} hostIsHere as far as the page can see
   */
  show(rules, hostIsHere, now = Date.now()) {
    const standing = rules.standing(now);
    const said = wordsFor(rules, standing, hostIsHere);
    if (this.#words.textContent !== said) this.#words.textContent = said;
    this.#line.classList.toggle("empty", said === "");
    this.#change.hidden = !rules.role || said === "";
    this.#form.classList.toggle("held", ["muted", "hosts", "absent"].includes(standing.kind));
    describe(byId("body", HTMLTextAreaElement), "rule", said !== "");
    this.#countTo(standing.until);
  }

  /** @param {number} until Unix ms */
  #countTo(until) {
    clearInterval(this.#ticker);
    const tick = () => {
      const left = until - Date.now();
      const isCounted = left > 0 && left < MOST_COUNTED;
      this.#count.textContent = isCounted ? words.again(countdown(left)) : "";
      if (left <= 0) clearInterval(this.#ticker);
    };
    this.#ticker = until && until < Infinity ? setInterval(tick, TICK) : 0;
    tick();
  }
}

/** Why nothing can be written now. @param {import("./rules.js").Standing} standing */
export function whyHeld({ kind, until }) {
  if (kind === "muted") return words.muted(until < Infinity ? moment(new Date(until)) : "");
  return `${kind === "hosts" ? words.onlyHosts : words.noHost} ${words.readOn}`;
}

/** @param {import("./rules.js").Rules} all @param {import("./rules.js").Standing} standing @param {boolean} hostIsHere */
function wordsFor({ role, rules, areFree }, standing, hostIsHere) {
  if (role) return areFree ? "" : `${ruleWords(rules)} ${words.notForYou}`;
  if (["muted", "hosts", "absent"].includes(standing.kind)) return whyHeld(standing);
  if (rules.needsHost && !hostIsHere) return words.noHost;
  if (rules.speak === "slow") return words.slow(rules.slowSeconds);
  return rules.speak === "approval" ? words.approval : "";
}

/** @param {import("../connection/session.js").Rules} rules */
export function ruleWords({ speak, slowSeconds, needsHost }) {
  const said = { everybody: "", slow: words.slow(slowSeconds), approval: words.approvalOfAll, hosts: words.onlyHosts }[speak] ?? "";
  return [said, needsHost ? words.whileHost : ""].filter(Boolean).join(" ") || words.everybody;
}
