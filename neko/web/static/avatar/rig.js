/**
 * Takes a pose and moves the layers of the drawing `neko.svg`, writing only what has moved.
 *
 * @import { Hands } from "./arms.js"
 * @import { Pose } from "./motion.js"
 */
import { armPose, sleevePaths } from "./arms.js";
import { eyePaths } from "./eye.js";
import { mouthPaths } from "./mouth.js";
import { tailPaths } from "./tail.js";

const NECK = "400 470";
/** What of the head's tilt the long hair goes along with. */
const HANGS = 0.75;
const EYES = { left: { x: 347, y: 346, side: 1 }, right: { x: 453, y: 346, side: -1 } };
const EARS = { left: { x: 322, y: 205, side: -1 }, right: { x: 478, y: 205, side: 1 } };
const PARTS = [
  "figure", "hair-back", "body", "torso", "neck", "head", "ear-left", "ear-right", "face", "fringe-shade",
  "features", "blush", "nose", "mouth", "mouth-lips", "mouth-clip-shape", "mouth-teeth", "mouth-tongue", "mouth-under",
  "lock-left", "lock-right", "fringe", "brow-left", "brow-right", "tail-shape", "tail-tip", "tail-line",
  ...["left", "right"].flatMap((side) =>
    ["", "-clip-shape", "-iris", "-pupil", "-highlight", "-shade", "-lower", "-crease", "-lash"].map((part) => `eye-${side}${part}`),
  ),
  ...["left", "right"].flatMap((side) => ["", "-hand", "-upper", "-fold", "-fore", "-shade", "-line", "-cuff"].map((part) => `arm-${side}${part}`)),
];

export class Rig {
  /** @type {Map<string, SVGGraphicsElement>} */
  #parts = new Map();
  /** @type {Map<string, string>} */
  #written = new Map();
  /** @type {Map<string, string>} */
  #keys = new Map();
  #fine = 10;
  /** @type {Hands} */
  #hands = { heart: 1, chin: 1 };

  /**
   * `find(name)` answers the element of a layer. Throws when the drawing lacks one.
   * @param {(name: string) => SVGGraphicsElement | null} find
   */
  constructor(find) {
    for (const name of PARTS) {
      const element = find(name);
      if (!element) throw new Error(`the drawing has no layer "${name}"`);
      this.#parts.set(name, element);
    }
  }

  /**
   * How many screen pixels one unit of the drawing takes: what is too small to be seen is not written.
   * @param {number} pixelsPerUnit
   */
  setScale(pixelsPerUnit) {
    this.#fine = Math.min(20, Math.max(2, 4 * pixelsPerUnit));
  }

  /**
   * How much of a hand's way to a place is gone, 0…1.
   * @param {Hands} hands
   */
  setHands(hands) {
    this.#hands = hands;
  }

  /**
   * `pose`: what `Motion.step` answers.
   * @param {Pose} pose
   */
  apply(pose) {
    this.#stand(pose);
    this.#arm("left", pose);
    this.#arm("right", pose);
    this.#turnHead(pose);
    this.#ears(pose);
    this.#eye("left", pose);
    this.#eye("right", pose);
    this.#brows(pose);
    this.#mouth(pose);
    this.#tail(pose);
  }

