/**
 * The stage she stands on: keeps one avatar, tells it what goes on, or leaves the talk alone; the window behind her.
 *
 * @import { Activity, Avatar, AvatarError, Colours, Mouth, Point, Region } from "../avatar/avatar.js"
 */
import { daytime } from "./daytime.js";
import { byId } from "./element.js";
import { onLanguage, t } from "./i18n.js";
import { toast } from "./notices.js";
import { recall, remember } from "./preferences.js";

const POINTER_DRAWS_MS = 4000;
const DAYTIME_EVERY_MS = 300_000;

/** What she answers to when she is touched there; she does not mind the rest. @type {Partial<Record<Region, string>>} */
const TOUCHES = { ear: "touched_head", hair: "touched_head", nose: "touched_nose", tail: "touched_tail" };
const TOUCHED_AT_REST = "blink";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  #app = byId("app", HTMLElement);
  #stage = byId("stage", HTMLElement);
  #place = byId("avatar", HTMLElement);
  /** @type {Avatar | null} */
  #avatar = null;
  /** Which wish to see her is the latest: an avatar that was loaded for an earlier one is not wanted any more. */
  #wish = 0;
  /** @type {Activity} */
  #activity = "idle";
  #typing = false;
  #name = "";
  /** @type {Partial<Colours>} */
  #colours = {};

  constructor() {
    new ResizeObserver(() => this.#avatar?.resize()).observe(this.#place);
    document.addEventListener("visibilitychange", () => this.#pauseOrGo());
    still.addEventListener("change", () => void this.#rebuild());
    this.#place.addEventListener("mousedown", (event) => event.preventDefault()); // a touch leaves the keyboard where it is
    this.#place.addEventListener("click", (event) => this.#touch(event));
    this.#showDaytime();
    setInterval(() => this.#showDaytime(), DAYTIME_EVERY_MS);
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
    this.#wish += 1;
    const wish = this.#wish;
    const avatar = await this.#load();
    if (wish !== this.#wish) {
      avatar?.destroy();
      return;
    }
    if (!avatar) {
      this.#app.dataset.avatar = "off";
      return;
    }
    this.#avatar = avatar;
    avatar.setActivity(this.#activity);
    this.#pauseOrGo();
  }

  /** @param {boolean} shown */
  async setShown(shown) {
    remember("avatar", shown);
    if (!shown) this.#leave();
    await this.open();
  }

  /** @param {string} name */
  setName(name) {
    this.#name = name;
    this.#place.setAttribute("aria-label", t("talk.portrait", { name }));
  }

  /**
   * Her colours; what is left out is as she comes. Throws a RangeError for what is no `#rrggbb`.
   * @param {Partial<Colours>} colours
   */
  setColours(colours) {
    this.#avatar?.setColours(colours);
    this.#colours = colours;
  }

  /** @param {Activity} activity */
  setActivity(activity) {
    this.#activity = activity;
    this.#avatar?.setActivity(this.#typing && activity === "idle" ? "listening" : activity);
  }

  /**
   * The reader writes, at this point of the page; null: not any more.
   * @param {Point | null} place
   */
  setTyping(place) {
    const typing = place !== null;
    if (typing === this.#typing) return;
    this.#typing = typing;
    this.#avatar?.lookAt(place);
    this.setActivity(this.#activity);
  }

  /**
   * @param {string} emotion
   * @param {number} intensity 0…1
   */
  setEmotion(emotion, intensity) {
    this.#avatar?.setEmotion(emotion, intensity);
  }

  /** @param {Mouth} mouth */
  setMouth(mouth) {
    this.#avatar?.setMouth(mouth);
  }

  /** @returns {Promise<Avatar | null>} null when she cannot be drawn at all */
  async #load() {
    try {
      const { createAvatar } = await import("../avatar/avatar.js");
      return await createAvatar(this.#place, { colours: this.#colours, reducedMotion: still.matches, onError: (error) => this.#failed(error) });
    } catch (error) {
      console.warn("avatar", error);
      toast(t("look.avatar_failed"));
      return null;
    }
  }

  /**
   * What was wanted cannot be shown; the built-in drawing is, or will be, there instead.
   * @param {AvatarError} error
   */
  #failed(error) {
    console.warn("avatar", error);
    toast(t("look.avatar_replaced"));
    if (error.code === "lost") void this.#rebuild();
  }

  /** @param {PointerEvent} event */
  #glance(event) {
    if (event.pointerType === "mouse" && !this.#typing) this.#avatar?.lookAt({ x: event.pageX, y: event.pageY }, { forMs: POINTER_DRAWS_MS });
  }

  /** @param {MouseEvent} event */
  #touch(event) {
    const avatar = this.#avatar;
    const motion = TOUCHES[avatar?.hitTest({ x: event.pageX, y: event.pageY }) ?? "body"];
    if (avatar && motion && !avatar.playMotion(motion)) avatar.playMotion(TOUCHED_AT_REST);
  }

  #showDaytime() {
    this.#stage.dataset.daytime = daytime(new Date());
  }

  #pauseOrGo() {
    if (document.hidden) {
      this.#avatar?.pause();
    } else {
      this.#avatar?.resume();
      this.#showDaytime();
    }
  }

  #leave() {
    this.#wish += 1;
    this.#avatar?.destroy();
    this.#avatar = null;
  }

  async #rebuild() {
    this.#leave();
    await this.open();
  }
}
