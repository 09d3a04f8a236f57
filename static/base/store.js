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
