// What does not wait for the modules, which come later on a slow line: before the first paint, the colours,
// so that nobody who likes it dark is flashed at; and once the page is there, the question for a name.
{
  const kept = (/** @type {string} */ key) => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null; // no storage, or nothing of ours
    }
  };
  document.documentElement.dataset.theme = kept("chat:settings")?.theme ?? "system";

  document.addEventListener("readystatechange", () => {
    // In English, which the template has; name_dialog.js brings the other words with the question.
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
