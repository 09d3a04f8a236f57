/** What a host can do with the messages of others, and what stands where one was removed. Loaded for hosts. */

import { button, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { shownName } from "../base/text.js";
import { noteRemovals, watchChanges } from "../conversation/changing.js";
import { MessageTools, drawn } from "../conversation/message_tools.js";
import { dateOf, shortTime } from "../conversation/row.js";
import { isolated } from "../people/happenings.js";
import { BIN } from "../writing/own_tools.js";
import { words } from "./words.js";

const PERSON = "M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10zM3.8 17c0-3.4 2.6-5 6.2-5s6.2 1.6 6.2 5";
const SHIELD = "M10 2.3 16.2 4.6v4.6c0 4.2-2.6 6.9-6.2 8.5-3.6-1.6-6.2-4.3-6.2-8.5V4.6zM7.3 9.8l1.9 1.9 3.6-3.9";

let offered = false;

/**
 * @param {import("./hosting.js").Hosting} hosting
 * @param {Pick<import("./hosting.js").Parts, "store"|"conversation">} parts
 */
export function offerHostTools(hosting, { store, conversation: { timeline } }) {
  if (offered) return;
  offered = true;
  const list = byId("list", HTMLElement);
  /** @param {string} id */
  const messageOf = (id) => timeline.held(id)[0];
  /** @param {string} id */
  const openAuthor = (id) => {
    const { userId, userName } = messageOf(id) ?? {};
    if (userId) hosting.openPerson(userId, userName ?? "");
  };
  const removals = new Removals(hosting, store, timeline);
  new MessageTools(list, {
    kind: "tools-of-host",
    label: words.othersMessage,
    fits: (item) => Boolean(store.state.role) && !item.matches(".own"),
    tools: [
      { label: words.author, picture: PERSON, keys: [], can: (id) => Boolean(messageOf(id)?.userId), work: openAuthor },
      { label: words.removeMessage, picture: BIN, keys: ["delete", "backspace"], work: (id) => removals.remove(id) },
    ],
  });
  const open = button("icon-button worded for-hosts", "", () => hosting.openSheet());
  open.id = "manage-room";
  open.title = t.thisRoom;
  open.append(drawn(SHIELD), element("span", "", t.thisRoom));
  byId("open-invite", HTMLElement).before(open);
  list.addEventListener("click", ({ target }) => {
    const item = target instanceof Element && target.closest(".sender, .avatar") ? target.closest(".message:not(.own)") : null;
    if (item instanceof HTMLElement && store.state.role) openAuthor(item.dataset.id ?? "");
  });
}

/** Messages that were removed by a host while the page is open: each has a line in its place, to bring it back. */
class Removals {
  #hosting;
  #store;
  #timeline;
  /** @type {Set<string>} ids of those that the reader wants removed or back, until they are */
  #mine = new Set();

  /**
   * @param {import("./hosting.js").Hosting} hosting
   * @param {import("../base/store.js").Store} store
   * @param {import("../conversation/timeline.js").Timeline} timeline
   */
  constructor(hosting, store, timeline) {
    this.#hosting = hosting;
    this.#store = store;
    this.#timeline = timeline;
    noteRemovals((message) => this.#note(message));
    watchChanges((id, message) => message && this.#came(id));
  }

  /** @param {string} id */
  remove(id) {
    this.#want("remove", id);
  }

  /** @param {"remove"|"restore"} type @param {string} id */
  async #want(type, id) {
    this.#mine.add(id);
    if (!(await this.#hosting.want({ type, id }))) this.#mine.delete(id);
  }

  /** @param {import("../connection/session.js").Message} message */
  #note(message) {
    if (!this.#store.state.role) return null;
    const date = dateOf(message);
    const said = words.removedMessage(isolated(shownName(message.userName)), date ? shortTime(date) : message.timestamp);
    const undo = button("quiet", words.undo, () => this.#want("restore", message.id));
    if (this.#mine.delete(message.id)) undo.dataset.mine = ""; // a keyboard goes on there
    const told = element("span", "", said);
    told.id = `removed-${message.id}`;
    undo.setAttribute("aria-describedby", told.id);
    const note = element("li", "note of-hosts removed", told, " ", undo);
    note.ariaLive = "off";
    return note;
  }

  /** It is back; whoever has asked for that by the keyboard goes on there. @param {string} id */
  #came(id) {
    const isLost = document.activeElement === document.body;
    if (this.#mine.delete(id) && isLost) this.#timeline.find(id)?.focus({ preventScroll: true });
  }
}
