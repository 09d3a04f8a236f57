/** Taking back much at once: for hosts, at the end of the sheet. */

import { element } from "../base/dom.js";
import { twice } from "./choices.js";
import { sectionOf } from "./section.js";
import { doorWords } from "./door_words.js";

/** @typedef {(said: string, undo?: () => Promise<unknown>) => void} Say what was done, with the way back */

export class Clearing {
  #hosting;
  #store;
  #act;
  #say;
  node;

  /** @param {import("./hosting.js").Hosting} hosting @param {import("../base/store.js").Store} store @param {import("./speak_choice.js").Act} act @param {Say} say */
  constructor(hosting, store, act, say) {
    this.#hosting = hosting;
    this.#store = store;
    this.#act = act;
    this.#say = say;
    const clear = twice("quiet", doorWords.clear, doorWords.clearSure, () => this.#clear());
    const erase = twice("quiet", doorWords.erase, doorWords.eraseSure, () => this.#erase());
    this.node = sectionOf(doorWords.messages, element("p", "fine", doorWords.clearMore), element("div", "buttons", clear, erase));
  }

  show() {
    this.node.hidden = !this.#store.state.role;
  }

  /** Up to what the reader knows of: it is asked for again if the connection breaks, and what is said until then stays. */
  async #clear() {
    if (!(await this.#act("clear", { upto: this.#hosting.newest }))) return;
    const { count, unfinished, restore } = this.#hosting.taken("clear");
    this.#say(doorWords.cleared(count, unfinished), restore && (() => this.#restored(restore)));
  }

  /** @param {() => Promise<unknown>} restore */
  async #restored(restore) {
    if (!(await restore())) return;
    const { count, unfinished } = this.#hosting.taken("restore");
    this.#say(doorWords.restored(count, unfinished));
  }

  async #erase() {
    if (!(await this.#act("erase"))) return;
    const { count, unfinished } = this.#hosting.taken("erase");
    this.#say(doorWords.erased(count, unfinished));
  }
}
