/** Notifications and a sound, for readers who have turned them on. Loaded when one does. */

import { byId } from "../base/dom.js";
import { shownName } from "../base/text.js";
import { roomUrl } from "../connection/addresses.js";
import { REMOVED } from "../conversation/changing.js";
import { excerpt } from "../conversation/excerpt.js";
import { mentions } from "../conversation/markup.js";

const MOST_QUOTED = 200; // characters of a message in a notification
const QUIET_FOR = 1_500; // ms between two sounds
const FRONT_FIRST = 300; // ms for which a tab waits for one in front
const CLAIMED_FOR = 10_000; // ms; browsers slow the timers of hidden tabs

/**
 * @typedef {import("../base/store.js").Store} Store
 * @typedef {import("../connection/session.js").Message} Message
 */
export class Notifier {
  #store;
  #room;
  /** @type {AudioContext|null} */
  #audio = null;
  #soundedAt = 0;
  /** @type {Map<string, {id: string, note: Notification}>} by room, since each takes the place of the one before */
  #shown = new Map();
  /** @type {Set<string>} ids of messages that are gone */
  #removed = new Set();

  /** @param {Store} store @param {string} room */
  constructor(store, room) {
    this.#store = store;
    this.#room = room;
    if (globalThis.BroadcastChannel) new BroadcastChannel(REMOVED).onmessage = ({ data }) => this.#withdraw(data);
  }

  /** A message is gone, before or after the reader was told of it. @param {string} id */
  #withdraw(id) {
    this.#removed.add(id);
    setTimeout(() => this.#removed.delete(id), CLAIMED_FOR);
    for (const shown of this.#shown.values()) if (shown.id === id) shown.note.close();
  }

  /** Somebody else said something: of many tabs the one in front claims it, else the first. @param {Message} message */
  notify(message) {
    const isSeen = message.room === this.#room && document.visibilityState === "visible" && document.hasFocus();
    if (isSeen) this.#claim(message);
    else setTimeout(() => this.#claim(message, () => this.#notify(message)), FRONT_FIRST);
  }

  /** Do the work, unless another tab has claimed the message. @param {Message} message @param {() => void} [work] */
  #claim({ room, id }, work = () => {}) {
    if (!navigator.locks) return work(); // not there over plain http: then each tab notifies
    navigator.locks.request(`chat:call:${room}:${id}`, { ifAvailable: true }, (lock) => {
      if (!lock) return;
      work();
      return new Promise((done) => setTimeout(done, CLAIMED_FOR));
    });
  }

  /** @param {Message} message */
  #notify(message) {
    if (this.#removed.has(message.id)) return;
    const { notify, sound, me } = this.#store.state;
    const isForMe = mentions(message.body, me.userName, message.by);
    if (notify === "all" || (notify === "mentions" && isForMe)) this.#show(message);
    if (sound) this.sound();
  }

  /** @param {Message} message */
  #show(message) {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const { userName, id, room } = message;
    try {
      const note = new Notification(`${shownName(userName)} · ${room}`, {
        body: excerpt(message, MOST_QUOTED), tag: `chat:${room}`, icon: byId("icon", HTMLLinkElement).href,
        ...{ renotify: true }, // else a second one of this room takes the first one's place without a sound
      });
      this.#shown.set(room, { id, note });
      note.onclick = () => {
        window.focus();
        if (room !== this.#room) location.assign(`${roomUrl(room)}#${id}`);
        else if (location.hash === `#${id}`) dispatchEvent(new Event("hashchange")); // once more
        else location.hash = id;
        note.close();
      };
    } catch {
      // Some phones have notifications for service workers only.
    }
  }

  /** Two soft notes, made on the spot: no file to load. */
  sound() {
    const now = Date.now();
    if (now - this.#soundedAt < QUIET_FOR) return;
    this.#soundedAt = now;
    const audio = (this.#audio ??= new AudioContext());
    audio.resume().catch(() => {}); // until the reader has touched the page, browsers keep it silent
    for (const [pitch, after] of [[587, 0], [880, 0.09]]) {
      const at = audio.currentTime + after;
      const volume = new GainNode(audio, { gain: 0 });
      const tone = new OscillatorNode(audio, { type: "sine", frequency: pitch });
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.06, at + 0.015);
      volume.gain.exponentialRampToValueAtTime(0.0005, at + 0.35);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.4);
    }
  }
}
