/** The dialogs for help and the invitation. Loaded when one of them is first opened. */

import { byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { at, roomUrl } from "../connection/addresses.js";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
const COMMAND = isMac ? "⌘" : t.control;

/** @type {[string[], string][]} */
const KEYS = [
  [["Enter"], t.keySend],
  [["Shift", "Enter"], t.keyBreak],
  [["↑"], t.keyRecall],
  [[t.pageUp, t.pageDown], t.keyScroll],
  [["Esc"], t.keyEscape],
  [[COMMAND, "K"], t.keySearch],
  [[COMMAND, "J"], t.keyRooms],
  [[COMMAND, "/"], t.keyHelp],
];

export function openHelp() {
  const dialog = byId("help-dialog", HTMLDialogElement);
  const rows = KEYS.flatMap(([keys, does]) => [
    element("dt", "", ...keys.flatMap((key) => [element("kbd", "", key), " "])),
    element("dd", "", does),
  ]);
  byId("keys", HTMLElement).replaceChildren(...rows);
  byId("help-text", HTMLElement).textContent = t.helpText;
  dialog.showModal();
}

/** @param {string} room */
export async function openInvitation(room) {
  const dialog = byId("invite-dialog", HTMLDialogElement);
  const how = byId("invite-how", HTMLElement);
  const code = byId("invite-code", HTMLImageElement);
  showAddress(roomUrl(room).href);
  code.hidden = true;
  how.textContent = t.inviteHow;
  dialog.showModal();
  const query = `?room=${encodeURIComponent(room)}`;
  try {
    const answer = await fetch(at(`invitation${query}`));
    if (!answer.ok) return;
    const { url, local } = await answer.json();
    showAddress(url);
    how.textContent = local ? t.inviteLocal : t.inviteHow;
    code.src = at(`invitation.svg${query}`).href;
    code.alt = t.qrCode;
    code.hidden = Boolean(local);
  } catch {
    // Offline: the page's own address is as good as any.
  }
}

/** For people to read: "Küche" and not "K%C3%BCche". @param {string} url */
function showAddress(url) {
  const address = byId("invite-address", HTMLAnchorElement);
  address.href = url;
  const { origin, pathname } = new URL(url);
  address.replaceChildren(origin, element("wbr"), decodeURI(pathname));
}

/** Copy the address; plain http has no clipboard, so the old way is the second. @param {HTMLButtonElement} copier */
export async function copyInvitation(copier) {
  const address = byId("invite-address", HTMLAnchorElement);
  try {
    await navigator.clipboard.writeText(address.href);
  } catch {
    const hand = (/** @type {ClipboardEvent} */ event) => {
      event.clipboardData?.setData("text/plain", address.href);
      event.preventDefault();
    };
    document.addEventListener("copy", hand);
    getSelection()?.selectAllChildren(address);
    document.execCommand("copy");
    document.removeEventListener("copy", hand);
  }
  copier.textContent = t.copied;
  setTimeout(() => (copier.textContent = t.copy), 2_000);
}
