import assert from "node:assert/strict";
import test from "node:test";

import { createStore } from "../static/base/store.js";
import { t } from "../static/base/strings.js";
import { Unread, firstUnread, lastRead, setLastRead } from "../static/conversation/unread.js";
import { unreadBetween, visitedRooms } from "../static/rooms/visited.js";

const heard = (...ids) => ids.map((id) => ({ id: `${id}-a`, own: id % 10 === 0 }));

test("unread begins behind the last message read, and one's own do not count", () => {
  assert.deepEqual(firstUnread(heard(8, 9, 10, 11), "8-a"), { id: "9-a", count: 2, earlier: 0 });
  for (const [messages, read] of [[heard(8, 9), "9-a"], [heard(9, 10), null], [[], "9-a"]]) {
    assert.deepEqual(firstUnread(messages, read), { id: null, count: 0, earlier: 0 });
  }
});

test("where the last message read is further up, all are unread, and those between as well", () => {
  assert.deepEqual(firstUnread(heard(8, 9), "3-a"), { id: "8-a", count: 2, earlier: 4 });
  assert.deepEqual(firstUnread(heard(1, 2), "0-0"), { id: "1-a", count: 2, earlier: 0 });
});

test("where the last message read was removed, unread begins behind its place", () => {
  assert.deepEqual(firstUnread(heard(3, 5, 6), "4-a"), { id: "5-a", count: 2, earlier: 0 });
  assert.deepEqual(firstUnread(heard(3, 5, 6), "7-a"), { id: null, count: 0, earlier: 0 });
});

test("where the last message read is of another age, none is unread", () => {
  assert.deepEqual(firstUnread(heard(1, 2), "300-b"), { id: null, count: 0, earlier: 0 });
  assert.deepEqual(firstUnread(heard(1, 2, 3), "2-b"), { id: null, count: 0, earlier: 0 });
});

test("other rooms count from the last message read there", () => {
  assert.equal(unreadBetween("3-a", "12-b"), 9);
  assert.equal(unreadBetween("3-a", "3-a"), 0);
  assert.equal(unreadBetween(null, "12-b"), 0);
  assert.equal(unreadBetween("12-b", "3-a"), 0);
});

// -- the count and the lines ---------------------------------------------------------------------

/** What a browser keeps: its keys are the object's own. */
function storage() {
  return Object.create({
    getItem(key) { return this[key] ?? null; },
    setItem(key, value) { this[key] = value; },
    removeItem(key) { delete this[key]; },
  });
}

/** A reader of the garden at the end of what came, and what of it is on the page. Ids like 7-a; Ann is the reader. */
function garden({ read = null, came = [] } = {}) {
  const world = { news: [], lines: {}, revealed: [], hidden: false, tail: [], attached: true };
  Object.defineProperty(globalThis, "localStorage", { value: storage(), configurable: true });
  Object.defineProperty(globalThis, "document", { get: () => ({ hidden: world.hidden }), configurable: true });
  if (read) setLastRead("garden", read);
  const timeline = {
    get attached() { return world.attached; },
    get tail() { return world.tail; },
    get newest() { return world.tail.at(-1); },
    isOwn: ({ userId }) => userId === "ann",
    find: (id) => (world.tail.some((message) => message.id === id) ? id : null),
    mark: (id, { kind }) => (world.lines[kind] = id),
    unmark: (kind) => kind !== "gap" && delete world.lines[kind],
  };
  world.follower = { atEnd: true, reveal: (node) => world.revealed.push(node) };
  world.line = null;
  const log = { querySelector: () => world.line && { closest: () => world.line } };
  world.store = createStore({ room: "garden", unread: 0 });
  world.unread = new Unread({ store: world.store, timeline, follower: world.follower, log, news: (words) => world.news.push(words) });
  world.say = (id, userId = "bob", live = true) => {
    world.tail.push({ id, userId });
    return world.unread.message({ id, userId }, live);
  };
  world.comeBack = (recovered, ...ids) => {
    world.unread.welcome(recovered, true, ids.at(-1) ?? "9-a");
    for (const id of ids) world.say(id, "bob", false);
    world.unread.live(true);
  };
  world.unread.welcome(undefined, false, came.at(-1) ?? "0-0");
  for (const id of came) world.say(id, "bob", false);
  return world;
}

test("a reader begins at the first unread message, with a line above it", () => {
  const { unread, lines, revealed } = garden({ read: "2-a", came: ["1-a", "2-a", "3-a", "4-a"] });
  assert.equal(unread.begin(), false);
  assert.equal(unread.count, 2);
  assert.deepEqual(lines, { unread: "3-a" });
  assert.deepEqual(revealed, ["3-a"]);
});

test("at the first visit, and where all is read, there is no line", () => {
  for (const read of [null, "4-a"]) {
    const { unread, lines, revealed } = garden({ read, came: ["3-a", "4-a"] });
    assert.equal(unread.begin(), false);
    assert.equal(unread.count, 0);
    assert.deepEqual([lines, revealed], [{}, []]);
  }
});

test("where more is unread than came, all of it counts, and its line waits for the archive", () => {
  const { unread, lines } = garden({ read: "2-a", came: ["8-a", "9-a"] });
  assert.equal(unread.begin(), true);
  assert.equal(unread.count, 7);
  assert.deepEqual(lines, {});
  assert.equal(unread.firstOf([{ id: "2-a" }, { id: "3-a", userId: "ann" }, { id: "4-a" }]), "4-a");
});

