/**
 * What is written in a message: plain text, links, code, the reader's name.
 *
 * pieces() is pure and tested without a page; render() makes nodes of them. Nothing is ever
 * interpreted as HTML. Whatever a body consists of, the work is linear in its length, and beginning()
 * looks at no more than is shown of it.
 */

import { element } from "../base/dom.js";

/**
 * @typedef {{kind: "text"|"code"|"block"|"link"|"mention", text: string, href?: string}} Part
 * @typedef {{from: number, to: number}} Stretch
 * @typedef {Stretch & {part: Part}} Found
 */

// Fences and runs of backticks are CommonMark's. Punctuation of scripts that write no space behind it ends an address.
const TOKENS = /^ {0,3}(`{3,})([^`\n]*)$|(`+)|https?:\/\/[^\s<>"`“”„«»‹›،؛؟۔।\u3001-\u3003\u3008-\u3020\u3030\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+/gimu;
const CLOSING_FENCE = /^ {0,3}(`{3,})[ \t]*$/gm;
const LANGUAGE_OF_CODE = /^[\w+#.-]*$/;
const LAST_ON_ITS_LINE = /[\w+#.-]*[ \t]*\n/y;
const PARAGRAPH_END = /\n[ \t]*\n|\n {0,3}`{3,}[^`\n]*(?=\n|$)/g; // no code within a line goes on behind it
const FOREIGN_END = /^(https?:\/\/[^\s/?#]*\.[a-z]{2,})[\u0370-\u1dff\u2000-\uffff][^./?#:]*(?=[/?#:]|$)/i; // no top level mixes scripts
const LETTER = "[\\p{L}\\p{M}\\p{N}_]";
// Of scripts that write a space between words, and none between a name and what is added to it.
export const SPACED_LETTER = `(?![\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}])${LETTER}`;
const EMOJI = /^(?:\p{RI}\p{RI}|[#*0-9]\ufe0f?\u20e3|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*)$/u;
/** @type {Record<string, string>} */
const OPENS = { ")": "(", "]": "[", "}": "{" };
const ENDS = /[.,;:!?'"*_~…’]/u;
export const PILE = /(\p{M}{12})\p{M}+/gu; // browsers draw a pile of marks in time that grows with its square
const MOST_JUMBO = 3; // emoji in a message that shows them large
const MOST_EMOJI_UNITS = 60; // UTF-16 units; longer texts are not looked at
const MOST_SEARCHED = 10_000; // UTF-16 units in which the reader's name is looked for

// What is shown of a message at once. Nobody should have to scroll past a whole file, or wait for it.
const MOST_UNITS = 1_500; // UTF-16
const MOST_LINES = 18;
const MOST_PARTS = 60;

/**
 * The parts of a body, one after the other.
 *
 * @param {string} body
 * @param {string} [name] the reader's, which stands out
 * @param {string} [by] as of the message
 * @param {boolean} [goesOn] whether this is the beginning of a longer one: code may end behind it
 * @returns {Generator<Part, void, void>}
 */
export function* pieces(body, name = "", by = "", goesOn = false) {
  const text = body.replace(/\r\n?/g, "\n");
  const mention = mentionOf(text, name, by);
  const tokens = new RegExp(TOKENS);
  const code = new Code(text, goesOn);
  let at = 0;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [{ length }, fence, info, run] = match;
    const from = match.index;
    const found = fence
      ? code.fenced(from, from + length, fence.length, info)
      : run ? code.within(from, from + length) : linkAt(match, goesOn);
    if (found) {
      yield* plain(text.slice(at, found.from), mention);
      yield found.part;
      at = tokens.lastIndex = found.to;
    } else if (fence) {
      tokens.lastIndex -= info.length; // in which there may be a link
    }
  }
  yield* plain(text.slice(at), mention);
}

/**
 * As much of a body as is shown at once.
 *
 * @param {string} body
 * @param {string} [name] the reader's, which stands out
 * @param {string} [by] as of the message
 * @returns {{parts: Part[], whole: boolean}} and whether that is all of it
 */
export function beginning(body, name, by) {
  const lines = body.slice(0, MOST_UNITS).replace(/[\ud800-\udbff]$/, "").split("\n", MOST_LINES + 1);
  const shown = lines.slice(0, MOST_LINES).join("\n");
  /** @type {Part[]} */
  const parts = [];
  let whole = shown.length === body.length;
  for (const part of pieces(shown, name, by, !whole)) {
    if (parts.length < MOST_PARTS) parts.push(part);
    else whole = false;
  }
  if (!whole) parts.push({ kind: "text", text: "…" });
  return { parts, whole };
}

/** Whether the body calls whoever has the name, in its first 10,000 characters. @param {string} body @param {string} name @param {string} [by] as of the message */
export function mentions(body, name, by) {
  const text = body.slice(0, MOST_SEARCHED);
  const mention = mentionOf(text, name, by);
  if (!mention || text.search(mention) < 0) return false;
  for (const { kind } of pieces(text, name, by)) if (kind === "mention") return true; // else it stands in code
  return false;
}

/** Whether the body is a few emoji and nothing else: then they are shown large. @param {string} body */
export function isJumbo(body) {
  const text = body.slice(0, MOST_EMOJI_UNITS + 1).trim();
  if (!text || text.length > MOST_EMOJI_UNITS || /[a-z]/i.test(text) || !globalThis.Intl?.Segmenter) return false;
  const seen = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  return seen.length <= MOST_JUMBO && seen.every((segment) => EMOJI.test(segment));
}

/**
 * The nodes that show the parts.
 *
 * @param {Part[]} parts
 */
export function render(parts) {
  return parts.map(({ kind, text, href }) => {
    const drawn = text.replace(PILE, "$1");
    if (kind === "link") return linkTo(drawn, href ?? "");
    if (kind === "code") return untranslated(element("code", "", drawn));
    if (kind === "block") return blockOf(drawn);
    if (kind === "mention") return untranslated(element("mark", "", drawn));
    return document.createTextNode(drawn);
  });
}

/** @template {HTMLElement} T @param {T} node a name or code, which a browser's translation leaves alone */
export function untranslated(node) {
  node.translate = false;
  return node;
}

/** It scrolls sideways, by keys too. @param {string} text */
function blockOf(text) {
  const made = element("pre", "", untranslated(element("code", "", text)));
  made.tabIndex = 0;
  return made;
}

/** @param {string} text @param {string} href */
function linkTo(text, href) {
  const made = element("a", "", element("bdi", "", text));
  made.href = href;
  made.target = "_blank";
  made.rel = "noopener noreferrer nofollow ugc";
  return made;
}

/** @param {string} text @param {RegExp|null} mention @returns {Generator<Part, void, void>} */
function* plain(text, mention) {
  let at = 0;
  for (const match of mention ? text.matchAll(mention) : []) {
    if (match.index > at) yield { kind: "text", text: text.slice(at, match.index) };
    yield { kind: "mention", text: match[0] };
    at = match.index + match[0].length;
  }
  if (at < text.length) yield { kind: "text", text: text.slice(at) };
}

/**
 * Where code begins and ends in a text. Each question is about a place behind the one before: so all of
 * them together are linear in the text.
 */
class Code {
  #text;
  #goesOn;
  /** @type {Map<number, number[]>|null} where there are runs of so many backticks, last first */
  #runs = null;
  /** @type {(Stretch & {length: number})[]|null} lines that close a block, last first */
  #fences = null;
  #neverClosed = Infinity; // the length of a fence that nothing further down closes, so nor any longer one
  #paragraphEnd = -1;

  /** @param {string} text @param {boolean} goesOn whether it is the beginning of a longer one */
  constructor(text, goesOn) {
    this.#text = text;
    this.#goesOn = goesOn;
  }

  /** What an opening fence begins. @param {number} from @param {number} to @param {number} length of its backticks @param {string} info */
  fenced(from, to, length, info) {
    const closing = this.#closingFence(to, length) ?? (this.#goesOn ? null : this.#nextBackticks(to, length));
    return this.#block(from, to, info.trim(), closing);
  }

  /** What a run of backticks within a line begins. @param {number} from @param {number} to @returns {Found|null} */
  within(from, to) {
    const length = to - from;
    LAST_ON_ITS_LINE.lastIndex = to;
    const opened = length > 2 && LAST_ON_ITS_LINE.exec(this.#text);
    if (opened) return this.#block(from, to + opened[0].length - 1, opened[0].trim(), this.#nextBackticks(to, length));
    const close = this.#closingRun(to, length);
    if (close < 0) return null;
    const text = this.#text.slice(to, close);
    if (length > 2 && text.includes("\n")) return this.#around({ kind: "block", text }, from, close + length);
    const bare = text.replaceAll("\n", " ").replace(/^ (.*[^ ].*) $/, "$1");
    return { part: { kind: "code", text: bare }, from, to: close + length };
  }

  /**
   * Lines of code: to what closes them, or to the end.
   *
   * @param {number} from
   * @param {number} to the end of the line that opens it
   * @param {string} info what stands behind its backticks
   * @param {Stretch|null} closing
   * @returns {Found|null}
   */
  #block(from, to, info, closing) {
    const end = closing ?? { from: this.#text.length, to: this.#text.length };
    const lines = this.#text.slice(to + 1, end.from).replace(/\n$/, "");
    if (!closing && !lines.trim()) return null;
    // A word behind the backticks is the language, unless it is all that there is.
    const text = lines && LANGUAGE_OF_CODE.test(info) ? lines : [info, lines].filter(Boolean).join("\n");
    return text.trim() ? this.#around({ kind: "block", text }, from, end.to) : null;
  }

  /** A block has lines of its own: what parts it from those around it is not shown. @param {Part} part @param {number} from @param {number} to */
  #around(part, from, to) {
    const text = this.#text;
    if (text[from - 1] === "\n") from -= 1;
    if (text[from - 1] === " ") from -= 1;
    if (text[to] === " ") to += 1;
    if (text[to] === "\n") to += 1;
    return { part, from, to };
  }

  /** @param {number} from @param {number} length @returns {Stretch|null} */
  #closingFence(from, length) {
    if (length >= this.#neverClosed) return null;
    this.#fences ??= [...this.#text.matchAll(CLOSING_FENCE)]
      .map(({ index, 0: line, 1: run }) => ({ from: index, to: index + line.length, length: run.length }))
      .reverse();
    while ((this.#fences.at(-1)?.from ?? Infinity) < from) this.#fences.pop();
    const found = this.#fences.findLast((fence) => fence.length >= length) ?? null;
    if (!found) this.#neverClosed = length;
    return found;
  }

  /** @param {number} from @param {number} length @returns {Stretch|null} */
  #nextBackticks(from, length) {
    const next = this.#text.indexOf("`".repeat(length), from);
    return next < 0 ? null : { from: next, to: next + length };
  }

  /** @param {number} from @param {number} length @returns {number} where just so many backticks are next, in this paragraph */
  #closingRun(from, length) {
    this.#runs ??= runsOf(this.#text);
    const runs = this.#runs.get(length) ?? [];
    while (runs.length && runs[runs.length - 1] < from) runs.pop();
    const next = runs.at(-1) ?? -1;
    if (this.#paragraphEnd < from) {
      PARAGRAPH_END.lastIndex = from;
      this.#paragraphEnd = PARAGRAPH_END.exec(this.#text)?.index ?? this.#text.length;
    }
    return next < this.#paragraphEnd ? next : -1;
  }
}

