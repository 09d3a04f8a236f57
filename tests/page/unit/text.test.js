import assert from "node:assert/strict";
import test from "node:test";

import { LONGEST, SHORTEST, delay } from "../static/connection/connection.js";
import { Happenings } from "../static/people/happenings.js";
import { byteLength, clockText, firstCodePoints, initial, newCmid, shownName, wellFormed } from "../static/base/text.js";
import { standing } from "../static/conversation/row.js";

test("the wait before an attempt is between half a second and twenty", () => {
  for (let attempt = 1; attempt < 50; attempt += 1) {
    assert.equal(delay(attempt, () => 0), SHORTEST);
    assert.ok(delay(attempt, () => 1) <= LONGEST);
  }
  assert.equal(delay(1, () => 1), 1_000);
  assert.equal(delay(30, () => 1), LONGEST);
  assert.notEqual(delay(5, () => 0.2), delay(5, () => 0.7));
});

test("a shown name has nothing that cannot be seen", () => {
  assert.equal(shownName("A\u200bnn\u2060"), "Ann");
  assert.equal(shownName("\u202eAnn"), "Ann");
  assert.equal(shownName("A\u0000n\tn"), "Ann");
  assert.equal(shownName("\u200b\u3164"), "?");
  assert.equal(shownName("A\u200dnn"), "Ann");
  for (let code = 0; code < 0x110000; code += 1) {
    const character = String.fromCodePoint(code);
    if (!/\p{DI}|\p{Cf}/u.test(character)) continue;
    assert.equal(shownName(`An${character}n`), "Ann", code.toString(16));
  }
});

test("names keep the joiners that they need", () => {
  assert.equal(shownName("👨‍👩‍👧"), "👨‍👩‍👧");
  assert.equal(shownName("علی\u200cرضا"), "علی\u200cرضا");
  assert.equal(shownName("क्\u200dष"), "क्\u200dष");
  assert.equal(shownName("👨\u200d\u200d👩"), "👨👩");
});

test("emoji in names stay emoji, and letters get no selectors", () => {
  for (const name of ["❤\ufe0f", "👩\u200d❤\ufe0f\u200d👨", "🏴\u200d☠\ufe0f", "1\ufe0f\u20e3", "👍🏽"]) assert.equal(shownName(name), name);
  assert.equal(shownName("❤\ufe0f\ufe0f"), "❤\ufe0f");
  assert.equal(shownName("Ann 2\ufe0f"), "Ann 2");
});

test("lengths count as the server counts", () => {
  assert.equal(firstCodePoints("🎉🎉🎉", 2), "🎉🎉");
  assert.equal(firstCodePoints("Ann", 64), "Ann");
  assert.equal(byteLength("ü🎉"), 6);
  assert.equal(wellFormed("a\ud800b🎉"), "a\ufffdb🎉");
});

test("a clock has twelve hours, a cmid its length", () => {
  assert.equal(clockText(new Date(2026, 0, 31, 0, 5)), "12:05 AM");
  assert.equal(clockText(new Date(2026, 0, 31, 13, 42)), "1:42 PM");
  assert.match(newCmid(), /^[0-9a-f]{24}$/);
  assert.notEqual(newCmid(), newCmid());
  assert.equal(initial("éa"), "É");
});

const line = (sender, date) => ({ sender, date: date && new Date(date) });

test("lines share a heading within five minutes of one day", () => {
  const first = line("ann", "2026-01-31T09:00:00");
  assert.deepEqual(standing(null, first), { newDay: true, follows: false });
  assert.deepEqual(standing(first, line("ann", "2026-01-31T09:04:59")), { newDay: false, follows: true });
  assert.deepEqual(standing(first, line("ann", "2026-01-31T09:05:00")), { newDay: false, follows: false });
  assert.deepEqual(standing(first, line("bob", "2026-01-31T09:01:00")), { newDay: false, follows: false });
  const late = line("ann", "2026-01-31T23:59:00");
  assert.deepEqual(standing(late, line("ann", "2026-02-01T00:01:00")), { newDay: true, follows: false });
  assert.deepEqual(standing(first, line("ann", null)), { newDay: false, follows: false });
});

const happened = (...events) => {
  const happenings = new Happenings();
  for (const [kind, userId, userName, before] of events) happenings.add(kind, { userId, userName }, before ?? userName);
  return happenings.sentences().map((said) => said.replace(/[\u2068\u2069]/g, ""));
};

test("joins and leaves are one sentence each", () => {
  assert.deepEqual(happened(["joined", "1", "Ann"], ["joined", "2", "Bob"], ["left", "3", "Cleo"]), ["Ann and Bob came", "Cleo left"]);
});

test("who came and went is no news, nor who went and came back", () => {
  assert.deepEqual(happened(["joined", "1", "Ann"], ["left", "1", "Ann"]), []);
  assert.deepEqual(happened(["left", "1", "Ann"], ["joined", "1", "Ann"]), []);
});

test("a crowd is counted", () => {
  const crowd = Array.from({ length: 30 }, (_, at) => ["joined", String(at), `U${at}`]);
  assert.deepEqual(happened(...crowd), ["U0, U1, U2, U3 and 26 more came"]);
});

test("a new name is told with the old one, however often it changed", () => {
  assert.deepEqual(happened(["renamed", "1", "Anna", "Ann"], ["renamed", "1", "Annika", "Anna"]), ["Ann is now Annika"]);
  assert.deepEqual(happened(["renamed", "1", "Anna", "Ann"], ["renamed", "1", "Ann", "Anna"]), []);
});
