/**
 * All that the page says, in English and German, by the browser's preference.
 *
 * A string that the template holds stands there in English, with its key in `data-t` (its text),
 * `data-t-label`, `data-t-title` or `data-t-placeholder`. tsc sees to it that German lacks nothing.
 */

/** @param {number} n @param {string} one @param {string} many */
const count = (n, one, many) => (n === 1 ? one : many.replace("#", n.toLocaleString(LANGUAGE)));

/** @param {string[]} names @param {string} and */
function list(names, and) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${and} ${names.at(-1)}`;
}

const english = {
  // The frame
  title: "Chat room",
  skip: "Skip to the message box",
  menu: "Rooms and people",
  rooms: "Rooms",
  people: "Here",
  you: "you",
  conversation: "Conversation",
  messages: "Messages",
  pending: "Your messages on their way",
  quiet: "It is quiet in here.",
  quietMore: "Say the first word; whoever comes later will find it.",
  needsScript: "This chat room needs JavaScript. Please allow it for this page, then load it again.",
  close: "Close",

  // Connection
  connecting: "Connecting…",
  connected: "Connected",
  offline: "Offline.",
  restarting: "The server is restarting.",
  serverTrouble: /** @param {string} reason */ (reason) => `The server has trouble: ${reason}.`,
  tooSlow: "This connection was too slow to follow.",
  closedBecause: /** @param {string} reason */ (reason) => `Connection closed: ${reason}.`,
  lost: "Connection lost.",
  full: "The server lets nobody in now; the room may be full.",
  failing: "The server is in trouble.",
  unreachable: "The server cannot be reached.",
  tryingAgain: "Trying again",
  inSeconds: /** @param {number} seconds */ (seconds) => ` in ${seconds} s…`,
  tryNow: "Try now",
  refused: /** @param {string} reason */ (reason) => `The server closed this connection: ${reason}.`,
  resumed: /** @param {number} n */ (n) => `Connected again. ${count(n, "You missed one message.", "You missed # messages.")}`,
  gapTitle: "Connected again, but what was said meanwhile cannot all be had. Some messages may be missing.",

  // Writing
  message: "Message",
  writeHere: "Write a message",
  send: "Send",
  hintSends: "sends",
  hintBreaks: "starts a new line",
  tooLong: /** @param {number} n @param {number} most */ (n, most) =>
    `This message is ${n.toLocaleString(LANGUAGE)} bytes too long; ${most.toLocaleString(LANGUAGE)} fit. Please shorten or split it.`,
  tooMany: /** @param {number} n */ (n) => `${n} messages are waiting already. This one stays here until they are sent.`,
  onItsWay: "sending…",
  waiting: "waiting to be sent",
  notSent: /** @param {string} reason */ (reason) => `Not sent: ${reason}`,
  retry: "Retry",
  edit: "Edit",
  discard: "Discard",
  refusedOne: "The server did not take a message. See above what to do with it.",
  typing: /** @param {string[]} names */ (names) =>
    names.length > 3 ? "Several people are typing…" : `${list(names, "and")} ${names.length === 1 ? "is" : "are"} typing…`,

  // Reading
  today: "Today",
  yesterday: "Yesterday",
  newMessages: /** @param {number} n */ (n) => count(n, "1 new message", "# new messages"),
  toNewest: "To the newest",
  unreadFromHere: "New",
  missedFromHere: /** @param {number} n */ (n) => count(n, "You missed one message", "You missed # messages"),
  gap: "Some messages may be missing here.",
  beginning: "The conversation begins here.",
  loading: "Loading older messages…",
  cannotLoad: "Older messages could not be loaded.",
  notFound: "This message is not there any more.",
  linkTo: /** @param {string} time */ (time) => `${time}. Link to this message`,
  mentionsYou: "mentions you",
  unchecked: "Nobody checked this name: it was sent by a simple client.",
  showAll: "Show all",
  showLess: "Show less",
  came: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} came`,
  went: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} left`,
  isNow: /** @param {string} before @param {string} now */ (before, now) => `${before} is now ${now}`,

  // Names
  welcome: "Welcome",
  chooseName: "What shall the others call you?",
  enter: "Come in",
  rename: "Change your name",
  save: "Save",
  cancel: "Cancel",
  nameTaken: /** @param {string} name */ (name) => `Somebody here is called ${name} already.`,
  nameFree: /** @param {string} name */ (name) => `${name} is free.`,
  badName: "This name cannot be used: it needs something that can be seen, and no characters that turn the line around.",
  nothingTracked: "No account, no cookies: nothing is tracked, nothing leaves this server.",

  // Rooms
  goToRoom: "Go to a room, or make one",
  go: "Go",
  badRoom: "A room's name has 1 to 64 letters, digits, “_”, “-” or “.”.",
  unreadIn: /** @param {number} n */ (n) => count(n, "1 unread", "# unread"),

  // Invitation
  invite: "Invite",
  inviteTitle: "Invite others",
  inviteHow: "Whoever is on the same network can open this address, or scan the code:",
  inviteLocal: "This address works on this computer only: the server listens to no other. Set hostName to \"0.0.0.0\" in config.json to let others in.",
  qrCode: "QR code of the address",
  copy: "Copy",
  copied: "Copied",

  // Settings
  settings: "Settings",
  theme: "Appearance",
  themeSystem: "As the system",
  themeLight: "Light",
  themeDark: "Dark",
  notify: "Notifications",
  notifyOff: "None",
  notifyMentions: "When I am mentioned",
  notifyAll: "For every message",
  notifyDenied: "The browser does not allow notifications for this page; its settings can change that.",
  notifyInsecure: "Browsers show notifications only for pages on https or on this computer.",
  sound: "A quiet sound for new messages",

  // Search
  search: "Search",
  searchFor: "Search this room",
  searching: "Searching…",
  found: /** @param {number} n @param {boolean} more */ (n, more) =>
    n === 0 ? "Nothing found." : count(n, "One message found.", more ? "The newest # messages found." : "# messages found."),
  searchFailed: /** @param {string} reason */ (reason) => `The search failed: ${reason}`,
  searchMissing: "This server cannot search.",
  older: "Older",

  // Help
  help: "Help",
  helpTitle: "Keys",
  keySend: "send",
  keyBreak: "new line",
  keyRecall: "what you sent last, in an empty box",
  keySearch: "search",
  keyRooms: "go to a room",
  keyHelp: "this sheet",
  keyEscape: "back to the newest message and the box",
  keyScroll: "a page up or down, from the box too",
  helpText: "`code` between backticks, ``` around several lines. Addresses become links. A click on a message's time gives a link to it.",
};

