/**
 * What is written in a message: plain text, links, code, the reader's name.
 *
 * parse() is pure and tested without a page; render() makes nodes of it. Nothing is ever
 * interpreted as HTML.
 */

import { element } from "../base/dom.js";

/**
 * @typedef {{kind: "text"|"code"|"block"|"link"|"mention", text: string, href?: string}} Part
 */

const PIECES = / ?\n?```(?:[\w+-]*\n)?([\s\S]+?)``` ?\n?|`([^`\n]+)`|(https?:\/\/[^\s<>"`]+)/giu;
const WORD = "[\\p{L}\\p{N}_]";
const EMOJI = /^(?:\p{RI}\p{RI}|[#*0-9]\ufe0f?\u20e3|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*)$/u;
/** @type {Record<string, string>} */
const OPENS = { ")": "(", "]": "[", "}": "{" };
const ENDS = /[.,;:!?'"*_~…»“”’]/u;
const MOST_JUMBO = 3; // emoji in a message that shows them large
const MOST_EMOJI_UNITS = 60; // UTF-16 units; longer texts are not looked at

/**
 * Cut a body into its parts.
 *
 * @param {string} body
 * @param {string} [name] the reader's, which stands out
 * @returns {Part[]}
 */
export function parse(body, name = "") {
  const mention = name ? mentionOf(name) : null;
  /** @type {Part[]} */
  const parts = [];
  let at = 0;
  for (const match of body.matchAll(PIECES)) {
    const [whole, block, code, address] = match;
    const link = address === undefined ? "" : trimmed(address);
    const href = link && hrefOf(link);
    if (address !== undefined && !href) continue;
    parts.push(...plain(body.slice(at, match.index), mention));
    if (block !== undefined) parts.push({ kind: "block", text: block.replace(/\n$/, "") });
    else if (code !== undefined) parts.push({ kind: "code", text: code });
    else parts.push({ kind: "link", text: link, href });
    at = match.index + (href ? link.length : whole.length);
  }
  parts.push(...plain(body.slice(at), mention));
  return parts;
}

/**
 * Whether the body says the name, as a word of its own.
 *
 * @param {string} body
 * @param {string} name
 */
export function mentions(body, name) {
  return name !== "" && parse(body, name).some(({ kind }) => kind === "mention");
}

/**
 * Whether the body is a few emoji and nothing else: then they are shown large.
 *
 * @param {string} body
 */
export function isJumbo(body) {
  const text = body.trim();
  if (!text || text.length > MOST_EMOJI_UNITS || !globalThis.Intl?.Segmenter) return false;
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
    if (kind === "link") return linkTo(text, href ?? "");
    if (kind === "code") return element("code", "", text);
    if (kind === "block") return blockOf(text);
    if (kind === "mention") return element("mark", "", text);
    return document.createTextNode(text);
  });
}

/** It scrolls sideways, by keys too. @param {string} text */
function blockOf(text) {
  const made = element("pre", "", element("code", "", text));
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

/** @param {string} text @param {RegExp|null} mention @returns {Part[]} */
function plain(text, mention) {
  if (!text) return [];
  if (!mention) return [{ kind: "text", text }];
  /** @type {Part[]} */
  const parts = [];
  text.split(mention).forEach((piece, at) => {
    if (piece) parts.push({ kind: at % 2 ? "mention" : "text", text: piece });
  });
  return parts;
}

/** @param {string} name */
function mentionOf(name) {
  const escaped = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"); // no "-": under `u` that is an error
  // "I" and "Al" are words of most languages: a name of two letters wants its @.
  const at = [...name].length > 2 ? "@?" : "@";
  return new RegExp(`(?<!${WORD})(${at}${escaped})(?!${WORD})`, "iu");
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
