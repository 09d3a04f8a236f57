/** What the page says of pictures and files, in both languages. */

/**
 * @typedef {object} SharedFile a picture or file of a message
 * @property {string} [id] missing while it is on its way to the server
 * @property {string} name
 * @property {string} type of the four kinds of pictures, or application/octet-stream
 * @property {number} size bytes
 * @property {number} [width] of a picture, in pixels, as its sender says
 * @property {number} [height]
 * @property {string} [alt] what a picture shows, for people who cannot see it
 */

import { LANGUAGE } from "../base/language.js";

/** How large something is: "48 kB". @param {number} bytes */
export function sizeText(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** at;
  const options = { style: "unit", unit: units[at], maximumFractionDigits: at > 1 && value < 10 ? 1 : 0 };
  return value.toLocaleString(LANGUAGE, /** @type {Intl.NumberFormatOptions} */ (options));
}

const english = {
  // Showing
  picture: /** @param {string} name */ (name) => `Picture: ${name}`,
  showPicture: /** @param {string} size */ (size) => `Show the picture (${size})`,
  file: "File:",
  gone: "This file was removed.",
  notLoaded: "It could not be loaded.",
  tryAgain: "Try again",
  large: "Pictures",
  previous: "Previous picture",
  next: "Next picture",
  ofAll: /** @param {number} n @param {number} all */ (n, all) => `${n} of ${all}`,
  saveFile: "Save",

  // Sending
  clip: "Add a picture or file",
  noFiles: "Files and pictures cannot be sent here.",
  onlyHosts: "In this room, only hosts send files and pictures.",
  nobody: "In this room, files and pictures are not sent: a host has decided so.",
  attached: "Goes with your message",
  describe: "Describe it for people who cannot see it (optional)",
  canBeDescribed: "Above the message, you can describe pictures for people who cannot see them.",
  preparing: "One moment…",
  takeOut: /** @param {string} name */ (name) => `Do not send ${name}`,
  asFile: "Send as a file",
  asItIs: "Goes unchanged, with everything that it says about itself, such as the place where it was taken.",
  mayMove: "May move, so it goes unchanged, with everything that it says about itself.",
  canvasLies: "This browser lets the page make no picture smaller: it goes unchanged, with everything that it says about itself, such as the place where it was taken.",
  tooMany: /** @param {number} n */ (n) => `At most ${n} at once: the rest was left out.`,
  unreadable: /** @param {string} name */ (name) => `${name} cannot be read. A folder cannot be sent.`,
  isEmpty: /** @param {string} name */ (name) => `${name} is empty.`,
  tooLarge: /** @param {string} name @param {string} most */ (name, most) => `${name} is too large: ${most} at most can be sent here.`,
  waiting: "Waits to be sent",
  uploading: /** @param {number} percent */ (percent) => `Sending: ${percent} %`,
  again: "The connection broke: it begins again…",
  lost: "Its file went with the page. Choose it once more; the text is not lost.",
  failed: "The file did not get through.",
  /** By the code of the API, or of a frame. @type {Record<string, string>} */
  reasons: {
    "too-large": "The file is too large for this server.",
    "no-space": "There is no space left for files. Messages without them can be sent.",
    "too-many-files": "You have sent many files in a short time. Wait some minutes, then try again.",
    "no-files": "Files and pictures cannot be sent here.",
    "files-off": "A host has decided that no files are sent in this room, or only by hosts.",
    "no-such-file": "The file has waited too long for its message. Try again.",
    "bad-token": "The server does not know you any more. Load the page again.",
    muted: "A host has asked you to be quiet.",
    paused: "The rules of this room do not let you write now.",
    busy: "Too many people send files now. Try again.",
    "unknown-origin": "This address is not one from which the server takes files.",
  },
};

/** @type {typeof english} */
const german = {
  picture: (name) => `Bild: ${name}`,
  showPicture: (size) => `Bild zeigen (${size})`,
  file: "Datei:",
  gone: "Diese Datei wurde entfernt.",
  notLoaded: "Das ließ sich nicht laden.",
  tryAgain: "Noch einmal versuchen",
  large: "Bilder",
  previous: "Voriges Bild",
  next: "Nächstes Bild",
  ofAll: (n, all) => `${n} von ${all}`,
  saveFile: "Speichern",

  clip: "Bild oder Datei hinzufügen",
  noFiles: "Dateien und Bilder lassen sich hier nicht senden.",
  onlyHosts: "In diesem Raum sendet nur die Leitung Dateien und Bilder.",
  nobody: "In diesem Raum werden keine Dateien und Bilder gesendet: Das hat die Leitung entschieden.",
  attached: "Geht mit deiner Nachricht",
  describe: "Beschreib es für Leute, die es nicht sehen können (freiwillig)",
  canBeDescribed: "Über der Nachricht kannst du Bilder für Leute beschreiben, die sie nicht sehen können.",
  preparing: "Einen Moment…",
  takeOut: (name) => `${name} nicht senden`,
  asFile: "Als Datei senden",
  asItIs: "Geht unverändert, mit allem, was darin steht, zum Beispiel dem Ort der Aufnahme.",
  mayMove: "Bewegt sich vielleicht und geht darum unverändert, mit allem, was darin steht.",
  canvasLies: "Dieser Browser lässt die Seite kein Bild verkleinern: Es geht unverändert, mit allem, was darin steht, zum Beispiel dem Ort der Aufnahme.",
  tooMany: (n) => `Höchstens ${n} auf einmal: Der Rest wurde weggelassen.`,
  unreadable: (name) => `${name} lässt sich nicht lesen. Ein Ordner lässt sich nicht senden.`,
  isEmpty: (name) => `${name} ist leer.`,
  tooLarge: (name, most) => `${name} ist zu groß: Hier lassen sich höchstens ${most} senden.`,
  waiting: "Wartet auf das Senden",
  uploading: (percent) => `Wird gesendet: ${percent} %`,
  again: "Die Verbindung ist abgerissen: Es beginnt von vorn…",
  lost: "Ihre Datei ist mit der Seite gegangen. Wähle sie noch einmal aus; der Text ist nicht verloren.",
  failed: "Die Datei kam nicht durch.",
  reasons: {
    "too-large": "Die Datei ist zu groß für diesen Server.",
    "no-space": "Für Dateien ist kein Platz mehr. Nachrichten ohne lassen sich senden.",
    "too-many-files": "Du hast in kurzer Zeit viele Dateien gesendet. Warte einige Minuten und versuch es dann noch einmal.",
    "no-files": "Dateien und Bilder lassen sich hier nicht senden.",
    "files-off": "Die Leitung hat entschieden, dass hier keine Dateien gesendet werden, oder nur von ihr.",
    "no-such-file": "Die Datei hat zu lange auf ihre Nachricht gewartet. Versuch es noch einmal.",
    "bad-token": "Der Server kennt dich nicht mehr. Lade die Seite neu.",
    muted: "Die Leitung hat dich gebeten, still zu sein.",
    paused: "Die Regeln dieses Raums lassen dich gerade nicht schreiben.",
    busy: "Gerade senden zu viele Leute Dateien. Versuch es noch einmal.",
    "unknown-origin": "Von dieser Adresse nimmt der Server keine Dateien an.",
  },
};

export const fileWords = LANGUAGE === "de" ? german : english;
