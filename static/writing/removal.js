/** Asks once whether a message is to be deleted. */

import { button, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { watchChanges } from "../conversation/changing.js";
import { excerpt } from "../conversation/excerpt.js";

const MOST_QUOTED = 300; // characters

const title = element("h2", "", late.removeTitle);
const quoted = element("p", "quoted");
const no = button("quiet", t.cancel, () => dialog.close());
const yes = button("strong", late.remove, () => dialog.close("yes"));
const more = element("p", "fine", late.removeMore);
const dialog = element("dialog", "", title, quoted, more, element("div", "buttons", yes, no));
dialog.id = "remove-dialog";
title.id = "remove-title";
quoted.id = "remove-quoted";
quoted.dir = "auto";
more.id = "remove-more";
dialog.setAttribute("aria-labelledby", title.id);
dialog.setAttribute("aria-describedby", `${quoted.id} ${more.id}`);
no.autofocus = true;
document.body.append(dialog);

let asked = ""; // id
watchChanges((id, message) => !message && id === asked && dialog.close()); // the question is settled

/** @param {import("../connection/session.js").Message} message @returns {Promise<boolean>} */
export function askWhetherToRemove(message) {
  if (dialog.open) return Promise.resolve(false);
  asked = message.id;
  dialog.returnValue = "";
  quoted.textContent = excerpt(message, MOST_QUOTED);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
