/** Who is quiet or was removed, each with the way back. */

import { button, element } from "../base/dom.js";
import { untilOf } from "./person_dialog.js";
import { entry, nameOf, refill, sectionOf } from "./section.js";
import { words } from "./words.js";

/** @typedef {import("./hosting.js").Listed} Listed */

export class HeldBack {
  #store;
  #act;
  #nobody = element("p", "fine", words.nobody);
  #list = element("ul");
  node = sectionOf(words.heldBack, this.#nobody, this.#list);

  /** @param {import("../base/store.js").Store} store @param {import("./speak_choice.js").Act} act */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    this.node.hidden = !this.#store.state.role;
    if (!seen) return; // what is there stays until the server has answered
    const items = [
      ...seen.quiet.map((one) => this.#item("quiet", one, words.isQuiet)),
      ...seen.barred.map((one) => this.#item("bar", one, words.isRemoved)),
    ];
    refill(this.#list, items);
    this.#nobody.hidden = items.length > 0;
  }

  /** @param {"quiet"|"bar"} act @param {Listed} one @param {(until: string) => string} say */
  #item(act, one, say) {
    const { userId, userName, everywhere } = one;
    const about = element("span", "fine", ` ${untilOf(say, one)}${everywhere ? `, ${words.everywhere}` : ""}`);
    const mayUndo = !everywhere || this.#store.state.role === "operator";
    const undo = button("quiet", words.undo, () => this.#act(act, { userId, userName, seconds: 0 }));
    return entry(`${act} ${everywhere} ${userId}`, [nameOf(userName), about], ...(mayUndo ? [undo] : []));
  }
}
