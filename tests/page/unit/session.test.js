import assert from "node:assert/strict";
import test from "node:test";

import { secrets } from "../static/base/storage.js";
import { Session, messageFrame } from "../static/connection/session.js";

/** A session, what it has sent, what it has told, and what the browser keeps: token and last id read. */
function session(kept = "", read = null) {
  const world = { sent: [], told: [], kept };
  const tell = (kind) => (...values) => world.told.push([kind, ...values]);
  const listener = Object.fromEntries(
    ["welcome", "message", "changed", "live", "ack", "done", "hosting", "person", "count", "users", "rooms", "error"].map((kind) => [kind, tell(kind)]),
  );
  world.session = new Session({
    send: (text) => world.sent.push(JSON.parse(text)) > 0,
    room: "garden",
    tokens: { get: () => world.kept, set: (token) => (world.kept = token) },
    lastRead: () => read,
    past: 30,
    listener,
  });
  world.hear = (...frames) => frames.forEach((frame) => world.session.receive(JSON.stringify(frame)));
  world.hello = () => (world.session.hello("Ann"), world.sent.at(-1));
  return world;
}

const welcome = (token, last = "0-0", rev = 0) => ({ type: "welcome", userId: "u1", userName: "Ann", token, users: [], count: 1, last, rev, limits: {} });
const message = (id) => ({ userName: "Bob", body: "hi", timestamp: "", id, room: "garden", sentAt: "" });
const changed = (rev, id) => ({ type: "changed", rev, message: message(id) });
const live = { type: "live" };

const hello = { type: "hello", userName: "Ann", room: "garden", rooms: true };

test("the first hello is a name and a room, and wants a screenful", () => {
  assert.deepEqual(session().hello(), { ...hello, past: 30 });
});

test("a hello that has gone out already is not said again", () => {
  const world = session("t0");
  world.session.hello("Ann", world.session.greeting("Ann"));
  assert.deepEqual(world.sent, []);
  world.kept = "t1";
  assert.ok(world.session.knowsBetter);
});

test("who comes back under a name that is another tab's by now is one more tab of its person, and tries no more", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"), live, message("8-a"));
  world.session.lost();
  world.kept = "t2"; // of the other tab
  assert.equal(world.hello().token, "t1");
  assert.ok(world.session.knowsBetter);
  world.session.becomeAnother();
  assert.deepEqual(world.hello(), { ...hello, past: 30, token: "t2" });
  assert.ok(!world.session.knowsBetter);
});

test("what came live has the time at which it came", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"), live);
  world.session.receive(JSON.stringify(message("8-a")), 1_700);
  assert.equal(world.told.at(-1)[1].heardAt, 1_700);
});

test("a page that is loaded is another tab of the same person", () => {
  assert.deepEqual(session("t0").hello(), { ...hello, past: 30, token: "t0" });
});

test("whoever has been here wants the past from where they stopped reading", () => {
  assert.deepEqual(session("t0", "3-a").hello(), { ...hello, past: 30, read: "3-a", token: "t0" });
});

test("a connection that comes back resumes behind the last message that it saw", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1", "7-a"), message("6-a"), message("7-a"), live, message("8-a"));
  world.session.lost();

  assert.equal(world.kept, "t1");
  assert.deepEqual(world.hello(), { ...hello, token: "t1", since: "8-a", rev: 0 });
});

test("an empty room is resumed from where it was empty", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"), live);
  world.session.lost();

  assert.equal(world.hello().since, "0-0");
});

test("who leaves before the past has begun asks for all of it again", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1", "7-a"));
  world.session.lost();

  assert.equal(world.hello().since, undefined);
});

test("a tab that was copied becomes another one", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"), live);
  world.session.lost();
  world.session.becomeAnother();

  assert.deepEqual(world.hello(), { ...hello, past: 30, token: "t1" });
});

test("nothing is said before the welcome, and nothing after the end", () => {
  const world = session();
  const item = { cmid: "a1", body: "hi", timestamp: "" };
  world.hello();
  assert.equal(world.session.say(item), false);
  world.hear(welcome("t1"));
  assert.equal(world.session.say(item), true);
  world.session.lost();
  assert.equal(world.session.say(item), false);
});

test("the listener hears what is live and what is past", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"), message("1-a"), live, message("2-a"), { type: "ack", cmid: "a1", id: "2-a" });

  assert.deepEqual(world.told.map(([kind, , isLive]) => (kind === "message" ? isLive : kind)), ["welcome", false, "live", true, "ack"]);
});

