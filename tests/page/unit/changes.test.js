import assert from "node:assert/strict";
import test from "node:test";

import { Changes, isEditable } from "../static/writing/changes.js";

/** Changes, and what was asked of the server over a line that may be cut. */
function line() {
  const world = { asked: [], isCut: false };
  world.changes = new Changes((change) => !world.isCut && world.asked.push(change) > 0);
  return world;
}

test("an edit has a text, a removal none", () => {
  const { changes, asked } = line();
  changes.want("7-a", "hello");
  changes.want("8-a");
  assert.deepEqual(asked.map(({ type, id, body }) => [type, id, body]), [["edit", "7-a", "hello"], ["remove", "8-a", undefined]]);
  assert.notEqual(asked[0].cmid, asked[1].cmid);
});

test("what cannot be sent is not wanted later either", () => {
  const world = line();
  world.isCut = true;
  assert.equal(world.changes.want("7-a", "hello"), false);
  world.isCut = false;
  world.changes.askAgain();
  assert.deepEqual(world.asked, []);
});

test("what has no answer when the line breaks is asked for again, as it was", () => {
  const { changes, asked } = line();
  changes.want("7-a", "hello");
  changes.want("8-a");
  assert.equal(changes.answered(asked[0].cmid)?.body, "hello");
  assert.equal(changes.answered(asked[0].cmid), undefined);
  changes.askAgain();
  assert.deepEqual(asked.slice(2), [asked[1]]);
});

test("a message can be edited for some minutes, by the server's clock", () => {
  const minute = 60_000;
  const now = Date.parse("2026-01-31T09:30:00Z");
  const ann = (sentAt) => ({ sentAt: `2026-01-31T${sentAt}Z` });
  assert.equal(isEditable(ann("09:15:01"), 15, [], now), true);
  assert.equal(isEditable(ann("09:15:00"), 15, [], now), false);
  assert.equal(isEditable(ann("09:30:00"), 0, [], now), false);

  const isAhead = [{ ...ann("09:20:00"), heardAt: now }]; // ten minutes
  assert.equal(isEditable(ann("09:10:00"), 15, isAhead, now + 4 * minute), true);
  assert.equal(isEditable(ann("09:10:00"), 15, isAhead, now + 6 * minute), false);
});
