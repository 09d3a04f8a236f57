/** Notifications and a sound, for readers who have asked for them. Loaded when one does. */

import { byId } from "./dom.js";
import { mentions } from "./markup.js";
import { roomUrl } from "./places.js";
import { recall, remember } from "./storage.js";
import { t } from "./strings.js";
import { seqOf, shownName } from "./text.js";

const MOST_QUOTED = 200; // characters of a message in a notification
const QUIET_FOR = 1_500; // ms between two sounds
const FIRST_TAB = 300; // ms in which another tab may be in front of this one
const CALLED = "chat:called:"; // + room: the last message that needs no call any more
const CALLED_FOR = 10_000; // ms that such a mark counts

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./session.js").Message} Message
 */
export class Caller {
  #store;
  #room;
  /** @type {AudioContext|null} */
  #audio = null;
  #soundedAt = 0;

  /** @param {Store} store @param {string} room */
  constructor(store, room) {
    this.#store = store;
    this.#room = room;
  }

  /** Somebody else said something. @param {Message} message */
  call(message) {
    const { room, id } = message;
    const isSeen = room === this.#room && document.visibilityState === "visible" && document.hasFocus();
    if (isSeen) remember(CALLED + room, { id, at: Date.now() });
    else setTimeout(() => this.#callOnce(message), FIRST_TAB);
  }

  /** Call, unless another tab has done it, or has the message in front of the reader. @param {Message} message */
  #callOnce(message) {
    const { room, id } = message;
    const called = recall(CALLED + room);
    if (called && Date.now() - called.at < CALLED_FOR && seqOf(called.id) >= seqOf(id)) return;
    remember(CALLED + room, { id, at: Date.now() });
    const { notify, sound, me } = this.#store.state;
    const isForMe = mentions(message.body, me.userName);
    if (notify === "all" || (notify === "mentions" && isForMe)) this.#notify(message);
    if (sound) this.sound();
  }

  /** @param {Message} message */
  #notify({ userName, body, id, room }) {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const quoted = body.length > MOST_QUOTED ? `${body.slice(0, MOST_QUOTED)}…` : body;
    try {
      const note = new Notification(`${shownName(userName)} · ${room}`, {
        body: quoted, tag: `chat:${room}`, icon: byId("icon", HTMLLinkElement).href,
      });
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

  /** @returns {Promise<string>} why the browser does not let us notify, or "" */
  async askToNotify() {
    if (!window.isSecureContext || !("Notification" in window)) return t.notifyInsecure;
    const answer = await Notification.requestPermission();
    return answer === "granted" ? "" : t.notifyDenied;
  }
}
