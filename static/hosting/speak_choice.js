/** Who may write: everybody sees it, a host chooses. */

import { element } from "../base/dom.js";
import { checkbox, whenChosen } from "./choices.js";
import { ruleWords } from "./rule_line.js";
import { sectionOf } from "./section.js";
import { span } from "./times.js";
import { words } from "./words.js";

const CHOICES = ["everybody", "slow", "approval", "hosts"]; // as `speak` on the wire
const PACES = [5, 10, 30, 60, 120, 300, 600]; // s
const UNCHECKED = ["speak", "held", "no"]; // as `unchecked` on the wire
const FILES = ["everybody", "hosts", "nobody"]; // as `files` on the wire
const FIRST_PACE = 30; // s

/** @typedef {(name: string, fields?: Record<string, unknown>) => Promise<any>} Act null where it was refused, which is said */

export class SpeakChoice {
  #hosting;
  #store;
  #act;
  #said = element("p");
  #radios = element("div");
  #form = element("div", "", this.#radios);
  #pace = element("select", "", ...PACES.map((seconds) => new Option(span(seconds), String(seconds))));
  #needsHost = checkbox("needs-host");
  #reactions = checkbox("reactions-on");
  #unchecked = element("select", "", ...UNCHECKED.map((choice) => new Option(words.uncheckedChoice[choice], choice)));
  #files = element("select", "", ...FILES.map((choice) => new Option(words.filesChoice[choice], choice)));
  /** @type {Map<string, HTMLInputElement>} */
  #choices = new Map();
  #isChoosing;
  node = sectionOf(words.whoMayWrite, this.#said, this.#form);

  /** @param {import("./hosting.js").Hosting} hosting @param {import("../base/store.js").Store} store @param {Act} act */
  constructor(hosting, store, act) {
    this.#hosting = hosting;
    this.#store = store;
    this.#act = act;
    this.#pace.id = "slow-seconds";
    this.#pace.ariaLabel = words.every;
    this.#radios.role = "radiogroup";
    this.#radios.ariaLabel = words.whoMayWrite;
    for (const choice of CHOICES) this.#radios.append(this.#row(choice));
    this.#isChoosing = whenChosen(this.#radios, (choice) => this.#choose(choice));
    this.#form.append(element("label", "check apart", this.#needsHost, ` ${words.needsHost}`));
    this.#unchecked.id = "unchecked";
    this.#form.append(element("label", "apart", `${words.unchecked} `, this.#unchecked));
    this.#unchecked.addEventListener("change", () => this.#act("rules", { unchecked: this.#unchecked.value }));
    this.#files.id = "files-from";
    this.#form.append(element("label", "apart", `${words.files} `, this.#files));
    this.#files.addEventListener("change", () => this.#act("rules", { files: this.#files.value }));
    this.#form.append(element("label", "check apart", this.#reactions, ` ${words.reactions}`));
    this.#reactions.addEventListener("change", () => this.#act("rules", { reactions: this.#reactions.checked }));
    this.#pace.addEventListener("change", () => this.#choose("slow"));
    this.#needsHost.addEventListener("change", () => this.#act("rules", { needsHost: this.#needsHost.checked }));
  }

  show() {
    const { rules } = this.#hosting;
    const { role } = this.#store.state;
    this.#said.textContent = ruleWords(rules);
    this.#said.hidden = Boolean(role);
    this.#form.hidden = !role;
    if (!this.#isChoosing()) for (const [choice, input] of this.#choices) input.checked = choice === rules.speak;
    this.#pace.value = this.#paceOf(rules.slowSeconds || FIRST_PACE);
    this.#needsHost.checked = rules.needsHost;
    this.#reactions.checked = rules.reactions ?? true;
    this.#unchecked.value = rules.unchecked ?? "speak";
    this.#files.value = rules.files ?? "everybody";
  }

  /** @param {string} choice */
  #row(choice) {
    const input = element("input");
    input.type = "radio";
    input.name = "speak";
    input.id = `speak-${choice}`;
    input.value = choice;
    this.#choices.set(choice, input);
    const label = element("label", "check", input, ` ${words.speak[choice]}`);
    const row = element("div", "choice", label);
    if (choice === "slow") row.append(element("span", "pace", element("span", "fine", words.every), this.#pace));
    return row;
  }

  /** @param {string} speak */
  #choose(speak) {
    this.#act("rules", { speak, ...(speak === "slow" && { slowSeconds: Number(this.#pace.value) }) });
  }

  /** A script may have chosen any. @param {number} seconds */
  #paceOf(seconds) {
    const value = String(seconds);
    if (![...this.#pace.options].some((option) => option.value === value)) this.#pace.append(new Option(span(seconds), value));
    return value;
  }
}