/** @param {string} text @returns {Map<number, number[]>} */
function runsOf(text) {
  const runs = new Map();
  for (const { index, 0: run } of text.matchAll(/`+/g)) {
    const same = runs.get(run.length);
    if (same) same.push(index);
    else runs.set(run.length, [index]);
  }
  for (const same of runs.values()) same.reverse();
  return runs;
}

/** @param {RegExpExecArray} match of TOKENS @param {boolean} goesOn @returns {Found|null} */
function linkAt({ index, 0: address, input }, goesOn) {
  if (goesOn && index + address.length === input.length) return null; // half of an address is another one
  const link = trimmed(FOREIGN_END.exec(address)?.[1] ?? address);
  const href = hrefOf(link);
  return href ? { part: { kind: "link", text: link, href }, from: index, to: index + link.length } : null;
}

/**
 * What calls the bearer of a name: the name, or "@" and its first word, since few can type all of "mia 🦄".
 *
 * In what was said by a host, so does "@all", whoever is a host by now.
 *
 * @param {string} text where it is looked for: null where a quick look, without other scripts' rules, finds nothing
 * @param {string} name
 * @param {string} [by]
 */
function mentionOf(text, name, by) {
  const quick = !/[^\0-\x7f]/.test(text + name) && !text.includes("@");
  if (!name || (quick && !text.toLowerCase().includes(name.toLowerCase()))) return null;
  // "I" and "Al" are words of most languages: a name of two letters wants its @.
  const bare = [...name].length > 2 ? `(?<!${LETTER})${literal(name)}\\ufe0f?(?!${LETTER})|` : "";
  const first = /[\p{L}\p{M}\p{N}_]+/u.exec(name)?.[0];
  const called = [name, ...(first ? [first] : []), ...(by === "host" ? ["all"] : [])].map(literal).join("|");
  return new RegExp(`${bare}(?<!${SPACED_LETTER})@(?:${called})\\ufe0f?(?!${SPACED_LETTER})`, "giu");
}

/** @param {string} text as a part of a regular expression */
function literal(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"); // no "-": under `u` that is an error
}

/** An address without what ends the sentence around it. @param {string} address */
function trimmed(address) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const character of address) counts[character] = (counts[character] ?? 0) + 1;
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    const open = OPENS[last];
    if (open ? counts[last] <= (counts[open] ?? 0) : !ENDS.test(last)) break;
    counts[last] -= 1;
  }
  return address.slice(0, end);
}

/** @param {string} text @returns {string} "" where it is no address that may be followed */
function hrefOf(text) {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    // "https://bank.example@evil.example" leads elsewhere than it seems to.
    return isWeb && !url.username && !url.password ? url.href : "";
  } catch {
    return "";
  }
}
