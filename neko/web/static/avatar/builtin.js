/** The built-in character: our own drawing, moved as it is described in `rig.js` by what `motion.js` decides. */
import { FEELINGS } from "./feelings.js";
import { Frames } from "./frames.js";
import { Motion } from "./motion.js";
import { Rig } from "./rig.js";

const DRAWING = new URL("../assets/avatar/neko.svg", import.meta.url);
const EYE_LINE = 344;
const MIDDLE = 400;
const TOP = -4;
const TAIL_ROOT = 860;
/** [height of the place in px, how far down she is shown, how wide at least]: small places show the face. */
const FRAMINGS = [
  [150, 500, 400],
  [380, 720, 470],
  [640, 1000, 560],
];

let drawings = 0;

/** Brings the built-in character into `container`. See `avatar.js` for what it must do. */
export async function createBuiltin(container, { reducedMotion = false } = {}) {
  const response = await fetch(DRAWING);
  if (!response.ok) throw new Error(`the drawing is missing (${response.status})`);
  const { svg, find } = parse(await response.text());
  const place = document.createElement("div");
  place.className = "avatar-builtin";
  place.style.cssText = "width:100%;height:100%;overflow:hidden;contain:strict";
  place.append(svg);
  container.append(place);
  return new Builtin(place, svg, new Rig(find), find("tail"), reducedMotion);
}

class Builtin {
  #place;
  #svg;
  #rig;
  #tail;
  #motion;
  #frames;
  #eyes = { x: 0, y: 0, reach: 1 };
  #paused = false;
  #onVisibility = () => this.#startOrStop();

  constructor(place, svg, rig, tail, reducedMotion) {
    this.#place = place;
    this.#svg = svg;
    this.#rig = rig;
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

  setEmotion(name, intensity = 1) {
    if (!FEELINGS.includes(name)) return;
    this.#motion.feel(name, intensity, performance.now());
    this.#frames.wake();
  }

  setActivity(activity) {
    this.#motion.act(activity, performance.now());
    this.#frames.wake();
  }

  setMouth(mouth) {
    this.#motion.speak(mouth);
    this.#frames.wake();
  }

  lookAt(target) {
    if (target === "user") {
      this.#motion.restOn({ x: 0, y: 0 });
    } else if (target === "composer") {
      this.#motion.restOn(this.#towardsComposer());
    } else if (target && Number.isFinite(target.x) && Number.isFinite(target.y)) {
      this.#motion.follow(this.#towards(target.x, target.y), performance.now());
    }
    this.#frames.wake();
  }

  resize() {
    const { left, top, width, height } = this.#place.getBoundingClientRect();
    if (!width || !height) return;
    const shown = framing(height);
    const scale = Math.min(width / shown.width, height / (shown.bottom - TOP));
    this.#svg.setAttribute("viewBox", `${MIDDLE - shown.width / 2} ${TOP} ${shown.width} ${shown.bottom - TOP}`);
    this.#rig.setScale(scale);
    this.#tail.setAttribute("display", shown.bottom < TAIL_ROOT ? "none" : "inline"); // its tip alone would float
    this.#eyes = { x: left + width / 2, y: top + height - (shown.bottom - EYE_LINE) * scale, reach: Math.max(260, 520 * scale) };
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
    this.#place.remove();
  }

  #frame(dt, now) {
    this.#rig.apply(this.#motion.step(dt, now));
    return this.#motion.wait(now);
  }

  #startOrStop() {
    if (this.#paused || document.hidden) this.#frames.stop();
    else this.#frames.start();
  }

  #towardsComposer() {
    const box = document.getElementById("composer")?.getBoundingClientRect();
    if (!box?.width) return { x: 0.55, y: 0.6 };
    return this.#towards(box.left + box.width / 2, box.top + box.height / 2);
  }

  #towards(x, y) {
    const across = (x - this.#eyes.x) / this.#eyes.reach;
    const down = (y - this.#eyes.y) / this.#eyes.reach;
    const far = Math.hypot(across, down);
    const share = far > 0 ? Math.tanh(far) / far : 0;
    return { x: across * share, y: down * share };
  }
}

/** The drawing as elements, its names made unique so that two of them can stand on one page. */
function parse(text) {
  drawings += 1;
  const prefix = `neko${drawings}-`;
  const unique = text.replaceAll(/\bid="/g, `id="${prefix}`).replaceAll("url(#", `url(#${prefix}`);
  const svg = document.importNode(new DOMParser().parseFromString(unique, "image/svg+xml").documentElement, true);
  if (svg.localName !== "svg") throw new Error("the drawing is damaged");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", preserveAspectRatio: "xMidYMax meet", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  svg.style.display = "block";
  return { svg, find: (name) => svg.querySelector(`#${prefix}${name}`) };
}

function framing(height) {
  let before = FRAMINGS[0];
  for (const step of FRAMINGS) {
    if (height <= step[0]) {
      const share = step === before ? 0 : (height - before[0]) / (step[0] - before[0]);
      return { bottom: before[1] + (step[1] - before[1]) * share, width: before[2] + (step[2] - before[2]) * share };
    }
    before = step;
  }
  return { bottom: before[1], width: before[2] };
}
