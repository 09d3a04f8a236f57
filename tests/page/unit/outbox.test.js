import assert from "node:assert/strict";
import test from "node:test";

import { Outbox } from "../static/writing/outbox.js";

/** As a browser keeps it. */
const copyOf = (value) => JSON.parse(JSON.stringify(value));

/** A storage that forgets nothing. */
function keeper() {
  const kept = new Map();
  return {
    kept,
    remember: (key, value) => (value === null ? kept.delete(key) : kept.set(key, copyOf(value))),
    recallAll: (prefix) => [...kept].filter(([key]) => key.startsWith(prefix)).map(([, value]) => copyOf(value)),
  };
}

const bodies = (outbox) => outbox.items.map(({ body }) => body);

function sent(outbox) {
  const out = [];
  outbox.flush(({ body }) => out.push(body) > 0);
  return out;
}

test("what waits is sent in order, once", () => {
  const outbox = new Outbox("lobby", keeper());
  outbox.add("one", "", 5);
  outbox.add("two", "", 5);

  assert.deepEqual(sent(outbox), ["one", "two"]);
  assert.deepEqual(sent(outbox), []);
});

test("what was sent and not acknowledged goes out again, in front of what came later", () => {
  const outbox = new Outbox("lobby", keeper());
  const one = outbox.add("one", "");
  outbox.add("two", "");
  sent(outbox);
  outbox.ack(one.cmid);
  outbox.connectionLost();
  outbox.add("three", "");

  assert.deepEqual(sent(outbox), ["two", "three"]);
});

test("sending stops where the connection does, and goes on there", () => {
  const outbox = new Outbox("lobby", keeper());
  outbox.add("one", "");
  outbox.add("two", "");
  outbox.flush(({ body }) => body === "one");

  assert.deepEqual(sent(outbox), ["two"]);
});

test("a reload finds what was not acknowledged, in order and under the same cmid", () => {
  const storage = keeper();
  const before = new Outbox("lobby", storage);
  const items = ["one", "two", "three"].map((body) => before.add(body, "9:05 AM", 7));
  sent(before);
  before.ack(items[1].cmid);
  storage.kept.set("chat:outbox:lobby:broken", { nonsense: true });

  const after = new Outbox("lobby", storage);

  assert.deepEqual(bodies(after), ["one", "three"]);
  assert.deepEqual(after.items.map(({ cmid }) => cmid), [items[0].cmid, items[2].cmid]);
  assert.deepEqual(sent(after), ["one", "three"]);
});

test("rooms do not see each other's", () => {
  const storage = keeper();
  new Outbox("lobby", storage).add("one", "");

  assert.deepEqual(bodies(new Outbox("garden", storage)), []);
});

test("what failed stays, with its reason, and is not sent again by itself", () => {
  const storage = keeper();
  const outbox = new Outbox("lobby", storage);
  outbox.fail(outbox.add("bad", "").cmid, "Not today.");

  const after = new Outbox("lobby", storage);

  assert.deepEqual(sent(after), []);
  assert.equal(after.items[0].reason, "Not today.");
});

test("what the server does not want yet waits, in front of what comes later", () => {
  const outbox = new Outbox("lobby", keeper());
  const one = outbox.add("one", "");
  sent(outbox);
  outbox.add("two", "");
  outbox.wait(one.cmid);
  outbox.wait("of nobody");

  assert.deepEqual(sent(outbox), ["one", "two"]);
});

test("a Close over a frame is about the oldest that was sent", () => {
  const outbox = new Outbox("lobby", keeper());
  const one = outbox.add("one", "");
  outbox.add("two", "");
  sent(outbox);
  outbox.failOldest("too large");

  assert.equal(one.state, "failed");
  assert.equal(outbox.underWay, 1);
});

test("an acknowledged message stays in sight until it has come itself", () => {
  const outbox = new Outbox("lobby", keeper());
  const { cmid } = outbox.add("one", "");
  sent(outbox);
  outbox.ack(cmid);
  assert.deepEqual(bodies(outbox), ["one"]);

  assert.equal(outbox.remove(cmid), true);
  assert.equal(outbox.remove(cmid), false);
  assert.deepEqual(bodies(outbox), []);
});

test("what another tab has taken out is out", () => {
  const outbox = new Outbox("lobby", keeper());
  const { cmid } = outbox.add("one", "");

  assert.equal(outbox.removedElsewhere("chat:outbox:garden:" + cmid), false);
  assert.equal(outbox.removedElsewhere("chat:outbox:lobby:" + cmid), true);
  assert.deepEqual(bodies(outbox), []);
});

test("what a message answers goes with it, also after a reload", () => {
  const storage = keeper();
  const outbox = new Outbox("lobby", storage);
  outbox.add("one", "", 5);
  outbox.add("two", "", 5, "7-abc");

  const again = new Outbox("lobby", storage);

  assert.deepEqual(again.items.map(({ replyTo }) => replyTo), [undefined, "7-abc"]);
  assert.ok([...storage.kept.values()].every((item) => "replyTo" in item === (item.body === "two")));
});

test("a message with a file waits for that, and what was written after it does not", () => {
  const storage = keeper();
  const outbox = new Outbox("lobby", storage);
  const file = { name: "a.txt", type: "text/plain", size: 1 };
  const item = outbox.add("one", "", 5, "", file);
  outbox.add("two", "");
  assert.deepEqual(sent(outbox), ["two"]);
  outbox.connectionLost();
  assert.deepEqual(sent(outbox), ["two"]);

  outbox.change(item.cmid, { state: "waiting", file: { ...file, id: "f" } });

  assert.deepEqual(sent(outbox), ["one"]);
  assert.deepEqual(new Outbox("lobby", storage).items[0].file, { ...file, id: "f" });
});

test("after a reload, a message still waits for its file, so that it is not said without", () => {
  const storage = keeper();
  new Outbox("lobby", storage).add("one", "", 5, "", { name: "a.txt", type: "text/plain", size: 1 });

  const outbox = new Outbox("lobby", storage);

  assert.deepEqual(sent(outbox), []);
  assert.deepEqual(outbox.items.map(({ state }) => state), ["uploading"]);
});

test("what a picture shows outlives the page, on its way and uploaded", () => {
  const kept = keeper();
  const outbox = new Outbox("lobby", kept);
  outbox.add("one", "", 5, undefined, { name: "a.jpg", type: "image/jpeg", size: 5, alt: "A bridge" });
  const { cmid } = outbox.add("two", "", 6, undefined, { name: "b.jpg", type: "image/jpeg", size: 5 });
  outbox.change(cmid, { state: "waiting", file: { id: "b", name: "b.jpg", type: "image/jpeg", size: 5, alt: "A tower" } });

  const later = new Outbox("lobby", kept);

  assert.deepEqual(later.items.map(({ state, file }) => [state, file.alt]), [["uploading", "A bridge"], ["waiting", "A tower"]]);
});
