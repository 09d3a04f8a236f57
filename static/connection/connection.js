/**
 * One WebSocket that comes back by itself.
 *
 * It knows sockets, close codes and waiting; what the frames mean is session.js's business.
 */

export const SHORTEST = 500; // ms
export const LONGEST = 20_000; // ms
const CONNECT_WITHIN = 10_000; // ms; a server with no thread left accepts and then says nothing
const STEADY_AFTER = 15_000; // ms connected, after which trouble counts as new trouble
const TICK = 10_000; // ms
const ASK_AFTER = 30_000; // ms without a word from the server
const ANSWER_WITHIN = 9_000; // ms; less than a tick
const ASLEEP_AFTER = 150_000; // ms between ticks; above the 60 s to which browsers slow a hidden tab
const PROBE_AT_ATTEMPT = 3;
const FOR_GOOD = { from: 4500, to: 4999 };

/**
 * @typedef {object} Cause why there is no connection
 * @property {number} code close code; 1006 where the server sent none
 * @property {string} reason the server's own words, or ""
 * @property {boolean} opened whether the connection had been open
 * @property {"ok"|"failing"|"unreachable"} [health] after failed connects: what plain HTTP says
 *
 * @typedef {object} Early what early.js has begun
 * @property {() => WebSocket} connect
 * @property {WebSocket} [begun] the first one, on its way already
 * @property {string} said on it: the hello, or ""
 * @property {{text: string, at: number}[]} heard on it, and when, Unix ms
 * @property {{code: number, reason: string}} [closed] how it has ended
 * @property {number} past messages to begin with
 *
 * @typedef {object} Hooks
 * @property {(said?: string) => void} onOpen `said`: the hello, where it has gone already
 * @property {(text: string, at: number) => void} onFrame `at`: when it came, Unix ms
 * @property {(cause: Cause) => void} onClose only after onOpen
 * @property {(state: "connecting"|"waiting"|"refused", cause?: Cause, until?: number) => void} onState
 *   `until`: when the next attempt is due, as Date.now() counts
 * @property {() => void} onSilence ask the server whether it is there
 * @property {() => boolean} wanted whether to come back by itself now
 */
export class Connection {
  /** @type {Early|undefined} until its socket is taken */
  #early;
  #begin;
  #healthUrl;
  #hooks;
  /** @type {WebSocket|null} */
  #socket = null;
  #attempts = 0;
  /** @type {Cause|undefined} */
  #cause = undefined;
  #until = 0;
  #heardAt = 0; // Unix ms
  #askedAt = 0; // Unix ms; 0 while no answer is due
  #started = false;
  #refused = "";
  #retryTimer = 0;
  #connectTimer = 0;
  #steadyTimer = 0;

