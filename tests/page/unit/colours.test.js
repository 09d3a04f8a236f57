import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

describe("the colours of people", () => {
  let hueClass, passOn, share;
  let pages = 0;

  beforeEach(async () => { // a page of its own for each test
    ({ hueClass, passOn, share } = await import(`../static/people/people.js?page=${(pages += 1)}`));
  });

  const people = (n) => Array.from({ length: n }, (_, at) => `person ${at}`);
  const colours = (names) => new Set(names.map(hueClass));

  test("as many people as there are colours have one each", () => {
    share(people(12));

    assert.equal(colours(people(12)).size, 12);
  });

  test("everybody keeps their colour when others come, go and come back", () => {
    share(people(6));
    const before = people(6).map(hueClass);
    for (const here of [people(12), people(40), people(2), people(6)]) {
      assert.deepEqual(share(here), new Map());
    }

    assert.deepEqual(people(6).map(hueClass), before);
  });

  test("many share colours, and none is left without", () => {
    share(people(100));

    assert.equal(colours(people(100)).size, 12);
  });

  test("those who come choose behind those who are here, whoever spoke before", () => {
    const absent = Array.from({ length: 30 }, (_, at) => `absent ${at}`);
    share(people(4));
    absent.forEach(hueClass);

    for (let here = 1; here <= 8; here += 1) {
      const changed = share([...people(4), ...absent.slice(0, here)]);
      assert.equal(people(4).some((name) => changed.has(name)), false);
      assert.equal(colours([...people(4), ...absent.slice(0, here)]).size, 4 + here);
      for (const [name, colour] of changed) assert.notEqual(hueClass(name), colour);
    }
  });

  test("what was said by people who are gone has other colours than those who are here", () => {
    share(people(5));

    assert.equal(colours([...people(5), "gone", "gone, too"]).size, 7);
  });

  test("somebody with another name has the same colour", () => {
    share(people(3));
    const before = hueClass("person 1");

    passOn("person 1", "another");
    share(["person 0", "another", "person 2"]);

    assert.equal(hueClass("another"), before);
  });

  test("a name alone has its colour on every page", async () => {
    const there = await import("../static/people/people.js?page=there");

    assert.equal(hueClass("Ann"), there.hueClass("Ann"));
    assert.match(hueClass(""), /^hue-\d+$/);
  });
});