test("a connection that comes back asks for what has changed since the last change that it saw", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1", "7-a", 4), message("7-a"));
  world.session.lost(); // in the middle of the past, which reads as it did at that change or later
  assert.equal(world.hello().rev, 4);

  world.hear({ ...welcome("t1", "7-a", 6), recovered: true });
  world.session.lost(); // before what has changed
  assert.equal(world.hello().rev, 4);

  world.hear({ ...welcome("t1", "7-a", 6), recovered: true }, changed(5, "7-a"));
  world.session.lost(); // in the middle of it
  assert.equal(world.hello().rev, 5);

  world.hear({ ...welcome("t1", "7-a", 6), recovered: true }, live);
  assert.equal(world.hello().rev, 6); // the sixth was of a message that has changed again, say
  world.hear({ type: "removed", rev: 7, id: "7-a", by: "author" });
  assert.equal(world.hello().rev, 7);
});

test("changes are counted anew where the history is another one", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1", "7-a", 40), message("7-a"), live);
  world.session.lost();
  world.hello();
  world.hear({ ...welcome("t1", "2-b", 1), recovered: false }, message("2-b"), live);

  assert.equal(world.hello().rev, 1);
});

test("what has changed is told as it reads now, and what was removed as gone", () => {
  const world = session();
  const done = { type: "done", cmid: "c1", link: "a secret" };
  world.hear(changed(1, "7-a"), { type: "removed", rev: 2, id: "7-a", by: "author" }, done);

  assert.deepEqual(world.told, [["changed", "7-a", message("7-a"), undefined], ["changed", "7-a", null, "author"], ["done", "c1", done]]);
});

test("the secret of a host's link is sent with each hello, until somebody takes it out", () => {
  const world = session("t0");
  secrets.host = "a secret";
  assert.deepEqual(world.hello(), { ...hello, past: 30, token: "t0", link: "a secret" });

  delete secrets.host;
  assert.deepEqual(world.hello(), { ...hello, past: 30, token: "t0" });
});

test("what hosts decide is told as it comes", () => {
  const world = session();
  const frames = [
    { type: "rules", speak: "hosts", slowSeconds: 0, needsHost: false },
    { type: "host", userId: "u1", userName: "Ann", role: "host" },
    { type: "muted" }, { type: "unmuted" },
    { type: "log", at: "", act: "rules", by: { userId: "u1", userName: "Ann" } },
  ];
  world.hear(...frames);

  assert.deepEqual(world.told, frames.map((frame) => ["hosting", frame]));
});

test("nothing is asked to be changed while the past is still coming", () => {
  const world = session();
  world.hello();
  world.hear(welcome("t1"));
  const ask = { type: "remove", cmid: "c1", id: "7-a" };
  assert.equal(world.session.ask(ask), false);
  world.hear(live);
  assert.equal(world.session.ask(ask), true);
  assert.deepEqual(world.sent.at(-1), ask);
});

test("a room that has become small again tells its names", () => {
  const world = session();
  const users = [{ userId: "u1", userName: "Ann" }];
  world.hear({ type: "count", users: 201 }, { type: "users", users });

  assert.deepEqual(world.told, [["count", 201], ["users", users]]);
});

test("what is said in other rooms is told with their newest ids", () => {
  const world = session();
  const rooms = [{ name: "kitchen", last: "5-b" }];
  world.hear({ type: "rooms", rooms });

  assert.deepEqual(world.told, [["rooms", rooms]]);
});

test("what is not understood is ignored", () => {
  const world = session();
  world.session.receive("{");
  world.hear({ type: "news" }, { body: 5 });

  assert.deepEqual(world.told, []);
});

test("a message says what it answers, if anything", () => {
  const frames = [{}, { replyTo: "" }, { replyTo: "7-abc" }].map((more) => JSON.parse(messageFrame({ cmid: "1", body: "hi", timestamp: "", ...more })));

  assert.deepEqual(frames.map(({ replyTo }) => replyTo), [undefined, undefined, "7-abc"]);
});

test("a message says what its picture shows, if anything", () => {
  const frames = [undefined, { id: "a" }, { id: "a", alt: "A bridge", size: 5 }].map((file) => JSON.parse(messageFrame({ cmid: "1", body: "hi", timestamp: "", file })));

  assert.deepEqual(frames.map(({ file, alt }) => [file, alt]), [[undefined, undefined], ["a", undefined], ["a", "A bridge"]]);
});
