/**
 * Keeps the screen on while a call goes on, where a browser can: a phone that locks stops the microphone. The system takes
 * the lock away when the page is out of sight; it is asked for again when it is back.
 */
export class Awake {
  #wanted = false;
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  constructor() {
    document.addEventListener("visibilitychange", () => void this.#ask());
  }

  /** @param {boolean} wanted */
  set(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) void this.#ask();
    else void this.#lock?.release().catch(() => {});
  }

  async #ask() {
    if (!this.#wanted || document.hidden || (this.#lock && !this.#lock.released)) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      this.#lock = lock;
      if (!this.#wanted) await lock.release();
    } catch {
      // Not known to this browser, or the battery is low: the call goes on until the screen is locked.
    }
  }
}
