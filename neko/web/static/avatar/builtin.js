/**
 * The built-in character: our own drawing, moved as it is described in `rig.js` by what `motion.js` decides.
 * @import { Avatar, Colours, KindOptions, Placement, Point, Vowels } from "./avatar.js"
 */
import { loadDrawing } from "./drawing.js";
import { Frames } from "./frames.js";
import { frame } from "./framing.js";
import { Motion } from "./motion.js";
import { paint } from "./palette.js";
import { Regions } from "./regions.js";
import { Rig } from "./rig.js";

/** Finer steps of a breath or a turn cost a picture of her each and are not seen. */
const LEAST_DRIFT_PX = 0.9;

/**
 * Brings the built-in character into `container`. See `avatar.js` for what it must do.
 * @param {HTMLElement} container
 * @param {KindOptions} options
 * @returns {Promise<Avatar>}
 */
export async function createBuiltin(container, { colours, reducedMotion, onProgress }) {
  const { svg, find } = await loadDrawing(onProgress);
  const place = document.createElement("div");
  place.className = "avatar-builtin";
  place.style.cssText = "width:100%;height:100%;overflow:hidden;contain:strict";
  const rig = new Rig(find);
  paint(svg, colours);
  place.append(svg);
  container.append(place);
  return new Builtin({ box: place, svg, rig, regions: new Regions(find), tail: find("tail"), reducedMotion });
}

/** @implements {Avatar} */
class Builtin {
  #box;
  #svg;
  #rig;
  #regions;
  #tail;
  #motion;
  #frames;
  #eyes = { x: 0, y: 0, reach: 1 };
  /** @type {Placement} */
  #placement = { x: 0, y: 0, scale: 1 };
  #paused = false;
  #onVisibility = () => this.#startOrStop();

  /** @param {{ box: HTMLElement, svg: SVGSVGElement, rig: Rig, regions: Regions, tail: SVGElement | null, reducedMotion: boolean }} made */
  constructor({ box, svg, rig, regions, tail, reducedMotion }) {
    this.#box = box;
    this.#svg = svg;
    this.#rig = rig;
    this.#regions = regions;
    this.#tail = tail;
    this.#motion = new Motion(performance.now(), { still: reducedMotion });
    this.#frames = new Frames((dt, now) => this.#frame(dt, now));
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.resize();
    rig.apply(this.#motion.step(0, performance.now()));
    this.#startOrStop();
  }

  get frames() {
    return this.#frames.count;
  }

  get placement() {
    return { ...this.#placement };
  }

  get motions() {
    return this.#motion.names;
  }

  /**
   * @param {string} name
   * @param {number} [intensity]
   */
  setEmotion(name, intensity = 1) {
    this.#motion.feel(name, intensity, performance.now());
    this.#frames.wake();
  }

  /** @param {string} activity */
  setActivity(activity) {
    this.#motion.act(activity, performance.now());
    this.#frames.wake();
  }

  /** @param {{ open?: number, shape?: Partial<Vowels> }} mouth */
  setMouth(mouth) {
    this.#motion.speak(mouth);
    this.#frames.wake();
  }

  /**
   * @param {Point | null} point
   * @param {{ forMs?: number }} [options]
   */
  lookAt(point, { forMs } = {}) {
    if (point && !(Number.isFinite(point.x) && Number.isFinite(point.y))) return;
    const direction = point ? this.#towards(point) : { x: 0, y: 0 };
    if (forMs === undefined) this.#motion.restOn(direction);
    else this.#motion.follow(direction, performance.now() + forMs);
    this.#frames.wake();
  }

  /** @param {Partial<Placement>} placement */
  place(placement) {
    for (const [name, value] of Object.entries(placement)) if (!Number.isFinite(value)) throw new RangeError(`${name} is no number`);
    this.#placement = { ...this.#placement, ...placement };
    this.#placement.scale = Math.min(Math.max(this.#placement.scale, 0.1), 10);
    this.resize();
  }

  /** @param {Partial<Colours>} colours */
  setColours(colours) {
    paint(this.#svg, colours);
  }

  /** @param {string} name */
  playMotion(name) {
    const playing = this.#motion.play(name, performance.now());
    if (playing) this.#frames.wake();
    return playing;
  }

  /** @param {Point} point */
  hitTest({ x, y }) {
    const [left, top] = [x - scrollX, y - scrollY];
    const box = this.#box.getBoundingClientRect();
    const inside = left >= box.left && left < box.right && top >= box.top && top < box.bottom;
    return inside ? this.#regions.at(left, top) : null;
  }

  resize() {
    const { left, top, width, height } = this.#box.getBoundingClientRect();
    if (!width || !height) return;
    const { viewBox, scale, eyes, reach, tail, hands } = frame(width, height, this.#placement);
    this.#svg.setAttribute("viewBox", viewBox);
    this.#rig.setScale(scale);
    this.#rig.setHands(hands);
    this.#motion.setGrain(LEAST_DRIFT_PX / scale);
    this.#tail?.setAttribute("display", tail ? "inline" : "none");
    this.#eyes = { x: left + scrollX + eyes.x, y: top + scrollY + eyes.y, reach };
    this.#frames.wake();
  }

  pause() {
    this.#paused = true;
    this.#startOrStop();
  }

  resume() {
    this.#paused = false;
    this.#startOrStop();
  }

  destroy() {
    this.#frames.stop();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#box.remove();
  }

  /**
   * @param {number} dt
   * @param {number} now
   */
  #frame(dt, now) {
    this.#rig.apply(this.#motion.step(dt, now));
    return this.#motion.wait(now);
  }

  #startOrStop() {
    if (this.#paused || document.hidden) this.#frames.stop();
    else this.#frames.start();
  }

  /** @param {Point} point */
  #towards({ x, y }) {
    const across = (x - this.#eyes.x) / this.#eyes.reach;
    const down = (y - this.#eyes.y) / this.#eyes.reach;
    const far = Math.hypot(across, down);
    const share = far > 0 ? Math.tanh(far) / far : 0;
    return { x: across * share, y: down * share };
  }
}
