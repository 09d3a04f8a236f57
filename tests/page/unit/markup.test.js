import assert from "node:assert/strict";
import test from "node:test";

import { beginning, isJumbo, mentions, pieces } from "../static/conversation/markup.js";

const parse = (body, name) => [...pieces(body, name)];
const told = (parts) => parts.map(({ kind, text }) => (kind === "text" ? text : `<${kind} ${text}>`)).join("");
const brief = (body, name) => told(parse(body, name));

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

test("an address ends where a sentence of another script goes on", () => {
  assert.equal(brief("https://a.example，然后"), "<link https://a.example>，然后");
  assert.equal(brief("见https://a.example/b。然后"), "见<link https://a.example/b>。然后");
  assert.equal(brief("（https://a.example）"), "（<link https://a.example>）");
  assert.equal(brief("「https://a.example/b？c=1」です"), "「<link https://a.example/b>？c=1」です");
  assert.equal(brief("“https://a.example”然后"), "“<link https://a.example>”然后");
  assert.equal(brief("«https://a.example/b», и"), "«<link https://a.example/b>», и");
  assert.equal(brief("https://a.example،"), "<link https://a.example>،");
});

test("no host ends in letters of two scripts", () => {
  assert.equal(brief("https://a.example然后"), "<link https://a.example>然后");
  assert.equal(brief("https://a.example然后/b"), "<link https://a.example>然后/b");
  for (const address of ["https://例え.jp/日本", "https://例え.テスト", "https://ABC株式会社.jp", "https://a.vermögensberater/x"]) {
    assert.equal(brief(address), `<link ${address}>`);
  }
});

test("code is code, and nothing in it is anything else", () => {
  assert.equal(brief("try `https://a.example` now"), "try <code https://a.example> now");
  assert.equal(brief("```py\nprint('`')\n```"), "<block print('`')>");
  assert.equal(brief("`not closed"), "`not closed");
  assert.equal(brief("```a``` and `b`"), "<code a> and <code b>");
});

test("so many backticks as open code close it, and one space on each side is no part of it", () => {
  assert.equal(brief("``a`b`` c"), "<code a`b> c");
  assert.equal(brief("`` ` `` and `` `a` ``"), "<code `> and <code `a`>");
  assert.equal(brief("` a` ` `"), "<code  a> <code  >");
  assert.equal(brief("`a``b`"), "<code a``b>");
  assert.equal(brief("``a` b"), "``a` b");
  assert.equal(brief("`a\nb`"), "<code a b>");
  assert.equal(brief("it`s\n\nhers`"), "it`s\n\nhers`");
});

