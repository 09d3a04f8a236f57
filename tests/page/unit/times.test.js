import assert from "node:assert/strict";
import test from "node:test";

import { countdown, moment, restOfToday, span } from "../static/hosting/times.js";

test("a time that lasts has the largest unit that fits it", () => {
  const spans = [5, 60, 90, 600, 3_600, 5_400, 86_400].map(span);

  assert.deepEqual(spans, ["5 seconds", "1 minute", "90 seconds", "10 minutes", "1 hour", "90 minutes", "1 day"]);
});

test("what is counted down never reads zero before it is over", () => {
  assert.deepEqual([1, 1_000, 1_001, 59_000, 60_000, 127_000].map(countdown), ["1 s", "1 s", "2 s", "59 s", "1:00", "2:07"]);
});

test("another day is named, another year too", () => {
  const now = new Date(2026, 0, 31, 9, 5);
  assert.doesNotMatch(moment(new Date(2026, 0, 31, 10, 42), now), /31/);
  assert.match(moment(new Date(2026, 1, 1, 10, 42), now), /Feb/);
  assert.match(moment(new Date(2027, 1, 1, 10, 42), now), /2027/);
});

test("today ends in its last minute, so that nobody reads tomorrow's date", () => {
  const now = new Date(2026, 0, 31, 23, 0);
  assert.equal(restOfToday(now), 3_599);
  assert.doesNotMatch(moment(new Date(now.getTime() + restOfToday(now) * 1000), now), /Feb/);
  assert.equal(restOfToday(new Date(2026, 0, 31, 23, 59, 59)), 60); // too short is no use to anybody
});
