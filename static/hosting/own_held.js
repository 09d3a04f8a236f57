/** The reader's own messages that wait for a host, in the outbox: what becomes of them, also while the reader was away. */

import { seqOf } from "../base/text.js";
import { BASE } from "../connection/addresses.js";
import { words } from "./words.js";

const MOST_PAGES = 20; // of 100 messages, in which one is looked for that a host may have approved

export class OwnHeld {
  #parts;
  #requests;

  /** @param {import("./hosting.js").Parts} parts @param {import("./requests.js").Requests} requests */
  constructor(parts, requests) {
    this.#parts = parts;
    this.#requests = requests;
  }

  /** @param {any} frame held or settled @returns {boolean} whether it was about one of these */
  hear({ type, userId, cmid, heldAt, outcome }) {
    const { outbox, store } = this.#parts;
    const isOwn = userId === store.state.me.userId || outbox.items.some((item) => cmid && item.cmid === cmid);
    if (isOwn && type === "held") outbox.change(cmid, { state: "held", unconfirmed: false, heldAt });
    if (isOwn && type === "settled") this.#settle(cmid, outcome);
    return isOwn;
  }

  /** @param {string} cmid @param {string} outcome */
  #settle(cmid, outcome) {
    const { outbox, composer } = this.#parts;
    if (outcome !== "refused") return void outbox.remove(cmid);
    outbox.fail(cmid, words.notApproved);
    composer.notice(words.oneNotApproved);
  }

  /** The reader does not want to say it any more. @param {string} cmid */
  async withdraw(cmid) {
    await this.#requests.again({ type: "withdraw", cmid }).catch((/** @type {import("./hosting.js").Problem} */ { code, detail }) => {
      const said = code === "gone" ? words.decidedAlready : words.refused[code] ?? words.failed(detail);
      this.#parts.composer.notice(said);
    });
  }

  /** The past is over: what still waits has been told before. */
  live() {
    for (const item of this.#parts.outbox.items) if (item.state === "held" && item.unconfirmed) this.#lookFor(item);
  }

  /**
   * A host has decided meanwhile. What was approved is a message, but perhaps not among the newest ones, which came.
   *
   * @param {import("../writing/outbox.js").Item} item
   */
  async #lookFor({ cmid, heldAt = "" }) {
    const { outbox, store, conversation: { timeline }, paint } = this.#parts;
    const { me, room } = store.state;
    try {
      const { Archive } = await import("../connection/archive.js");
      const archive = new Archive(BASE, room);
      let [first] = timeline.tail;
      for (let page = 0; first && seqOf(first.id) > 1 && first.sentAt > heldAt && page < MOST_PAGES; page += 1) {
        const older = await archive.older(first.id);
        if (older.some((message) => message.userId === me.userId && message.cmid === cmid)) outbox.remove(cmid);
        first = older[0];
      }
      if (outbox.items.some((one) => one.cmid === cmid && one.state === "held" && one.unconfirmed)) outbox.fail(cmid, words.notApproved);
    } catch {
      // Without an answer it stays as it is, until the page is live again.
    }
    paint();
  }
}