/** @type {typeof english} */
const german = {
  title: "Chatraum",
  skip: "Zum Eingabefeld springen",
  menu: "Räume und Leute",
  rooms: "Räume",
  people: "Hier",
  you: "du",
  conversation: "Gespräch",
  messages: "Nachrichten",
  pending: "Deine Nachrichten, die unterwegs sind",
  quiet: "Hier ist es noch still.",
  quietMore: "Sag das erste Wort; wer später kommt, findet es vor.",
  needsScript: "Dieser Chatraum braucht JavaScript. Bitte erlaube es für diese Seite und lade sie neu.",
  close: "Schließen",

  connecting: "Verbinde…",
  connected: "Verbunden",
  offline: "Offline.",
  restarting: "Der Server startet neu.",
  serverTrouble: (reason) => `Der Server hat Schwierigkeiten: ${reason}.`,
  tooSlow: "Diese Verbindung war zu langsam, um mitzukommen.",
  closedBecause: (reason) => `Verbindung geschlossen: ${reason}.`,
  lost: "Verbindung verloren.",
  full: "Der Server lässt gerade niemanden ein; vielleicht ist der Raum voll.",
  failing: "Der Server hat Schwierigkeiten.",
  unreachable: "Der Server ist nicht erreichbar.",
  tryingAgain: "Neuer Versuch",
  inSeconds: (seconds) => ` in ${seconds} s…`,
  tryNow: "Jetzt versuchen",
  refused: (reason) => `Der Server hat diese Verbindung geschlossen: ${reason}.`,
  resumed: (n) => `Wieder verbunden. ${count(n, "Du hast eine Nachricht verpasst.", "Du hast # Nachrichten verpasst.")}`,
  gapTitle: "Wieder verbunden, aber was inzwischen gesagt wurde, ist nicht vollständig zu haben. Vielleicht fehlen Nachrichten.",

  message: "Nachricht",
  writeHere: "Nachricht schreiben",
  send: "Senden",
  hintSends: "sendet",
  hintBreaks: "beginnt eine neue Zeile",
  tooLong: (n, most) =>
    `Diese Nachricht ist um ${n.toLocaleString(LANGUAGE)} Bytes zu lang; ${most.toLocaleString(LANGUAGE)} passen hinein. Bitte kürze oder teile sie.`,
  tooMany: (n) => `Es warten schon ${n} Nachrichten. Diese bleibt hier, bis sie gesendet sind.`,
  onItsWay: "wird gesendet…",
  waiting: "wartet auf das Senden",
  notSent: (reason) => `Nicht gesendet: ${reason}`,
  retry: "Nochmals senden",
  edit: "Bearbeiten",
  discard: "Verwerfen",
  refusedOne: "Der Server hat eine Nachricht nicht angenommen. Oben steht, was du tun kannst.",
  typing: (names) =>
    names.length > 3 ? "Mehrere Leute schreiben…" : `${list(names, "und")} ${names.length === 1 ? "schreibt" : "schreiben"}…`,

  today: "Heute",
  yesterday: "Gestern",
  newMessages: (n) => count(n, "1 neue Nachricht", "# neue Nachrichten"),
  toNewest: "Zur neuesten",
  unreadFromHere: "Neu",
  missedFromHere: (n) => count(n, "Du hast eine Nachricht verpasst", "Du hast # Nachrichten verpasst"),
  gap: "Hier fehlen vielleicht Nachrichten.",
  beginning: "Hier beginnt das Gespräch.",
  loading: "Ältere Nachrichten werden geladen…",
  cannotLoad: "Ältere Nachrichten konnten nicht geladen werden.",
  notFound: "Diese Nachricht gibt es nicht mehr.",
  linkTo: (time) => `${time}. Link zu dieser Nachricht`,
  mentionsYou: "erwähnt dich",
  unchecked: "Diesen Namen hat niemand geprüft: Er kommt von einem einfachen Programm.",
  showAll: "Alles zeigen",
  showLess: "Weniger zeigen",
  came: (names, more) =>
    `${list(more ? [...names, count(more, "noch jemand", "# weitere")] : names, "und")} ${names.length + more === 1 ? "ist" : "sind"} gekommen`,
  went: (names, more) =>
    `${list(more ? [...names, count(more, "noch jemand", "# weitere")] : names, "und")} ${names.length + more === 1 ? "ist" : "sind"} gegangen`,
  isNow: (before, now) => `${before} heißt jetzt ${now}`,

  welcome: "Willkommen",
  chooseName: "Wie sollen dich die anderen nennen?",
  enter: "Eintreten",
  rename: "Namen ändern",
  save: "Speichern",
  cancel: "Abbrechen",
  nameTaken: (name) => `Hier heißt schon jemand ${name}.`,
  nameFree: (name) => `${name} ist frei.`,
  badName: "Dieser Name geht nicht: Er braucht etwas Sichtbares und keine Zeichen, die die Schreibrichtung umkehren.",
  nothingTracked: "Kein Konto, keine Cookies: Nichts wird verfolgt, nichts verlässt diesen Server.",

  goToRoom: "In einen Raum gehen oder einen eröffnen",
  go: "Los",
  badRoom: "Der Name eines Raums hat 1 bis 64 Buchstaben, Ziffern, „_“, „-“ oder „.“.",
  unreadIn: (n) => count(n, "1 ungelesen", "# ungelesen"),

  invite: "Einladen",
  inviteTitle: "Andere einladen",
  inviteHow: "Wer im selben Netz ist, kann diese Adresse öffnen oder den Code abfotografieren:",
  inviteLocal: "Diese Adresse gilt nur auf diesem Rechner: Der Server hört auf keinen anderen. Setze hostName in config.json auf \"0.0.0.0\", um andere einzulassen.",
  qrCode: "QR-Code der Adresse",
  copy: "Kopieren",
  copied: "Kopiert",

  settings: "Einstellungen",
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

  search: "Suchen",
  searchFor: "In diesem Raum suchen",
  searching: "Suche läuft…",
  found: (n, more) =>
    n === 0 ? "Nichts gefunden." : count(n, "Eine Nachricht gefunden.", more ? "Die neuesten # Nachrichten gefunden." : "# Nachrichten gefunden."),
  searchFailed: (reason) => `Die Suche ist fehlgeschlagen: ${reason}`,
  searchMissing: "Dieser Server kann nicht suchen.",
  older: "Ältere",

  help: "Hilfe",
  helpTitle: "Tasten",
  keySend: "senden",
  keyBreak: "neue Zeile",
  keyRecall: "zuletzt Gesendetes, im leeren Feld",
  keySearch: "suchen",
  keyRooms: "in einen Raum gehen",
  keyHelp: "diese Übersicht",
  keyEscape: "zurück zur neuesten Nachricht und zum Feld",
  keyScroll: "eine Seite auf oder ab, auch aus dem Feld",
  helpText: "`Code` zwischen Gravis-Zeichen, ``` um mehrere Zeilen. Aus Adressen werden Links. Ein Klick auf die Uhrzeit gibt einen Link zur Nachricht.",
};

/** The first language of the browser that the page speaks. */
export const LANGUAGE = (globalThis.navigator?.languages ?? [])
  .map((tag) => tag.slice(0, 2).toLowerCase())
  .find((tag) => tag === "en" || tag === "de") ?? "en";

export const t = LANGUAGE === "de" ? german : english;

/**
 * Put the template's own words into the reader's language.
 *
 * @param {Document} page
 */
export function translate(page) {
  page.documentElement.lang = LANGUAGE;
  const said = /** @type {Record<string, any>} */ (t);
  for (const node of page.querySelectorAll("[data-t]")) {
    node.textContent = said[/** @type {HTMLElement} */ (node).dataset.t ?? ""];
  }
  for (const [data, attribute] of [["label", "aria-label"], ["title", "title"], ["placeholder", "placeholder"]]) {
    for (const node of page.querySelectorAll(`[data-t-${data}]`)) {
      node.setAttribute(attribute, said[node.getAttribute(`data-t-${data}`) ?? ""]);
    }
  }
}
