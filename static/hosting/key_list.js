/** The keys with which scripts come in: who runs one has made it, by `chatroom key`. */

import { button, element } from "../base/dom.js";
import { entry, nameOf, refill, sectionOf } from "./section.js";
import { words } from "./words.js";

export class KeyList {
  #store;
  #act;
  #list = element("ul");
  node = sectionOf(words.keys, this.#list);

  /** @param {import("../base/store.js").Store} store @param {import("./speak_choice.js").Act} act */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.node.hidden = true;
  }

  /** @param {import("./hosting.js").Seen|null} seen */
  show(seen) {
    if (!seen && this.#store.state.role) return; // what is there stays until the server has answered
    const keys = seen?.keys ?? [];
    refill(this.#list, keys.map((key) => this.#key(key)));
    this.node.hidden = keys.length === 0;
  }

  /** @param {{name: string, userId: string, say: boolean}} key */
  #key({ name, userId, say }) {
    const revoke = button("quiet", words.revoke, () => this.#act("revokeKey", { userId }));
    return entry(userId, [nameOf(name), element("span", "fine", ` ${words.keyFor(say)}`)], revoke);
  }
}
