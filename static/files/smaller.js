/**
 * What the browser makes of a picture before it leaves: upright, no larger than needed, and with nothing in it of where and
 * with what it was taken. So no decoder has to run where the room runs.
 */

const MOST = 1_600; // px
const QUALITY = 0.85;
const MOST_TOLD = 30_000; // px that the API takes
const LOOKED_AT = 65_536; // bytes in which a picture says that it moves
const COLOUR = [12, 34, 56];

/**
 * @typedef {{blob: Blob, name: string, width?: number, height?: number}} Version
 *
 * @typedef {object} Prepared
 * @property {Version} whole as it is
 * @property {Version} [small] what is rather sent
 * @property {"smaller"|"moves"|"lies"|"file"} what became of it: made smaller; left alone, since it may move, or since the
 *   browser does not let a page read what it has painted; or it is no picture that this browser knows
 */

/** @param {File} file @returns {Promise<Prepared>} never rejected */
export async function prepare(file) {
  const whole = { blob: file, name: file.name };
  try {
    if (!/^image\/(?!svg)/.test(file.type)) return { whole, what: "file" };
    return await made(file, await createImageBitmap(file, { imageOrientation: "from-image" }));
  } catch {
    return { whole, what: "file" };
  }
}

/** @param {File} file @param {ImageBitmap} bitmap @returns {Promise<Prepared>} */
async function made(file, bitmap) {
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
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const { canvas, context } = newCanvas(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const kind = type !== "image/jpeg" && isSeeThrough(context, width, height) ? "png" : "jpeg";
  const blob = await new Promise((done) => canvas.toBlob(done, `image/${kind}`, QUALITY));
  if (blob?.type !== `image/${kind}`) return null;
  const ending = kind === "png" ? ".png" : ".jpg";
  return { blob, name: name.replace(/\.\w{1,5}$/, "") + ending, width, height };
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
