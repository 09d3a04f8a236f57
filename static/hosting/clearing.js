/** Taking back much at once: for hosts, at the end of the sheet. */

import { element } from "../base/dom.js";
import { twice } from "./choices.js";
import { sectionOf } from "./section.js";
import { doorWords } from "./door_words.js";
import { words } from "./words.js";

export class Clearing {
  #store;
  node;

  /** @param {import("../base/store.js").Store} store @param {import("./speak_choice.js").Act} act */
  constructor(store, act) {
    this.#store = store;
    const clear = twice("quiet", doorWords.clear, doorWords.clearSure, () => act("clear"));
    const erase = twice("quiet", doorWords.erase, doorWords.eraseSure, () => act("erase"));
    this.node = sectionOf(doorWords.messages, element("p", "fine", doorWords.clearMore), element("div", "buttons", clear, erase));
  }

  show() {
    this.node.hidden = !this.#store.state.role;
  }
}
