/** Panels for browsers that do not know popovers, such as Safari before 17. Loaded by those alone. */

export function replacePopovers() {
  Object.assign(HTMLElement.prototype, { showPopover, hidePopover });
  for (const opener of document.querySelectorAll("[popovertarget]")) {
    const panel = document.getElementById(opener.getAttribute("popovertarget") ?? "");
    const hides = opener.getAttribute("popovertargetaction") === "hide";
    opener.addEventListener("click", () => {
      if (hides || panel?.classList.contains("open")) panel?.hidePopover();
      else panel?.showPopover();
    });
  }
  addEventListener("pointerdown", ({ target }) => closeAll(target instanceof Element ? target : null));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !closeAll(null)) return;
    event.stopImmediatePropagation(); // it means no more than that
  }, { capture: true });
}

/** @this {HTMLElement} */
function showPopover() {
  if (this.dispatchEvent(new Event("beforetoggle", { cancelable: true }))) this.classList.add("open");
}

/** @this {HTMLElement} */
function hidePopover() {
  if (this.contains(document.activeElement)) openerOf(this)?.focus();
  this.classList.remove("open");
}

/** Close what is open and neither holds this element nor is opened by it. @param {Element|null} target */
function closeAll(target) {
  const open = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[popover].open")]);
  const closed = open.filter((panel) => !panel.contains(target) && !openerOf(panel)?.contains(target));
  for (const panel of closed) panel.hidePopover();
  return closed.length > 0;
}

/** @param {HTMLElement} panel @returns {HTMLElement|null} */
function openerOf(panel) {
  return document.querySelector(`[popovertarget="${panel.id}"]:not([popovertargetaction])`);
}
