/** Who may come in: everybody sees it, a host chooses. */

import { button, element } from "../base/dom.js";
import { copyButton } from "../shell/copying.js";
import { checkbox, twice, whenChosen } from "./choices.js";
import { sectionOf } from "./section.js";
import { doorWords } from "./door_words.js";
import { words } from "./words.js";

const DOORS = ["open", "code", "shut"]; // as `door` on the wire

export class DoorChoice {
  #hosting;
  #store;
  #act;
  #said = element("p");
  #radios = element("div");
  #code = element("span", "the-code");
  #own = element("input");
  #ownForm = element("form", "", this.#own, element("button", "quiet", doorWords.takeCode));
  #codeRow = element("div", "made");
  #listed = checkbox("listed");
  #form = element("div", "", this.#radios);
  /** @type {Map<string, HTMLInputElement>} */
  #choices = new Map();
  #isChoosing;
  node = sectionOf(doorWords.whoMayComeIn, this.#said, this.#form);

  /** @param {import("./hosting.js").Hosting} hosting @param {import("../base/store.js").Store} store @param {import("./speak_choice.js").Act} act @param {import("./clearing.js").Say} say */
  constructor(hosting, store, act, say) {
    this.#hosting = hosting;
    this.#store = store;
    this.#act = act;
    this.#radios.role = "radiogroup";
    this.#radios.ariaLabel = doorWords.whoMayComeIn;
    for (const door of DOORS) this.#radios.append(this.#row(door));
    this.#isChoosing = whenChosen(this.#radios, (door) => this.#act("rules", { door }));
    this.#own.type = "text";
    this.#own.ariaLabel = doorWords.ownCode;
    this.#own.placeholder = doorWords.ownCode;
    this.#own.minLength = 4;
    this.#own.maxLength = 64;
    this.#own.required = true;
    this.#own.autocomplete = "off";
    this.#ownForm.addEventListener("submit", (event) => this.#takeOwn(event));
    this.#code.translate = false;
    const fresh = button("quiet", doorWords.newCode, () => this.#act("rules", { code: "" }));
    const copy = copyButton(this.#code);
    this.#code.id = "the-code";
    for (const one of [copy, fresh]) one.setAttribute("aria-describedby", this.#code.id);
    this.#codeRow.append(element("p", "row-of-code", this.#code, copy, fresh), this.#ownForm);
    this.#listed.addEventListener("change", () => this.#act("rules", { listed: this.#listed.checked }));
    const out = twice("quiet", doorWords.everybodyOut, doorWords.everybodyOutSure, async () => {
      if (await act("everybodyOut")) say(doorWords.everybodyIsOut);
    });
    this.#form.append(
      this.#codeRow,
      element("label", "check apart", this.#listed, ` ${doorWords.listed}`),
      element("div", "buttons", out),
    );
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    const { door = "open", listed = true } = this.#hosting.rules;
    const { role } = this.#store.state;
    this.#said.textContent = doorWords.doors[door];
    this.#said.hidden = Boolean(role);
    this.#form.hidden = !role;
    if (!this.#isChoosing()) for (const [choice, input] of this.#choices) input.checked = choice === door;
    this.#listed.checked = listed;
    this.#codeRow.hidden = door !== "code";
    if (seen) this.#code.textContent = seen.code ?? (seen.typedCode ? doorWords.typedCode : "");
    for (const copy of this.#codeRow.querySelectorAll(".copy")) /** @type {HTMLElement} */ (copy).hidden = !seen?.code;
  }

  /** @param {string} door */
  #row(door) {
    const input = element("input");
    input.type = "radio";
    input.name = "door";
    input.id = `door-${door}`;
    input.value = door;
    this.#choices.set(door, input);
    return element("div", "choice", element("label", "check", input, ` ${doorWords.doorChoice[door]}`));
  }

  /** @param {Event} event */
  async #takeOwn(event) {
    event.preventDefault();
    if (await this.#act("rules", { code: this.#own.value.trim() })) this.#own.value = "";
  }
}
