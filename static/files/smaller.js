/**
 * What the browser makes of a picture before it leaves: upright, no larger than needed, and with nothing in it of where and
 * with what it was taken; and of that a thumbnail. So no decoder has to run where the room runs.
 */

import { THUMBNAIL } from "./view_pass.js";

const MOST = 1_600; // px
const QUALITY = 0.85;
const QUALITIES_OF_THUMBNAIL = [0.75, 0.5]; // the second where the first takes too much, as leaves and gravel do
const MOST_OF_THUMBNAIL = 65_536; // bytes that the API takes
const MOST_TOLD = 30_000; // px that the API takes
const LOOKED_AT = 65_536; // bytes in which a picture says that it moves
const COLOUR = [12, 34, 56];

/**
 * @typedef {{blob: Blob, name: string, width?: number, height?: number, thumbnail?: Blob}} Version
 *
 * @typedef {object} Prepared
 * @property {Version} whole as it is
 * @property {Version} [small] what is rather sent
 * @property {"smaller"|"moves"|"lies"|"file"} what became of it: made smaller; left alone, since it may move, or since the
 *   browser does not let a page read what it has painted; or it is no picture that this browser knows
 */

/** @type {Promise<unknown>} until the last of those before is prepared */
let turn = Promise.resolve();

/** One picture after the other: a phone has no memory for twenty photos at once. @param {File} file @returns {Promise<Prepared>} never rejected */
export function prepare(file) {
  /** @type {Prepared} */
  const alone = { whole: { blob: file, name: file.name }, what: "file" };
  if (!/^image\/(?!svg)/.test(file.type)) return Promise.resolve(alone);
  const prepared = turn.then(() => made(file)).catch(() => alone);
  turn = prepared;
  return prepared;
}

/** @param {File} file @returns {Promise<Prepared>} */
async function made(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const size = Math.max(width, height) <= MOST_TOLD ? { width, height } : {};
  const whole = { blob: file, name: file.name, ...size };
  try {
    if (await moves(file)) return { whole, what: "moves" };
    if (canvasLies()) return { whole, what: "lies" };
    const small = await painted(file, bitmap);
    return small ? { whole, small, what: "smaller" } : { whole, what: "lies" };
  } finally {
    bitmap.close();
  }
}

/** @param {File} file @param {ImageBitmap} bitmap @returns {Promise<Version|null>} */
async function painted({ type, name }, bitmap) {
  const { canvas, context } = scaled(bitmap, MOST);
  const { width, height } = canvas;
  const kind = type !== "image/jpeg" && isSeeThrough(context, width, height) ? "png" : "jpeg";
  const blob = await encoded(canvas, kind, QUALITY);
  if (!blob) return null;
  const ending = kind === "png" ? ".png" : ".jpg";
  const thumbnail = await thumbnailOf(canvas, kind, blob.size);
  return { blob, name: name.replace(/\.\w{1,5}$/, "") + ending, width, height, ...(thumbnail && { thumbnail }) };
}

/**
 * Made of what is painted already: the photo is not decoded again.
 *
 * @param {HTMLCanvasElement} canvas @param {"png"|"jpeg"} kind @param {number} size bytes of the picture
 * @returns {Promise<Blob|null>} null where it would spare next to nothing, and the API would not take it
 */
async function thumbnailOf(canvas, kind, size) {
  if (Math.max(canvas.width, canvas.height) <= THUMBNAIL) return null;
  const small = scaled(canvas, THUMBNAIL).canvas;
  for (const quality of kind === "jpeg" ? QUALITIES_OF_THUMBNAIL : [1]) {
    const blob = await encoded(small, kind, quality);
    if (blob && blob.size <= Math.min(size / 2, MOST_OF_THUMBNAIL)) return blob;
  }
  return null;
}

/** @param {ImageBitmap|HTMLCanvasElement} source @param {number} most px */
function scaled(source, most) {
  const scale = Math.min(1, most / Math.max(source.width, source.height));
  const [width, height] = [source.width, source.height].map((side) => Math.max(1, Math.round(side * scale)));
  const { canvas, context } = newCanvas(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return { canvas, context };
}

/** @param {HTMLCanvasElement} canvas @param {"png"|"jpeg"} kind @param {number} quality @returns {Promise<Blob|null>} */
async function encoded(canvas, kind, quality) {
  const type = `image/${kind}`;
  /** @type {Blob|null} */
  const blob = await new Promise((done) => canvas.toBlob(done, type, quality));
  return blob?.type === type ? blob : null;
}

/** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
function isSeeThrough(context, width, height) {
  const { data } = context.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return true;
  return false;
}

/** Browsers that hide what they run on give back noise: one painted pixel shows it. */
function canvasLies() {
  const { context } = newCanvas(1, 1);
  context.fillStyle = `rgb(${COLOUR.join(" ")})`;
  context.fillRect(0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  return COLOUR.some((value, at) => data[at] !== value);
}

/** @param {number} width @param {number} height */
function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  return { canvas, context };
}

/** Whether a picture may move: painted, its first moment alone would be left. @param {Blob} file */
async function moves(file) {
  const bytes = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  if (text.startsWith("GIF8")) return true;
  if (text.startsWith("RIFF") && text.slice(8) === "WEBPVP8X") return (bytes[20] & 2) !== 0;
  return text.startsWith("\x89PNG") && has(bytes, "acTL");
}

/** @param {Uint8Array} bytes @param {string} name */
function has(bytes, name) {
  const codes = [...name].map((letter) => letter.charCodeAt(0));
  for (let at = bytes.indexOf(codes[0]); at >= 0; at = bytes.indexOf(codes[0], at + 1)) {
    if (codes.every((code, n) => bytes[at + n] === code)) return true;
  }
  return false;
}
