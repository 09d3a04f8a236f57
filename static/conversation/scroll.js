/** Keeps a reader who is at the newest message there, and every other one where they are. */

const NEAR = 64; // px from the end that still count as being at it
const SOON = 900; // px from an edge at which more is wanted

/**
 * @typedef {object} Hooks
 * @property {() => void} onMove the reader has moved, or the content has
 * @property {() => void} onNearTop
 * @property {() => void} onNearEnd
 */
export class Follower {
  #scroller;
  #hooks;
  #atEnd = true;
  #endTop = 0; // where the end was last

  /** @param {{scroller: HTMLElement, content: HTMLElement}} parts @param {Hooks} hooks */
  constructor({ scroller, content }, hooks) {
    this.#scroller = scroller;
    this.#hooks = hooks;
    scroller.addEventListener("scroll", () => this.look(), { passive: true });
    // The end moves, too, when a keyboard opens, the box grows or a message unfolds.
    const observer = new ResizeObserver(() => this.atEnd && this.toEnd());
    observer.observe(scroller);
    observer.observe(content);
  }

  get atEnd() {
    // The reader may have scrolled up already, and the event that tells of it be still to come.
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (this.#atEnd && scrollTop < this.#endTop && scrollHeight - scrollTop - clientHeight > NEAR) {
      this.#atEnd = false;
    }
    return this.#atEnd;
  }

  /** How far the reader is above the end, in heights of the window. */
  get above() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return (scrollHeight - scrollTop - clientHeight) / Math.max(1, clientHeight);
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
   */
  keepPlace(work) {
    const edge = this.#scroller.getBoundingClientRect().top;
    const items = [...this.#scroller.querySelectorAll("li")];
    const anchor = items.find((item) => item.getBoundingClientRect().bottom > edge);
    const before = anchor?.querySelector(".row")?.getBoundingClientRect().top;
    work();
    const after = anchor?.querySelector(".row")?.getBoundingClientRect().top;
    if (before !== undefined && after !== undefined) this.#scroller.scrollTop += after - before;
    this.look();
  }

  /** @param {number} pages */
  scrollBy(pages) {
    this.#scroller.scrollBy({ top: pages * this.#scroller.clientHeight * 0.85 });
  }

  /** See where the reader is, and what is wanted there. */
  look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    this.#atEnd = below <= NEAR;
    if (scrollTop < SOON) this.#hooks.onNearTop();
    if (below < SOON) this.#hooks.onNearEnd();
    this.#hooks.onMove();
  }
}
