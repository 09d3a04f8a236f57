/**
 * The chat room's page: wires its parts and tells what happens when.
 *
 *   composer -> outbox -> session -> connection -> server
 *   server -> connection -> session -> conversation (timeline), outbox, people
 */

import { wireKeys } from "./shell/keys.js";
import { StatusLine } from "./shell/status.js";
import { batched, byId, isTouch, later, loadTheRest } from "./base/dom.js";
import { recall, recallAll, remember, takeSecrets } from "./base/storage.js";
import { applySettings, createStore, keptSettings } from "./base/store.js";
import { because, t, translate } from "./base/strings.js";
import { BASE, at } from "./connection/addresses.js";
import { Connection } from "./connection/connection.js";
import { Session } from "./connection/session.js";
import { Conversation } from "./conversation/conversation.js";
import { lastRead } from "./conversation/unread.js";
import { WayToHosting } from "./hosting/way.js";
import { TypingLine, afterwards, byUserId, passOn, shareColours, showMe, showPeople } from "./people/people.js";
import { NameDialog, whyNot } from "./people/name_dialog.js";
import { Composer } from "./writing/composer.js";
import { Outbox } from "./writing/outbox.js";
import { PendingView } from "./writing/pending.js";

const NAME = "chat:name";
const TOKEN = "chat:token";
const ANSWER_WITHIN = 30_000; // ms for an ack, else the connection is taken for dead
const MOST_PENDING = 200; // messages
const PAINT_EVERY = 100; // ms; each time costs about the same, however many messages have come
const REST_AFTER = 1_000; // ms; first comes the conversation
const REPLACED = 4001;
const REFUSALS = new Set([1003, 1007, 1009]); // closed over a frame that the server will not have

takeSecrets();
translate(document);

/** @type {import("./connection/connection.js").Early} */
const early = /** @type {any} */ (window).early;
const { room = "lobby", maxNameLength, maxMessageBytes } = document.body.dataset;
const store = createStore({
  connection: "naming", room, me: { userId: "", userName: String(recall(NAME) ?? "") },
  people: new Map(), roles: new Map(), role: "", count: 0, unread: 0, elsewhere: 0, ...keptSettings(),
  limits: { maxNameLength: Number(maxNameLength), maxMessageBytes: Number(maxMessageBytes) },
});

const outbox = new Outbox(room, { remember, recallAll });
const past = later(async () => new (await import("./connection/archive.js")).Archive(BASE, room));
const nameDialog = new NameDialog(room, () => store.state.limits.maxNameLength);
const typing = new TypingLine(byId("typing", HTMLElement));
const attention = later(async () => new (await import("./shell/attention.js")).Attention(store, room));
const rooms = later(async () => {
  const { RoomList } = await import("./rooms/rooms.js");
  return new RoomList(store, (name, since) => attention().then((part) => part.elsewhere(name, since), () => {}));
});
const status = new StatusLine({
  line: byId("status", HTMLElement), words: byId("status-words", HTMLElement),
  countdown: byId("countdown", HTMLElement), button: byId("try-now", HTMLButtonElement),
});
const conversation = new Conversation(store, past, {
  news: (words) => status.news(words),
  problem: (words) => composer.notice(words),
});
const sending = later(async () => new (await import("./files/sending.js")).Sending({ store, outbox, composer, toBox, actions, send: sendWaiting, paint }));
const actions = /** @type {import("./writing/pending.js").Actions} */ ({ retry, edit, discard, bring: (item, fate) => sending().then((part) => part.show(item, fate), () => {}) });
const pending = new PendingView(byId("pending", HTMLElement), actions);
const replying = later(async () => new (await import("./writing/replying.js")).Replying({ composer, toBox, endEdit: () => editor?.cancel() }));
const composer = new Composer({
  parts: { form: byId("composer", HTMLFormElement), body: byId("body", HTMLTextAreaElement), notice: byId("notice", HTMLElement) },
  room,
  maxMessageBytes: () => store.state.limits.maxMessageBytes,
  onSend: say,
  onTyping: () => session.typing(),
  onAnswer: () => replying().then((part) => part.show(), () => {}),
  onUp: () => outbox.underWay || editing().then((part) => part.editLast(), () => {}),
});
/** @type {import("./writing/editor.js").Editor|null} */
let editor = null;
const editing = later(async () => {
  const { Editor } = await import("./writing/editor.js");
  return (editor ??= new Editor({ store, session, conversation, composer, toBox }));
});
const hosting = new WayToHosting(() => ({ store, session, connection, conversation, composer, outbox, send: sendWaiting, paint, showWho }));
const connection = new Connection(early, at("healthz"), {
  onOpen: (said) => {
    store.set({ connection: "joining" });
    session.hello(store.state.me.userName, said);
  },
  onFrame: (text, at) => session.receive(text, at),
  onClose: lose,
  onState: (state, cause, until) => {
    store.set({ connection: state });
    status.show(state, cause, until);
  },
  onSilence: () => session.ping(),
  wanted: () => !nameDialog.insists,
});
const session = new Session({
  send: (text) => connection.send(text),
  room,
  tokens: { get: () => String(recall(TOKEN) ?? ""), set: (token) => remember(TOKEN, token) },
  lastRead: () => lastRead(room),
  past: early.past,
  listener: {
    welcome, live, message, person, error,
    changed: (...change) => conversation.changed(...change),
    done: (cmid, told) => {
      editor?.done(cmid);
      hosting.part?.done(cmid, told);
    },
    hosting: (frame) => hosting.hear(frame),
    ack: (cmid) => {
      outbox.ack(cmid);
      if (session.live) outbox.forgetAcked(); // its message has come before it
      connection.succeeded();
      paint();
    },
    count: (count) => store.set({ count, people: new Map() }),
    users: (users) => store.set({ count: users.length, ...byUserId(users) }),
    rooms: (said) => rooms().then((list) => list.hear(said), () => {}),
  },
});