  /** @param {Early} early @param {URL} healthUrl @param {Hooks} hooks */
  constructor(early, healthUrl, hooks) {
    this.#early = early;
    this.#begin = early.connect;
    this.#healthUrl = healthUrl;
    this.#hooks = hooks;
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect, and from now on reconnect whenever that can help. */
  start() {
    if (this.#started) return this.retryNow();
    this.#started = true;
    addEventListener("online", () => this.#retryTimer && this.retryNow());
    addEventListener("offline", () => this.#networkIsGone());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#retryTimer) this.retryNow();
      this.#lookForSilence();
    });
    setInterval(() => this.#lookForSilence(), TICK);
    this.#watchForSleep();
    this.#connect();
  }

  /**
   * Send one text frame; false where there is no connection to send it on.
   *
   * @param {string} text
   */
  send(text) {
    if (!this.#socket || !this.open) return false;
    this.#socket.send(text);
    return true;
  }

  /** Connect at once, whatever the reason for waiting was. */
  retryNow() {
    this.#attempts = 0;
    this.#refused = "";
    if (!this.#socket) this.#connect();
  }

  /**
   * Give up a connection that looks open but is not believed to work.
   *
   * @param {string} reason
   */
  restart(reason) {
    const socket = this.#socket;
    if (!socket) return;
    socket.close();
    // Not left to the close event: a dead peer delays it until the browser loses patience.
    this.#ended(socket, { code: 1006, reason });
  }

  /** Say hello once more, with more to say. */
  again() {
    this.restart("");
    this.retryNow();
  }

  /**
   * What the server said is not going to change: stay away until the reader wants to try again.
   *
   * @param {string} reason
   */
  refuse(reason) {
    this.#refused = reason;
    this.restart(reason);
  }

  /** The server did what we asked for: the next trouble starts with a short wait again. */
  succeeded() {
    this.#attempts = 0;
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#hooks.onState("connecting", this.#cause);
    const { begun, closed } = this.#early ?? {};
    const early = begun && (begun.readyState <= WebSocket.OPEN || isForGood(closed)) ? this.#early : undefined; // it may have ended
    this.#early = undefined;
    const socket = (early && begun) || this.#begin();
    this.#socket = socket;
    this.#connectTimer = setTimeout(() => this.restart(""), CONNECT_WITHIN);
    socket.onopen = () => this.#opened(socket);
    socket.onclose = (event) => this.#ended(socket, event);
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      this.#heard();
      if (typeof event.data === "string") this.#hooks.onFrame(event.data, Date.now());
    };
    if (early && (this.open || closed)) queueMicrotask(() => this.#opened(socket, early));
  }

  /** @param {WebSocket} socket @param {Early} [early] what was said and heard on it before */
  #opened(socket, early) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#connectTimer);
    this.#heard();
    this.#cause = undefined;
    this.#steadyTimer = setTimeout(() => this.succeeded(), STEADY_AFTER);
    this.#hooks.onOpen(early?.said);
    // Each by itself, as they would have come: one that fails takes no other with it.
    for (const { text, at } of early?.heard.splice(0) ?? []) {
      queueMicrotask(() => socket === this.#socket && this.#hooks.onFrame(text, at));
    }
    const closed = early?.closed;
    if (closed) queueMicrotask(() => this.#ended(socket, closed));
  }

  /** @param {WebSocket} socket @param {{code: number, reason: string}} how */
  #ended(socket, { code, reason }) {
    if (socket !== this.#socket) return; // given up before
    const opened = Boolean(this.#steadyTimer);
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#steadyTimer);
    this.#steadyTimer = 0;
    this.#socket = null;
    const cause = (this.#cause = { code, reason, opened });
    if (opened) this.#hooks.onClose(cause);
    if (this.#refused !== "" || isForGood(cause)) this.#hooks.onState("refused", cause);
    else if (this.#hooks.wanted()) this.#wait(cause);
  }

  /** @param {Cause} cause */
  #wait(cause) {
    this.#attempts += 1;
    // Offline, most attempts cannot work; but this machine's own server may be there, and browsers err.
    const wait = navigator.onLine ? delay(this.#attempts) : LONGEST;
    this.#until = Date.now() + wait;
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    this.#sayWaiting();
    if (!cause.opened && this.#attempts === PROBE_AT_ATTEMPT && navigator.onLine) this.#probe(cause);
  }

  #sayWaiting() {
    this.#hooks.onState("waiting", this.#cause, this.#until);
  }

  /**
   * A refused handshake (the room is full) and an absent server look alike to WebSocket: ask by HTTP.
   *
   * @param {Cause} cause
   */
  async #probe(cause) {
    try {
      const answer = await fetch(this.#healthUrl, { cache: "no-store", signal: AbortSignal.timeout(3_000) });
      cause.health = answer.ok ? "ok" : "failing";
    } catch {
      cause.health = "unreachable";
    }
    if (this.#cause === cause && this.#retryTimer) this.#sayWaiting();
  }

  /** An open socket hangs on an address that is gone, unless it is this machine's own: try afresh. */
  #networkIsGone() {
    if (this.#retryTimer) this.#sayWaiting();
    else this.restart("");
  }

  #heard() {
    this.#heardAt = Date.now();
    this.#askedAt = 0;
  }

  /** A peer that went without a word leaves the socket open; who looks at the page must not think so. */
  #lookForSilence() {
    const now = Date.now();
    if (!this.open || document.hidden) return;
    if (this.#askedAt && now - this.#askedAt > ANSWER_WITHIN) return this.restart("");
    if (this.#askedAt || now - this.#heardAt < ASK_AFTER) return;
    this.#askedAt = now;
    this.#hooks.onSilence();
  }

  /** After a sleep the peer has long gone, but the socket would look open for minutes. */
  #watchForSleep() {
    let last = Date.now();
    setInterval(() => {
      const now = Date.now();
      if (now - last > ASLEEP_AFTER && this.open) this.restart("");
      last = now;
    }, TICK);
  }
}

/** @param {{code: number}} [closed] */
function isForGood(closed) {
  return closed !== undefined && closed.code >= FOR_GOOD.from && closed.code <= FOR_GOOD.to;
}

/**
 * How long to wait before the next attempt: full jitter, so that a crowd does not return at once.
 *
 * @param {number} attempt 1 for the first one
 * @param {() => number} [random] in [0, 1)
 * @returns {number} milliseconds
 */
export function delay(attempt, random = Math.random) {
  const ceiling = Math.min(LONGEST, SHORTEST * 2 ** attempt);
  return SHORTEST + random() * (ceiling - SHORTEST);
}
