import assert from "node:assert/strict";
import test from "node:test";

import { batched, later, loadTheRest } from "../static/base/dom.js";

/** A clock that is moved by hand, with frames that come when they are let. */
function setTheStage(t) {
  const stage = { now: 1_000, frames: [] };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(performance, "now", () => stage.now);
  globalThis.requestAnimationFrame = (work) => stage.frames.push(work);
  globalThis.cancelAnimationFrame = () => {};
  stage.frame = () => stage.frames.splice(0).forEach((work) => work());
  stage.wait = (ms) => ((stage.now += ms), t.mock.timers.tick(ms));
  return stage;
}

test("what is asked for many times is done once, with the next frame", (t) => {
  const stage = setTheStage(t);
  let times = 0;
  const work = batched(() => (times += 1));
  work();
  work();
  assert.equal(times, 0);
  stage.frame();
  stage.wait(1_000);
  assert.equal(times, 1);
});

test("a page that gets no frames does it all the same", (t) => {
  const stage = setTheStage(t);
  let times = 0;
  batched(() => (times += 1))();
  stage.wait(200);
  assert.equal(times, 1);
});

test("what is asked for again at once waits for its pause to be over", (t) => {
  const stage = setTheStage(t);
  let times = 0;
  const work = batched(() => (times += 1), 100);
  work();
  stage.frame();
  for (let ms = 0; ms < 1_000; ms += 10) {
    work();
    stage.frame();
    stage.wait(10);
  }
  assert.equal(times, 11);
  stage.wait(100);
  work();
  stage.frame();
  assert.equal(times, 12);
});

test("a part is loaded once, however many want it at the same time", async () => {
  let times = 0;
  const part = later(async () => ({ number: (times += 1) }));
  const [one, other] = await Promise.all([part(), part()]);
  loadTheRest();

  assert.equal(one, other);
  assert.equal((await part()).number, 1);
});

test("a part that could not be loaded is tried again when it is wanted again", async () => {
  const answers = [Promise.reject(new Error("offline")), Promise.resolve("a part")];
  const part = later(() => /** @type {Promise<string>} */ (answers.shift()));

  await assert.rejects(part(), /offline/);
  assert.equal(await part(), "a part");
});
