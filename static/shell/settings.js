/** What the reader has chosen: appearance, notifications, sound. Kept in this browser. */

import { byId } from "../base/dom.js";
import { recall, remember } from "../base/storage.js";

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
 * @param {import("../base/store.js").Store} store
 * @param {import("./attention.js").Attention} attention
 */
export function wireSettings(store, attention) {
  const theme = byId("theme", HTMLSelectElement);
  const notify = byId("notify", HTMLSelectElement);
  const sound = byId("sound", HTMLInputElement);
  const why = byId("notify-why", HTMLElement);
  const show = () => {
    const { state } = store;
    document.documentElement.dataset.theme = theme.value = state.theme;
    notify.value = state.notify;
    sound.checked = state.sound;
    // The colours of the browser's own bar: one for light, one for dark.
    document.querySelectorAll("meta[name=theme-color]").forEach((bar, at) => {
      const scheme = CHOICES.theme[at + 1];
      const media = { system: `(prefers-color-scheme: ${scheme})`, [scheme]: "all" }[state.theme];
      bar.setAttribute("media", media ?? "not all");
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
  // Chosen in another tab.
  addEventListener("storage", ({ key }) => key === KEY && store.set(keptSettings()));
}
