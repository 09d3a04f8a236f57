/** Answers: the button on each message, and the line above the box that says what is answered. */

import { button, byId, describe, element } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import "../base/late_styles.js";
import { t } from "../base/strings.js";
import { MessageTools } from "../conversation/message_tools.js";
import { answeredLine } from "../conversation/row.js";

const ARROW = "M8 5 3.5 9.5 8 14M4 9.5h6.5c3.5 0 6 2 6 5.5";

/**
 * @typedef {object} Parts
 * @property {Pick<import("./composer.js").Composer, "answered"|"notice">} composer
 * @property {() => void} toBox
 * @property {() => void} endEdit what is edited stays as it is
 */
export class Replying {
  #composer;
  #toBox;
  #line = element("p");

  /** @param {Parts} parts */
  constructor({ composer, toBox, endEdit }) {
    this.#composer = composer;
    this.#toBox = toBox;
    this.#line.id = "answering";
    byId("composer", HTMLFormElement).addEventListener("keydown", (event) => this.#key(event), true); // before the edit ends
    new MessageTools(byId("list", HTMLElement), {
      kind: "tools-of-any",
      label: late.anyMessage,
      fits: (item) => Boolean(item.dataset.id),
      tools: [{
        label: late.reply, picture: ARROW, keys: ["r"],
        work: (id) => {
          if (isEditing()) endEdit();
          composer.answered = id;
          byId("body", HTMLTextAreaElement).focus(); // also where that brings a keyboard: to write is what is wanted
        },
      }],
      place: 1,
    });
    this.show();
  }

  /** Say what is answered now, if anything is. */
  show() {
    const id = this.#composer.answered;
    const had = this.#line.contains(document.activeElement);
    if (id) {
      const cancel = button("quiet", t.cancel, () => this.#cancel());
      this.#line.replaceChildren(answeredLine(id), cancel);
      byId("composer", HTMLFormElement).querySelector(".writing")?.before(this.#line);
    } else {
      this.#line.remove();
    }
    if (!isEditing()) describe(byId("body", HTMLTextAreaElement), "answering", Boolean(id));
    if (had) this.#toBox();
  }

  #cancel() {
    this.#composer.answered = "";
    this.#toBox();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || event.isComposing || !this.#composer.answered || isEditing()) return;
    event.stopPropagation(); // it means no more than that
    this.#cancel();
  }
}

function isEditing() {
  return document.getElementById("editing") !== null;
}