test("a fence is a line of its own, with or without a language", () => {
  for (const first of ["```", "``` ", "```c#", "``` c++", "```objective-c  ", "   ```", "`````js"]) {
    const fence = first.trim().match(/^`+/)[0];
    assert.equal(brief(`${first}\na ${"`"} b\n${fence} \nc`), "<block a ` b>c", first);
  }
  assert.equal(brief("````\n```\na\n```\n````"), "<block ```\na\n```>");
  assert.equal(brief("```\na ``` b\n```"), "<block a ``` b>");
});

test("lines that end as on Windows are lines", () => {
  assert.equal(brief("```js\r\na\r\nb\r\n```\r\nc"), "<block a\nb>c");
});

test("code that nothing closes goes on to the end", () => {
  assert.equal(brief("```\na\nb"), "<block a\nb>");
  assert.equal(brief("```\nf(a)```"), "<block f(a)>");
  for (const body of ["```", "``` ", "```\n\n", "```js", "a ```", "`````` b"]) assert.equal(brief(body), body);
});

test("code that begins or ends within a line has lines of its own, too", () => {
  assert.equal(brief("so: ```\na\nb\n```"), "so:<block a\nb>");
  assert.equal(brief("so: ```js\na``` b"), "so:<block a>b");
  assert.equal(brief("```f(a)\nf(b)```"), "<block f(a)\nf(b)>");
  assert.equal(brief("so ```a b\nc``` d"), "so<block a b\nc>d");
});

test("what parts a block from the lines around it is not shown: the block has lines of its own", () => {
  assert.equal(brief("Look:\n```\na\n```\nand *stars*"), "Look:<block a>and *stars*");
  assert.equal(brief("a\n\n```\nb\n```\n\n  c"), "a\n<block b>\n  c");
});

test("nothing of a body is lost", () => {
  const body = "a `b`  ```c``` https://d.example e@f Ann, ann! `` https://x@y";
  assert.equal(parse(body, "Ann").map(({ text }) => text).join(""), "a b  c https://d.example e@f Ann, ann! `` https://x@y");
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

test("behind its @, as much of a name is enough as anybody can type", () => {
  assert.equal(brief("hi @mia, and mia", "mia 🦄"), "hi <mention @mia>, and mia");
  assert.equal(brief("@mia 🦄!", "mia 🦄"), "<mention @mia 🦄>!");
  assert.equal(brief("@MIA", "🦄 mia"), "<mention @MIA>");
  assert.equal(brief("@Ann: Ann Lee", "Ann Lee"), "<mention @Ann>: <mention Ann Lee>");
  assert.equal(mentions("Ann? @Anna? a@ann.example? @Lee?", "Ann Lee"), false);
});

test("a name is called where its script writes no space around it", () => {
  assert.equal(brief("@田中さん", "田中"), "<mention @田中>さん");
  assert.equal(brief("ねえ@田中さん、", "田中さん"), "ねえ<mention @田中さん>、");
  assert.equal(brief("@민수야", "민수"), "<mention @민수>야");
  assert.equal(brief("@Ann来て", "Ann"), "<mention @Ann>来て");
  assert.equal(mentions("さくらんぼ", "さくら"), false);
});

test("a name of one or two letters wants its @", () => {
  assert.equal(mentions("I think so", "I"), false);
  assert.equal(mentions("@Al what now", "Al"), true);
});

test("one to three emoji are large, anything else is not", () => {
  for (const body of ["🎉", " 👍🏽 ", "👨‍👩‍👧🇩🇪1️⃣", "❤️"]) assert.equal(isJumbo(body), true, body);
  for (const body of ["", "a", "🎉a", "🎉🎉🎉🎉", "12", "#", "©x"]) assert.equal(isJumbo(body), false, body);
});

test("of a long body, only the beginning is looked at", () => {
  const { parts, whole } = beginning("word ".repeat(13_000));
  assert.equal(whole, false);
  assert.equal(told(parts).length, 1_501);
  assert.equal(beginning("line\n".repeat(13_000)).parts[0].text.split("\n").length, 18);
  assert.ok(beginning("`a` ".repeat(16_000)).parts.length <= 61);
  assert.deepEqual(beginning("a short one"), { parts: [{ kind: "text", text: "a short one" }], whole: true });
});

test("what is cut off makes nothing else of what is shown", () => {
  assert.equal(told(beginning("```js\n" + "a `b` ".repeat(2_000) + "\n```").parts).slice(0, 20), "<block a `b` a `b` a");
  assert.equal(told(beginning("```\n" + "a``` \n".repeat(2_000) + "```").parts).slice(0, 15), "<block a``` \na`");
  const { parts } = beginning("a ".repeat(740) + "https://a.example/" + "b".repeat(50));
  assert.ok(parts.every(({ kind }) => kind === "text"), "half an address leads elsewhere");
  assert.ok(!told(beginning("a" + "🎉".repeat(2_000)).parts).includes("\ufffd"));
  assert.ok(beginning("a" + "🎉".repeat(2_000)).parts[0].text.isWellFormed?.() ?? true);
});

test("a name is looked for in more than what is shown, and not without end", () => {
  assert.equal(mentions("word ".repeat(1_000) + "Ann", "Ann"), true);
  assert.equal(mentions("word ".repeat(10_000) + "Ann", "Ann"), false);
});

/** What makes careless ways of looking take their time: each of 64 kB, as long as a message can be. */
const HARD = {
  backticks: "`".repeat(65_000),
  "runs of all lengths": Array.from({ length: 360 }, (_, at) => "`".repeat(at + 1)).join(" "),
  "runs of all lengths, shorter and shorter": Array.from({ length: 360 }, (_, at) => "`".repeat(360 - at)).join("a"),
  "pairs and single ones": "`` ` ".repeat(13_000),
  "code in a line": "`a`".repeat(21_000),
  "fences that nothing closes": "```x\ny```\n".repeat(6_000),
  "fences that only shorter ones follow": "````x\n```\n".repeat(6_000),
  "fences, longer and longer": Array.from({ length: 350 }, (_, at) => "`".repeat(at + 3) + "x\n").join(""),
  "code that begins within a line": "a ```\n".repeat(9_000),
  paragraphs: "`a\n\n".repeat(13_000),
  links: "http://a ".repeat(7_000),
  "a long link": "https://" + "(".repeat(30_000) + ")".repeat(30_000),
  "the end of a link": "https://a.example/" + ")".repeat(60_000),
  "a long host": "https://" + "a.".repeat(30_000) + "然",
  names: "@Ann ".repeat(13_000),
  "almost names": "@".repeat(65_000),
  "letters of a name": "AnAnAnA".repeat(9_000),
  marks: "a" + "\u0301".repeat(32_000),
  "new lines": "\n".repeat(65_000),
  "lines that end as on Windows": "\r".repeat(65_000),
  spaces: " ".repeat(65_000),
};

/** Whether it takes the processor less than so many milliseconds, at best of three times. */
function isDoneWithin(limit, work) {
  return [1, 2, 3].some(() => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 < limit;
  });
}

for (const [what, body] of Object.entries(HARD)) {
  test(`a huge body is cut in no time: ${what}`, () => {
    assert.ok(parse(body, "Ann Lee").length);
    assert.ok(isDoneWithin(200, () => parse(body, "Ann Lee")));
    assert.ok(isDoneWithin(50, () => [beginning(body, "Ann Lee"), mentions(body, "Ann Lee")]));
  });
}

test("@all calls everybody in what a host has said, and nobody else", () => {
  const by = (body, name, who) => told([...pieces(body, name, who)]);
  assert.equal(by("@all: come, @ALL!", "Ann", "host"), "<mention @all>: come, <mention @ALL>!");
  assert.equal(by("all of you, a@all.example, @alley, `@all`", "Ann", "host"), "all of you, a@all.example, @alley, <code @all>");
  for (const who of ["", "script", undefined]) {
    assert.equal(by("@all: come", "Ann", who), "@all: come");
    assert.equal(mentions("@all", "Ann", who), false);
    assert.equal(mentions("@all", "all", who), true);
  }
  assert.equal(mentions("@all", "Ann", "host"), true);
  assert.equal(mentions("@all", "", "host"), false);
  assert.equal(mentions("word ".repeat(1_000) + "@all", "Ann", "host"), true);
  assert.deepEqual(beginning("@all", "Ann", "host").parts, [{ kind: "mention", text: "@all" }]);
});
