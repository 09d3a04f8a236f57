/** What the page says of a room's door, of what waits for a host, and of what a host takes back, in both languages. */

import { LANGUAGE, count } from "../base/language.js";
import { span } from "./times.js";

const english = {
  // To whoever cannot come in: a title, and what to do
  door: /** @type {Record<string, [string, string]>} */ ({
    code: ["This room has a code", "Whoever invited you knows it."],
    shut: ["Nobody new can come in now", "Ask a host to open the door. Whoever was here before can come back, in the same browser."],
    knocking: ["A host has to let you in", "Somebody was removed from your connection, so whoever is new there is looked at first. A host was asked just now: please wait."],
    alone: ["A host has to let you in", "Somebody was removed from your connection, so whoever is new there is looked at first. No host is here now; the next one is asked."],
    crowded: ["A host has to let you in", "Somebody was removed from your connection, so whoever is new there is looked at first. Too many people are waiting already: please try again later."],
    "no-entry": ["A host did not let you in", "If you think this is a mistake, talk to a host. Other rooms are still open to you."],
    "everybody-out": ["A host has asked everybody to leave", "You can come back as the room’s door allows."],
  }),
  comeIn: "Come in",
  wrongCode: "That is not the code. Capitals, spaces and hyphens do not matter.",
  tooManyCodes: /** @param {number} seconds */ (seconds) => `Too many wrong codes from your connection. Try again in ${span(seconds)}.`,

  // To a host for whom something waits
  waiting: /** @param {number} messages @param {number} people */ (messages, people) =>
    [messages && (messages === 1 ? "A message waits for you" : `${messages} messages wait for you`), people && (people === 1 ? "Somebody wants to come in" : `${people} people want to come in`)]
      .filter(Boolean)
      .join(". ") + ".",
  lookAtThem: "Look",
  waitsForYou: "What waits for you",
  nobodyWaits: "Nothing waits any more.",
  decidedAlready: "That does not wait any more: another host has decided, or it was taken back.",
  waitingKeys: "A approves, X refuses.",
  describedAs: "Described as:",
  approve: "Approve",
  refuse: "Refuse",
  admit: "Let in",
  admitAll: "Let everybody in",
  knocks: /** @param {string} like @param {string} at */ (like, at) => `New, from the same connection as ${like}, removed at ${at}.`,
  whoMayComeIn: "Who may come in",
  doorChoice: /** @type {Record<string, string>} */ ({ open: "Everybody", code: "With the code", shut: "Nobody new" }),
  doors: /** @type {Record<string, string>} */ ({
    open: "Everybody can come in.",
    code: "Whoever has the code can come in.",
    shut: "Nobody new can come in.",
  }),
  code: "Code",
  newCode: "New code",
  ownCode: "A code of your own",
  takeCode: "Take this one",
  typedCode: "one of your own; only you know it",
  listed: "Shown in the list of rooms",
  everybodyOut: "Everybody out…",
  everybodyOutSure: "Really? All but hosts must leave",
  everybodyIsOut: "All but hosts had to leave. They can come back as the door allows.",
  messages: "Messages",
  clearMore: "What a host has removed can be brought back from the list below, until it is erased.",
  cleared: /** @param {number} n @param {boolean} unfinished */ (n, unfinished) =>
    `${count(n, "One message was removed.", n ? "# messages were removed." : "There was nothing to remove.")}${unfinished ? " The rest follows by itself." : ""}`,
  restored: /** @param {number} n @param {boolean} unfinished */ (n, unfinished) =>
    `${count(n, "One message is back.", "# messages are back.")}${unfinished ? " The rest follows by itself." : ""}`,
  erased: /** @param {number} n @param {boolean} unfinished */ (n, unfinished) =>
    `${count(n, "One message was erased.", n ? "# messages were erased." : "There was nothing to erase.")}${unfinished ? " The rest follows by itself." : ""}`,
  clear: "Remove all messages…",
  clearSure: "Really remove all of them?",
  erase: "Erase what was removed…",
  eraseSure: "Really? Nobody can bring it back",
};

