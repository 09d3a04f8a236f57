/**
 * Files on their way to the server, one after the other. The outbox keeps the message meanwhile; when the line dies, its file
 * goes again, whole.
 */

import { button, element } from "../base/dom.js";
import { recall, passOf } from "../base/storage.js";
import { because, t } from "../base/strings.js";
import { at } from "../connection/addresses.js";
import { fileWords, sizeText } from "./file_words.js";

const MOST_TRIES = 8; // while there is a connection
const FIRST_PAUSE = 1_000; // ms; then twice as long each time
const LONGEST_PAUSE = 20_000;
const LULL = 40_000; // ms without progress, after which a line is taken for dead
const THUMBNAIL_WITHIN = 15_000; // ms, else its message goes without
const STORED = 201;
const BUSY = 503;

/**
 * @typedef {import("./attachment.js").Attachment} Attachment
 * @typedef {{status: number, told: any}} Answer
 *
 * @typedef {object} Job
 * @property {string} cmid
 * @property {Attachment} attachment
 * @property {HTMLElement} node what is said of it
 * @property {HTMLElement} words
 * @property {HTMLProgressElement} bar
 * @property {{abort: () => void}} [request]
 *
 * @typedef {object} Parts
 * @property {import("../base/store.js").Store} store
 * @property {import("../writing/outbox.js").Outbox} outbox
 * @property {() => void} send what waits in the outbox
 * @property {() => void} paint
 * @property {(words: string) => void} notice
 */
export class Uploads {
  #parts;
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  #isRunning = false;
  /** @type {(() => void)[]} */
  #sleepers = [];

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.store.watch(["connection"], () => this.#wake());
    addEventListener("online", () => this.#wake());
  }

  /** @param {string} cmid of the message in the outbox @param {Attachment} attachment @param {() => void} cancel */
  begin(cmid, attachment, cancel) {
    const words = element("span", "", fileWords.waiting);
    const bar = element("progress");
    bar.max = 1;
    bar.value = 0;
    bar.ariaLabel = attachment.name;
    const node = element("span", "upload", words, bar, button("quiet", t.cancel, cancel));
    this.#jobs.set(cmid, { cmid, attachment, node, words, bar });
    this.#run();
  }

  /** What is to be seen of an upload. @param {string} cmid */
  nodeOf(cmid) {
    return this.#jobs.get(cmid)?.node;
  }

  /** Leave those alone whose message is not in the outbox any more. */
  sweep() {
    for (const job of this.#jobs.values()) {
      if (this.#isWanted(job)) continue;
      this.#jobs.delete(job.cmid);
      job.request?.abort();
    }
    this.#wake();
  }

  /** @param {Job} job */
  #isWanted({ cmid }) {
    return this.#parts.outbox.items.some((item) => item.cmid === cmid && item.state === "uploading");
  }

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    addEventListener("beforeunload", ask);
    for (let job; (job = [...this.#jobs.values()].find((one) => this.#isWanted(one))); this.#jobs.delete(job.cmid)) {
      await this.#upload(job).catch((error) => {
        reportError(error);
        this.#fail(/** @type {Job} */ (job), fileWords.failed);
      });
    }
    removeEventListener("beforeunload", ask); // else the page would not come back at once, where the reader goes back to it
    this.#isRunning = false;
  }

