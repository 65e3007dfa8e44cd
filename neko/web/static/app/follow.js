/** Keeps the end of the talk in view, unless the reader has scrolled up; then a pill waits. */
const NEAR = 56;
/** Room above what is held, for the soft edge of the log. */
const HELD_PX = 18;

export class Follow {
  /** @type {HTMLElement} */
  #log;
  /** @type {HTMLElement} */
  #pill;
  #arriving = false;
  /** What stays in view while more is said below it, until the reader moves. @type {HTMLElement | null} */
  #held = null;
  /** The reader has done something that may scroll since it is held. */
  #moved = false;
  #at = 0;
  /** Something was said below what is in view. */
  #unseen = false;
  following = true;

  /**
   * @param {HTMLElement} log what scrolls
   * @param {HTMLElement} content
   * @param {HTMLElement} pill
   */
  constructor(log, content, pill) {
    this.#log = log;
    this.#pill = pill;
    log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.keep()).observe(content);
    new ResizeObserver(() => this.keep()).observe(log);
    pill.addEventListener("click", () => this.toEnd(true));
    log.addEventListener("scrollend", () => this.#arrived());
    for (const own of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      log.addEventListener(own, () => {
        this.#arriving = false;
        this.#moved = true;
      }, { passive: true });
    }
  }

  /** Something new was said at the end. */
  news() {
    const inView = this.following && !this.#held;
    if (inView || this.#arriving || this.#unseen) return;
    this.#unseen = true;
    if (!this.following) this.#offer();
  }

  /** The pill is there for what is new and out of view, and for nothing else. */
  #offer() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    this.#unseen &&= scrollHeight - clientHeight - scrollTop >= NEAR;
    this.#pill.hidden = !this.#unseen;
  }

  keep() {
    if (!this.following) {
      this.#offer();
      return;
    }
    const end = this.#log.scrollHeight - this.#log.clientHeight;
    const most = this.#held?.isConnected ? this.#topOf(this.#held) - HELD_PX : end;
    this.#log.scrollTop = Math.min(end, most);
    this.#at = this.#log.scrollTop;
    this.#offer();
  }

  /**
   * Follow, but not past this: its head stays in view.
   * @param {HTMLElement} element
   */
  hold(element) {
    this.#held = element;
    this.#moved = false;
    this.keep();
  }

  /** @param {HTMLElement} element */
  #topOf(element) {
    return element.getBoundingClientRect().top - this.#log.getBoundingClientRect().top + this.#log.scrollTop;
  }

  /** The reader wants to look at something further up. */
  leave() {
    this.following = false;
    this.#arriving = false;
  }

  toEnd(smooth = false) {
    this.#held = null;
    this.#unseen = false;
    this.#pill.hidden = true;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (smooth && !calm) {
      this.#arriving = true;
      this.#log.scrollTo({ top: this.#log.scrollHeight, behavior: "smooth" });
      return;
    }
    this.following = true;
    this.keep();
  }

  /**
   * Run `change`, which adds height above, and leave what the reader sees where it is.
   * @param {() => void} change
   */
  holding(change) {
    const below = this.#log.scrollHeight - this.#log.scrollTop;
    change();
    this.#log.scrollTop = this.#log.scrollHeight - below;
  }

  /** A smooth way down has ended; what was said meanwhile has moved the end. */
  #arrived() {
    if (!this.#arriving) return;
    this.#arriving = false;
    this.toEnd();
  }

  /** Only a way up stops the following: the end also gets out of sight when much is said at once. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    const left = scrollHeight - clientHeight - scrollTop;
    if (this.#held) {
      if (scrollTop === this.#at) return;
      if (!this.#moved) { // the page has got longer or shorter: not the reader's doing
        this.#at = scrollTop;
        return;
      }
      this.#held = null;
    }
    if (left < NEAR) this.following = true;
    else if (scrollTop < this.#at) this.following = false;
    this.#at = scrollTop;
    if (left < NEAR) this.#offer();
  }
}