/** @type {typeof english} */
const german = {
  door: {
    code: ["Dieser Raum hat einen Code", "Wer dich eingeladen hat, kennt ihn."],
    shut: ["Gerade kann niemand Neues herein", "Bitte die Leitung, die Tür zu öffnen. Wer schon hier war, kann im selben Browser zurück."],
    knocking: ["Die Leitung muss dich hereinlassen", "Über deine Verbindung wurde jemand entfernt. Darum wird, wer dort neu ist, erst angesehen. Die Leitung ist gerade gefragt worden: Bitte warte."],
    alone: ["Die Leitung muss dich hereinlassen", "Über deine Verbindung wurde jemand entfernt. Darum wird, wer dort neu ist, erst angesehen. Gerade ist von der Leitung niemand da; wer als Nächstes kommt, wird gefragt."],
    crowded: ["Die Leitung muss dich hereinlassen", "Über deine Verbindung wurde jemand entfernt. Darum wird, wer dort neu ist, erst angesehen. Es warten schon zu viele: Bitte versuch es später noch einmal."],
    "no-entry": ["Die Leitung hat dich nicht hereingelassen", "Wenn du das für ein Versehen hältst, sprich mit der Leitung. Andere Räume stehen dir offen."],
    "everybody-out": ["Die Leitung hat alle gebeten zu gehen", "Du kannst zurück, wie die Tür des Raums es erlaubt."],
  },
  comeIn: "Hinein",
  wrongCode: "Das ist nicht der Code. Groß und klein, Leerzeichen und Bindestriche sind gleich.",
  tooManyCodes: (seconds) => `Zu viele falsche Codes von deiner Verbindung. Versuch es in ${span(seconds)} noch einmal.`,

  waiting: (messages, people) =>
    [messages && (messages === 1 ? "Eine Nachricht wartet auf dich" : `${messages} Nachrichten warten auf dich`), people && (people === 1 ? "Jemand möchte herein" : `${people} Leute möchten herein`)]
      .filter(Boolean)
      .join(". ") + ".",
  lookAtThem: "Ansehen",
  waitsForYou: "Was auf dich wartet",
  nobodyWaits: "Nichts wartet mehr.",
  decidedAlready: "Das wartet nicht mehr: Jemand anderes aus der Leitung hat entschieden, oder es wurde zurückgenommen.",
  waitingKeys: "A gibt frei, X lehnt ab.",
  describedAs: "Beschrieben als:",
  approve: "Freigeben",
  refuse: "Ablehnen",
  admit: "Hereinlassen",
  admitAll: "Alle hereinlassen",
  knocks: (like, at) => `Neu, über dieselbe Verbindung wie ${like}, entfernt um ${at}.`,
  whoMayComeIn: "Wer hereindarf",
  doorChoice: { open: "Alle", code: "Mit dem Code", shut: "Niemand Neues" },
  doors: {
    open: "Alle können herein.",
    code: "Herein kann, wer den Code hat.",
    shut: "Niemand Neues kann herein.",
  },
  code: "Code",
  newCode: "Neuer Code",
  ownCode: "Ein eigener Code",
  takeCode: "Diesen nehmen",
  typedCode: "ein eigener; nur du kennst ihn",
  listed: "Steht in der Liste der Räume",
  everybodyOut: "Alle hinaus…",
  everybodyOutSure: "Wirklich? Alle außer der Leitung müssen gehen",
  everybodyIsOut: "Alle außer der Leitung mussten gehen. Sie können zurück, wie die Tür es erlaubt.",
  messages: "Nachrichten",
  clearMore: "Was die Leitung entfernt hat, lässt sich in der Liste unten zurückholen, bis es gelöscht wird.",
  cleared: (n, unfinished) =>
    `${count(n, "Eine Nachricht ist entfernt.", n ? "# Nachrichten sind entfernt." : "Es gab nichts zu entfernen.")}${unfinished ? " Der Rest folgt von selbst." : ""}`,
  restored: (n, unfinished) =>
    `${count(n, "Eine Nachricht ist wieder da.", "# Nachrichten sind wieder da.")}${unfinished ? " Der Rest folgt von selbst." : ""}`,
  erased: (n, unfinished) =>
    `${count(n, "Eine Nachricht ist gelöscht.", n ? "# Nachrichten sind gelöscht." : "Es gab nichts zu löschen.")}${unfinished ? " Der Rest folgt von selbst." : ""}`,
  clear: "Alle Nachrichten entfernen…",
  clearSure: "Wirklich alle entfernen?",
  erase: "Entferntes löschen…",
  eraseSure: "Wirklich? Niemand kann es zurückholen",
};

export const doorWords = LANGUAGE === "de" ? german : english;
