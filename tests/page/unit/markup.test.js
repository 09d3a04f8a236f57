import assert from "node:assert/strict";
import test from "node:test";

import { isJumbo, mentions, parse } from "../static/conversation/markup.js";

const brief = (body, name) => parse(body, name).map(({ kind, text }) => (kind === "text" ? text : `<${kind} ${text}>`)).join("");

test("addresses of the web become links, without what ends the sentence", () => {
  assert.equal(brief("see https://a.example/b. Or not"), "see <link https://a.example/b>. Or not");
  assert.equal(brief("(http://a.example/b_(c))"), "(<link http://a.example/b_(c)>)");
  assert.equal(brief("HTTPS://a.example/?q=1&r=2#s!"), "<link HTTPS://a.example/?q=1&r=2#s>!");
});

test("nothing else becomes a link", () => {
  for (const body of ["javascript:alert(1)", "ftp://a.example", "www.a.example", "https://", "http://[", "data:text/html,x"]) {
    assert.equal(brief(body), body);
  }
});

test("an address that pretends to be another one is left alone", () => {
  assert.equal(brief("https://bank.example@evil.example/"), "https://bank.example@evil.example/");
});

test("a link leads where it says", () => {
  assert.equal(parse("https://a.example/ü")[0].href, "https://a.example/%C3%BC");
});

test("code is code, and nothing in it is anything else", () => {
  assert.equal(brief("try `https://a.example` now"), "try <code https://a.example> now");
  assert.equal(brief("```py\nprint('`')\n```"), "<block print('`')>");
  assert.equal(brief("`not closed"), "`not closed");
  assert.equal(brief("```a``` and `b`"), "<block a>and <code b>");
});

test("what parts a block from the lines around it is not shown: the block has lines of its own", () => {
  assert.equal(brief("Look:\n```\na\n```\nand *stars*"), "Look:<block a>and *stars*");
  assert.equal(brief("a ```b``` c"), "a<block b>c");
  assert.equal(brief("a\n\n```b```\n\n  c"), "a\n<block b>\n  c");
});

test("nothing of a body is lost", () => {
  const body = "a `b`  ```c``` https://d.example e@f Ann, ann! `` https://x@y";
  assert.equal(parse(body, "Ann").map(({ text }) => text).join(""), "a b chttps://d.example e@f Ann, ann! `` https://x@y");
});

test("a name is a mention where it is a word of its own", () => {
  assert.equal(brief("Ann, @ann: hi Anna, Joann", "Ann"), "<mention Ann>, <mention @ann>: hi Anna, Joann");
  assert.equal(brief("für Zoë!", "Zoë"), "für <mention Zoë>!");
  assert.equal(brief("a+b (c)", "a+b (c)"), "<mention a+b (c)>");
  assert.equal(mentions("`Ann`", "Ann"), false);
  assert.equal(mentions("anything", ""), false);
});

test("every character of a name is only itself", () => {
  for (let code = 0x20; code < 0x7f; code += 1) {
    const name = `Jo${String.fromCharCode(code)}Ann`;
    assert.equal(brief(`hi ${name}!`, name), `hi <mention ${name}>!`);
    assert.equal(mentions("JoAnn, Jo×Ann, Jo, Ann, Joo", name), false, name);
  }
});

test("a name of one or two letters wants its @", () => {
  assert.equal(mentions("I think so", "I"), false);
  assert.equal(mentions("@Al what now", "Al"), true);
});

test("one to three emoji are large, anything else is not", () => {
  for (const body of ["🎉", " 👍🏽 ", "👨‍👩‍👧🇩🇪1️⃣", "❤️"]) assert.equal(isJumbo(body), true, body);
  for (const body of ["", "a", "🎉a", "🎉🎉🎉🎉", "12", "#", "©x"]) assert.equal(isJumbo(body), false, body);
});

test("a huge body is cut in no time", () => {
  const started = performance.now();
  parse("https://" + "(".repeat(30_000) + ")".repeat(30_000), "Ann");
  assert.equal(parse("https://a.example/" + ")".repeat(60_000))[0].text, "https://a.example/");
  parse("`".repeat(60_000), "Ann");
  assert.ok(performance.now() - started < 2_000);
});
