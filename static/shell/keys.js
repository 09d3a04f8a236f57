/** Keys and buttons for the whole page. What they open is loaded when it is first wanted. */

import { byId, later } from "../base/dom.js";
import { t } from "../base/strings.js";

const dialogs = later(() => import("./dialogs.js"));

/**
 * @param {object} parts
 * @param {import("../base/store.js").Store} parts.store
 * @param {import("./attention.js").Attention} parts.attention
 * @param {import("../conversation/conversation.js").Conversation} parts.conversation
 * @param {import("../writing/composer.js").Composer} parts.composer
 * @param {import("../connection/archive.js").Archive} parts.archive
 * @param {import("../rooms/rooms.js").RoomList} parts.rooms
 * @param {string} parts.room
 */
export function wireKeys({ store, attention, conversation, composer, archive, rooms, room }) {
  const side = byId("side", HTMLElement);
  const body = byId("body", HTMLTextAreaElement);
  const panel = byId("search", HTMLElement);
  const searchFor = byId("search-for", HTMLInputElement);
  /** @type {import("../conversation/search.js").Search|null} */
  let search = null;

  /**
   * A part that is wanted now; null where it cannot be had, which is said.
   *
   * @template T
   * @param {() => Promise<T>} load
   */
  const wanted = async (load) => {
    try {
      return await load();
    } catch {
      composer.notice(t.unreachable);
      composer.focus();
      return null;
    }
  };
  const openSearch = async () => {
    panel.hidden = false;
    searchFor.focus(); // at once: what is typed while the rest loads is meant for it
    searchFor.select();
    const part = await wanted(() => import("../conversation/search.js"));
    if (part) search ??= new part.Search(archive, () => composer.focus());
    else panel.hidden = true;
  };
  const openHelp = async () => (await wanted(dialogs))?.openHelp();
  const openInvitation = async () => (await wanted(dialogs))?.openInvitation(room);
  const openRooms = () => {
    if (isDrawer(side)) side.showPopover();
    rooms.focus();
  };
  const shortcuts = new Map([["k", openSearch], ["j", openRooms], ["/", openHelp]]);

  addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    // With Shift, the letters are the browser's own; "/" itself wants it on many keyboards.
    const command = (event.ctrlKey || event.metaKey) && !event.altKey && !(event.shiftKey && event.key !== "/");
    const work = command ? shortcuts.get(event.key.toLowerCase()) : undefined;
    if (work) {
      event.preventDefault();
      work();
    } else if (event.key === "Escape" && !document.querySelector(":popover-open")) {
      conversation.toNewest();
      composer.focus();
    } else if (document.activeElement === body && body.scrollHeight <= body.clientHeight + 2) {
      const pages = { PageUp: -1, PageDown: 1 }[event.key];
      if (pages === undefined) return;
      event.preventDefault();
      conversation.scrollBy(pages);
    }
  });
  byId("open-search", HTMLElement).addEventListener("click", openSearch);
  byId("open-help", HTMLElement).addEventListener("click", openHelp);
  byId("open-invite", HTMLElement).addEventListener("click", openInvitation);
  const settings = byId("settings", HTMLElement);
  const fillSettings = later(async () => (await import("./settings_panel.js")).fillSettings(settings, store, attention));
  settings.addEventListener("beforetoggle", async (event) => {
    // Browsers give the focus back by themselves, but not within the drawer.
    if (settings.contains(document.activeElement)) byId("open-settings", HTMLElement).focus();
    if (settings.firstChild) return;
    event.preventDefault();
    if (await wanted(fillSettings)) settings.showPopover();
  });
}

/** On a wide screen the rooms and people stand beside the conversation; else they are a drawer. @param {HTMLElement} side */
function isDrawer(side) {
  return getComputedStyle(side).position === "fixed" && !side.matches(":popover-open");
}
