/** What somebody sees who cannot come in: the code that is wanted, or what else there is to do. Loaded when the server says no. */

import { button, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { roomUrl, DEFAULT_ROOM } from "../connection/addresses.js";
import { secrets } from "../base/storage.js";
import { stopRepeating, toWriting } from "./choices.js";
import { doorWords } from "./door_words.js";
import { words } from "./words.js";

const ONCE_IN = 500; // ms; the same code twice at once is one try: they are counted, for all behind one address

/** @typedef {"code"|"wrong"|"shut"|"knocking"|"alone"|"crowded"|"no-entry"|"everybody-out"} Why */

export class AtTheDoor {
  #again;
  #title = element("h2");
  #more = element("p");
  #why = element("p", "why");
  #code = element("input");
  #enter = element("button", "strong", doorWords.comeIn);
  #form = element("form", "", element("label", "", `${doorWords.code} `, this.#code), this.#enter);
  #retry = button("strong", t.tryNow, () => this.#again());
  #node;
  #timer = 0;
  #tried = { code: "", at: 0 };

  /** @param {() => void} again says hello once more */
  constructor(again) {
    this.#again = again;
    const lobby = element("a", "", words.toLobby);
    lobby.href = roomUrl(DEFAULT_ROOM).href;
    lobby.hidden = document.body.dataset.room === DEFAULT_ROOM;
    this.#code.type = "text";
    this.#code.id = "code-of-door";
    this.#code.autocomplete = "off";
    this.#code.autocapitalize = "characters";
    this.#code.spellcheck = false;
    this.#code.required = true;
    this.#code.setAttribute("aria-describedby", "door-why");
    this.#why.id = "door-why";
    this.#why.role = "alert";
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.addEventListener("keydown", stopRepeating);
    this.#node = element("section", "instead", this.#title, this.#more, this.#form, this.#why, element("p", "buttons", this.#retry, lobby));
    this.#node.id = "at-the-door";
    this.#node.tabIndex = -1;
    this.#title.id = "at-the-door-title";
    this.#node.setAttribute("aria-labelledby", this.#title.id);
  }

  /** @param {Why} why @param {number} [retryAfter] seconds before another code is looked at */
  show(why, retryAfter = 0) {
    const wantsCode = why === "code" || why === "wrong";
    const [title, more] = doorWords.door[wantsCode ? "code" : why];
    this.#title.textContent = title;
    this.#more.textContent = more;
    this.#form.hidden = !wantsCode;
    this.#retry.hidden = wantsCode || why === "knocking" || why === "alone";
    this.#why.textContent = why === "wrong" ? doorWords.wrongCode : "";
    document.body.classList.add("shown-out");
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) dialog.close();
    const isNew = !this.#node.isConnected;
    if (isNew) byId("scroller", HTMLElement).before(this.#node);
    this.#rest(retryAfter);
    if (wantsCode) {
      this.#code.select();
      this.#code.focus();
    } else if (isNew) this.#node.focus();
  }

  /** The reader is in. */
  hide() {
    if (!this.#node.isConnected) return;
    clearTimeout(this.#timer);
    document.body.classList.remove("shown-out");
    const hadFocus = this.#node.contains(document.activeElement);
    this.#node.remove();
    if (hadFocus) toWriting();
    this.#code.value = "";
  }

  /** @param {number} seconds */
  #rest(seconds) {
    clearTimeout(this.#timer);
    this.#enter.disabled = seconds > 0;
    if (!seconds) return;
    this.#why.textContent = doorWords.tooManyCodes(seconds);
    this.#timer = setTimeout(() => {
      this.#enter.disabled = false;
      this.#why.textContent = "";
    }, seconds * 1000);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const [code, now] = [this.#code.value.trim(), performance.now()];
    if (code === this.#tried.code && now - this.#tried.at < ONCE_IN) return;
    this.#tried = { code, at: now };
    secrets.key = code;
    this.#again();
  }
}
