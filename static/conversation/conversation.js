/**
 * The reader in front of the timeline: what comes to them, where they look, and the way to the end.
 * unread.js has what is unread, loader.js more of the past.
 */

import { byId, element, later } from "../base/dom.js";
import { t } from "../base/strings.js";
import { fillAnswered, fillFiles, renameDays } from "./row.js";
import { Follower } from "./scroll.js";
import { Timeline } from "./timeline.js";
import { Unread, isReadMark, lastRead } from "./unread.js";

const SETTLE = 400; // ms after which what was put into the log is no longer read out

const folding = later(() => import("./folding.js"));
const changing = later(() => import("./changing.js"));
const happening = later(() => import("../people/happenings.js"));
const loading = later(() => import("./loader.js")); // without the server there is nothing that it could do, either
later(() => import("./search.js")); // which keys.js opens
later(async () => (await import("./printing.js")).printAll(document.body.dataset.room ?? ""));
const MESSAGE_ID = /^\d+-\w+$/;
const SHOWN_FOR = 3_000; // ms for which a message stands out after a link has led to it

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
  #past;
  #hooks;
  #log = byId("messages", HTMLElement);
  #scroller = byId("scroller", HTMLElement);
  #empty = byId("empty", HTMLElement);
  #newer = byId("newer", HTMLButtonElement);
  #timeline;
  #follower;
  #announcer = new Announcer(this.#log);
  #unread;
  /** @type {import("./loader.js").Loader|null} */
  #loader = null;
  #begun = false;
  /** @type {[string, Message|null, string][]} */
  #changes = [];
  /** @type {{node: HTMLLIElement, news: ["joined"|"left"|"renamed", Person, string][], happenings?: import("../people/happenings.js").Happenings}|null} */
  #note = null;

  /**
   * @param {import("../base/store.js").Store} store
   * @param {() => Promise<import("../connection/archive.js").Archive>} past
   * @param {Hooks} hooks
   */
  constructor(store, past, hooks) {
    this.#store = store;
    this.#past = past;
    this.#hooks = hooks;
    this.#timeline = new Timeline(byId("list", HTMLElement), () => store.state.me);
    this.#follower = new Follower(
      { scroller: this.#scroller, content: byId("script", HTMLElement), list: byId("list", HTMLElement) },
      {
        onMove: () => this.#moved(),
        onNearTop: () => this.#begun && this.#load("older"),
        onNearEnd: () => this.#timeline.attached || this.#load("newer"),
      },
    );
    this.#unread = new Unread({
      store, timeline: this.#timeline, follower: this.#follower, log: this.#log, news: hooks.news,
    });
    const answers = later(async () => new (await import("./answers.js")).Answers(this.#timeline, past, (id) => this.reveal(id)));
    fillAnswered((line, id) => answers().then((part) => part.fill(line, id), () => {})); // without it, it says no more than that
    const pictures = later(async () => new (await import("../files/pictures.js")).Pictures(store));
    fillFiles((...place) => pictures().then((part) => part.fill(...place), () => {}));
    this.#newer.addEventListener("click", () => this.toNewest());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#returned());
    /** @param {() => void} work @param {Element} still */
    const change = (work, still) => this.#announcer.quietly(() => this.#follower.keepPlace(work, still));
    this.#log.addEventListener("click", ({ target }) => {
      const more = target instanceof Element && target.closest(".more");
      if (more) folding().then((part) => part.toggle(more, change), () => hooks.problem(t.unreachable));
    });
    this.#log.addEventListener("scroll", ({ target }) => {
      if (target instanceof Element && target.matches(".folded .text")) folding().then((part) => part.uncover(target, change), () => {});
    }, true);
    const walking = later(async () => (await import("./walking.js")).walkByKeys(byId("list", HTMLElement)));
    this.#log.addEventListener("focusin", () => walking().catch(() => {}), { once: true });
    document.addEventListener("click", ({ target }) => {
      const link = target instanceof Element && target.closest("a");
      if (link && link.href === location.href) this.reveal(link.hash.slice(1)); // fires no hashchange
    });
    addEventListener("storage", ({ key }) => isReadMark(key) && this.#readElsewhere());
  }

  // -- what the server tells -----------------------------------------------------------------

  /** The past comes next. @param {boolean|undefined} recovered @param {string} last id of the room's newest message */
  welcome(recovered, last) {
    this.#announcer.quiet();
    this.#unread.welcome(recovered, this.#begun, last);
  }

  /** @param {Message} message @param {boolean} live @returns {boolean} whether it is new, and another's */
  message(message, live) {
    return this.#timeline.add(message) && this.#unread.message(message, live);
  }

  /** The past is over. */
  live() {
    this.paint();
    const begun = this.#begun;
    if (!begun) this.#begin();
    this.#unread.live(begun);
    this.#announcer.settle();
    this.#change();
    if (!this.#empty.hidden) this.#invite();
  }

  /** Nothing was said here yet: there is an invitation until something is. */
  async #invite() {
    const part = await import("../shell/invitation.js").catch(() => null);
    part?.inviteInto(byId("empty-invite", HTMLElement), this.#store.state.room);
  }

  /** @param {string} id @param {Message|null} message how it reads now; null: it is gone @param {string} [by] whom */
  changed(id, message, by = "") {
    this.#changes.push([id, message, by]);
    this.#change();
  }

  async #change() {
    if (!this.#changes.length) return;
    const [part, archive] = await Promise.all([changing(), this.#past()]).catch(() => []); // else with the next one
    if (!part || !archive) return;
    const me = this.#store.state.me.userName;
    const parts = { archive, timeline: this.#timeline, follower: this.#follower, unread: this.#unread, me };
    for (const change of this.#changes.splice(0)) part.change(parts, ...change);
    this.paint();
  }

  /** @param {"joined"|"left"|"renamed"} kind @param {Person} person @param {string} before */
  happened(kind, person, before) {
    if (!this.#note || this.#timeline.lastNote !== this.#note.node) {
      const node = element("li", "note people");
      node.ariaLive = "off";
      this.#note = { node, news: [] };
      this.#timeline.addNote(node);
    }
    const note = this.#note;
    note.news.push([kind, person, before]);
    happening().then(({ Happenings }) => {
      const told = (note.happenings ??= new Happenings());
      for (const one of note.news.splice(0)) told.add(...one);
      note.node.textContent = told.sentences().join(" · ");
    }, () => {}); // else with the next one
  }

  // -- on the page ----------------------------------------------------------------------------

  /** Put onto the page what has come. @param {() => void} [alongside] what changes the page together with it */
  paint(alongside = () => {}) {
    const following = this.#follower.atEnd;
    // At first, and while the page is hidden, the first unread message must stay on the page.
    const unseen = !this.#begun || (document.hidden && this.#unread.hasNews);
    this.#timeline.flush(following && !unseen);
    alongside();
    this.#empty.hidden = !this.#begun || !this.#timeline.empty;
    if (following) this.#follower.toEnd();
    this.#moved();
  }

  get timeline() {
    return this.#timeline;
  }

  get continues() {
    return this.#timeline.attached && this.#timeline.continues();
  }

  /** The reader says something: the lines have served their purpose, and the end is where to look. */
  spoke() {
    this.#unread.spoke();
    this.toNewest();
  }

  toNewest() {
    // Forget where a link led: when reloaded, the page begins at what is unread.
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    if (!this.#timeline.attached) this.#announcer.quietly(() => this.#timeline.attach());
    this.#follower.toEnd();
  }

  /** @param {number} pages */
  scrollBy(pages) {
    this.#follower.scrollBy(pages);
  }

  renameDays() {
    renameDays(byId("list", HTMLElement));
  }

  /** Lead the reader to a message, wherever in the past it is. @param {string} id */
  async reveal(id) {
    if (!this.#begun || !MESSAGE_ID.test(id)) return; // begin() looks at the address itself
    let node = this.#timeline.find(id);
    if (!node) {
      await this.#past().then((archive) => archive.around(id)).then((found) => this.#show(found), () => {});
      node = this.#timeline.find(id);
    }
    if (!node) return this.#hooks.problem(t.notFound);
    const shown = node;
    this.#follower.reveal(shown, "center");
    shown.focus({ preventScroll: true });
    shown.classList.add("shown");
    setTimeout(() => shown.classList.remove("shown"), SHOWN_FOR);
  }

  /** More of the past. @param {"older"|"newer"} which */
  async #load(which) {
    const [part, archive] = await Promise.all([loading(), this.#past()]).catch(() => []);
    if (!part || !archive) return;
    this.#loader ??= new part.Loader({
      archive, timeline: this.#timeline, keepPlace: (work) => this.#follower.keepPlace(work),
      announcer: this.#announcer, top: byId("top-words", HTMLElement), look: () => this.#follower.look(),
    });
    this.#loader[which]();
  }

  /** Show what is around a message, wherever in the past. @param {Message[]} messages */
  #show(messages) {
    this.#announcer.quietly(() => this.#timeline.show(messages));
    this.#loader?.say("more");
  }

  // -- where the reader is --------------------------------------------------------------------

  /** The first time that the past is over: begin where the reader left off, or where a link leads. */
  #begin() {
    const linked = location.hash.slice(1); // or "body", where the link to the box has led
    this.#follower.toEnd();
    const isFurtherUp = this.#unread.begin();
    if (isFurtherUp && !MESSAGE_ID.test(linked)) this.#beginFurtherUp();
    this.#begun = true; // only from here on does what is in sight count as read
    this.#empty.hidden = !this.#timeline.empty;
    this.reveal(linked);
    this.#follower.look();
  }

  /** More is unread than has come: the first of it is in the archive. */
  async #beginFurtherUp() {
    const read = lastRead(this.#store.state.room) ?? "";
    const past = this.#past();
    const around = past.then((archive) => archive.around(read));
    const messages = await around.catch(() => past.then((archive) => archive.newer(read))).catch(() => []); // it may be gone
    const id = this.#unread.firstOf(messages);
    if (!id || !this.#unread.count) return; // the reader has gone to the end meanwhile
    this.#show(messages);
    this.#unread.leadTo(id);
  }

  #readElsewhere() {
    this.#unread.readElsewhere();
    this.#moved();
  }

  /** The page is looked at again. */
  #returned() {
    renameDays(byId("list", HTMLElement));
    this.#unread.returned();
    this.#moved();
  }

  /** The reader or the content has moved: is everything read, and is a button to the end needed? */
  #moved() {
    if (!this.#begun) return;
    this.#unread.look();
    const unread = this.#unread.count;
    const away = !this.#timeline.attached || this.#follower.above > 1;
    const wanted = !(this.#follower.atEnd && this.#timeline.attached) && (unread > 0 || away);
    // Focus on a button that vanishes would fall back to the top of the page.
    if (!wanted && document.activeElement === this.#newer) this.#scroller.focus({ preventScroll: true });
    this.#newer.hidden = !wanted;
    const words = unread > 0 ? t.newMessages(unread) : t.toNewest;
    if (wanted && this.#newer.textContent !== words) this.#newer.textContent = words;
  }
}

/** Keeps screen readers to what is news: the log goes live only while nothing is put into it by hand. */
export class Announcer {
  #log;
  #timer = 0;

  /** @param {HTMLElement} log */
  constructor(log) {
    this.#log = log;
  }

  /** What is put into the log from here on is not news. */
  quiet() {
    clearTimeout(this.#timer);
    this.#log.ariaBusy = "true";
    this.#log.ariaLive = "off";
  }

  /** What comes from now on is news, as soon as the browser has seen what came before. */
  settle() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#log.ariaLive = "polite";
      this.#log.ariaBusy = "false";
    }, SETTLE);
  }

  /** @param {() => void} work puts into the log what is not news */
  quietly(work) {
    this.quiet();
    work();
    this.settle();
  }
}
