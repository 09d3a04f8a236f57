/** A picture, as large as the window: from one to the next by arrow keys or buttons, and back by Escape. Loaded with the first click on one. */

import { button, byId, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { watchChanges } from "../conversation/changing.js";
import { drawn } from "../conversation/message_tools.js";
import { untranslated } from "../conversation/markup.js";
import { fileWords } from "./file_words.js";
import { THUMBNAIL } from "./view_pass.js";

const BACK = "M12.5 4 6.5 10l6 6";
const ON = "m7.5 4 6 6-6 6";
const LONG = 300; // characters

const image = untranslated(element("img"));
const name = untranslated(element("bdi", "file-name"));
const place = element("span", "fine");
const said = element("p", "unseen");
const save = element("a", "quiet", fileWords.saveFile);
const close = button("icon-button", "", () => dialog.close());
const back = tool(fileWords.previous, BACK, -1);
const on = tool(fileWords.next, ON, 1);
const gone = element("p", "note");
const about = element("p", "described");
const dialog = element("dialog", "", element("div", "head", name, place, save, close), element("div", "stage", back, image, gone, on), about, said);

/** The button in the conversation whose picture is seen. @type {HTMLButtonElement|null} */
let shown = null;
let looks = 0; // at a picture, or at none
/** Another address of a picture that did not come. @type {(picture: HTMLImageElement) => Promise<string>} */
let anew = async () => "";

dialog.id = "picture-dialog";
dialog.ariaLabel = fileWords.large;
said.role = "status";
about.dir = "auto";
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
  looks += 1;
  image.removeAttribute("src");
  shown?.focus(); // where the reader has gone to meanwhile
  shown = null;
});
watchChanges((id, message) => {
  if (!message && dialog.open && !shown?.isConnected) say(null);
});
document.body.append(dialog);

/** @param {HTMLButtonElement} open the button with the picture @param {typeof anew} again */
export function openLarge(open, again) {
  if (dialog.open) return;
  anew = again;
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
  looks += 1;
  const buttons = all();
  const at = shown ? buttons.indexOf(shown) : -1;
  image.hidden = save.hidden = !picture;
  gone.hidden = Boolean(picture);
  gone.textContent = late.answeredGone;
  back.hidden = picture ? at <= 0 : buttons.length === 0;
  on.hidden = !picture || at === buttons.length - 1;
  place.textContent = picture && buttons.length > 1 ? fileWords.ofAll(at + 1, buttons.length) : "";
  if (dialog.open && (document.activeElement === document.body || document.activeElement?.matches("[hidden]"))) close.focus();
  about.textContent = picture?.dataset.described ? picture.alt : "";
  if (about.textContent.length > LONG) about.tabIndex = 0; // it scrolls
  else about.removeAttribute("tabindex");
  if (!picture) {
    image.removeAttribute("src");
    name.textContent = "";
    said.textContent = late.answeredGone;
    return;
  }
  picture.loading = "eager"; // also one that is not in sight yet
  image.alt = picture.alt;
  save.href = picture.dataset.whole ?? picture.src;
  look(picture);
  name.textContent = save.download = picture.dataset.name ?? "";
  said.textContent = `${picture.alt} ${place.textContent}`;
}

/** See the picture itself, and its thumbnail until that has come. @param {HTMLImageElement} picture in the conversation */
async function look(picture) {
  const { src, naturalWidth, naturalHeight, dataset: { small, whole = src } } = picture;
  const hasNone = Math.max(naturalWidth, naturalHeight) > THUMBNAIL; // what came instead is the picture itself
  let address = small && !hasNone ? whole : src;
  const [width, height] = [picture.getAttribute("width"), picture.getAttribute("height")];
  image.className = address === src ? "" : "coming";
  image.style.cssText = width && height && address !== src ? `max-width:min(100%,${width}px);max-height:min(100%,${height}px)` : "";
  image.src = naturalWidth ? src : address;
  if (address === src) return;
  const now = looks;
  let isThere = await decoded(address);
  if (!isThere) isThere = await decoded((address = await anew(picture)));
  if (now !== looks) return; // the reader has gone on
  if (isThere) image.src = address;
  if (isThere) image.className = image.style.cssText = "";
  gone.textContent = fileWords.notLoaded;
  gone.hidden = isThere;
}

/** @param {string} address of a picture, which can be shown at once then @returns {Promise<boolean>} whether it can */
async function decoded(address) {
  const made = new Image();
  made.src = address;
  return made.decode().then(() => true, () => false);
}

/** @param {string} label @param {string} lines @param {1|-1} step */
function tool(label, lines, step) {
  const made = button(`icon-button ${step < 0 ? "back" : "on"}`, "", () => go(step));
  made.ariaLabel = made.title = label;
  made.append(drawn(lines));
  return made;
}
