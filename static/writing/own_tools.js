/** What can be done with an own message. */

import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { MessageTools } from "../conversation/message_tools.js";

const PENCIL = "m4 16 .7-3.3 8.6-8.6 2.6 2.6-8.6 8.6zM11.6 5.8l2.6 2.6";
export const BIN = "M3.5 5.5h13M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11M8.5 8.5v5M11.5 8.5v5";

/**
 * @param {HTMLElement} list of messages
 * @param {object} hooks
 * @param {(id: string) => boolean} hooks.canEdit
 * @param {(id: string) => void} hooks.edit
 * @param {(id: string) => void} hooks.remove
 */
export function offerOwnTools(list, { canEdit, edit, remove }) {
  new MessageTools(list, {
    kind: "tools-of-own",
    label: late.ownMessage,
    fits: (item) => item.matches(".own"),
    tools: [
      { label: t.edit, picture: PENCIL, keys: ["e"], can: canEdit, work: edit },
      { label: late.remove, picture: BIN, keys: ["delete", "backspace"], work: remove },
    ],
  });
}
