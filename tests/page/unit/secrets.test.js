import assert from "node:assert/strict";
import test from "node:test";

import { secrets, takeSecrets } from "../static/base/storage.js";

/** What the address bar shows after the page has looked at this address. */
function open(hash) {
  let shown = `/rooms/garden?x${hash}`;
  globalThis.location = { hash, pathname: "/rooms/garden", search: "?x" };
  globalThis.history = { state: null, replaceState: (_, __, url) => (shown = url) };
  for (const name of Object.keys(secrets)) delete secrets[name];
  return { taken: takeSecrets(), shown, secrets: { ...secrets } };
}

test("a host's secret is taken out of the address", () => {
  assert.deepEqual(open("#host=aB-_9.x"), { taken: true, shown: "/rooms/garden?x", secrets: { host: "aB-_9.x" } });
});

test("a door's is kept, too, also next to a host's", () => {
  assert.deepEqual(open("#key=ABCD2345").secrets, { key: "ABCD2345" });
  assert.deepEqual(open("#host=a&key=b").secrets, { host: "a", key: "b" });
});

test("a code that somebody has made up reads as it was made up", () => {
  assert.deepEqual(open("#key=K%C3%A4se%2012").secrets, { key: "Käse 12" });
  assert.deepEqual(open("#key=100%25%").secrets, { key: "100%25%" }); // nobody wrote it otherwise
});

test("what leads to a message, or to nothing, stays as it is", () => {
  for (const hash of ["", "#42-664c976f9a047975", "#body", "#host=", "#nohost=x"]) {
    assert.deepEqual(open(hash), { taken: false, shown: `/rooms/garden?x${hash}`, secrets: {} });
  }
});
