/** Loads more of the past as the reader nears an edge of the timeline, and says on top how that goes. */

import { button } from "../base/dom.js";
import { late } from "../base/late_strings.js";
import { t } from "../base/strings.js";
import { seqOf } from "../base/text.js";
import { ArchiveError } from "../connection/archive.js";

const AFTER_THE_LAST = 30_000; // ms before the archive is asked again: it had nothing older
const AFTER_TROUBLE = 2_000; // ms before it is asked again: it failed

/** What stands above the first message. */
const TOP_WORDS = { beginning: late.beginning, loading: late.loading, failed: late.cannotLoad, more: "" };

/**
 * @typedef {Pick<import("../connection/archive.js").Archive, "missing"|"older"|"newer">} Archive
 * @typedef {Pick<import("./timeline.js").Timeline, "first"|"last"|"attached"|"prepend"|"extend">} Timeline
 * @typedef {(work: () => void) => void} KeepPlace changes the list while what the reader sees stands still
 */
export class Loader {
  #archive;
  #timeline;
  #keepPlace;
  #announcer;
  #top;
  #look;
  #loadingOlder = false;
  #loadingNewer = false;
  #restsUntil = 0;

  /**
   * @param {object} parts
   * @param {Archive} parts.archive
   * @param {Timeline} parts.timeline
   * @param {KeepPlace} parts.keepPlace
   * @param {import("./conversation.js").Announcer} parts.announcer
   * @param {HTMLElement} parts.top
   * @param {() => void} parts.look see whether the reader is near an edge
   */
  constructor({ archive, timeline, keepPlace, announcer, top, look }) {
    this.#archive = archive;
    this.#timeline = timeline;
    this.#keepPlace = keepPlace;
    this.#announcer = announcer;
    this.#top = top;
    this.#look = look;
  }

  /** The reader nears the first message. */
  async older() {
    const first = this.#timeline.first;
    if (!first || this.#loadingOlder || this.#archive.missing) return;
    if (performance.now() < this.#restsUntil) return;
    if (seqOf(first.id) === 1) return this.say("beginning");
    this.#loadingOlder = true;
    this.say("loading");
    let isLate = false;
    try {
      const messages = await this.#archive.older(first.id);
      isLate = first !== this.#timeline.first;
      if (isLate) return this.say("more");
      this.#announcer.quietly(() =>
        this.#keepPlace(() => {
          this.#timeline.prepend(messages);
          this.say(messages.length ? "more" : "beginning");
        }),
      );
      if (messages.length === 0) this.#rest(AFTER_THE_LAST);
    } catch (error) {
      const gone = this.#archive.missing || (error instanceof ArchiveError && error.status === 404);
      this.say(gone ? "more" : "failed");
      this.#rest(gone ? AFTER_THE_LAST : AFTER_TROUBLE);
    } finally {
      this.#loadingOlder = false;
      if (isLate) this.#look(); // the reader may stand still at the new edge
    }
  }

  /** The reader nears the last message that is shown. */
  async newer() {
    const last = this.#timeline.last;
    if (!last || this.#timeline.attached || this.#loadingNewer || this.#archive.missing) return;
    this.#loadingNewer = true;
    let isLate = false;
    try {
      const messages = await this.#archive.newer(last.id);
      isLate = last !== this.#timeline.last; // as when older ones have pushed it out
      if (isLate) return;
      this.#announcer.quietly(() => this.#keepPlace(() => this.#timeline.extend(messages)));
    } catch {
      // The button still leads to the end.
    } finally {
      this.#loadingNewer = false;
      if (isLate) this.#look();
    }
  }

  /** Say above the first message what is there. @param {keyof typeof TOP_WORDS} what */
  say(what) {
    if (this.#top.dataset.says === what) return;
    this.#top.dataset.says = what;
    const words = TOP_WORDS[what];
    const again = what === "failed" ? [" ", button("quiet", t.tryNow, () => this.#olderNow())] : [];
    this.#keepPlace(() => {
      this.#top.replaceChildren(words, ...again);
      this.#top.hidden = words === "";
    });
  }

  #olderNow() {
    this.#rest(0);
    this.older();
  }

  /** @param {number} pause ms in which the archive is left alone */
  #rest(pause) {
    this.#restsUntil = performance.now() + pause;
  }
}
