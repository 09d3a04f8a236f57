/**
 * This page's part in the typed protocol, chatroom.v1: hello, welcome, resume, and frames to values.
 *
 * Within the life of a page a connection that comes back is the same tab: it says what it saw last,
 * and proves it by its token. A page that is loaded is a new tab of the same person: it gets the
 * newest messages anew. So a tab that was copied in the browser never fights with its original.
 */

import { keepPass, passOf, secrets } from "../base/storage.js";

const HOSTING = /^(host|rules|(un)?muted|log|held|settled|knock)/; // types of frames

/**
 * @typedef {object} Message
 * @property {string} room
 * @property {string} userName
 * @property {string} body
 * @property {string} timestamp what its sender's clock read, as text
 * @property {string} id
 * @property {string} sentAt ISO 8601
 * @property {string} [userId] missing for a plain user
 * @property {string} [cmid]
 * @property {string} [editedAt] ISO 8601
 * @property {"host"|"script"} [by] whose it is, if not just anybody's
 * @property {string} [replyTo] id of the message that it answers
 * @property {import("../files/file_words.js").SharedFile} [file]
 * @property {number} [heardAt] Unix ms by this browser's clock, of one that came live
 *
 * @typedef {{cmid: string, body: string, timestamp: string, replyTo?: string, file?: {id?: string, alt?: string}}} Said
 *
 * @typedef {{userId: string, userName: string, role?: string}} Person
 *
 * @typedef {{speak: string, slowSeconds: number, needsHost: boolean, door?: string, listed?: boolean, unchecked?: string, files?: string, reactions?: boolean}} Rules
 *   who may speak, and who may come in
 *
 * @typedef {object} Welcome
 * @property {string} userId
 * @property {string} userName
 * @property {string} token
 * @property {string} [pass]
 * @property {Person[]} users
 * @property {number} count
 * @property {string} last
 * @property {number} rev of the room's last change of a message
 * @property {number} [reactions] the mark of the newest one to a message
 * @property {boolean} [recovered]
 * @property {string} [role] the reader's, as a host
 * @property {Rules} [rules] if they do not let everybody speak
 * @property {import("../base/store.js").State["limits"]} limits
 *
 * @typedef {{code: string, detail: string, cmid?: string, suggestion?: string, retryAfter?: number}} Problem
 *
 * @typedef {object} Listener told of all that happens, in order
 * @property {(welcome: Welcome) => void} welcome
 * @property {(message: Message, live: boolean) => void} message
 * @property {(id: string, message: Message|null, by: string) => void} changed how it reads now; null: it is gone, by whom
 * @property {() => void} live
 * @property {(cmid: string) => void} ack
 * @property {(cmid: string, told: any) => void} done what was asked for with this cmid, and what there is to tell
 * @property {(frame: any) => void} hosting a host has decided something
 * @property {(kind: "joined"|"left"|"renamed"|"typing", person: Person) => void} person
 * @property {(count: number) => void} count
 * @property {(users: Person[]) => void} users everybody who is here, after a time of counts alone
 * @property {(rooms: {name: string, last: string}[]) => void} rooms something was said there; its id
 * @property {(error: Problem, inside: boolean) => void} error
 */
export class Session {
  /** Hears each frame first; true: it is for nobody else. @type {(frame: any) => boolean} */
  tap = () => false;
  /** @type {Welcome|null} the last one */
  welcomed = null;
  #send;
  #room;
  #tokens;
  #lastRead;
  #past;
  #listener;
  #token = "";
  #sent = "";
  #since = "";
  #last = "0-0";
  #rev = Infinity; // of the last change of which this page knows all that came before
  #newestRev = 0;
  #inside = false;
  #live = false;
  #hasBeenLive = false;

  /**
   * @param {object} options
   * @param {(text: string) => boolean} options.send
   * @param {string} options.room
   * @param {{get: () => string, set: (token: string) => void}} options.tokens
   *   who this browser's person is, for new tabs
   * @param {() => string|null} options.lastRead id of the last message that this person has read here
   * @param {number} options.past messages to begin with
   * @param {Listener} options.listener
   */
  constructor({ send, room, tokens, lastRead, past, listener }) {
    this.#send = send;
    this.#room = room;
    this.#tokens = tokens;
    this.#lastRead = lastRead;
    this.#past = past;
    this.#listener = listener;
  }

  /** Whether the server has let us in, and tells what happens now. */
  get live() {
    return this.#live;
  }

  /** Whether it has been: then what comes from the past is news, too. */
  get hasBeenLive() {
    return this.#hasBeenLive;
  }

