/** The dialogs for help and the invitation. Loaded when one of them is first opened. */

import { button, byId, element, isTouch } from "../base/dom.js";
import "../base/late_styles.js";
import { more } from "../base/more_strings.js";
import { t } from "../base/strings.js";
import { Invitation } from "./invitation.js";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
const COMMAND = isMac ? "⌘" : more.control;

/** @type {[string[], string][]} */
const KEYS = [
  [["Enter"], more.keySend],
  [["Shift", "Enter"], more.keyBreak],
  [["↑"], more.keyEdit],
  [[isMac ? "⌥" : "Alt", "↑"], more.keyRecall],
  [["@"], more.keyMention],
  [["E", more.deleteKey], more.keyOwn],
  [["R"], more.keyReply],
  [["L"], more.keyReact],
  [[more.deleteKey], more.keyHost],
  [[more.pageUp, more.pageDown], more.keyScroll],
  [["Esc"], more.keyEscape],
  [[COMMAND, "K"], more.keySearch],
  [[COMMAND, "J"], more.keyRooms],
  [[COMMAND, "/"], more.keyHelp],
];

/** What fingers do instead: the button that it begins with, or how it is done. @type {[string, string][]} */
const TOUCHES = [
  ["menu", more.touchMenu],
  ["rename", more.touchRename],
  ["open-search", t.search],
  ["open-invite", t.inviteTitle],
  [more.swipe, more.touchScroll],
  ["@", more.keyMention],
  [more.tap, more.touchMessage],
  [more.tapTime, more.touchLink],
];

/** @type {HTMLDialogElement|null} */
let help = null;
/** @type {{dialog: HTMLDialogElement, invitation: Invitation}|null} */
let invite = null;

export function openHelp() {
  help ??= makeHelp();
  help.showModal();
}

function makeHelp() {
  const rows = isTouch()
    ? TOUCHES.map(([how, does]) => row([symbol(how)], does))
    : KEYS.map(([keys, does]) => row(keys.flatMap((key) => [element("kbd", "", key), " "]), does));
  const text = isTouch() ? more.helpText : `${more.helpText} ${more.helpLink}`;
  return sheet("help-dialog", isTouch() ? t.help : more.helpTitle, list(rows.flat()), element("p", "fine", text));
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

/** @param {(Node|string)[]} what @param {string} does */
function row(what, does) {
  return [element("dt", "", ...what), element("dd", "", does)];
}

/** The picture on the button with this id; else what it was called with. @param {string} id */
function symbol(id) {
  const found = document.getElementById(id);
  const picture = found?.querySelector("svg")?.cloneNode(true);
  if (!(picture instanceof Element)) return id;
  picture.role = "img";
  picture.ariaHidden = null;
  picture.ariaLabel = found?.ariaLabel || found?.textContent || "";
  return picture;
}

/** @param {Node[]} rows */
function list(rows) {
  const list = element("dl", "", ...rows);
  list.id = "keys";
  return list;
}

/** A dialog with a title and a button that closes it. @param {string} id @param {string} title @param {...Node} content */
export function sheet(id, title, ...content) {
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
