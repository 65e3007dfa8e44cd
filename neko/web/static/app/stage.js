/** The stage she stands on: keeps one avatar, tells it what goes on, or leaves the talk alone. */
import { recall, remember } from "./preferences.js";
import { onLanguage, t } from "./i18n.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  #app = document.getElementById("app");
  #place = document.getElementById("avatar");
  #avatar = null;
  #activity = "idle";
  #typing = false;
  #name = "";

  constructor() {
    new ResizeObserver(() => this.#avatar?.resize()).observe(this.#place);
    document.addEventListener("visibilitychange", () => this.#pauseOrGo());
    still.addEventListener("change", () => this.#rebuild());
    document.addEventListener("pointermove", (event) => this.#glance(event), { passive: true });
    onLanguage(() => this.setName(this.#name));
  }

  get shown() {
    return recall("avatar", true);
  }

  /** Bring her on, or leave the talk alone if that is the choice or cannot be done. */
  async open() {
    this.#app.dataset.avatar = this.shown ? "on" : "off";
    if (!this.shown || this.#avatar) return;
    try {
      const { createAvatar } = await import("../avatar/avatar.js");
      this.#avatar = await createAvatar(this.#place, { kind: "builtin", reducedMotion: still.matches });
    } catch (error) {
      console.warn("avatar", error);
      this.#app.dataset.avatar = "off";
      return;
    }
    this.#avatar.setActivity(this.#activity);
    this.#avatar.lookAt("user");
    this.#pauseOrGo();
  }

  async setShown(shown) {
    remember("avatar", shown);
    if (!shown) this.#leave();
    await this.open();
  }

  setName(name) {
    this.#name = name;
    this.#place.setAttribute("aria-label", t("talk.portrait", { name }));
  }

  setActivity(activity) {
    this.#activity = activity;
    this.#avatar?.setActivity(this.#typing && activity === "idle" ? "listening" : activity);
  }

  setTyping(typing) {
    if (typing === this.#typing) return;
    this.#typing = typing;
    this.#avatar?.lookAt(typing ? "composer" : "user");
    this.setActivity(this.#activity);
  }

  feel(emotion, intensity) {
    this.#avatar?.setEmotion(emotion, intensity);
  }

  mouth(mouth) {
    this.#avatar?.setMouth(mouth);
  }

  #glance(event) {
    if (event.pointerType === "mouse" && !this.#typing) this.#avatar?.lookAt({ x: event.clientX, y: event.clientY });
  }

  #pauseOrGo() {
    if (document.hidden) this.#avatar?.pause();
    else this.#avatar?.resume();
  }

  #leave() {
    this.#avatar?.destroy();
    this.#avatar = null;
  }

  async #rebuild() {
    this.#leave();
    await this.open();
  }
}
