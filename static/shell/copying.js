/** A button that copies an address, or a code. Loaded with what has one. */

import { button } from "../base/dom.js";
import { more } from "../base/more_strings.js";

const COPIED_FOR = 2_000; // ms for which the button says so

/** @param {HTMLElement} address it shows, on which the reader can see what is copied */
export function copyButton(address) {
  const made = button("strong copy", more.copy, async () => {
    await copy(address);
    made.textContent = more.copied;
    setTimeout(() => (made.textContent = more.copy), COPIED_FOR);
  });
  return made;
}

/** Plain http has no clipboard, so the old way is the second. @param {HTMLElement} address */
async function copy(address) {
  const said = address instanceof HTMLAnchorElement ? address.href : address.textContent;
  try {
    await navigator.clipboard.writeText(said);
  } catch {
    const hand = (/** @type {ClipboardEvent} */ event) => {
      event.clipboardData?.setData("text/plain", said);
      event.preventDefault();
    };
    document.addEventListener("copy", hand);
    getSelection()?.selectAllChildren(address);
    document.execCommand("copy");
    document.removeEventListener("copy", hand);
  }
}
