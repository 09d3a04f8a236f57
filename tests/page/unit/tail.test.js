import assert from "node:assert/strict";
import test from "node:test";

import { Tail, placeFor } from "../static/conversation/tail.js";

const message = (seq) => ({ id: `${seq}-a`, body: String(seq) });

function tail(...seqs) {
  const made = new Tail();
  for (const seq of seqs) made.add(message(seq));
  return made;
}

const held = (made) => made.messages.map(({ body }) => Number(body));

test("each message is there once", () => {
  const made = tail(1);
  assert.equal(made.add(message(2)), true);
  assert.equal(made.add(message(2)), false);
  assert.deepEqual(held(made), [1, 2]);
});

test("the oldest go where there are too many", () => {
  const made = tail(...Array.from({ length: 701 }, (_, at) => at + 1));

  assert.deepEqual([held(made)[0], held(made).length], [352, 350]);
  assert.equal(made.has("351-a"), false);
});

test("a message that is removed may come back where it stood", () => {
  const made = tail(1, 2, 3);
  made.remove("2-a");
  assert.deepEqual([held(made), made.has("2-a")], [[1, 3], false]);

  made.restore(message(2));
  made.restore(message(2));
  assert.deepEqual(held(made), [1, 2, 3]);

  made.remove("3-a");
  made.restore(message(3));
  assert.deepEqual(held(made), [1, 2, 3]);
});

test("one from before all that is held stays out, but for a room in which nothing is left", () => {
  const made = tail(7, 8);
  made.restore(message(3));
  assert.deepEqual(held(made), [7, 8]);

  const empty = tail();
  empty.restore(message(3));
  assert.deepEqual(held(empty), [3]);
});

test("among messages and notes, one belongs before the first later message", () => {
  const items = [{ id: "" }, { id: "2-a" }, { id: "" }, { id: "4-a" }, { id: "" }];

  assert.deepEqual(["1-a", "3-a", "5-a"].map((id) => placeFor(items, id)), [1, 3, 5]);
});
