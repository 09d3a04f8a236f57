/** Keys and buttons for the whole page. What they open is loaded when it is first wanted. */

import { byId, later } from "../base/dom.js";
import { t } from "../base/strings.js";
import { transcriptUrl } from "../connection/addresses.js";

const OPEN = ":is(:popover-open, .open)"; // the class by panels.js
const dialogs = later(() => import("./dialogs.js"));

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent); // there, Ctrl and K cut off a line

/**
 * @param {object} parts
 * @param {import("../base/store.js").Store} parts.store
 * @param {() => Promise<import("./attention.js").Attention>} parts.attention
 * @param {import("../conversation/conversation.js").Conversation} parts.conversation
 * @param {import("../writing/composer.js").Composer} parts.composer
 * @param {() => void} parts.toBox
 * @param {() => Promise<import("../connection/archive.js").Archive>} parts.past
 * @param {() => Promise<import("../rooms/rooms.js").RoomList>} parts.rooms
 * @param {() => Promise<import("../hosting/hosting.js").Hosting>} parts.hosting
 * @param {() => Promise<import("../files/sending.js").Sending>} parts.sending
 * @param {string} parts.room
 */
export function wireKeys({ store, attention, conversation, composer, toBox, past, rooms, hosting, sending, room }) {
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
      toBox();
      return null;
    }
  };
  const openSearch = async () => {
    panel.hidden = false;
    searchFor.focus(); // at once: what is typed while the rest loads is meant for it
    searchFor.select();
    const parts = await wanted(() => Promise.all([import("../conversation/search.js"), past()]));
    if (parts) search ??= new parts[0].Search(parts[1], toBox);
    else panel.hidden = true;
  };
  const more = byId("more", HTMLElement);
  const openHelp = async () => (await wanted(dialogs))?.openHelp();
  const openInvitation = async () => (await wanted(dialogs))?.openInvitation(room);
  const openRooms = () => {
    if (isDrawer(side) && !isOpen(side)) side.showPopover();
    byId("room-name", HTMLInputElement).focus();
  };
  later(async () => new (await import("../writing/mentioning.js")).Mentioning(store, conversation.timeline));
  const shortcuts = new Map([["k", openSearch], ["j", openRooms], ["/", openHelp]]);

  addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    // With Shift, the letters are the browser's own; "/" itself wants it on many keyboards.
    const command = (isMac ? event.metaKey : event.ctrlKey) && !event.altKey && !(event.shiftKey && event.key !== "/");
    const work = command ? shortcuts.get(event.key.toLowerCase()) : undefined;
    if (work) {
      event.preventDefault();
      work();
    } else if (event.key === "Escape" && !document.querySelector(OPEN)) {
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
  byId("open-room", HTMLElement).addEventListener("click", async () => (await wanted(hosting))?.openSheet());
  byId("room-form", HTMLFormElement).addEventListener("submit", async (event) => {
    event.preventDefault();
    (await wanted(rooms))?.go();
  });
  for (const [id, saved] of /** @type {const} */ ([["print-all", false], ["save-all", true]])) {
    const link = byId(id, HTMLAnchorElement);
    const url = transcriptUrl(room, saved);
    link.hidden = !url;
    if (url) link.href = url.href;
  }
  const take = async (/** @type {FileList} */ files) => {
    const taken = [...files]; // the list is empty later
    (await wanted(sending))?.take(taken);
  };
  // Else the browser would leave the page for a file that is dropped on it.
  for (const type of /** @type {const} */ (["dragover", "drop"])) {
    addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (type === "drop") take(event.dataTransfer.files);
    });
  }
  body.addEventListener("paste", (event) => {
    const { clipboardData: pasted } = event;
    if (!pasted?.files.length || pasted.types.includes("text/plain")) return; // a table has a picture of itself, too
    event.preventDefault();
    take(pasted.files);
  });
  // Closed before a dialog opens: then the focus comes back to what opened the panel, and not to what is hidden. So it
  // comes before the buttons hear of the click: what they wait for may be there already.
  more.addEventListener("click", ({ target }) => target !== more && more.hidePopover(), true);
  byId("rename", HTMLElement).addEventListener("click", () => isOpen(side) && side.hidePopover());
  byId("open-invite", HTMLElement).addEventListener("click", openInvitation);
  const settings = byId("settings", HTMLElement);
  const fillSettings = later(async () => (await import("./settings_panel.js")).fillSettings(settings, store, await attention()));
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
  return getComputedStyle(side).position === "fixed";
}

/** @param {HTMLElement} panel */
function isOpen(panel) {
  return panel.matches(OPEN);
}
