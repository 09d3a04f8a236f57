/** Keeps a reader who is at the newest message there, and leaves every other one in peace. */

const NEAR = 64; // px from the end that still count as being at it

export class Follower {
  #scroller;
  #button;
  #atEnd = true;
  #unseen = 0;

  /** @param {{scroller: HTMLElement, content: HTMLElement, button: HTMLButtonElement}} parts */
  constructor({ scroller, content, button }) {
    this.#scroller = scroller;
    this.#button = button;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    button.addEventListener("click", () => this.toEnd());
    // The end moves, too, when a keyboard opens, the box grows or a message unfolds.
    const observer = new ResizeObserver(() => this.#atEnd && this.toEnd());
    observer.observe(scroller);
    observer.observe(content);
  }

  get atEnd() {
    return this.#atEnd;
  }

  /** `count` messages of other people have come at the end. */
  arrived(count) {
    if (this.#atEnd) return;
    this.#unseen += count;
    this.#show();
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    this.#unseen = 0;
    this.#show();
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= NEAR;
    if (this.#atEnd) this.#unseen = 0;
    this.#show();
  }

  #show() {
    const n = this.#unseen;
    // Focus on a button that vanishes would fall back to the top of the page.
    if (n === 0 && document.activeElement === this.#button) this.#scroller.focus({ preventScroll: true });
    this.#button.hidden = n === 0;
    if (n > 0) this.#button.textContent = n === 1 ? "1 new message" : `${n} new messages`;
  }
}