  /** @param {Pose} pose */
  #stand({ lean, sway, breath, shoulders }) {
    const scale = 1 + 0.035 * lean;
    this.#move("figure", `translate(${this.#u(400 - 400 * scale + sway)} ${this.#u(1000 - 1000 * scale + 6 * lean)}) scale(${this.#s(scale)})`);
    const rise = -3.2 * breath - 3 * shoulders;
    this.#move("torso", `translate(${this.#u(400 - 400 * (1 + 0.006 * breath))} ${this.#u(rise)}) scale(${this.#s(1 + 0.006 * breath)} 1)`);
    this.#move("arm-left", `translate(${this.#u(-1.6 * breath)} ${this.#u(rise * 0.9)})`);
    this.#move("arm-right", `translate(${this.#u(1.6 * breath)} ${this.#u(rise * 0.9)})`);
    this.#move("neck", `translate(0 ${this.#u(rise)})`);
  }

  /**
   * @param {"left" | "right"} side
   * @param {Pose} pose
   */
  #arm(side, { handsHeart, handChin }) {
    const hands = { heart: this.#s(handsHeart * this.#hands.heart), chin: this.#s(handChin * this.#hands.chin) };
    if (!this.#isNew(`arm-${side}`, [hands.heart, hands.chin])) return;
    const pose = armPose(side, hands);
    for (const [part, path] of Object.entries(sleevePaths(pose))) this.#draw(`arm-${side}-${part}`, path);
    const { wrist, elbow } = pose;
    const forearm = (Math.atan2(wrist.y - elbow.y, wrist.x - elbow.x) * 180) / Math.PI - 90;
    const place = `translate(${this.#u(wrist.x)} ${this.#u(wrist.y)})`;
    this.#move(`arm-${side}-cuff`, `${place} rotate(${this.#s(forearm)})`);
    this.#move(`arm-${side}-hand`, `${place} rotate(${this.#s(pose.hand)}) scale(1.12)`);
  }

  /** @param {Pose} pose */
  #turnHead({ tilt, yaw, pitch, hair, shoulders }) {
    const x = yaw * 9;
    const y = pitch * 7 - 1.5 * shoulders;
    const angle = this.#s(tilt);
    this.#move("head", `translate(${this.#u(x)} ${this.#u(y)}) rotate(${angle} ${NECK})`);
    this.#move("hair-back", `translate(${this.#u(x * 0.6)} ${this.#u(y)}) rotate(${this.#s(tilt * HANGS - hair * 0.5)} ${NECK})`);
    this.#move("features", `translate(${this.#u(yaw * 10)} ${this.#u(pitch * 9)})`);
    this.#move("nose", `translate(${this.#u(yaw * 4)} ${this.#u(pitch * 2.5)})`);
    this.#move("face", `translate(${this.#u(yaw * 3)} ${this.#u(pitch * 2)})`);
    this.#move("fringe-shade", `translate(${this.#u(yaw * 4)} ${this.#u(pitch * 6)})`);
    this.#move("fringe", `translate(${this.#u(yaw * 6)} ${this.#u(pitch * 5)})`);
    this.#move("lock-left", `translate(${this.#u(yaw * 5)} ${this.#u(pitch * 3)}) rotate(${this.#s(-tilt * 0.7 - hair)} 286 240)`);
    this.#move("lock-right", `translate(${this.#u(yaw * 5)} ${this.#u(pitch * 3)}) rotate(${this.#s(-tilt * 0.7 - hair)} 514 240)`);
  }

  /** @param {Pose} pose */
  #ears({ earLeft, earRight, earBack, yaw, pitch }) {
    for (const [side, out, { x, y, side: sign }] of /** @type {const} */ ([["left", earLeft, EARS.left], ["right", earRight, EARS.right]])) {
      const along = 1 - 0.1 * earBack - Math.max(0, out) * 0.003;
      this.#move(
        `ear-${side}`,
        `translate(${this.#u(x - yaw * 4)} ${this.#u(y - pitch * 5)}) rotate(${this.#s(sign * out)}) scale(${this.#s(1 - 0.2 * earBack)} ${this.#s(along)}) translate(${-x} ${-y})`,
      );
    }
  }

  /**
   * @param {"left" | "right"} side
   * @param {Pose} pose
   */
  #eye(side, { eyeOpen, eyeSmile, slant, pupil, gazeX, gazeY, yaw }) {
    const { x, y, side: sign } = EYES[side];
    const narrow = 1 - Math.max(0, -yaw * sign) * 0.07;
    this.#move(`eye-${side}`, `translate(${x} ${y}) scale(${this.#s(sign * narrow)} 1)`);
    const [open, smile, slope] = [this.#s(eyeOpen), this.#s(Math.min(1, eyeSmile)), this.#s(slant)];
    if (this.#isNew(side, [open, smile, slope])) {
      const { opening, ...lids } = eyePaths(open, smile, slope);
      this.#draw(`eye-${side}-clip-shape`, opening);
      for (const [part, path] of Object.entries(lids)) this.#draw(`eye-${side}-${part}`, path);
    }
    const gaze = { x: gazeX * 12 * sign, y: gazeY * 9 };
    this.#move(`eye-${side}-iris`, `translate(${this.#u(gaze.x)} ${this.#u(gaze.y)})`);
    this.#move(`eye-${side}-highlight`, `translate(${this.#u(gaze.x * 0.8)} ${this.#u(gaze.y * 0.8)})`);
    this.#move(`eye-${side}-pupil`, `scale(${this.#s(pupil)} ${this.#s(0.5 + pupil * 0.5)})`);
  }

  /** @param {Pose} pose */
  #brows({ browLeft, browRight, browAngle, yaw, pitch, blush }) {
    const x = yaw * 9;
    this.#move("brow-left", `translate(${this.#u(x)} ${this.#u(pitch * 8 - browLeft)}) rotate(${this.#s(-browAngle)} 337 290)`);
    this.#move("brow-right", `translate(${this.#u(x)} ${this.#u(pitch * 8 - browRight)}) rotate(${this.#s(browAngle)} 463 290)`);
    this.#write("blush", "opacity", `${Math.round(Math.max(0, Math.min(1, blush)) * 20) / 20}`);
  }

  /** @param {Pose} pose */
  #mouth({ mouth, mouthAside, yaw, pitch }) {
    this.#move("mouth", `translate(${this.#u(400 + mouthAside + yaw * 2)} ${this.#u(416 + pitch)})`);
    const lips = {
      open: this.#s(mouth.open), width: this.#s(mouth.width), round: this.#s(mouth.round), smile: this.#s(mouth.smile), cat: this.#s(mouth.cat),
    };
    if (!this.#isNew("mouth", Object.values(lips))) return;
    const paths = mouthPaths(lips);
    this.#draw("mouth-clip-shape", paths.lips);
    for (const [part, path] of Object.entries(paths)) this.#draw(`mouth-${part}`, path);
  }

  /** @param {Pose} pose */
  #tail({ tailPhase, tailReach, tailLift }) {
    const phase = Math.round(tailPhase * this.#fine * 3) / (this.#fine * 3);
    const [reach, lift] = [this.#s(tailReach), this.#s(tailLift)];
    if (!this.#isNew("tail", [phase, reach, lift])) return;
    const paths = tailPaths(phase, reach, lift);
    this.#draw("tail-shape", paths.shape);
    this.#draw("tail-tip", paths.tip);
    this.#draw("tail-line", paths.line);
  }

  /**
   * Is this drawn from other numbers than last time?
   * @param {string} part
   * @param {number[]} numbers
   */
  #isNew(part, numbers) {
    const key = numbers.join(" ");
    if (this.#keys.get(part) === key) return false;
    this.#keys.set(part, key);
    return true;
  }

  /**
   * A length, no finer than the screen shows it.
   * @param {number} units
   */
  #u(units) {
    return Math.round(units * this.#fine) / this.#fine;
  }

  /**
   * A share or an angle, no finer than the screen shows it at the size of a head.
   * @param {number} share
   */
  #s(share) {
    return Math.round(share * this.#fine * 20) / (this.#fine * 20);
  }

  /**
   * @param {string} name
   * @param {string} transform
   */
  #move(name, transform) {
    this.#write(name, "transform", transform);
  }

  /**
   * @param {string} name
   * @param {string} path
   */
  #draw(name, path) {
    this.#write(name, "d", path);
  }

  /**
   * @param {string} name
   * @param {string} attribute
   * @param {string} value
   */
  #write(name, attribute, value) {
    const key = attribute === "opacity" ? `${name} opacity` : name;
    if (this.#written.get(key) === value) return;
    this.#written.set(key, value);
    this.#parts.get(name)?.setAttribute(attribute, value);
  }
}
