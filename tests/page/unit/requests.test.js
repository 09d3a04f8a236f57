import assert from "node:assert/strict";
import test from "node:test";

import { Requests } from "../static/hosting/requests.js";

/** Requests, what was sent, and whether there is a connection. */
function world() {
  const made = { sent: [], open: true };
  made.requests = new Requests((frame) => made.open && made.sent.push(frame) > 0);
  return made;
}

const look = { type: "host", act: "look" };

test("what is asked for is answered with what the server tells, each by its own cmid", async () => {
  const { requests, sent } = world();
  const [first, second] = [requests.want(look), requests.want(look)];
  assert.notEqual(sent[0].cmid, sent[1].cmid);

  requests.done(sent[1].cmid, { hosts: [] });
  requests.done(sent[0].cmid, { hosts: ["Ann"] });

  assert.deepEqual(await second, { hosts: [] });
  assert.deepEqual(await first, { hosts: ["Ann"] });
});

test("a refusal says why", async () => {
  const { requests, sent } = world();
  const asked = requests.want(look);
  const problem = { code: "not-host", detail: "Only a host can do that." };

  assert.equal(requests.refused(sent[0].cmid, problem), true);
  await assert.rejects(asked, (why) => why === problem);
});

test("what others have asked for is none of it", () => {
  assert.equal(world().requests.refused("of a message", { code: "paused", detail: "" }), false);
});

test("without a connection nothing is asked for, then or later", async () => {
  const made = world();
  made.open = false;
  await assert.rejects(made.requests.want(look), ({ code }) => code === "offline");

  made.open = true;
  made.requests.askAgain();
  assert.deepEqual(made.sent, []);
});

test("what had no answer when the connection broke is asked for again under its cmid", async () => {
  const { requests, sent } = world();
  const asked = requests.want(look);
  requests.askAgain();
  assert.deepEqual(sent[1], sent[0]);

  requests.done(sent[0].cmid, {});
  requests.done(sent[0].cmid, {}); // to the second time
  await asked;
  requests.askAgain();
  assert.equal(sent.length, 2);
});
