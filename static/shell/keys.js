/** Keys and buttons for the whole page. What they open is loaded when it is first wanted. */

import { byId } from "../base/dom.js";
import { t } from "../base/strings.js";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent); // there, Ctrl and K cut off a line

/**
 * @param {object} parts
 * @param {import("../conversation/conversation.js").Conversation} parts.conversation
 * @param {import("../writing/composer.js").Composer} parts.composer
 * @param {import("../connection/archive.js").Archive} parts.archive
 * @param {import("../rooms/rooms.js").RoomList} parts.rooms
 * @param {string} parts.room
 */
export function wireKeys({ conversation, composer, archive, rooms, room }) {
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
  const later = async (load) => {
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
    const part = await later(() => import("../conversation/search.js"));
    if (part) search ??= new part.Search(archive, () => composer.focus());
    else panel.hidden = true;
  };
  const openHelp = async () => (await later(() => import("./dialogs.js")))?.openHelp();
  const openInvitation = async () => (await later(() => import("./dialogs.js")))?.openInvitation(room);
  const openRooms = () => {
    if (isDrawer(side)) side.showPopover();
    rooms.focus();
  };
  const shortcuts = new Map([["k", openSearch], ["j", openRooms], ["/", openHelp]]);

  addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    // With Shift, the letters are the browser's own; "/" itself wants it on many keyboards.
    const command = (isMac ? event.metaKey : event.ctrlKey) && !event.altKey && !(event.shiftKey && event.key !== "/");
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
  byId("invite-copy", HTMLButtonElement).addEventListener("click", async ({ currentTarget }) =>
    (await import("./dialogs.js")).copyInvitation(/** @type {HTMLButtonElement} */ (currentTarget)),
  );
  // Browsers give the focus back by themselves, but not within the drawer.
  const settings = byId("settings", HTMLElement);
  settings.addEventListener("beforetoggle", () => {
    if (settings.contains(document.activeElement)) byId("open-settings", HTMLElement).focus();
  });
  for (const closer of document.querySelectorAll("dialog [data-close]")) {
    closer.addEventListener("click", () => closer.closest("dialog")?.close());
  }
}

/** On a wide screen the rooms and people stand beside the conversation; else they are a drawer. @param {HTMLElement} side */
function isDrawer(side) {
  return getComputedStyle(side).position === "fixed" && !side.matches(":popover-open");
}
