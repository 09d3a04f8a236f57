/** The controls for what the reader can choose. Loaded when they are first opened. */

import { button, element } from "../base/dom.js";
import "../base/late_styles.js";
import { more } from "../base/more_strings.js";

/**
 * Fill the panel, once.
 *
 * @param {HTMLElement} panel
 * @param {import("../base/store.js").Store} store
 * @param {import("./attention.js").Attention} attention
 * @returns {HTMLElement} the panel
 */
export function fillSettings(panel, store, attention) {
  if (panel.firstChild) return panel;
  const theme = select("theme", { system: more.themeSystem, light: more.themeLight, dark: more.themeDark });
  const notify = select("notify", { off: more.notifyOff, mentions: more.notifyMentions, all: more.notifyAll });
  const why = element("p", "why");
  why.role = "alert";
  why.id = "notify-why";
  notify.setAttribute("aria-describedby", why.id);
  const sound = element("input");
  sound.type = "checkbox";
  sound.id = "sound";
  panel.append(
    labelOf(theme, more.theme), theme, labelOf(notify, more.notify), notify, why,
    element("label", "check", sound, ` ${more.sound}`),
    button("quiet", more.mine, async () => (await import("../people/mine.js")).openMine()),
  );

  theme.addEventListener("change", () => store.set({ theme: theme.value }));
  sound.addEventListener("change", () => {
    store.set({ sound: sound.checked });
    if (sound.checked) attention.sound();
  });
  notify.addEventListener("change", async () => {
    why.textContent = notify.value === "off" ? "" : await askToNotify();
    if (why.textContent) notify.value = "off";
    store.set({ notify: notify.value });
  });
  // The permission may have been taken away in the browser.
  const look = () => (why.textContent = store.state.notify === "off" ? "" : whySilent());
  panel.addEventListener("beforetoggle", look);
  look();
  const show = () => {
    theme.value = store.state.theme;
    notify.value = store.state.notify;
    sound.checked = store.state.sound;
  };
  show();
  store.watch(["theme", "notify", "sound"], show);
  return panel;
}

/** @param {string} id @param {Record<string, string>} choices values and what they are called */
function select(id, choices) {
  const options = Object.entries(choices).map(([value, name]) => new Option(name, value));
  const made = element("select", "", ...options);
  made.id = id;
  return made;
}

/** @param {HTMLElement} control @param {string} text */
function labelOf(control, text) {
  const label = element("label", "", text);
  label.htmlFor = control.id;
  return label;
}

/** @returns {string} why nothing is shown, or "" */
function whySilent() {
  if (!window.isSecureContext || !("Notification" in window)) return more.notifyInsecure;
  return Notification.permission === "granted" ? "" : more.notifyDenied;
}

/** @returns {Promise<string>} why the browser does not let us notify, or "" */
async function askToNotify() {
  const why = whySilent();
  if (!why || why === more.notifyInsecure) return why;
  return (await Notification.requestPermission()) === "granted" ? "" : more.notifyDenied;
}