  /** @param {string} userName @param {string} [said] by early.js: then it has gone */
  hello(userName, said) {
    this.#sent = this.#token || this.#tokens.get();
    if (!said) this.#send(this.greeting(userName));
  }

  /** What a hello would say now. @param {string} userName */
  greeting(userName) {
    const begun = Boolean(this.#token && this.#since);
    return JSON.stringify({
      type: "hello", userName, room: this.#room, rooms: true,
      token: this.#token || this.#tokens.get() || undefined, link: secrets.host ?? secrets.guest, key: secrets.key, pass: passOf(this.#room),
      ...(begun ? { since: this.#since, rev: this.#rev } : { past: this.#past, read: this.#lastRead() ?? undefined }),
    });
  }

  /** Another tab has become somebody here, as after a restart that forgets everybody: so are we, where our name is theirs. */
  get knowsBetter() {
    return this.#tokens.get() !== this.#sent;
  }

  /** @param {Said} item */
  say(item) {
    return this.#inside && this.#send(messageFrame(item));
  }

  /** Have something changed, or told. @param {{type: string, [field: string]: unknown}} frame */
  ask(frame) {
    return this.#live && this.#send(JSON.stringify(frame));
  }

  typing() {
    if (this.#live) this.#send('{"type":"typing"}');
  }

  /** Have the server say that it is there. */
  ping() {
    this.#send('{"type":"ping"}');
  }

  /** @param {string} userName */
  rename(userName) {
    return this.#inside && this.#send(JSON.stringify({ type: "rename", userName }));
  }

  lost() {
    this.#inside = this.#live = false;
  }

  /** Be another tab of the same person from now on: somebody else came back as this one. */
  becomeAnother() {
    this.#token = this.#since = "";
    this.#rev = Infinity;
  }

  /** @param {string} text one frame @param {number} [at] when it came, Unix ms */
  receive(text, at = Date.now()) {
    const frame = parse(text);
    if (!frame || this.tap(frame)) return;
    if (frame.type === undefined) this.#message(frame, at);
    else if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "live") this.#goLive();
    else if (frame.type === "ack" || frame.type === "done") this.#listener[/** @type {"ack"|"done"} */ (frame.type)](frame.cmid, frame);
    else if (frame.type === "changed" || frame.type === "removed") this.#changed(frame);
    else if (["joined", "left", "renamed", "typing"].includes(frame.type)) {
      this.#listener.person(frame.type, { userId: frame.userId, userName: frame.userName, role: frame.role });
    } else if (frame.type === "count") this.#listener.count(frame.users);
    else if (frame.type === "users") this.#listener.users(frame.users);
    else if (frame.type === "rooms") this.#listener.rooms(frame.rooms);
    else if (HOSTING.test(frame.type)) this.#listener.hosting(frame);
    else if (frame.type === "error") this.#listener.error(frame, this.#inside);
  }

  /** @param {any} message @param {number} at */
  #message(message, at) {
    if (typeof message.userName !== "string" || typeof message.body !== "string") return;
    this.#since = message.id;
    if (this.#live) message.heardAt = at;
    this.#listener.message(message, this.#live);
  }

  /** @param {{rev: number, id?: string, ids?: string[], message?: Message, by: string}} frame */
  #changed({ rev, id, ids, message, by }) {
    this.#rev = rev;
    for (const one of ids ?? [message?.id ?? id ?? ""]) this.#listener.changed(one, message ?? null, ids ? "" : by);
  }

  /** @param {Welcome} welcome */
  #welcome(welcome) {
    this.#inside = true;
    this.welcomed = welcome;
    this.#last = welcome.last;
    this.#newestRev = welcome.rev;
    this.#rev = Math.min(this.#rev, welcome.rev); // of another history, it may be any
    this.#token = welcome.token;
    this.#tokens.set(welcome.token);
    keepPass(this.#room, welcome.pass);
    this.#listener.welcome(welcome);
  }

  #goLive() {
    this.#live = this.#hasBeenLive = true;
    // Only now: whoever leaves in the middle of the past has not seen its end.
    if (!this.#since) this.#since = this.#last;
    this.#rev = Math.max(this.#rev, this.#newestRev);
    this.#listener.live();
  }
}

/**
 * The text frame that says it.
 *
 * @param {Said} item
 */
export function messageFrame({ cmid, body, timestamp, replyTo, file }) {
  return JSON.stringify({ type: "message", cmid, body, timestamp, replyTo: replyTo || undefined, file: file?.id, alt: file?.alt });
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // what this page does not understand is not for it
  }
}
