// What cannot wait for the modules, which take longer on a slow line: the colours before the first paint, so
// that a dark page never flashes white, the reader's language, which strings.js would ask for last, the socket of
// somebody who has a name, and the question for one as soon as the page is there.
{
  const kept = (/** @type {string} */ key) => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null; // no storage, or nothing of ours
    }
  };
  document.documentElement.dataset.theme = kept("chat:settings")?.theme ?? "system";

  const tags = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()); // as language.js has it
  const german = tags.find((tag) => tag === "en" || tag === "de") === "de";
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const preload = document.createElement("link");
  preload.rel = "modulepreload";
  preload.href = src.replace("early.js", `base/${german ? "german" : "english"}.js`);
  document.head.append(preload);

  const connect = () => new WebSocket(location.origin.replace("http", "ws") + document.documentElement.dataset.chat, "chatroom.v1");
  /** @type {any} */ (window).early = { connect, begun: kept("chat:name") && connect() };

  document.addEventListener("readystatechange", () => {
    // In English, the template's language; for others, name_dialog.js asks in their words.
    if (document.readyState !== "interactive" || german || kept("chat:name")) return;
    const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("name-dialog"));
    const form = /** @type {HTMLFormElement} */ (document.getElementById("name-form"));
    dialog.showModal();
    document.getElementById("name")?.focus();
    const hold = (/** @type {Event} */ event) => {
      event.preventDefault();
      form.dataset.answered = ""; // for name_dialog.js
    };
    form.addEventListener("submit", hold, { once: true });
  });
}
