// What cannot wait for the modules, which take longer on a slow line: the colours before the first paint, so
// that a dark page never flashes white, the page's words, which no module names before it runs, and the
// question for a name as soon as the page is there.
{
  const kept = (/** @type {string} */ key) => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null; // no storage, or nothing of ours
    }
  };
  document.documentElement.dataset.theme = kept("chat:settings")?.theme ?? "system";

  const preferred = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === "en" || tag === "de");
  const words = document.createElement("link"); // as language.js chooses them
  words.rel = "modulepreload";
  words.href = new URL(
    `base/${preferred === "de" ? "german" : "english"}.js`,
    /** @type {HTMLScriptElement} */ (document.currentScript).src,
  ).href;
  document.head.append(words);

  document.addEventListener("readystatechange", () => {
    // In English, the template's language; for others, name_dialog.js asks in their words.
    const isEnglish = navigator.language.startsWith("en");
    if (document.readyState !== "interactive" || !isEnglish || kept("chat:name")) return;
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
