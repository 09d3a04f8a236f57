/** A picture, as large as the window: from one to the next by arrow keys or buttons, and back by Escape. Loaded with the first click on one. */

import { button, byId, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { watchChanges } from "../conversation/changing.js";
import { drawn } from "../conversation/message_tools.js";
import { untranslated } from "../conversation/markup.js";
import { fileWords } from "./file_words.js";

const BACK = "M12.5 4 6.5 10l6 6";
const ON = "m7.5 4 6 6-6 6";

const image = untranslated(element("img"));
const name = untranslated(element("bdi", "file-name"));
const place = element("span", "fine");
const said = element("p", "unseen");
const save = element("a", "quiet", fileWords.saveFile);
const close = button("icon-button", "", () => dialog.close());
const back = tool(fileWords.previous, BACK, -1);
const on = tool(fileWords.next, ON, 1);
const gone = element("p", "note", late.answeredGone);
const dialog = element("dialog", "", element("div", "head", name, place, save, close), element("div", "stage", back, image, gone, on), said);

/** The button in the conversation whose picture is seen. @type {HTMLButtonElement|null} */
let shown = null;

dialog.id = "picture-dialog";
dialog.ariaLabel = fileWords.large;
said.role = "status";
close.ariaLabel = t.close;
close.append(...byId("close-side", HTMLElement).cloneNode(true).childNodes); // the same cross
dialog.addEventListener("keydown", (event) => {
  const step = /** @type {Record<string, 1|-1>} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  go(step);
});
dialog.addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.matches("dialog, .stage")) dialog.close(); // beside the picture
});
dialog.addEventListener("close", () => {
  image.removeAttribute("src");
  shown?.focus(); // where the reader has gone to meanwhile
  shown = null;
});
watchChanges((id, message) => {
  if (!message && dialog.open && !shown?.isConnected) say(null);
});
document.body.append(dialog);

/** @param {HTMLButtonElement} open the button with the picture */
export function openLarge(open) {
  if (dialog.open) return;
  show(open);
  dialog.showModal();
  close.focus();
  said.textContent = ""; // the first one is what was clicked
}

/** @returns {HTMLButtonElement[]} all that can be seen, oldest first */
function all() {
  return [...document.querySelectorAll("#list button.picture")].filter((one) => one instanceof HTMLButtonElement);
}

/** @param {1|-1} step */
function go(step) {
  const buttons = all();
  const at = shown ? buttons.indexOf(shown) : -1;
  const next = at < 0 ? buttons.at(-1) : buttons[at + step];
  if (next) show(next);
}

/** @param {HTMLButtonElement} open */
function show(open) {
  shown = open;
  open.scrollIntoView({ block: "nearest" }); // so that it is there when the reader comes back
  say(open.querySelector("img"));
}

/** @param {HTMLImageElement|null} picture null: it is gone */
function say(picture) {
  const buttons = all();
  const at = shown ? buttons.indexOf(shown) : -1;
  image.hidden = save.hidden = !picture;
  gone.hidden = Boolean(picture);
  back.hidden = picture ? at <= 0 : buttons.length === 0;
  on.hidden = !picture || at === buttons.length - 1;
  place.textContent = picture && buttons.length > 1 ? fileWords.ofAll(at + 1, buttons.length) : "";
  if (dialog.open && (document.activeElement === document.body || document.activeElement?.matches("[hidden]"))) close.focus();
  if (!picture) {
    image.removeAttribute("src");
    name.textContent = "";
    said.textContent = late.answeredGone;
    return;
  }
  picture.loading = "eager"; // also one that is not in sight yet
  image.alt = picture.alt;
  [image.width, image.height] = [picture.width, picture.height];
  image.src = save.href = picture.src;
  name.textContent = save.download = picture.dataset.name ?? "";
  said.textContent = `${picture.alt} ${place.textContent}`;
}

/** @param {string} label @param {string} lines @param {1|-1} step */
function tool(label, lines, step) {
  const made = button(`icon-button ${step < 0 ? "back" : "on"}`, "", () => go(step));
  made.ariaLabel = made.title = label;
  made.append(drawn(lines));
  return made;
}
