// Runs before the first paint, so that nobody who likes it dark is flashed at. All else is modules.
try {
  document.documentElement.dataset.theme = JSON.parse(localStorage.getItem("chat:settings") ?? "{}").theme ?? "system";
} catch {
  // No storage: as the system has it.
}
