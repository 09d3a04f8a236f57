/**
 * The reader in front of the timeline: what is new to them, where they stand, what they want more of.
 */

import { button, byId, element } from "../base/dom.js";
import { t } from "../base/strings.js";
import { seqOf } from "../base/text.js";
import { ArchiveError } from "../connection/archive.js";
import { Happenings } from "../people/people.js";
import { Follower } from "./scroll.js";
import { Timeline, TOP_WORDS } from "./timeline.js";
import { firstUnread, isReadMark, lastRead, setLastRead } from "./unread.js";

const SETTLE = 400; // ms in which what was put on the page by hand is not read out
const MESSAGE_ID = /^\d+-\w+$/;
const SHOWN_FOR = 3_000; // ms that a message stands out to which a link led

/**
 * @typedef {import("../connection/session.js").Message} Message
 * @typedef {import("../connection/session.js").Person} Person
 *
 * @typedef {object} Hooks
 * @property {(words: string) => void} news something about the connection that there is to say
 * @property {(words: string) => void} problem
 */
export class Conversation {
  #store;
  #archive;
  #hooks;
  #log = byId("messages", HTMLElement);
  #scroller = byId("scroller", HTMLElement);
  #top = byId("top-words", HTMLElement);
  #empty = byId("empty", HTMLElement);
  #newer = byId("newer", HTMLButtonElement);
  #timeline;
  #follower;
  #begun = false;
  #gap = false;
  #gapAhead = false;
  /** @type {string[]|null} ids of others' messages, while a resume is under way */
  #missed = null;
  #loadingOlder = false;
  #restsUntil = 0;
  #loadingNewer = false;
  #quietTimer = 0;
  /** @type {{node: HTMLLIElement, happenings: Happenings}|null} */
  #note = null;

