/**
 * Keeps a reader who is at the newest message there, and every other one where they are: whatever
 * is put in above, and however wide the page becomes. No browser's own way of doing so is the
 * others': WebKit has none.
 */

const NEAR = 64; // px from the end that still count as being at it
const SOON = 900; // px from an edge at which more is wanted; early.js counts on it

/**
 * @typedef {object} Hooks
 * @property {() => void} onMove the reader has moved, or the content has
 * @property {() => void} onNearTop
 * @property {() => void} onNearEnd
 *
 * @typedef {object} Place an item, and where it stands
 * @property {Element} node
 * @property {number} top px below the top of the window
 * @property {number} height px
 */
export class Follower {
  #scroller;
  #list;
  #hooks;
  #atEnd = true;
  #endTop = 0; // where the reader stood when they were last seen at the end
  /** @type {Place|null} of what is on top, where the reader is not at the end */
  #place = null;
  #width = 0; // px of the list when that was so

  /** @param {{scroller: HTMLElement, content: HTMLElement, list: HTMLElement}} parts @param {Hooks} hooks */
  constructor({ scroller, content, list }, hooks) {
    this.#scroller = scroller;
    this.#list = list;
    this.#hooks = hooks;
    scroller.addEventListener("scroll", () => this.look(), { passive: true });
    // All moves, too, when a keyboard opens, the box grows or the page becomes narrower.
    const observer = new ResizeObserver(() => (this.atEnd ? this.toEnd() : this.#stay(this.#place, true)));
    observer.observe(scroller);
    observer.observe(content);
  }

  get atEnd() {
    // The reader may have scrolled up already, and the event that tells of it be still to come.
    if (this.#scroller.scrollTop < this.#endTop && this.#below > NEAR) this.#atEnd = false;
    return this.#atEnd;
  }

  /** px between what the reader sees and the end */
  get #below() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** How far the reader is above the end, in heights of the window. */
  get above() {
    return this.#below / Math.max(1, this.#scroller.clientHeight);
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#endTop = this.#scroller.scrollTop;
    this.#atEnd = true;
    this.#hooks.onMove();
  }

  /**
   * Bring an item into sight; the reader stays there.
   *
   * @param {HTMLElement} node
   * @param {"start"|"center"} block
   */
  reveal(node, block) {
    this.#atEnd = false;
    node.scrollIntoView({ block });
    this.look();
  }

  /**
   * Change what is in the list such that what the reader sees stands still.
   *
   * @param {() => void} work
   * @param {Element} [node] what must not move; else the item on top
   */
  keepPlace(work, node) {
    const place = node ? this.#placeOf(node) : this.#onTop();
    const before = this.#below;
    work();
    this.#stay(place);
    this.look(this.#below <= before && this.atEnd); // what the work puts at the end is not followed
  }

  /** The item at the top of the window. */
  #onTop() {
    const edge = this.#scroller.getBoundingClientRect().top;
    const items = this.#list.children;
    let first = 0;
    for (let end = items.length; first < end; ) {
      const middle = (first + end) >> 1;
      if (items[middle].getBoundingClientRect().bottom > edge) end = middle;
      else first = middle + 1;
    }
    const item = items[first];
    return item ? this.#placeOf(item.querySelector(".row") ?? item) : null; // lines above a row come and go
  }

  /** @param {Element} node @returns {Place} */
  #placeOf(node) {
    const { top, height } = node.getBoundingClientRect();
    return { node, top: top - this.#scroller.getBoundingClientRect().top, height };
  }

  /** @param {Place|null} place @param {boolean} [isLaidOutAnew] then the same share of the item is out of sight */
  #stay(place, isLaidOutAnew = false) {
    if (!place?.node.isConnected) return;
    const { top, height } = this.#placeOf(place.node);
    const share = isLaidOutAnew && place.top < 0 && place.height > 0 ? height / place.height : 1;
    const moved = top - place.top * share;
    if (Math.abs(moved) >= 1) this.#scroller.scrollTop += moved;
  }

  /** @param {number} pages */
  scrollBy(pages) {
    this.#scroller.scrollBy({ top: pages * this.#scroller.clientHeight * 0.85 });
  }

  /**
   * See where the reader is, and what is wanted there.
   *
   * @param {boolean} [isFollowing] they were at the end and have not moved: where it is further down now, as when
   *   the box has just grown, the observer brings them there
   */
  look(isFollowing = this.atEnd) {
    // Laid out anew, the list may have become so low that the browser has scrolled: that was not the reader.
    if (this.#width !== this.#list.clientWidth) this.#stay(this.#place, true);
    const below = this.#below;
    this.#atEnd = isFollowing || below <= NEAR;
    if (below <= NEAR) this.#endTop = this.#scroller.scrollTop;
    this.#place = this.#atEnd ? null : this.#onTop();
    this.#width = this.#list.clientWidth;
    if (this.#scroller.scrollTop < SOON) this.#hooks.onNearTop();
    if (below < SOON) this.#hooks.onNearEnd();
    this.#hooks.onMove();
  }
}
