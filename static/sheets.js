/** The sheets that are seldom opened: help and the invitation. Loaded when they are first wanted. */

import { byId, element } from "./dom.js";
import { at, roomUrl } from "./places.js";
import { t } from "./strings.js";

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
  const address = byId("invite-address", HTMLInputElement);
  const how = byId("invite-how", HTMLElement);
  const code = byId("invite-code", HTMLImageElement);
  address.value = roomUrl(room).href;
  code.hidden = true;
  how.textContent = t.inviteHow;
  dialog.showModal();
  const query = `?room=${encodeURIComponent(room)}`;
  try {
    const answer = await fetch(at(`invitation${query}`));
    if (!answer.ok) return;
    const { url, local } = await answer.json();
    address.value = url;
    how.textContent = local ? t.inviteLocal : t.inviteHow;
    code.src = at(`invitation.svg${query}`).href;
    code.alt = t.qrCode;
    code.hidden = Boolean(local);
  } catch {
    // Offline: the page's own address is as good as any.
  }
}

/** Copy the address; plain http has no clipboard, so the old way is the second. @param {HTMLButtonElement} copier */
export async function copyInvitation(copier) {
  const address = byId("invite-address", HTMLInputElement);
  address.select();
  try {
    await navigator.clipboard.writeText(address.value);
  } catch {
    document.execCommand("copy");
  }
  copier.textContent = t.copied;
  setTimeout(() => (copier.textContent = t.copy), 2_000);
}
