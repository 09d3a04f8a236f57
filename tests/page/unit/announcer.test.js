import assert from "node:assert/strict";
import test from "node:test";

import { Announcer } from "../static/conversation/conversation.js";

/** The log as the template has it, its announcer, and a clock that is moved by hand. */
function setTheStage(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const log = { ariaBusy: "true", ariaLive: "off" };
  return { log, announcer: new Announcer(log), wait: (ms) => t.mock.timers.tick(ms) };
}

const SILENT = { ariaBusy: "true", ariaLive: "off" };
const LIVE = { ariaBusy: "false", ariaLive: "polite" };

test("the log is silent while something is put into it, and for a while after", (t) => {
  const { log, announcer, wait } = setTheStage(t);
  announcer.settle();
  wait(1_000);
  assert.deepEqual(log, LIVE);
  announcer.quietly(() => assert.deepEqual(log, SILENT));
  wait(300);
  assert.deepEqual(log, SILENT);
  wait(100);
  assert.deepEqual(log, LIVE);
});

test("what is put in meanwhile makes the silence longer", (t) => {
  const { log, announcer, wait } = setTheStage(t);
  announcer.settle();
  wait(300);
  announcer.quietly(() => {});
  wait(300);
  assert.deepEqual(log, SILENT);
  wait(100);
  assert.deepEqual(log, LIVE);
});

test("a past that is still on its way is not read out, however long it takes", (t) => {
  const { log, announcer, wait } = setTheStage(t);
  announcer.settle();
  announcer.quiet();
  wait(60_000);
  assert.deepEqual(log, SILENT);
});