test("what comes while the reader is at the end is read at once", () => {
  const { unread, say, lines } = garden();
  assert.equal(say("1-a"), true);
  unread.look();
  assert.equal(unread.count, 0);
  assert.deepEqual(lines, {});
  assert.equal(lastRead("garden"), "1-a");
  assert.deepEqual(visitedRooms(), ["garden"]);
});

test("what comes to a reader who looks elsewhere counts, below one line", () => {
  for (const away of [(world) => (world.hidden = true), ({ follower }) => (follower.atEnd = false), (world) => (world.attached = false)]) {
    const world = garden();
    away(world);
    world.say("1-a");
    world.say("2-a");
    world.unread.look();
    assert.equal(world.unread.count, 2);
    assert.deepEqual(world.lines, { unread: "1-a" });
    assert.equal(lastRead("garden"), null);
  }
});

test("one's own messages are neither unread nor news", () => {
  const world = garden();
  world.hidden = true;
  assert.equal(world.say("1-a", "ann"), false);
  assert.equal(world.unread.count, 0);
});

test("back at the end all is read, and the line stays until the reader says something", () => {
  const world = garden();
  world.hidden = true;
  world.say("1-a");
  world.hidden = false;
  world.unread.look();
  assert.equal(world.unread.count, 0);
  assert.deepEqual(world.lines, { unread: "1-a" });
  world.unread.spoke();
  assert.deepEqual(world.lines, {});
});

test("a reader who comes back to the page is led to the line", () => {
  const world = garden();
  world.hidden = true;
  world.say("1-a");
  world.line = "the line";
  world.hidden = false;
  world.unread.returned();
  assert.deepEqual(world.revealed, ["the line"]);
});

test("another tab that has read on lowers the count, and never raises it", () => {
  const world = garden({ read: "1-a", came: ["1-a", "2-a", "3-a", "4-a"] });
  world.unread.begin();
  setLastRead("garden", "3-a");
  world.unread.readElsewhere();
  assert.equal(world.unread.count, 1);
  localStorage["chat:read:garden"] = JSON.stringify("1-a");
  world.unread.readElsewhere();
  assert.equal(world.unread.count, 1);
});

test("what was missed in a break is told, with a line of its own in place of the other", () => {
  const { comeBack, unread, lines, news } = garden();
  comeBack(true, "1-a", "2-a");
  assert.deepEqual(lines, { missed: "1-a" });
  assert.deepEqual(news, [t.resumed(2)]);
  assert.equal(unread.hasNews, false);
});

test("while a resume is under way, what was missed is news already", () => {
  const { unread, say } = garden();
  unread.welcome(true, true, "9-a");
  assert.equal(unread.hasNews, false);
  say("1-a", "bob", false);
  assert.equal(unread.hasNews, true);
});

test("a gap is told, and marked above the next message, whenever that comes", () => {
  const { comeBack, say, lines, news } = garden();
  comeBack(false);
  assert.deepEqual([lines, news], [{}, [t.gapTitle]]);
  say("7-a", "ann");
  say("8-a");
  assert.deepEqual(lines, { gap: "7-a" });
});

test("where there is a gap, its line says enough of what was missed behind it", () => {
  const { comeBack, lines, news } = garden();
  comeBack(false, "7-a", "8-a");
  assert.deepEqual([lines, news], [{ gap: "7-a" }, [t.gapTitle]]);
});

test("the first past of a page has no gap before it", () => {
  const { unread, say, lines, news } = garden();
  unread.welcome(false, false, "9-a");
  say("7-a", "bob", false);
  unread.live(false);
  assert.deepEqual([lines, news], [{}, []]);
});

// -- how far a room was read -------------------------------------------------------------------------

test("the mark only moves forward: another page of the room may have heard less", () => {
  garden({ read: "7-a" });
  for (const id of ["6-a", "0-0", "7-a"]) setLastRead("garden", id);
  assert.equal(lastRead("garden"), "7-a");
  setLastRead("garden", "8-a");
  assert.equal(lastRead("garden"), "8-a");
});

test("a mark that lies ahead of the room is of another history, and does not hold up this one's", () => {
  const world = garden({ read: "300-a", came: ["1-b", "2-b"] });
  assert.equal(lastRead("garden"), "2-b");
  assert.equal(world.unread.begin(), false);
  assert.equal(world.unread.count, 0);
  world.say("3-b");
  world.unread.look();
  assert.equal(lastRead("garden"), "3-b");
});

test("what was unread and is gone does not count any more", () => {
  const world = garden();
  world.say("1-a");
  world.unread.look();
  world.hidden = true;
  for (const id of ["2-a", "3-a", "4-a"]) world.say(id);
  world.unread.removed("1-a", false); // was read
  world.unread.removed("3-a", false);
  world.unread.removed("9-a", true); // one's own
  assert.equal(world.unread.count, 2);
});

test("what was missed and is gone before the resume is over was not missed", () => {
  const world = garden();
  world.follower.atEnd = false;
  world.unread.welcome(true, true, "3-a");
  for (const id of ["2-a", "3-a"]) world.say(id, "bob", false);
  world.unread.removed("2-a", false);
  world.unread.live(true);
  assert.equal(world.unread.count, 1);
  assert.equal(world.lines.missed, "3-a");
});

test("a room whose newest message is gone is read to its end all the same", () => {
  const world = garden();
  world.say("1-a");
  world.hidden = true;
  world.say("2-a");
  world.tail.pop();
  world.unread.removed("2-a", false);
  world.hidden = false;
  world.unread.look();
  assert.equal(lastRead("garden"), "2-a");
  assert.equal(unreadBetween(lastRead("garden"), "2-a"), 0); // so other rooms' lists say
});
