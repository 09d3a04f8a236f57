/**
 * The page's one store: what several of its parts look at.
 *
 * @typedef {object} State
 * @property {"naming"|"connecting"|"joining"|"connected"|"waiting"|"refused"} connection
 * @property {string} room
 * @property {{userId: string, userName: string}} me userId is "" until the first welcome
 * @property {Map<string, string>} people user ids and names; empty in a room that only counts
 * @property {Map<string, string|undefined>} roles user ids of hosts, and what they are; of others, nothing
 * @property {string} role what the reader is, as a host; "" for no host
 * @property {number} count how many people are here
 * @property {number} unread messages of others that were not seen
 * @property {number} elsewhere messages in the other rooms that the reader goes to, not read either
 * @property {string} [door] of the room, as its rules called it at the last welcome; missing where they are not told
 * @property {string} [files] who may send them: "everybody", "hosts" or "nobody"; missing where no rule is known
 * @property {string} notify "off", "mentions" or "all"
 * @property {boolean} sound
 * @property {string} theme "system", "light" or "dark"
 * @property {{maxMessageBytes: number, maxNameLength: number, editMinutes?: number, maxFileBytes?: number, presenceLimit?: number, reactions?: string[]}} limits
 */

import { recall, remember } from "./storage.js";

const KEY = "chat:settings"; // early.js reads it, too
const CHOICES = { theme: ["system", "light", "dark"], notify: ["off", "mentions", "all"] };

/**
 * @typedef {ReturnType<typeof createStore>} Store
 *
 * @param {State} initial
 */
export function createStore(initial) {
  const state = { ...initial };
  /** @type {Map<keyof State, Array<(state: State) => void>>} */
  const watchers = new Map();

  return {
    /** @returns {Readonly<State>} */
    get state() {
      return state;
    },

    /**
     * Change some of it, and tell who watches that.
     *
     * @param {Partial<State>} changes
     */
    set(changes) {
      const changed = /** @type {Array<keyof State>} */ (Object.keys(changes)).filter(
        (key) => state[key] !== changes[key],
      );
      Object.assign(state, changes);
      const told = new Set(changed.flatMap((key) => watchers.get(key) ?? []));
      for (const watcher of told) watcher(state);
    },

    /**
     * Call `watcher` whenever one of `keys` changes.
     *
     * @param {Array<keyof State>} keys
     * @param {(state: State) => void} watcher
     */
    watch(keys, watcher) {
      for (const key of keys) watchers.set(key, [...(watchers.get(key) ?? []), watcher]);
    },
  };
}

// -- what the reader has chosen: appearance, notifications, sound; kept in this browser

/** @returns {{theme: string, notify: string, sound: boolean}} */
export function keptSettings() {
  const kept = recall(KEY) ?? {};
  return {
    theme: CHOICES.theme.includes(kept.theme) ? kept.theme : "system",
    notify: CHOICES.notify.includes(kept.notify) ? kept.notify : "off",
    sound: kept.sound === true,
  };
}

/** Keep what is chosen, here or in another tab, and show the appearance. @param {Store} store */
export function applySettings(store) {
  const paint = () => {
    const { theme } = store.state;
    document.documentElement.dataset.theme = theme;
    // The colours of the browser's own bar: one for light, one for dark.
    document.querySelectorAll("meta[name=theme-color]").forEach((bar, at) => {
      const scheme = CHOICES.theme[at + 1];
      const media = { system: `(prefers-color-scheme: ${scheme})`, [scheme]: "all" }[theme];
      bar.setAttribute("media", media ?? "not all");
    });
  };
  paint();
  store.watch(["theme", "notify", "sound"], ({ theme, notify, sound }) => {
    paint();
    remember(KEY, { theme, notify, sound });
  });
  addEventListener("storage", ({ key }) => key === KEY && store.set(keptSettings()));
}
