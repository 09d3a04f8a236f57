/** The few helpers that every part of the page shares. */

/** A new element; `text` always becomes a text node, never markup. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** A function that runs `work` once, soon, however often it is called before then. */
export function batched(work) {
  let frame = 0;
  let timer = 0;
  const run = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = 0;
    work();
  };
  return () => {
    if (timer) return;
    frame = requestAnimationFrame(run);
    timer = setTimeout(run, 200); // a hidden tab gets no animation frames
  };
}

/** What `storage` ("localStorage" or "sessionStorage") holds under `key`, or null. */
export function recall(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key));
  } catch {
    return null; // storage may be forbidden, and anything may have been written there
  }
}

/** Keep `value` in `storage` under `key`; null forgets it. The page works without storage, too. */
export function remember(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // Forbidden or full: what was to be kept lives as long as the page does.
  }
}
