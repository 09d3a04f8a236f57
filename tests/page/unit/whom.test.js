import assert from "node:assert/strict";
import test from "node:test";

import { begun, choices, folded, known } from "../static/writing/whom.js";

const ME = { userId: "me", userName: "Zoe" };
const said = (...names) => names.map((userName) => ({ userId: `id-${userName}`, userName }));
const here = (...names) => new Map(names.map((name) => [`id-${name}`, name]));
const typedAt = (text) => begun(text.replace("|", ""), text.indexOf("|"));
const typed = (text) => typedAt(text)?.typed ?? null;

function offered(wanted, names, { all = "", most = 6 } = {}) {
  return choices(known(here(...names), [], ME), wanted, { all, most }).map(({ written }) => written);
}

test("a name is begun by an @ that begins a word", () => {
  assert.deepEqual(typedAt("hi @an|"), { from: 3, typed: "an" });
  assert.deepEqual(typedAt("one\n@|"), { from: 4, typed: "" });
  assert.equal(typed("(@an|)"), "an");
  assert.equal(typed("@Ann Le|"), "Ann Le");
  assert.equal(typed("@Ann and @bo|, hi"), "bo");
  assert.equal(typed("ねえ@田|"), "田");
  for (const text of ["hi an|", "ann@exam|", "https://a.example/@an|", "me+@an|", "@a|nn", "@ann\n|", `@${"a".repeat(65)}|`, "|@an"]) {
    assert.equal(typed(text), null, text);
  }
});

test("code calls nobody", () => {
  for (const text of ["`@an|", "`@an|`", "```\n@an|", "```py\nx = 1\n@an|\n```", "a `b` `@c|"]) assert.equal(typed(text), null, text);
  for (const text of ["`x` @an|", "```\n@x\n```\n@an|", "```x```\n@an|"]) assert.equal(typed(text), "an", text);
});

test("whoever is looked for is found by any word of the name, without case and accents", () => {
  const names = ["Ann Lee", "Zoë", "Søren", "Łukasz", "Straße", "🦄 mia", "Jean-Luc", "田中さん", "민수"];
  const found = { lee: "Ann Lee", "ANN L": "Ann Lee", zoe: "Zoë", so: "Søren", lu: ["Łukasz", "Jean-Luc"], STRASS: "Straße", m: "🦄 mia", 田: "田中さん", ㅁ: "민수" };
  for (const [wanted, names_] of Object.entries(found)) {
    assert.deepEqual(offered(wanted, names), [names_].flat().map((name) => `@${name}`), wanted);
  }
  for (const wanted of ["nn", "eë", "x", " ann", "ann  lee"]) assert.deepEqual(offered(wanted, names), [], wanted);
  assert.equal(folded("ÀÉ ß ς"), folded("ae ss σ"));
});

test("whoever fits best comes first, and of those alike whoever is here and has spoken last", () => {
  const people = known(here("Bo", "Bob", "Bobby", "Ann Bo"), said("Bobo", "Bobby", "Boris", "Bobo"), ME);
  assert.deepEqual(people.map(({ name }) => name), ["Bobby", "Ann Bo", "Bo", "Bob", "Bobo", "Boris"]);
  const found = choices(people, "bo", { all: "", most: 9 });
  assert.deepEqual(found.map(({ name }) => name), ["Bo", "Bobby", "Bob", "Bobo", "Boris", "Ann Bo"]);
  assert.equal(choices(people, "bo", { all: "", most: 2 }).length, 2);
});

test("a name that is written to its end leaves nothing to choose, unless it begins another one", () => {
  assert.deepEqual(offered("bob", ["Bob", "Ann"]), []);
  assert.deepEqual(offered("bob", ["Bob", "Bobby"]), ["@Bob", "@Bobby"]);
  assert.deepEqual(offered("cleo", ["Bob"]), []);
});

test("the reader is not offered, nor anybody twice, nor under a name of before", () => {
  const people = here("Bob", "Cleo");
  people.set("me", "Zoe");
  const past = [
    { userId: "id-Cleo", userName: "Cleopatra" }, { userId: "me", userName: "Zoey" },
    { userId: "gone", userName: "Dora" }, { userId: "gone", userName: "Dorothy" },
    { userName: "Bob" }, { userName: "Zoe" }, { userName: "plain" },
  ];
  assert.deepEqual(known(people, past, ME).map(({ name, isHere }) => [name, isHere]), [
    ["Cleo", true], ["Bob", true], ["plain", false], ["Dorothy", false],
  ]);
});

test("where nobody knows who is here, those who spoke are offered", () => {
  assert.deepEqual(known(new Map(), said("Ann", "Bob", "Ann"), ME).map(({ name }) => name), ["Ann", "Bob"]);
});

test("a host can call everybody", () => {
  const all = "everybody in this room";
  const names = ["Ann", "Allan", "Bob"];
  assert.deepEqual(offered("a", names), ["@Allan", "@Ann"]);
  assert.deepEqual(offered("a", names, { all }), ["@Allan", "@Ann", "@all"]);
  assert.deepEqual(offered("", names, { all, most: 2 }), ["@Allan", "@all"]);
  assert.deepEqual(offered("every", names, { all }), ["@all"]);
  assert.deepEqual(offered("all", names, { all }), ["@all", "@Allan"]);
  assert.deepEqual(offered("all", ["Bob"], { all }), []);
  assert.deepEqual(offered("x", names, { all }), []);
});

test("whoever is called All is not everybody", () => {
  const names = ["all", "All Ears", "Allan"];
  assert.deepEqual(offered("al", names), ["@all", "@All Ears", "@Allan"]);
  assert.deepEqual(offered("al", names, { all: "everybody" }), ["all", "All Ears", "@Allan", "@all"]);
});