  /**
   * @param {import("../base/store.js").Store} store
   * @param {import("../connection/archive.js").Archive} archive
   * @param {Hooks} hooks
   */
  constructor(store, archive, hooks) {
    this.#store = store;
    this.#archive = archive;
    this.#hooks = hooks;
    this.#timeline = new Timeline(byId("list", HTMLElement), () => store.state.me);
    this.#follower = new Follower(
      { scroller: this.#scroller, content: byId("script", HTMLElement) },
      {
        onMove: () => this.#moved(),
        onNearTop: () => this.#loadOlder(),
        onNearEnd: () => this.#loadNewer(),
      },
    );
    this.#newer.addEventListener("click", () => this.toNewest());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#returned());
    // Who unfolds the last message wants to read it from its beginning, and is above the end now.
    this.#log.addEventListener("click", () => this.#follower.look());
    document.addEventListener("click", ({ target }) => {
      const link = target instanceof Element && target.closest("a");
      if (link && link.href === location.href) this.reveal(link.hash.slice(1)); // no hashchange tells of it
    });
    addEventListener("storage", ({ key }) => isReadMark(key) && this.#readElsewhere());
  }

  // -- what the server tells -----------------------------------------------------------------

  /** The past comes next. @param {boolean|undefined} recovered */
  welcome(recovered) {
    this.#quiet();
    this.#missed = recovered === undefined ? null : [];
    this.#gap = recovered === false && this.#begun;
    this.#gapAhead ||= this.#gap;
  }

  /** @param {Message} message @param {boolean} live @returns {boolean} whether it is new, and another's */
  message(message, live) {
    if (!this.#timeline.add(message)) return false;
    if (this.#gapAhead) this.#timeline.mark(message.id, { kind: "gap", text: t.gap });
    this.#gapAhead = false;
    if (this.#timeline.isOwn(message)) return false;
    if (live) this.#arrived(message.id, 1);
    else this.#missed?.push(message.id);
    return true;
  }

  /** The past is over. */
  live() {
    this.paint();
    if (!this.#begun) this.#begin();
    else if (this.#missed?.length) this.#tellMissed(this.#missed);
    if (this.#gap) this.#hooks.news(t.gapTitle);
    this.#missed = null;
    this.#gap = false; // where nothing has come yet, the next message has the gap before it
    this.#settle();
  }

  /** @param {"joined"|"left"|"renamed"} kind @param {Person} person @param {string} before */
  happened(kind, person, before) {
    if (!this.#note || this.#timeline.lastNote !== this.#note.node) {
      const node = element("li", "note people");
      node.ariaLive = "off";
      this.#note = { node, happenings: new Happenings() };
      this.#timeline.addNote(node);
    }
    this.#note.happenings.add(kind, person, before);
    this.#note.node.textContent = this.#note.happenings.sentences().join(" · ");
  }

  // -- on the page ----------------------------------------------------------------------------

  /** Put onto the page what has come. @param {() => void} [alongside] what changes the page together with it */
  paint(alongside = () => {}) {
    const following = this.#follower.atEnd;
    // At the beginning, and where nobody looks, the first unread message stays on the page.
    const isNews = this.#store.state.unread > 0 || Boolean(this.#missed?.length);
    const unseen = !this.#begun || (document.hidden && isNews);
    this.#timeline.flush(following && !unseen);
    alongside();
    this.#empty.hidden = !this.#begun || !this.#timeline.empty;
    if (following) this.#follower.toEnd();
    this.#moved();
  }

  get continues() {
    return this.#timeline.attached && this.#timeline.continues();
  }

  /** The reader says something: then the lines above have served, and the end is where to look. */
  spoke() {
    this.#timeline.unmark("unread");
    this.#timeline.unmark("missed");
    this.toNewest();
  }

  toNewest() {
    // What a link led to is left behind: the page, loaded again, begins at what is unread.
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    if (!this.#timeline.attached) {
      this.#quiet();
      this.#timeline.attach();
      this.#settle();
    }
    this.#follower.toEnd();
  }

  /** @param {number} pages */
  scrollBy(pages) {
    this.#follower.scrollBy(pages);
  }

  renameDays() {
    this.#timeline.renameDays();
  }

  /** Lead the reader to a message, wherever in the past it is. @param {string} id */
  async reveal(id) {
    if (!this.#begun || !MESSAGE_ID.test(id)) return; // begin() looks at the address itself
    let node = this.#timeline.find(id);
    if (!node) {
      try {
        this.#show(await this.#archive.around(id));
        node = this.#timeline.find(id);
      } catch {
        this.#hooks.problem(t.notFound);
        return;
      }
    }
    if (!node) return;
    const shown = node;
    this.#follower.reveal(shown, "center");
    shown.tabIndex = -1;
    shown.focus({ preventScroll: true });
    shown.classList.add("shown");
    setTimeout(() => shown.classList.remove("shown"), SHOWN_FOR);
  }

  /** Show what is around a message, wherever in the past. @param {Message[]} messages */
  #show(messages) {
    this.#quiet();
    this.#timeline.show(messages);
    this.#settle();
    this.#saysTop("more");
  }

  // -- unread ---------------------------------------------------------------------------------

  get #seesTheEnd() {
    return !document.hidden && this.#follower.atEnd && this.#timeline.attached;
  }

  /** @param {string} id of the first @param {number} count of others' messages */
  #arrived(id, count) {
    if (this.#seesTheEnd) return;
    const { unread } = this.#store.state;
    if (unread === 0) this.#drawLine(id);
    this.#store.set({ unread: unread + count });
  }

  /** @param {string[]} ids */
  #tellMissed(ids) {
    this.#arrived(ids[0], ids.length);
    this.#timeline.unmark("unread");
    if (this.#gap) return; // its line is there, and says more
    this.#timeline.mark(ids[0], { kind: "missed", text: t.missedFromHere(ids.length) });
    this.#hooks.news(t.resumed(ids.length));
  }

  /** The first time that the past is over: begin where the reader left off, or where a link leads. */
  #begin() {
    const { id, count, earlier } = this.#unreadOf(this.#timeline.tail);
    this.#follower.toEnd();
    if (id) {
      this.#store.set({ unread: count + earlier });
      if (!earlier) this.#drawLine(id);
      this.#toLine(id);
      if (earlier && !location.hash) this.#beginEarlier();
    }
    this.#begun = true; // only now does what is in sight count as read
    this.#empty.hidden = !this.#timeline.empty;
    this.reveal(location.hash.slice(1));
    this.#follower.look();
  }

  /** More is unread than has come: the first of it is in the archive. */
  async #beginEarlier() {
    const read = lastRead(this.#store.state.room) ?? "";
    const messages = await this.#archive.around(read).catch(() => []);
    const { id } = this.#unreadOf(messages);
    if (!id || !this.#store.state.unread) return; // the reader has gone to the end meanwhile
    this.#show(messages);
    this.#drawLine(id);
    this.#toLine(id);
  }

  /** @param {readonly Message[]} messages */
  #unreadOf(messages) {
    const told = messages.map((message) => ({ id: message.id, own: this.#timeline.isOwn(message) }));
    return firstUnread(told, lastRead(this.#store.state.room));
  }

  /** Another tab has shown its reader what this one has not, perhaps. */
  #readElsewhere() {
    const { count, earlier } = this.#unreadOf(this.#timeline.tail);
    this.#store.set({ unread: Math.min(this.#store.state.unread, count + earlier) });
    this.#moved();
  }

  /** @param {string} id of the first unread message */
  #drawLine(id) {
    this.#timeline.mark(id, { kind: "unread", text: t.unreadFromHere });
  }

  /** @param {string} id */
  #toLine(id) {
    const node = this.#timeline.find(id);
    if (node) this.#follower.reveal(node, "start");
  }

  /** The page is looked at again. */
  #returned() {
    this.#timeline.renameDays();
    const line = this.#log.querySelector(".unread, .missed")?.closest("li");
    if (this.#store.state.unread > 0 && line instanceof HTMLElement && this.#follower.atEnd) {
      this.#follower.reveal(line, "start");
    }
    this.#moved();
  }

  /** The reader or the content has moved: is all read now, is there a way to the end to show? */
  #moved() {
    if (!this.#begun) return;
    const newest = this.#timeline.newest;
    if (this.#seesTheEnd) {
      if (this.#store.state.unread) this.#store.set({ unread: 0 });
      setLastRead(this.#store.state.room, newest?.id ?? "0-0");
    }
    const { unread } = this.#store.state;
    const away = !this.#timeline.attached || this.#follower.above > 1;
    const wanted = !(this.#follower.atEnd && this.#timeline.attached) && (unread > 0 || away);
    // Focus on a button that vanishes would fall back to the top of the page.
    if (!wanted && document.activeElement === this.#newer) this.#scroller.focus({ preventScroll: true });
    this.#newer.hidden = !wanted;
    const words = unread > 0 ? t.newMessages(unread) : t.toNewest;
    if (wanted && this.#newer.textContent !== words) this.#newer.textContent = words;
  }

  // -- more of the past -------------------------------------------------------------------------

  async #loadOlder() {
    const first = this.#timeline.first;
    if (!first || !this.#begun || this.#loadingOlder || this.#archive.missing) return;
    if (performance.now() < this.#restsUntil) return;
    if (seqOf(first.id) === 1) return this.#saysTop("beginning");
    this.#loadingOlder = true;
    this.#saysTop("loading");
    try {
      const messages = await this.#archive.older(first.id);
      if (first !== this.#timeline.first) return;
      this.#quiet();
      this.#follower.keepPlace(() => {
        this.#timeline.prepend(messages);
        this.#saysTop(messages.length ? "more" : "beginning");
      });
      this.#settle();
      if (messages.length === 0) this.#rest(30_000);
    } catch (error) {
      const gone = this.#archive.missing || (error instanceof ArchiveError && error.status === 404);
      this.#saysTop(gone ? "more" : "failed");
      this.#rest(gone ? 30_000 : 2_000);
    } finally {
      this.#loadingOlder = false;
    }
  }

  #loadOlderNow() {
    this.#rest(0);
    this.#loadOlder();
  }

  /** Leave the archive alone for a while: it has no more, or trouble. @param {number} pause ms */
  #rest(pause) {
    this.#restsUntil = performance.now() + pause;
  }

  async #loadNewer() {
    const last = this.#timeline.last;
    if (!last || this.#timeline.attached || this.#loadingNewer || this.#archive.missing) return;
    this.#loadingNewer = true;
    try {
      const messages = await this.#archive.newer(last.id);
      if (last !== this.#timeline.last) return;
      this.#quiet();
      this.#follower.keepPlace(() => this.#timeline.extend(messages));
      this.#settle();
    } catch {
      // The button still leads to the end.
    } finally {
      this.#loadingNewer = false;
    }
  }

  /** @param {keyof typeof TOP_WORDS} what */
  #saysTop(what) {
    if (this.#top.dataset.says === what) return;
    this.#top.dataset.says = what;
    const words = TOP_WORDS[what];
    const again = what === "failed" ? [" ", button("quiet", t.tryNow, () => this.#loadOlderNow())] : [];
    this.#follower.keepPlace(() => {
      this.#top.replaceChildren(words, ...again);
      this.#top.hidden = words === "";
    });
  }

  // -- for who listens to the page -----------------------------------------------------------------

  /** What is put into the log from here on is not news. */
  #quiet() {
    clearTimeout(this.#quietTimer);
    this.#log.ariaBusy = "true";
    this.#log.ariaLive = "off";
  }

  #settle() {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      this.#log.ariaLive = "polite";
      this.#log.ariaBusy = "false";
    }, SETTLE);
  }
}
