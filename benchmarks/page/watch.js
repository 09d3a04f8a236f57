// Put into each page before its own scripts: notes what a reader would feel. No part of the page.
(() => {
  const FRAME = 1000 / 60; // ms
  const watch = { marks: {}, longTasks: [], events: [], frames: [], jumps: [], mostItems: 0 };
  globalThis.watch = watch;

  const gather = (type, into, read, more = {}) =>
    new PerformanceObserver((list) => into().push(...list.getEntries().map(read))).observe({ type, ...more });
  gather("longtask", () => watch.longTasks, ({ duration }) => duration);
  gather("event", () => watch.events, ({ interactionId, duration }) => [interactionId, duration], {
    durationThreshold: 16,
  });

  // -- the start ------------------------------------------------------------------------------

  // A mark is set when the frame that shows it is painted, and the main thread answers again.
  const mark = (name) => {
    if (name in watch.marks) return;
    watch.marks[name] = null;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (watch.marks[name] = performance.now());
      port2.postMessage(null);
    });
  };
  addEventListener("focusin", ({ target }) => target.id === "name" && mark("name"), true);
  const states = new MutationObserver(() => {
    const state = document.body?.dataset.state;
    if (state === "connecting" || state === "joining" || state === "connected") mark("scripts");
    if (state === "connected") mark("newest");
  });
  // What is typed into the box before the scripts are there is kept, so it is enough that it is on the page.
  addEventListener("readystatechange", () => mark("box"), { capture: true, once: true });
  states.observe(document, { attributes: true, attributeFilter: ["data-state"], subtree: true });

  watch.loaded = () => {
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    const requests = loaded.filter(({ transferSize }) => transferSize > 0).length;
    return { marks: watch.marks, paint: paint?.startTime ?? null, requests };
  };

  // -- frames, and whether the reader is thrown about --------------------------------------------

  let before = 0;
  let running = false;
  let owed = 0; // px that the wheel has asked for and the content has not moved yet
  let anchor = null;
  let anchorTop = 0;

  const lookForJump = () => {
    const scroller = document.getElementById("scroller");
    watch.mostItems = Math.max(watch.mostItems, document.querySelectorAll("#list > li").length);
    if (anchor?.isConnected) {
      const moved = anchor.getBoundingClientRect().top - anchorTop;
      const astray = moved < 0 ? moved : Math.max(0, moved - owed);
      if (Math.abs(astray) > 2) watch.jumps.push(astray);
      owed = scroller.scrollTop < 1 ? 0 : Math.max(0, owed - moved);
    }
    const { left, top, width, height } = scroller.getBoundingClientRect();
    const middle = document.elementFromPoint(left + width / 2, top + height / 2);
    anchor = middle?.closest("#list > li") ?? null;
    anchorTop = anchor?.getBoundingClientRect().top ?? 0;
  };

  const tick = (now) => {
    if (!running) return;
    if (before) watch.frames.push(now - before);
    before = now;
    if (watch.scrolling) lookForJump();
    requestAnimationFrame(tick);
  };

  watch.start = (scrolling) => {
    Object.assign(watch, { longTasks: [], events: [], frames: [], jumps: [], mostItems: 0, scrolling });
    before = owed = 0;
    anchor = null;
    running = true;
    requestAnimationFrame(tick);
  };

  watch.stop = () => {
    running = false;
    const missed = watch.frames.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / FRAME) - 1), 0);
    const { longTasks, events, frames, jumps, mostItems } = watch;
    return { longTasks, events, jumps, mostItems, missed, shown: frames.length, gap: Math.max(0, ...frames) };
  };

  addEventListener("wheel", ({ deltaY }) => (owed -= deltaY), { passive: true, capture: true });

  watch.seqOf = (at) => parseInt([...document.querySelectorAll("#list > .message")].at(at)?.dataset.id ?? "0");
})();
