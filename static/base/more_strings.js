/** What the parts that are loaded later say, in both languages: english.js has what it says from the start. */

import { LANGUAGE } from "./language.js";

const english = {
  // Invitation
  inviteHow: "Anyone on the same network can open this address or scan the code:",
  inviteLocal: "This address works on this computer only: the server accepts no other. Set hostName to \"0.0.0.0\" in config.json to let others in.",
  qrCode: "QR code of the address",
  copy: "Copy",
  copied: "Copied",

  // Settings
  theme: "Appearance",
  themeSystem: "Same as system",
  themeLight: "Light",
  themeDark: "Dark",
  notify: "Notifications",
  notifyOff: "None",
  notifyMentions: "When I am mentioned",
  notifyAll: "For every message",
  notifyDenied: "The browser does not allow notifications for this page; its settings can change that.",
  notifyInsecure: "Browsers show notifications only for pages on https or on this computer.",
  sound: "A quiet sound for new messages",

  // Help
  helpTitle: "Keys",
  control: "Ctrl",
  pageUp: "Page ↑",
  pageDown: "Page ↓",
  keySend: "send",
  keyBreak: "new line",
  keyRecall: "what you sent last, in an empty box",
  keySearch: "search",
  keyRooms: "go to a room",
  keyHelp: "this sheet",
  keyEscape: "back to the newest message and the box",
  keyScroll: "a page up or down, from the box too",
  touchMenu: "who is here, and the other rooms",
  touchRename: "change your name, below that list",
  swipe: "Swipe down",
  touchScroll: "older messages",
  tap: "Tap a message",
  touchTime: "when it was sent",
  tapTime: "Tap that time",
  touchLink: "a link to the message, in the address bar",
  helpText: "`code` between backticks, ``` around several lines. Addresses become links.",
  helpLink: "Click a message's time for a link to it.",
};

/** @type {typeof english} */
const german = {
  inviteHow: "Wer im selben Netz ist, kann diese Adresse öffnen oder den Code abfotografieren:",
  inviteLocal: "Diese Adresse gilt nur auf diesem Rechner: Der Server hört auf keinen anderen. Setze hostName in config.json auf \"0.0.0.0\", um andere einzulassen.",
  qrCode: "QR-Code der Adresse",
  copy: "Kopieren",
  copied: "Kopiert",

  theme: "Aussehen",
  themeSystem: "Wie das System",
  themeLight: "Hell",
  themeDark: "Dunkel",
  notify: "Benachrichtigungen",
  notifyOff: "Keine",
  notifyMentions: "Wenn ich erwähnt werde",
  notifyAll: "Bei jeder Nachricht",
  notifyDenied: "Der Browser erlaubt dieser Seite keine Benachrichtigungen; das lässt sich in seinen Einstellungen ändern.",
  notifyInsecure: "Benachrichtigungen zeigen Browser nur für Seiten über https oder von diesem Rechner.",
  sound: "Ein leiser Ton bei neuen Nachrichten",

  helpTitle: "Tasten",
  control: "Strg",
  pageUp: "Bild ↑",
  pageDown: "Bild ↓",
  keySend: "senden",
  keyBreak: "neue Zeile",
  keyRecall: "zuletzt Gesendetes, im leeren Feld",
  keySearch: "suchen",
  keyRooms: "in einen Raum gehen",
  keyHelp: "diese Übersicht",
  keyEscape: "zurück zur neuesten Nachricht und zum Feld",
  keyScroll: "eine Seite auf oder ab, auch aus dem Feld",
  touchMenu: "wer da ist, und die anderen Räume",
  touchRename: "den eigenen Namen ändern, unter dieser Liste",
  swipe: "Nach unten wischen",
  touchScroll: "ältere Nachrichten",
  tap: "Nachricht antippen",
  touchTime: "wann sie gesendet wurde",
  tapTime: "Diese Uhrzeit antippen",
  touchLink: "ein Link zur Nachricht, in der Adresszeile",
  helpText: "`Code` zwischen Gravis-Zeichen, ``` um mehrere Zeilen. Aus Adressen werden Links.",
  helpLink: "Ein Klick auf die Uhrzeit gibt einen Link zur Nachricht.",
};

export const more = LANGUAGE === "de" ? german : english;