later(async () => new (await import("./conversation/reacting.js")).Reacting({ session, store, notice: (words) => composer.notice(words) }));
const paint = batched(
  () => conversation.paint(() => pending.show(outbox.items, store.state.me.userName, conversation.continues)),
  PAINT_EVERY,
);

// -- the server tells -------------------------------------------------------------------------

/** @param {import("./connection/session.js").Welcome} welcomed */
function welcome(welcomed) {
  const { userId, userName, users, count, recovered, limits, last, role = "", rules } = welcomed;
  remember(NAME, userName);
  store.set({ me: { userId, userName }, role, count, limits, door: rules?.door, ...byUserId(users) });
  conversation.welcome(recovered, last);
  hosting.welcome(welcomed);
  sendWaiting();
}

/** @param {import("./connection/session.js").Message} message @param {boolean} isLive */
function message(message, isLive) {
  const isOwn = message.userId === store.state.me.userId;
  if (message.cmid && isOwn) outbox.remove(message.cmid);
  if (isOwn && isLive) hosting.part?.said();
  typing.remove(message.userId);
  if (conversation.message(message, isLive) && session.hasBeenLive) attention().then((part) => part.notify(message), () => {});
  paint();
}

function live() {
  outbox.forgetAcked();
  store.set({ connection: "connected" });
  status.show("connected");
  conversation.live();
  editor?.live();
  hosting.part?.live();
  rooms().then((list) => list.look(), () => {});
  setTimeout(loadTheRest, REST_AFTER);
  paint();
}

/** @param {"joined"|"left"|"renamed"|"typing"} kind @param {import("./connection/session.js").Person} who */
function person(kind, who) {
  const { me, people } = store.state;
  const isMe = who.userId === me.userId;
  if (kind === "typing") return void (isMe || typing.add(who));
  if (isMe && kind === "renamed") {
    remember(NAME, who.userName);
    store.set({ me: { userId: who.userId, userName: who.userName } });
  }
  if (kind === "renamed") passOn(people.get(who.userId) ?? "", who.userName);
  if (!isMe && session.live) conversation.happened(kind, who, people.get(who.userId) ?? who.userName);
  if (kind === "left") typing.remove(who.userId);
  if (people.size > 0) store.set(afterwards(kind, who, store.state)); // else the room only counts its people
  paint();
}

/** @param {import("./connection/session.js").Problem} problem @param {boolean} inside */
function error(problem, inside) {
  const { code, detail, cmid, suggestion } = problem;
  if (cmid && (editor?.refused(cmid, code, detail) || hosting.part?.refused(cmid, problem))) return;
  if (code === "not-stored") return; // the connection ends, and it goes out again on the next
  if (hosting.error(problem) && cmid) {
    outbox.wait(cmid);
    paint();
  } else if (cmid) {
    outbox.fail(cmid, because(code, detail));
    composer.notice(t.refusedOne);
    paint();
  } else if (code === "name-taken" || code === "bad-name") {
    if (inside || !session.knowsBetter) return askForName({ name: suggestion ?? "", why: whyNot(problem, wantedName), must: !inside });
    session.becomeAnother();
    session.hello(store.state.me.userName);
  } else if (!inside) {
    connection.refuse(because(code, detail));
  }
}

/** @param {import("./connection/connection.js").Cause} cause */
function lose({ code, reason }) {
  session.lost();
  typing.clear();
  if (code === REPLACED) session.becomeAnother();
  if (REFUSALS.has(code)) {
    outbox.failOldest(because(code, reason));
    composer.notice(t.refusedOne);
  }
  outbox.connectionLost();
  paint();
}

