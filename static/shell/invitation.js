/** A room's address to read, copy or scan. Loaded when it is first wanted. */

import { element } from "../base/dom.js";
import "../base/late_styles.js";
import { more } from "../base/more_strings.js";
import { t } from "../base/strings.js";
import { at, roomUrl } from "../connection/addresses.js";
import { ask, isClosed } from "../connection/proved.js";
import { copyButton } from "./copying.js";

export class Invitation {
  #room;
  #query;
  #how = element("p", "how");
  #address = element("a", "");
  #copy = copyButton(this.#address);
  #code = element("img", "code");
  node = element("div", "invitation", this.#how, element("div", "address", this.#address, this.#copy), this.#code);

  /** @param {string} room */
  constructor(room) {
    this.#room = room;
    this.#query = `?room=${encodeURIComponent(room)}`;
    this.#address.dir = "ltr";
    this.#address.translate = false;
    this.#code.alt = more.qrCode;
    this.#show(roomUrl(room).href, false);
    this.#code.hidden = true;
  }

  focus() {
    this.#copy.focus();
  }

  /** Ask the server, whose address changes with the network. */
  async look() {
    try {
      const answer = await ask(this.#room, at(`invitation${this.#query}`));
      if (!answer.ok) return;
      const { url, local } = await answer.json();
      this.#show(url, Boolean(local));
      this.#code.hidden = Boolean(local); // it would lead nobody here
      if (!local) this.#code.src = await this.#picture();
    } catch {
      // Offline: the page's own address is as good as any.
    }
  }

  /** With the code of a room's door in it, only whoever has a pass gets it. */
  async #picture() {
    const address = at(`invitation.svg${this.#query}`);
    if (!isClosed()) return address.href;
    const drawn = await (await ask(this.#room, address)).text();
    return `data:image/svg+xml,${encodeURIComponent(drawn)}`;
  }

  /** For people to read: "Küche" and not "K%C3%BCche". @param {string} url @param {boolean} local */
  #show(url, local) {
    this.#how.textContent = local ? more.inviteLocal : more.inviteHow;
    this.#address.href = url;
    const { origin, pathname, hash } = new URL(url);
    this.#address.replaceChildren(origin, element("wbr"), decodeURI(pathname) + hash);
  }
}

/** Put an invitation here, unless there is one. @param {HTMLElement} place @param {string} room */
export function inviteInto(place, room) {
  if (place.firstChild) return;
  const invitation = new Invitation(room);
  place.append(element("h2", "", t.inviteTitle), invitation.node);
  invitation.look();
}
