/** What the server has of the reader, in all its rooms: to download, and to erase. Loaded when it is first opened. */

import { button, element } from "../base/dom.js";
import { LANGUAGE } from "../base/language.js";
import "../base/late_styles.js";
import { recall } from "../base/storage.js";
import { t } from "../base/strings.js";
import { at } from "../connection/addresses.js";
import { sheet } from "../shell/dialogs.js";

const OWN = "chat:"; // what the page keeps in this browser begins so
const SETTINGS = "chat:settings"; // which say nothing of anybody

const english = {
  title: "What this server knows of you",
  what: "Your messages in all rooms, your pictures and files, your reactions, what waits for a host, and what hosts have noted about you. What others wrote is not yours.",
  download: "Download everything",
  downloading: "Being collected…",
  downloaded: "It is in your downloads: an archive with a text for programs, and your files.",
  erase: "Erase everything…",
  sure: "Erase it for good? Nobody can bring it back, no host either. Where something stood, others read that it was removed. Backups of the server may still have it for a while. Then you come in as somebody new.",
  yes: "Erase for good",
  erasing: "Being erased…",
  /** @type {Record<string, string>} */
  reasons: {
    "bad-token": "The server does not know you any more: there is nothing that it could show.",
    busy: "Others ask for theirs right now. Try again in a minute.",
    "too-many": "Much is being removed from a room right now. Try again in a minute.",
  },
  failed: "The server did not answer as it should. Try again; what was begun goes on.",
};

/** @type {typeof english} */
const german = {
  title: "Was dieser Server von dir weiß",
  what: "Deine Nachrichten in allen Räumen, deine Bilder und Dateien, deine Reaktionen, was auf die Leitung wartet, und was die Leitung über dich vermerkt hat. Was andere geschrieben haben, gehört dir nicht.",
  download: "Alles herunterladen",
  downloading: "Wird zusammengestellt…",
  downloaded: "Es ist bei deinen Downloads: ein Archiv mit einem Text für Programme und deinen Dateien.",
  erase: "Alles löschen…",
  sure: "Endgültig löschen? Niemand kann es zurückholen, auch die Leitung nicht. Wo etwas stand, lesen andere, dass es entfernt wurde. In Sicherungen des Servers kann es noch eine Weile sein. Danach kommst du als jemand Neues herein.",
  yes: "Endgültig löschen",
  erasing: "Wird gelöscht…",
  reasons: {
    "bad-token": "Der Server kennt dich nicht mehr: Es gibt nichts, was er zeigen könnte.",
    busy: "Gerade fragen andere nach dem Ihren. Versuch es in einer Minute noch einmal.",
    "too-many": "Aus einem Raum wird gerade vieles entfernt. Versuch es in einer Minute noch einmal.",
  },
  failed: "Der Server hat nicht geantwortet, wie er sollte. Versuch es noch einmal; was begonnen ist, geht weiter.",
};

const words = LANGUAGE === "de" ? german : english;

/** @type {HTMLDialogElement|null} */
let dialog = null;

const said = element("p", "fine");
const erase = button("quiet danger", words.erase, () => ask(true));
const download = button("quiet", words.download, () => act(words.downloading, save));
const no = button("quiet", t.cancel, () => ask(false));
const yes = button("strong", words.yes, () => act(words.erasing, forget));
const sure = element("div", "", element("p", "", words.sure), element("div", "buttons", yes, no));

export function openMine() {
  if (!dialog) {
    said.role = "status";
    dialog = sheet("mine-dialog", words.title, element("p", "", words.what), element("div", "buttons", download, erase), sure, said);
  }
  said.textContent = "";
  sure.hidden = true;
  dialog.showModal();
}

/** @param {boolean} isAsked */
function ask(isAsked) {
  sure.hidden = !isAsked;
  (isAsked ? no : erase).focus();
}

/** One thing at a time, and what came of it. @param {string} meanwhile @param {() => Promise<string>} work */
async function act(meanwhile, work) {
  const buttons = [download, erase, yes, no];
  if (buttons.some(({ ariaDisabled }) => ariaDisabled)) return;
  for (const one of buttons) one.ariaDisabled = "true"; // with the focus where it is
  said.textContent = meanwhile;
  said.textContent = await work().catch(() => words.failed);
  for (const one of buttons) one.ariaDisabled = null;
}

/** @returns {Promise<string>} what to say */
async function save() {
  const reply = await request("GET", "api/me.zip");
  if (!reply.ok) return whyNot(reply);
  const link = element("a");
  link.href = URL.createObjectURL(await reply.blob());
  link.download = "chatroom.zip";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once it is saved
  return words.downloaded;
}

/** @returns {Promise<string>} what to say */
async function forget() {
  const reply = await request("DELETE", "api/me");
  if (!reply.ok) return whyNot(reply);
  for (const key of Object.keys(localStorage)) if (key.startsWith(OWN) && key !== SETTINGS) localStorage.removeItem(key);
  location.reload();
  return words.erasing;
}

/** @param {string} method @param {string} path */
function request(method, path) {
  return fetch(at(path), { method, headers: { Authorization: `Bearer ${recall("chat:token")}` }, cache: "no-store" });
}

/** @param {Response} reply */
async function whyNot(reply) {
  const { code = "" } = await reply.json();
  return words.reasons[code] ?? words.failed;
}
