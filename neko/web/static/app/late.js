/** A part of the page whose modules come when it is wanted, or once nothing else is to do: a page can be written on before. */
import { t } from "./i18n.js";
import { toast } from "./notices.js";

/** Whoever waits longer than this is told. */
const TELL_AFTER_MS = 600;
const LONGEST_TOAST_MS = 60_000;

/** @template Part */
export class Late {
  #make;
  /** @type {Promise<Part> | null} */
  #loading = null;
  /** What was wanted last while it was on its way. @type {((part: Part) => unknown) | null} */
  #wish = null;
  /** The part, once it is there. @type {Part | null} */
  now = null;

  /** @param {() => Promise<Part>} make loads the modules and makes the part */
  constructor(make) {
    this.#make = make;
  }

  /** The part, once; after a failure the next call tries again. */
  load() {
    this.#loading ??= this.#make().then((part) => (this.now = part), (/** @type {unknown} */ error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  /**
   * Do this with the part: at once where it is there. Of several wishes while it is on its way only the last is done;
   * the reader is told when it takes its time and when it does not come.
   * @param {(part: Part) => unknown} wish
   */
  async use(wish) {
    if (this.now) {
      wish(this.now);
      return;
    }
    const isWaiting = this.#wish !== null;
    this.#wish = wish;
    if (isWaiting) return;
    document.documentElement.toggleAttribute("data-waits", true);
    let endToast = () => {};
    const timer = setTimeout(() => { endToast = toast(t("connection.part_comes"), { timeMs: LONGEST_TOAST_MS }); }, TELL_AFTER_MS);
    try {
      const part = await this.load();
      endToast();
      this.#wish?.(part);
    } catch (error) {
      console.warn("late part", error);
      toast(t("connection.part_missing"));
    } finally {
      clearTimeout(timer);
      endToast();
      document.documentElement.toggleAttribute("data-waits", false);
      this.#wish = null;
    }
  }
}