// -- the reader wants -------------------------------------------------------------------------

let wantedName = store.state.me.userName;

/** @param {{name: string, why?: string, must: boolean}} question */
function askForName({ name, why, must }) {
  if (must) {
    store.set({ connection: "naming" });
    status.show("naming");
  }
  nameDialog.ask({ name, why, must, chosen: must ? enter : rename });
}

/** @param {string} userName */
function enter(userName) {
  nameDialog.close(); // which early.js may have opened
  wantedName = userName;
  store.set({ me: { ...store.state.me, userName } });
  if (connection.open) session.hello(userName);
  else connection.start();
  toBox();
}

/** Where there are keys, the box is where the next ones go; a finger wants no keyboard before it touches the box. */
function toBox() {
  if (!isTouch()) composer.focus();
}

/** @param {string} userName */
function rename(userName) {
  wantedName = userName;
  if (session.rename(userName)) return;
  remember(NAME, userName);
  store.set({ me: { ...store.state.me, userName } });
}

/** What the composer wrote goes out at once, or waits in sight. @param {string} body @param {string} timestamp @param {string} [replyTo] @param {import("./writing/composer.js").Attached} [attached] @returns {string} */
function say(body, timestamp, replyTo, attached) {
  const why = whyHeld();
  if (why) return why;
  if (attached) attached(body, timestamp, replyTo);
  else outbox.add(body, timestamp, undefined, replyTo);
  sendWaiting();
  conversation.spoke();
  paint();
  return "";
}

/** Why nothing more is to be said now, or "". @returns {string} */
function whyHeld() {
  return hosting.whyNot || (outbox.underWay >= MOST_PENDING ? t.tooMany(MOST_PENDING) : "");
}

function sendWaiting() {
  outbox.flush((item) => hosting.lets && session.say(item));
}

/** @param {import("./writing/outbox.js").Item} item */
function retry(item) {
  const why = whyHeld();
  if (why) composer.notice(why);
  // Else it was clicked twice within one frame.
  else if (outbox.remove(item.cmid)) composer.notice(say(item.body, item.timestamp, item.replyTo));
  toBox();
}

/** @param {import("./writing/outbox.js").Item} item */
function edit(item) {
  if (outbox.remove(item.cmid)) composer.giveBack(item.body);
  if (item.replyTo) composer.answered = item.replyTo;
  composer.notice("");
  paint();
}

/** @param {import("./writing/outbox.js").Item} item */
function discard(item) {
  if (item.state === "held") return void hosting.load().then((part) => part.withdraw(item.cmid), () => {});
  outbox.remove(item.cmid);
  composer.notice("");
  toBox();
  paint();
}

// -- wiring -----------------------------------------------------------------------------------

const showWho = batched(() => {
  const { state } = store;
  hosting.showPeople(() => showPeople(byId("people", HTMLElement), byId("count", HTMLElement), state));
  showMe(state.me.userName);
});

store.watch(["people"], ({ people }) => shareColours(people.values())); // before anything is painted
store.watch(["people", "count", "me", "roles"], showWho);
store.watch(["unread", "elsewhere"], () => attention().catch(() => {}));
applySettings(store);
wireKeys({ store, attention, conversation, composer, toBox, past, rooms, hosting: hosting.load, sending, room });
if (!("popover" in HTMLElement.prototype)) import("./shell/panels.js").then((part) => part.replacePopovers());
if (isTouch()) import("./shell/viewport.js").then((part) => part.fitToKeyboard());
addEventListener("storage", ({ key, newValue }) => {
  if (key && newValue === null && outbox.removedElsewhere(key)) paint();
  if (key === NAME && newValue && nameDialog.isBlank) enter(String(recall(NAME))); // the same person has given it in another tab
});
addEventListener("hashchange", () => {
  if (!takeSecrets()) conversation.reveal(location.hash.slice(1));
  else if (store.state.connection !== "naming") connection.again();
});
byId("try-now", HTMLElement).addEventListener("click", () => connection.retryNow());
byId("rename", HTMLElement).addEventListener("click", () => askForName({ name: store.state.me.userName, must: false }));
setInterval(() => session.live && outbox.unansweredFor() > ANSWER_WITHIN && connection.restart("no answer"), 5_000);
setInterval(() => conversation.renameDays(), 60_000);
showWho();
paint();
if (early.said && early.said !== session.greeting(wantedName)) early.begun?.close(); // of another tab or link, the page knows better
if (wantedName) enter(wantedName);
else askForName({ name: "", must: true });
