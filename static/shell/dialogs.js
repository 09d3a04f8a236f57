/** The dialogs for help and the invitation. Loaded when one of them is first opened. */

import { button, byId, element } from "../base/dom.js";
import { more } from "../base/more_strings.js";
import { t } from "../base/strings.js";
import { Invitation } from "./invitation.js";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
const COMMAND = isMac ? "⌘" : more.control;

/** @type {[string[], string][]} */
const KEYS = [
  [["Enter"], more.keySend],
  [["Shift", "Enter"], more.keyBreak],
  [["↑"], more.keyRecall],
  [[more.pageUp, more.pageDown], more.keyScroll],
  [["Esc"], more.keyEscape],
  [[COMMAND, "K"], more.keySearch],
  [[COMMAND, "J"], more.keyRooms],
  [[COMMAND, "/"], more.keyHelp],
];

/** @type {HTMLDialogElement|null} */
let help = null;
/** @type {{dialog: HTMLDialogElement, invitation: Invitation}|null} */
let invite = null;

export function openHelp() {
  help ??= sheet("help-dialog", more.helpTitle, keys(), element("p", "fine", more.helpText));
  help.showModal();
}

/** @param {string} room */
export function openInvitation(room) {
  if (!invite) {
    const invitation = new Invitation(room);
    invite = { invitation, dialog: sheet("invite-dialog", t.inviteTitle, invitation.node) };
  }
  invite.dialog.showModal();
  invite.invitation.focus();
  invite.invitation.look();
}

function keys() {
  const rows = KEYS.flatMap(([keys, does]) => [
    element("dt", "", ...keys.flatMap((key) => [element("kbd", "", key), " "])),
    element("dd", "", does),
  ]);
  const list = element("dl", "", ...rows);
  list.id = "keys";
  return list;
}

/** A dialog with a title and a button that closes it. @param {string} id @param {string} title @param {...Node} content */
function sheet(id, title, ...content) {
  const heading = element("h2", "", title);
  heading.id = `${id}-title`;
  const close = button("icon-button", "", () => dialog.close());
  close.ariaLabel = t.close;
  close.append(...byId("close-side", HTMLElement).cloneNode(true).childNodes); // the same cross
  const dialog = element("dialog", "", element("div", "head", heading, close), ...content);
  dialog.id = id;
  dialog.setAttribute("aria-labelledby", heading.id);
  document.body.append(dialog);
  return dialog;
}
