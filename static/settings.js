/** What the reader has chosen: appearance, notifications, sound. Kept in this browser. */

import { byId } from "./dom.js";
import { recall, remember } from "./storage.js";

const KEY = "chat:settings"; // early.js reads it, too
const CHOICES = { theme: ["system", "light", "dark"], notify: ["off", "mentions", "all"] };

/** @returns {{theme: string, notify: string, sound: boolean}} */
export function keptSettings() {
  const kept = recall(KEY) ?? {};
  return {
    theme: CHOICES.theme.includes(kept.theme) ? kept.theme : "system",
    notify: CHOICES.notify.includes(kept.notify) ? kept.notify : "off",
    sound: kept.sound === true,
  };
}

/**
 * Wire the controls to the store, and the store to the page.
 *
 * @param {import("./store.js").Store} store
 * @param {import("./attention.js").Attention} attention
 */
export function wireSettings(store, attention) {
  const theme = byId("theme", HTMLSelectElement);
  const notify = byId("notify", HTMLSelectElement);
  const sound = byId("sound", HTMLInputElement);
  const why = byId("notify-why", HTMLElement);
  const bars = document.querySelectorAll("meta[name=theme-color]"); // the light one, the dark one

  const show = () => {
    const { state } = store;
    theme.value = state.theme;
    notify.value = state.notify;
    sound.checked = state.sound;
    document.documentElement.dataset.theme = state.theme;
    ["light", "dark"].forEach((scheme, at) => {
      const forced = state.theme === scheme ? "all" : "not all";
      bars[at].setAttribute("media", state.theme === "system" ? `(prefers-color-scheme: ${scheme})` : forced);
    });
  };
  show();
  theme.addEventListener("change", () => store.set({ theme: theme.value }));
  sound.addEventListener("change", () => {
    store.set({ sound: sound.checked });
    if (sound.checked) attention.sound();
  });
  notify.addEventListener("change", async () => {
    why.textContent = notify.value === "off" ? "" : await attention.askToNotify();
    if (why.textContent) notify.value = "off";
    store.set({ notify: notify.value });
  });
  store.watch(["theme", "notify", "sound"], ({ theme, notify, sound }) => {
    show();
    remember(KEY, { theme, notify, sound });
  });
  addEventListener("storage", ({ key }) => key === KEY && store.set(keptSettings())); // chosen in another tab
}
