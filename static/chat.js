/**
 * The chat room's page: wires its parts and tells what happens when.
 *
 *   composer -> outbox -> connection -> server
 *   server -> connection -> (replay) -> outbox, message list
 */

import { Composer, NOBODY } from "./composer.js";
import { Connection } from "./connection.js";
import { Follower } from "./scroll.js";
import { MessageList } from "./messages.js";
import { Outbox } from "./outbox.js";
import { PendingView } from "./pending.js";
import { Replay } from "./replay.js";
import { StatusLine } from "./status.js";
import { batched } from "./dom.js";

const DEFAULT_ROOM = "lobby";
const REPLAY_QUIET = 1_000; // ms without a frame that end the past messages
const REPLAY_LONGEST = 10_000; // ms; in a busy room it never gets quiet
const ANSWER_WITHIN = 30; // seconds for a message to come back, else the connection is taken for dead
const MOST_PENDING = 100; // messages

// What the server closes with when it will not have a frame: unsupported, not valid, policy, too big.
const REFUSALS = new Set([1003, 1007, 1008, 1009]);

const $ = (id) => document.getElementById(id);
const { room, maxNameLength, maxMessageBytes } = document.body.dataset;
const pageTitle = document.title;

let replay = null; // a Replay while past messages come in
let replayTimer = 0;
let replayDeadline = 0;
let historyShown = false; // since this page was loaded
let refusal = ""; // the server's reason, until it is known which message it was about
let arrivals = 0; // messages of others since the last paint
let unread = 0; // messages of others while the tab is hidden

const outbox = new Outbox(room);
const list = new MessageList({ log: $("messages"), empty: $("empty") });
const follower = new Follower({ scroller: $("scroller"), content: $("script"), button: $("newer") });
const status = new StatusLine({
  line: $("status"), words: $("status-words"), countdown: $("countdown"), button: $("try-now"),
});
const pending = new PendingView($("pending"), { retry, edit, discard });
const composer = new Composer({
  parts: { form: $("composer"), name: $("name"), body: $("body"), portrait: $("portrait"), notice: $("notice") },
  maxNameLength: Number(maxNameLength),
  maxMessageBytes: Number(maxMessageBytes),
  draftKey: `chat:draft:${room}`,
  onSend: say,
});
const connection = new Connection(socketUrl(), new URL("../healthz", import.meta.url), {
  onOpen: join,
  onFrame: receive,
  onClose: lose,
  onState: (state, cause, until) => status.show(state, cause, until),
});

const paint = batched(() => {
  const following = follower.atEnd;
  list.flush(following);
  pending.show(outbox.items, (userName) => list.continues(userName, true));
  outbox.save();
  if (following) follower.toEnd();
  else follower.arrived(arrivals);
  arrivals = 0;
  list.busy = replay !== null;
});

/** Beside this script's folder, so that the page works below any prefix a proxy gives it. */
function socketUrl() {
  const url = new URL("../chat", import.meta.url);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (room !== DEFAULT_ROOM) url.searchParams.set("room", room);
  return url;
}

/** A new connection: join in silence, and expect the past messages. */
function join() {
  replay = new Replay(outbox.cursor);
  replayDeadline = Date.now() + REPLAY_LONGEST;
  list.busy = true;
  connection.send(JSON.stringify({ userName: composer.userName }));
  expectMorePast();
  sendWaiting();
}

function receive(text) {
  const message = parse(text);
  if (!message) return;
  if (replay) {
    const fresh = replay.take(message);
    fresh.forEach(accept);
    if (fresh.length === 0 && !historyShown) list.add(message, isOwn(message));
    expectMorePast();
  } else {
    accept(message);
  }
  paint();
}

/** Show a message that this page has not seen; if it is ours, it has arrived. */
function accept(message) {
  const confirmed = outbox.confirm(message);
  if (confirmed) connection.succeeded();
  if (message.id) outbox.cursor = message.id;
  const own = confirmed || isOwn(message);
  if (!list.add(message, own) || own || !historyShown) return;
  arrivals += 1;
  if (document.hidden) showUnread(unread + 1);
}

function expectMorePast() {
  clearTimeout(replayTimer);
  const left = replayDeadline - Date.now();
  replayTimer = setTimeout(endReplay, Math.max(0, Math.min(REPLAY_QUIET, left)));
}

/** All past messages are here: what of ours is not among them did not arrive. */
function endReplay() {
  const held = replay.finish().filter((message) => !historyShown || !list.has(message));
  replay = null;
  if (held.length > 0 && historyShown) list.addGap();
  held.forEach(accept);
  historyShown = true;
  if (refusal) refuse();
  outbox.notArrived();
  sendWaiting();
  paint();
}

function lose({ code, reason }) {
  clearTimeout(replayTimer);
  replay = null;
  outbox.connectionLost();
  if (REFUSALS.has(code)) refusal = reason || `the server refused it (${code})`;
  // With one message on its way, that is the one; with more, the past messages will tell.
  if (refusal && outbox.items.filter(({ state }) => state === "doubt").length < 2) refuse();
  paint();
}

function refuse() {
  if (outbox.inDoubt) composer.notice("The server did not take a message. See above what to do with it.");
  outbox.refuseOldest(refusal);
  refusal = "";
}

/** What the composer wrote goes out at once, or waits in sight. Returns why not, or "". */
function say(message) {
  if (document.body.dataset.state === "refused") {
    return "Not connected, so this stays here. “Try now” above connects again.";
  }
  if (outbox.items.length >= MOST_PENDING) {
    return `${MOST_PENDING} messages are waiting already. This one stays here until they are sent.`;
  }
  outbox.add(message);
  sendWaiting();
  follower.toEnd();
  paint();
  return "";
}

function sendWaiting() {
  if (outbox.inDoubt) return; // theirs is the earlier turn
  outbox.sendWaiting((text) => connection.send(text));
}

function retry(item) {
  if (!outbox.items.includes(item)) return; // clicked twice within one frame
  const problem = say(item);
  if (!problem) outbox.remove(item);
  composer.notice(problem);
}

function edit(item) {
  if (!outbox.items.includes(item)) return;
  discard(item);
  composer.giveBack(item.body);
}

function discard(item) {
  outbox.remove(item);
  composer.notice("");
  $("body").focus();
  paint();
}

function isOwn({ userName }) {
  return userName !== NOBODY && userName === composer.userName;
}

/** The message in a text frame, or null: what this page does not understand is not for it. */
function parse(text) {
  try {
    const { userName, body, timestamp, id, sentAt } = JSON.parse(text);
    if (typeof userName !== "string" || typeof body !== "string") return null;
    return { userName, body, timestamp: String(timestamp ?? ""), id, sentAt };
  } catch {
    return null;
  }
}

function showUnread(count) {
  unread = count;
  document.title = count ? `(${count}) ${pageTitle}` : pageTitle;
}

function becameVisible() {
  if (document.hidden) return;
  showUnread(0);
  list.renameDays();
}

function checkHealth() {
  if (connection.open && outbox.unansweredFor() > ANSWER_WITHIN) connection.restart("no answer");
}

document.addEventListener("visibilitychange", becameVisible);
$("try-now").addEventListener("click", () => connection.retryNow());
addEventListener("beforeunload", (event) => {
  if (outbox.items.length > 0) event.preventDefault();
});
setInterval(checkHealth, 5_000);
setInterval(() => list.renameDays(), 60_000);
if (matchMedia("(hover: hover) and (pointer: fine)").matches) $("body").focus();
paint();
connection.start();
