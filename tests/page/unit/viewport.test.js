import assert from "node:assert/strict";
import test from "node:test";

import { fitToKeyboard } from "../static/shell/viewport.js";

const HEIGHT = 800;

/** A page on a phone, as high as `HEIGHT`; `see` changes what of it is seen. */
function phone() {
  const viewport = Object.assign(new EventTarget(), { height: HEIGHT, scale: 1 });
  const style = { height: "" };
  let scrolled = 0;
  Object.assign(globalThis, {
    window: { visualViewport: viewport },
    innerHeight: HEIGHT,
    document: { body: { style } },
    scrollTo: () => (scrolled += 1),
  });
  fitToKeyboard();
  const see = (height, scale = 1) => {
    Object.assign(viewport, { height, scale });
    viewport.dispatchEvent(new Event("resize"));
    return style.height;
  };
  return { see, scrolled: () => scrolled };
}

test("where a keyboard covers the page, the page is as high as what is left, and in sight", () => {
  const { see, scrolled } = phone();
  assert.equal(see(460), "460px");
  assert.equal(scrolled(), 1);
  assert.equal(see(HEIGHT), "");
});

test("bars of the browser and a page that is zoomed in are no keyboard", () => {
  const { see, scrolled } = phone();
  assert.equal(see(HEIGHT - 60), "");
  assert.equal(see(HEIGHT / 2, 2), "");
  assert.equal(scrolled(), 0);
});

test("a browser that does not tell what is seen is left alone", () => {
  globalThis.window = {};
  fitToKeyboard();
});
