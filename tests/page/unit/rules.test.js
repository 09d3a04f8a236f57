import assert from "node:assert/strict";
import test from "node:test";

import { Rules } from "../static/hosting/rules.js";

const NOW = 1_000_000; // Unix ms
const FREE = { kind: "free", until: 0 };

function rules(given = {}, role = "") {
  const made = new Rules();
  made.welcome({ role, rules: { speak: "everybody", slowSeconds: 0, needsHost: false, ...given } });
  return made;
}

test("without rules, everybody may speak", () => {
  const made = new Rules();
  made.welcome({});

  assert.equal(made.areFree, true);
  assert.deepEqual(made.standing(NOW), FREE);
});

test("where only hosts may speak, that ends when somebody ends it", () => {
  const made = rules({ speak: "hosts" });
  assert.deepEqual(made.standing(NOW), { kind: "hosts", until: Infinity });

  made.set({ speak: "everybody", slowSeconds: 0, needsHost: false });
  assert.deepEqual(made.standing(NOW), FREE);
});

test("where it is slow, the next message waits from the last one on", () => {
  const made = rules({ speak: "slow", slowSeconds: 30 });
  assert.deepEqual(made.standing(NOW), FREE);

  made.said(NOW);
  made.said(NOW - 60_000); // an older one, seen later
  assert.deepEqual(made.standing(NOW + 1), { kind: "slow", until: NOW + 30_000 });
  assert.deepEqual(made.standing(NOW + 30_000), FREE);
});

test("what was said before it became slow does not count", () => {
  const made = rules();
  made.said(NOW);
  made.set({ speak: "slow", slowSeconds: 30, needsHost: false });

  assert.deepEqual(made.standing(NOW), FREE);
});

test("the server knows best how long it takes", () => {
  const made = rules({ speak: "slow", slowSeconds: 30 });
  made.said(NOW);
  made.refused({ code: "slow", retryAfter: 7 }, NOW);
  assert.deepEqual(made.standing(NOW), { kind: "slow", until: NOW + 7_000 });

  made.refused({ code: "muted", retryAfter: 60 }, NOW);
  assert.deepEqual(made.standing(NOW), { kind: "muted", until: NOW + 60_000 });
});

test("who is quiet is so until then, or until somebody ends it", () => {
  const made = rules();
  made.mute(NOW + 1_000);
  assert.equal(made.standing(NOW).kind, "muted");
  assert.deepEqual(made.standing(NOW + 1_000), FREE);

  made.mute(Infinity);
  assert.deepEqual(made.standing(NOW), { kind: "muted", until: Infinity });
  made.mute(0);
  assert.deepEqual(made.standing(NOW), FREE);

  made.refused({ code: "muted" }, NOW);
  assert.deepEqual(made.standing(NOW), { kind: "muted", until: Infinity });
  made.welcome({}); // whoever still is quiet is told next
  assert.deepEqual(made.standing(NOW), FREE);
});

test("without a host, nobody may speak as soon as the server has said so, until one comes", () => {
  const made = rules({ needsHost: true });
  assert.deepEqual(made.standing(NOW), FREE); // the last one may have left just now

  made.refused({ code: "paused" }, NOW);
  assert.deepEqual(made.standing(NOW), { kind: "absent", until: Infinity });
  made.hostCame();
  assert.deepEqual(made.standing(NOW), FREE);
});

test("no rule holds for a host", () => {
  const made = rules({ speak: "hosts", needsHost: true }, "host");
  made.mute(Infinity);

  assert.equal(made.areFree, false);
  assert.deepEqual(made.standing(NOW), FREE);
});
