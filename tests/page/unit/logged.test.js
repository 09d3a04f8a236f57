import assert from "node:assert/strict";
import test from "node:test";

import { partsOf, rulesIn } from "../static/hosting/logged.js";

const NOTHING = { seconds: undefined, everywhere: false, guests: false, count: 0, unfinished: false, finished: false, of: "" };

test("how long a removal lasts is told apart from what went with it, and from where it holds", () => {
  assert.deepEqual(partsOf("3600 s"), { ...NOTHING, seconds: 3600 });
  assert.deepEqual(partsOf("3600 s, 12 messages"), { ...NOTHING, seconds: 3600, count: 12 });
  assert.deepEqual(partsOf("until undone, everywhere, 1 message"), { ...NOTHING, everywhere: true, count: 1 });
  assert.deepEqual(partsOf("undone, everywhere"), { ...NOTHING, seconds: 0, everywhere: true });
});

test("many messages go in several steps, of which the last one says how many they were", () => {
  assert.deepEqual(partsOf("up to 42-ab, 500 messages so far"), { ...NOTHING, count: 500, unfinished: true });
  assert.deepEqual(partsOf("12,345 messages in all"), { ...NOTHING, count: 12_345, finished: true });
});

test("what is back says when it had gone", () => {
  const of = "2026-01-31T09:05:00.123Z";
  assert.deepEqual(partsOf(`of ${of}, 200 messages so far`), { ...NOTHING, count: 200, unfinished: true, of });
});

test("links for guests are told apart, as made and as used", () => {
  assert.deepEqual(partsOf("86400 s, for guests"), { ...NOTHING, seconds: 86_400, guests: true });
  assert.deepEqual(partsOf("as a guest"), { ...NOTHING, guests: true });
});

test("rules say who may speak first, and then the rest", () => {
  const rules = { speak: "slow", slowSeconds: 60, needsHost: true };
  assert.deepEqual(rulesIn("slow (60 s), only while a host is here"), { rules, others: [] });
  assert.deepEqual(rulesIn("approval, open with the code, new code"), {
    rules: { speak: "approval", slowSeconds: 0, needsHost: false },
    others: ["open with the code", "new code"],
  });
  assert.deepEqual(rulesIn("something else, altogether"), { rules: null, others: ["something else, altogether"] });
});