  /** Until it is there, given up, or refused. @param {Job} job */
  async #upload(job) {
    const { store, outbox, send, paint } = this.#parts;
    await job.attachment.ready;
    const { maxFileBytes = 0 } = store.state.limits;
    const { blob, name } = job.attachment.version;
    if (blob.size > maxFileBytes) return this.#fail(job, fileWords.tooLarge(name, sizeText(maxFileBytes)));
    for (let tries = 1, pause = FIRST_PAUSE; this.#isWanted(job); pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      while (this.#isWanted(job) && !this.#isConnected) await this.#sleep();
      if (!this.#isWanted(job)) return;
      const answer = await this.#put(job);
      if (!this.#isWanted(job)) return;
      if (answer?.status === STORED) {
        const { address, ...file } = answer.told;
        await this.#putThumbnail(job, file.id);
        if (!this.#isWanted(job)) return;
        const alt = job.attachment.description;
        outbox.change(job.cmid, { state: "waiting", file: { ...file, ...(alt && { alt }) } });
        send();
        return paint();
      }
      tries = this.#isConnected ? tries + 1 : 1;
      if ((answer && answer.status !== BUSY) || tries > MOST_TRIES) return this.#fail(job, reasonOf(answer));
      job.words.textContent = answer ? fileWords.waiting : fileWords.again;
      job.bar.value = 0;
      await this.#sleep(pause);
    }
  }

  get #isConnected() {
    return this.#parts.store.state.connection === "connected" && navigator.onLine;
  }

  /** @param {Job} job @param {string} reason */
  #fail({ cmid }, reason) {
    const { outbox, notice, paint } = this.#parts;
    outbox.fail(cmid, reason);
    notice(t.refusedOne);
    paint();
  }

  /** @param {Job} job @returns {Promise<Answer|null>} null: there was none */
  #put(job) {
    const { blob, name, width, height } = job.attachment.version;
    const url = this.#address(pathFree(name));
    if (width && height) url.search = new URLSearchParams({ width: `${width}`, height: `${height}` }).toString();
    const request = new XMLHttpRequest(); // fetch() tells of no progress
    job.request = request;
    return new Promise((done) => {
      let lull = 0;
      const alive = () => {
        clearTimeout(lull);
        lull = setTimeout(() => request.abort(), LULL);
      };
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        alive();
        job.bar.value = total ? loaded / total : 0;
        job.words.textContent = fileWords.uploading(Math.floor(100 * job.bar.value));
      });
      request.addEventListener("loadend", () => {
        clearTimeout(lull);
        done(request.status ? { status: request.status, told: request.response } : null);
      });
      request.open("PUT", url);
      request.responseType = "json";
      request.setRequestHeader("Authorization", this.#proof);
      alive();
      request.send(blob);
    });
  }

  /** Where it cannot be had, the picture is shown itself: nobody need know. @param {Job} job @param {string} id */
  async #putThumbnail(job, id) {
    const { thumbnail } = job.attachment.version;
    if (!thumbnail) return;
    const request = (job.request = new AbortController());
    const timer = setTimeout(() => request.abort(), THUMBNAIL_WITHIN);
    const options = { method: "PUT", body: thumbnail, headers: { Authorization: this.#proof }, signal: request.signal };
    await fetch(this.#address(id, "/thumbnail"), options).catch(() => {});
    clearTimeout(timer);
  }

  /** @param {string} name @param {string} [part] */
  #address(name, part = "") {
    const { room } = this.#parts.store.state;
    return at(`api/rooms/${encodeURIComponent(room)}/files/${encodeURIComponent(name)}${part}`);
  }

  get #proof() {
    return `Bearer ${passOf(this.#parts.store.state.room) ?? recall("chat:token")}`;
  }

  /** Until something has changed. @param {number} [most] ms */
  #sleep(most) {
    return /** @type {Promise<void>} */ (new Promise((wake) => {
      this.#sleepers.push(wake);
      if (most) setTimeout(wake, most);
    }));
  }

  #wake() {
    for (const wake of this.#sleepers.splice(0)) wake();
  }
}

/** Whether to leave: what is on its way would be lost. @param {BeforeUnloadEvent} event */
function ask(event) {
  event.preventDefault();
  event.returnValue = true; // for older browsers
}

/** As a part of an address, a name has no slash, and is no way up. @param {string} name */
function pathFree(name) {
  const flat = name.replace(/[/\\]/g, " ");
  return /^[.\s]*$/.test(flat) ? "file" : flat;
}

/** @param {Answer|null} answer */
function reasonOf(answer) {
  if (!answer) return fileWords.failed;
  const { code = "", detail = "" } = answer.told ?? {};
  return fileWords.reasons[code] ?? because(code || answer.status, detail || fileWords.failed);
}
