/** The whole conversation of a room with a door, as a file: its address alone opens nothing. Loaded where there is such a door. */

import { byId, element } from "../base/dom.js";
import { ask, isClosed } from "../connection/proved.js";
import { words } from "./words.js";

/** @param {string} room @param {(words: string) => void} notice where it cannot be had */
export function saveWithPass(room, notice) {
  const link = byId("save-all", HTMLAnchorElement);
  link.addEventListener("click", async (event) => {
    if (!isClosed()) return;
    event.preventDefault();
    const answer = await ask(room, new URL(link.href)).catch(() => null);
    if (!answer?.ok) return notice(words.refused.offline);
    const file = element("a");
    file.href = URL.createObjectURL(await answer.blob());
    file.download = `${room}.html`;
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 60_000);
  });
}
