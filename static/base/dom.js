/** The few helpers over the document that every part of the page shares. */

/**
 * A new element. Text always becomes a text node, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} [className]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/**
 * A button that does `work`.
 *
 * @param {string} className
 * @param {string} label
 * @param {(event: MouseEvent) => void} work
 */
export function button(className, label, work) {
  const made = element("button", className, label);
  made.type = "button";
  made.addEventListener("click", work);
  return made;
}

/**
 * Have just these items in a list, in this order. Those that stay are left alone: neither a press nor the focus is lost.
 *
 * @param {Element} list
 * @param {Element[]} items
 */
export function arrange(list, items) {
  const wanted = new Set(items);
  for (const item of [...list.children]) if (!wanted.has(item)) item.remove();
  items.forEach((item, at) => list.children[at] === item || list.insertBefore(item, list.children[at] ?? null));
}

/**
 * Whether one of the elements that may describe a field does so now; first what has come last.
 *
 * @param {HTMLElement} field
 * @param {string} id of the element
 * @param {boolean} isSo
 */
export function describe(field, id, isSo) {
  const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((other) => other !== id);
  field.setAttribute("aria-describedby", [...(isSo ? [id] : []), ...others].join(" "));
}

/**
 * The element of the template with this id.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new (...args: any[]) => T} type what it must be
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the template has no ${type.name} #${id}`);
  return found;
}

/**
 * A function that runs `work` once, soon, however often it is called before then.
 *
 * @param {() => void} work
 * @param {number} [pause] ms between one time and the next
 */
export function batched(work, pause = 0) {
  let frame = 0;
  let timer = 0;
  let ranAt = -pause;
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = 0;
    ranAt = performance.now();
    work();
  };
  return () => {
    if (timer) return;
    const rest = ranAt + pause - performance.now();
    if (rest <= 0) frame = requestAnimationFrame(run);
    timer = setTimeout(run, rest > 0 ? rest : 200); // a hidden tab gets no animation frames
  };
}

/** @type {(() => Promise<unknown>)[]} */
const parts = [];

/**
 * A part of the page that is loaded once, when it is first wanted, or by loadTheRest().
 *
 * @template T
 * @param {() => Promise<T>} load such as `() => import("./part.js")`
 */
export function later(load) {
  /** @type {Promise<T>|null} */
  let loaded = null;
  const part = () => (loaded ??= load().catch((error) => {
    loaded = null; // it is tried again when it is wanted again
    throw error;
  }));
  parts.push(part);
  return part;
}

/** Load what is not wanted yet, so that it is there when the server is not. */
export function loadTheRest() {
  for (const load of parts.splice(0)) load().catch(() => {});
}

/** @returns {boolean} whether the first pointer is a finger: then there is no Shift key beside Enter */
export function isTouch() {
  return matchMedia("(pointer: coarse)").matches;
}
