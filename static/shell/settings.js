/** What the reader has chosen: appearance, notifications, sound. Kept in this browser. */

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

/** Keep what is chosen, here or in another tab, and show the appearance. @param {import("../base/store.js").Store} store */
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
