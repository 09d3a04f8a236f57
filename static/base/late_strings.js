/** What only the parts of the page say that are loaded later. Both languages: nobody waits for it. */

import { LANGUAGE, count, list } from "./language.js";

const english = {
  beginning: "The conversation begins here.",
  loading: "Loading older messages…",
  cannotLoad: "Older messages could not be loaded.",

  came: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} came`,
  went: /** @param {string[]} names @param {number} more */ (names, more) =>
    `${list(more ? [...names, count(more, "one more", "# more")] : names, "and")} left`,
  isNow: /** @param {string} before @param {string} now */ (before, now) => `${before} is now ${now}`,

  menuUnread: /** @param {number} n */ (n) => `Rooms and people, ${n.toLocaleString(LANGUAGE)} unread`,
  unreadIn: /** @param {number} n */ (n) => count(n, "1 unread", "# unread"),

  showLess: "Show less",

  badRoom: "Invalid room name: use 1 to 64 letters, digits, “_”, “-” or “.”.",
  roomLike: /** @param {string} name */ (name) => `Only letters, digits, “_”, “-” and “.” can be used. How about ${name}?`,
  roomThere: /** @param {string} name */ (name) => `There is a room ${name}. Go there?`,

  searching: "Searching…",
  found: /** @param {number} n @param {boolean} more */ (n, more) =>
    n === 0 ? "Nothing found." : count(n, "One message found.", more ? "The newest # messages found." : "# messages found."),
  searchFailed: /** @param {string} reason */ (reason) => `The search failed: ${reason}`,
  searchMissing: "This server cannot search.",

  printedAt: /** @param {string} date */ (date) => `Printed on ${date}.`,
  printedPart: /** @param {string} first @param {string} last */ (first, last) => `These are the messages from ${first} to ${last}.`,
  printedWhole: /** @param {string} url */ (url) => `The whole conversation is at ${url}`,

  reply: "Reply",
  anyMessage: "This message",
  inReplyTo: "In reply to",
  answeredGone: "This message was removed.",
  backToAnswer: "Back to the reply",

  react: "React",
  reactions: "Reactions",
  reactionKinds: /** @type {Record<string, string>} */ ({ like: "Like", love: "Love", laugh: "Funny", wow: "Wow", question: "Question", done: "Done" }),
  moreReacted: /** @param {number} n */ (n) => count(n, "one more", "# more"),
  and: "and",
  reactionRefused: /** @type {Record<string, string>} */ ({
    offline: "Not connected: your reaction is not there yet. Try again once you are.",
    "no-reactions": "There are no reactions in this room now.",
    gone: "This message was deleted meanwhile.",
    muted: "A host has asked you to be quiet: your reaction is not there.",
    "not-stored": "The server cannot store anything at the moment. Please try again.",
  }),
  reactionFailed: /** @param {string} reason */ (reason) => `Your reaction is not there: ${reason}`,

  editing: "Editing",
  remove: "Delete",
  ownMessage: "Your message",
  removeTitle: "Delete this message?",
  removeMore: "It disappears for everyone, and cannot be brought back.",
  notConnected: "Not connected: nothing is changed yet. Try again once you are.",
  nothingToEdit: "There is no message of yours here that can still be edited.",
  goneMeanwhile: "This message was deleted meanwhile.",
  keptAsDraft: "What you wrote is in the box.",
  changeRefused: /** @type {Record<string, string>} */ ({
    "not-host": "You wrote this as a host, and are none any more. Write it anew.",
    "not-yours": "Only whoever wrote a message can change it.",
    "too-late": "The time in which this message could be edited is over.",
    gone: "This message was deleted already.",
    paused: "The rules of this room do not let you edit now: the message is unchanged.",
    muted: "A host has asked you to be quiet: the message is unchanged.",
    "not-stored": "The server cannot store anything at the moment: the message is unchanged. Please try again.",
  }),
  changeFailed: /** @param {string} reason */ (reason) => `The message is unchanged: ${reason}`,
};

/** @type {typeof english} */
const german = {
  beginning: "Hier beginnt das Gespräch.",
  loading: "Ältere Nachrichten werden geladen…",
  cannotLoad: "Ältere Nachrichten konnten nicht geladen werden.",

  came: (names, more) =>
    `${list(more ? [...names, count(more, "noch jemand", "# weitere")] : names, "und")} ${names.length + more === 1 ? "ist" : "sind"} gekommen`,
  went: (names, more) =>
    `${list(more ? [...names, count(more, "noch jemand", "# weitere")] : names, "und")} ${names.length + more === 1 ? "ist" : "sind"} gegangen`,
  isNow: (before, now) => `${before} heißt jetzt ${now}`,

  menuUnread: (n) => `Räume und Leute, ${n.toLocaleString(LANGUAGE)} ungelesen`,
  unreadIn: (n) => count(n, "1 ungelesen", "# ungelesen"),

  showLess: "Weniger zeigen",

  badRoom: "Der Name eines Raums hat 1 bis 64 Buchstaben, Ziffern, „_“, „-“ oder „.“.",
  roomLike: (name) => `Nur Buchstaben, Ziffern, „_“, „-“ und „.“ sind möglich. Vielleicht ${name}?`,
  roomThere: (name) => `Es gibt einen Raum ${name}. Dorthin?`,

  searching: "Suche läuft…",
  found: (n, more) =>
    n === 0 ? "Nichts gefunden." : count(n, "Eine Nachricht gefunden.", more ? "Die neuesten # Nachrichten gefunden." : "# Nachrichten gefunden."),
  searchFailed: (reason) => `Die Suche ist fehlgeschlagen: ${reason}`,
  searchMissing: "Dieser Server kann nicht suchen.",

  printedAt: (date) => `Gedruckt am ${date}.`,
  printedPart: (first, last) => `Das sind die Nachrichten vom ${first} bis zum ${last}.`,
  printedWhole: (url) => `Das ganze Gespräch gibt es unter ${url}`,

  reply: "Antworten",
  anyMessage: "Diese Nachricht",
  inReplyTo: "Antwort auf",
  answeredGone: "Diese Nachricht wurde entfernt.",
  backToAnswer: "Zurück zur Antwort",

  react: "Reagieren",
  reactions: "Reaktionen",
  reactionKinds: { like: "Gefällt mir", love: "Herz", laugh: "Lustig", wow: "Staunen", question: "Frage", done: "Erledigt" },
  moreReacted: (n) => count(n, "noch jemand", "# weitere"),
  and: "und",
  reactionRefused: {
    offline: "Nicht verbunden: Deine Reaktion ist noch nicht da. Versuch es noch einmal, sobald du es bist.",
    "no-reactions": "In diesem Raum gibt es gerade keine Reaktionen.",
    gone: "Diese Nachricht wurde inzwischen gelöscht.",
    muted: "Die Leitung hat dich gebeten, still zu sein: Deine Reaktion ist nicht da.",
    "not-stored": "Der Server kann gerade nichts speichern. Bitte versuch es noch einmal.",
  },
  reactionFailed: (reason) => `Deine Reaktion ist nicht da: ${reason}`,

  editing: "Bearbeiten",
  remove: "Löschen",
  ownMessage: "Deine Nachricht",
  removeTitle: "Diese Nachricht löschen?",
  removeMore: "Sie verschwindet für alle und lässt sich nicht zurückholen.",
  notConnected: "Nicht verbunden: Noch ist nichts geändert. Versuch es noch einmal, sobald du es bist.",
  nothingToEdit: "Hier ist keine Nachricht von dir, die sich noch bearbeiten lässt.",
  goneMeanwhile: "Diese Nachricht wurde inzwischen gelöscht.",
  keptAsDraft: "Was du geschrieben hast, steht im Feld.",
  changeRefused: {
    "not-host": "Das hast du als Leitung geschrieben, und zu der gehörst du nicht mehr. Schreib es neu.",
    "not-yours": "Nur wer eine Nachricht geschrieben hat, kann sie ändern.",
    "too-late": "Die Zeit, in der sich diese Nachricht bearbeiten ließ, ist um.",
    gone: "Diese Nachricht ist schon gelöscht.",
    paused: "Die Regeln dieses Raums lassen dich gerade nichts bearbeiten: Die Nachricht ist unverändert.",
    muted: "Die Leitung hat dich gebeten, still zu sein: Die Nachricht ist unverändert.",
    "not-stored": "Der Server kann gerade nichts speichern: Die Nachricht ist unverändert. Bitte versuch es noch einmal.",
  },
  changeFailed: (reason) => `Die Nachricht ist unverändert: ${reason}`,
};

export const late = LANGUAGE === "de" ? german : english;
