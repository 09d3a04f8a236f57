/** What the HTTP API knows of a room's past. */

import { ask } from "./proved.js";

const PAGE = 100; // messages
const PATIENCE = 15_000; // ms for an answer
const GONE = new Set([404, 410]);
const CONTEXT = 40; // messages on each side of one that a link leads to

/** @typedef {import("./session.js").Message} Message */

/** The API answered, but not with what was asked for. */
export class ArchiveError extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export class Archive {
  #messages;
  #room;
  /** Whether this server has an API: not known before the first question. */
  #missing = false;
  /** What the messages of an answer are by now: by changing.js, once one has changed. */
  asNow = (/** @type {Message[]} */ messages) => messages;

  /** @param {URL} base @param {string} room */
  constructor(base, room) {
    this.#room = room;
    this.#messages = new URL(`api/rooms/${encodeURIComponent(room)}/messages`, base);
  }

  /** Whether it is known that this server has no API. */
  get missing() {
    return this.#missing;
  }

  /**
   * @param {string} id
   * @returns {Promise<Message[]>} the ones just before it, oldest first; none at the beginning
   */
  older(id) {
    return this.#page({ before: id, limit: PAGE });
  }

  /**
   * @param {string} id
   * @returns {Promise<Message[]>} the ones just behind it, oldest first; none at the end
   */
  newer(id) {
    return this.#page({ since: id, limit: PAGE });
  }

  /**
   * @param {string} id
   * @returns {Promise<Message|null>} null: it is gone, or never was there
   */
  async one(id) {
    try {
      return this.asNow([await this.#get(this.#at(id))])[0] ?? null;
    } catch (error) {
      if (error instanceof ArchiveError && GONE.has(error.status) && !this.#missing) return null;
      throw error;
    }
  }

  /**
   * @param {string} id
   * @param {number} [context] how many on each side
   * @returns {Promise<Message[]>} the message and those around it
   */
  async around(id, context = CONTEXT) {
    const [message, before, after] = await Promise.all([
      this.#get(this.#at(id)),
      this.#page({ before: id, limit: context }),
      this.#page({ since: id, limit: context }),
    ]);
    return this.asNow([...before, message, ...after]);
  }

  /**
   * @param {string} text
   * @param {string} [before] an id: only older ones
   * @returns {Promise<Message[]>} the newest that match, oldest first
   */
  search(text, before) {
    return this.#page({ q: text, limit: PAGE / 2, ...(before && { before }) });
  }

  /** @param {string} id */
  #at(id) {
    return new URL(`${this.#messages.pathname}/${encodeURIComponent(id)}`, this.#messages);
  }

  /** @param {Record<string, string|number>} query @returns {Promise<Message[]>} */
  async #page(query) {
    const url = new URL(this.#messages);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    const { messages } = await this.#get(url);
    return this.asNow(messages); // which may have become another meanwhile
  }

  /** @param {URL} url @returns {Promise<any>} */
  async #get(url) {
    const options = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) };
    const answer = await ask(this.#room, url, options);
    if (answer.ok) return answer.json();
    const isProblem = answer.headers.get("Content-Type")?.includes("json") ?? false;
    this.#missing ||= answer.status === 404 && !isProblem;
    const detail = isProblem ? (await answer.json()).detail : await answer.text();
    throw new ArchiveError(answer.status, String(detail ?? answer.status).trim());
  }
}
