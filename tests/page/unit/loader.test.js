import assert from "node:assert/strict";
import test from "node:test";

import { ArchiveError } from "../static/connection/archive.js";
import { Loader } from "../static/conversation/loader.js";

const messages = (...ids) => ids.map((id) => ({ id }));

/** A timeline that shows messages 5 and 6 of a room; the archive answers as it is told. */
function setTheStage(t) {
  const stage = { now: 1_000, asked: [], shown: messages("5-a", "6-a"), attached: false, quiet: 0, looks: 0 };
  t.mock.method(performance, "now", () => stage.now);
  globalThis.document = { createElement: () => Object.assign(new EventTarget(), { append: () => {} }) };
  stage.archive = {
    missing: false,
    older: (id) => (stage.asked.push(`before ${id}`), stage.answer()),
    newer: (id) => (stage.asked.push(`after ${id}`), stage.answer()),
  };
  const timeline = {
    get first() { return stage.shown[0]; },
    get last() { return stage.shown.at(-1); },
    get attached() { return stage.attached; },
    prepend: (more) => stage.shown.unshift(...more),
    extend: (more) => stage.shown.push(...more),
  };
  stage.top = { dataset: {}, hidden: true, replaceChildren: (...parts) => (stage.onTop = parts) };
  stage.loader = new Loader({
    archive: stage.archive, timeline, keepPlace: (work) => work(), top: stage.top,
    announcer: { quietly: (work) => ((stage.quiet += 1), work()) },
    look: () => (stage.looks += 1),
  });
  stage.ids = () => stage.shown.map(({ id }) => id);
  stage.says = () => stage.top.dataset.says;
  stage.gives = (...ids) => (stage.answer = async () => messages(...ids));
  stage.fails = (error) => (stage.answer = async () => { throw error; });
  return stage;
}

test("older messages come on top, and are no news", async (t) => {
  const stage = setTheStage(t);
  stage.gives("3-a", "4-a");
  const loading = stage.loader.older();
  assert.equal(stage.says(), "loading");
  assert.equal(stage.top.hidden, false);
  await loading;
  assert.deepEqual(stage.ids(), ["3-a", "4-a", "5-a", "6-a"]);
  assert.deepEqual(stage.asked, ["before 5-a"]);
  assert.equal(stage.quiet, 1);
  assert.equal(stage.says(), "more");
  assert.equal(stage.top.hidden, true);
});

test("the room's first message is known by its number: nobody is asked for what was before it", async (t) => {
  const stage = setTheStage(t);
  stage.shown = messages("1-a");
  await stage.loader.older();
  assert.deepEqual(stage.asked, []);
  assert.equal(stage.says(), "beginning");
});

test("an archive without older ones is left alone for half a minute", async (t) => {
  const stage = setTheStage(t);
  stage.gives();
  await stage.loader.older();
  assert.equal(stage.says(), "beginning");
  stage.now += 29_000;
  await stage.loader.older();
  assert.equal(stage.asked.length, 1);
  stage.now += 1_000;
  await stage.loader.older();
  assert.equal(stage.asked.length, 2);
});

test("an archive that fails is left alone for two seconds, or until the reader wants it", async (t) => {
  const stage = setTheStage(t);
  stage.fails(new ArchiveError(500, "broken"));
  await stage.loader.older();
  assert.equal(stage.says(), "failed");
  await stage.loader.older();
  assert.equal(stage.asked.length, 1);
  stage.gives("4-a");
  stage.onTop.at(-1).dispatchEvent(new Event("click"));
  await new Promise(setImmediate);
  assert.deepEqual(stage.ids(), ["4-a", "5-a", "6-a"]);
});

test("a message that is gone leaves the reader in peace", async (t) => {
  const stage = setTheStage(t);
  stage.fails(new ArchiveError(404, "no such message"));
  await stage.loader.older();
  assert.equal(stage.says(), "more");
});

test("one question is under way at a time, and none to a server without an archive", async (t) => {
  const stage = setTheStage(t);
  stage.gives("4-a");
  await Promise.all([stage.loader.older(), stage.loader.older(), stage.loader.newer(), stage.loader.newer()]);
  assert.deepEqual(stage.asked, ["before 5-a", "after 6-a"]);
  stage.archive.missing = true;
  await Promise.all([stage.loader.older(), stage.loader.newer()]);
  assert.equal(stage.asked.length, 2);
});

for (const which of ["older", "newer"]) {
  test(`an answer with ${which} ones that comes too late for what is shown now is dropped, and the edges are looked at`, async (t) => {
    const stage = setTheStage(t);
    stage.gives("4-a");
    const loading = stage.loader[which]();
    stage.shown = messages("50-a");
    await loading;
    assert.deepEqual(stage.ids(), ["50-a"]);
    assert.equal(stage.looks, 1);
    await stage.loader[which]();
    assert.equal(stage.looks, 1);
  });
}

test("newer messages come at the end of a window that is not attached, and of no other", async (t) => {
  const stage = setTheStage(t);
  stage.gives("7-a");
  await stage.loader.newer();
  assert.deepEqual(stage.ids(), ["5-a", "6-a", "7-a"]);
  assert.equal(stage.quiet, 1);
  stage.attached = true;
  await stage.loader.newer();
  assert.deepEqual(stage.asked, ["after 6-a"]);
});

test("newer messages that cannot be had are asked for again", async (t) => {
  const stage = setTheStage(t);
  stage.fails(new ArchiveError(500, "broken"));
  await stage.loader.newer();
  stage.gives("7-a");
  await stage.loader.newer();
  assert.deepEqual(stage.ids(), ["5-a", "6-a", "7-a"]);
});
