// All of these files in one process: a process for each took longer than the tests themselves.

import { readdirSync } from "node:fs";
import { afterEach } from "node:test";

const folder = new URL(".", import.meta.url);
const atFirst = new Set(Reflect.ownKeys(globalThis));

/** What a test has told the page of its browser, the next one must not find. */
afterEach(() => {
  for (const name of Reflect.ownKeys(globalThis)) if (!atFirst.has(name)) delete globalThis[name];
});

for (const file of readdirSync(folder).sort()) {
  if (file.endsWith(".test.js")) await import(new URL(file, folder));
}
