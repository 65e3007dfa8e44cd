/**
 * Turns feelings, activity, gaze and sound into one pose for each moment.
 *
 * Nothing here knows how she is drawn. The pose is a flat object of numbers (see `step`), so
 * another drawing, or a 3D model, can take it as well.
 *
 * @import { Activity, Vowels } from "./avatar.js"
 * @import { Mixture } from "./feelings.js"
 * @import { Direction } from "./gaze.js"
 * @import { Turn } from "./gestures.js"
 * @import { MouthPose } from "./mouth.js"
 */
import { Blink } from "./blink.js";
import { Ears } from "./ears.js";
import { Feelings } from "./feelings.js";
import { Gaze } from "./gaze.js";
import { GESTURE_NAMES, Gestures } from "./gestures.js";
import { Joy } from "./joy.js";
import { lipsFor } from "./mouth.js";
import { Spring } from "./spring.js";
import { TailRests } from "./tail_rests.js";

/**
 * How each activity holds her: `lean` to the reader, `ears` towards sound, `tilt` degrees.
 * @type {Record<Activity, { lean: number, ears: number, tilt: number, brows: number, nods: number, heart: number, chin: number, earPace: number, tail: number }>}
 */
const STANCES = {
  idle: { lean: 0, ears: 0, tilt: 0, brows: 0, nods: 0, heart: 0, chin: 0, earPace: 1, tail: 1 },
  thinking: { lean: -0.15, ears: -3, tilt: 5.5, brows: 3, nods: 0, heart: 0, chin: 1, earPace: 1.8, tail: 0.7 },
  speaking: { lean: 0.12, ears: -2, tilt: 0, brows: 1.5, nods: 1, heart: 0, chin: 0, earPace: 0.8, tail: 1.15 },
  listening: { lean: 0.75, ears: -9, tilt: -2, brows: 4, nods: 0, heart: 1, chin: 0, earPace: 1.5, tail: 0.8 },
};

/**
 * @typedef {object} Pose Angles in degrees, the rest in shares or in units of the drawing.
 * @property {number} breath
 * @property {number} lean
 * @property {number} sway
 * @property {number} shoulders
 * @property {number} tilt
 * @property {number} yaw
 * @property {number} pitch
 * @property {number} hair
 * @property {number} eyeOpen
 * @property {number} eyeSmile
 * @property {number} slant
 * @property {number} pupil
 * @property {number} gazeX
 * @property {number} gazeY
 * @property {number} browLeft
 * @property {number} browRight
 * @property {number} browAngle
 * @property {number} blush
 * @property {number} earLeft
 * @property {number} earRight
 * @property {number} earBack
 * @property {MouthPose} mouth
 * @property {number} mouthAside
 * @property {number} handsHeart
 * @property {number} handChin
 * @property {number} tailPhase
 * @property {number} tailReach
 * @property {number} tailLift
 */

const STILL_MOTIONS = Object.freeze(["blink"]);
const MOTIONS = Object.freeze([...GESTURE_NAMES, "flick_ears", ...STILL_MOTIONS]);

const FLICK_WAIT_MS = 64;
const TURNING_WAIT_MS = 36;
/** A turn that nobody caused. */
const GLANCING_WAIT_MS = 80;
const CALM_WAIT_MS = 150;
const LEAST_CALM_WAIT_MS = 33;
/** Nothing but her breath, a pixel or two in a second. */
const BREATH_WAIT_MS = 180;
const STILL_WAIT_MS = 900;
/** A tail that is slower than this, in shares of its usual pace, is not seen to move. */
const TAIL_RESTS_BELOW = 0.05;
const LONGEST_STRIDE_S = 0.2;
/** Seconds in which whoever did something looks how she takes it. */
const WATCHED_S = 3;
/** Seconds after which nobody seems to be about: then ears, glances and tail move half as often, the lids a little less. */
const ALONE_AFTER_S = 20;
/** Units of the drawing, from empty to full. */
const CHEST_RISES = 3.2;
/** From this pace on a feeling leaves the tail no rest. */
const LIVELY = 1.15;
/** Not every happy word is worth a laugh. */
const LAUGH_AGAIN_MS = 20_000;

/** @typedef {{ sway: number, yaw: number, pitch: number, tilt: number, hair: number }} Bearing How the head is held, on a body that sways. */

export class Motion {
  /** @type {() => number} */
  #random;
  #still;
  #feelings = new Feelings();
  /** @type {Gaze} */
  #gaze;
  /** @type {Blink} */
  #blink;
  /** @type {Ears} */
  #ears;
  /** @type {Joy} */
  #joy;
  #gestures = new Gestures();
  #laughsFrom = -Infinity;
  /** @type {Activity} */
  #activity = "idle";
  /** @type {Direction | null} */
  #aside = null;
  #thoughtUntil = 0;
  #alone = 0;
  #breath = 0;
  #chest = 0;
  /** @type {number} */
  #sway;
  /** @type {Bearing} */
  #bearing = { sway: 0, yaw: 0, pitch: 0, tilt: 0, hair: 0 };
  /** @type {Direction} */
  #aim = { x: 0, y: 0 };
  #grain = 0;
  #tail = 0;
  /** @type {TailRests} */
  #tailRests;
  #mouth = { open: new Spring(0, 0.014), width: new Spring(1, 0.022), round: new Spring(0, 0.022) };
  #spoke = 0;
  #body = {
    lean: new Spring(0, 0.16), ears: new Spring(0, 0.07), tilt: new Spring(0, 0.17), brows: new Spring(0, 0.06),
    yaw: new Spring(0, 0.15), pitch: new Spring(0, 0.15), energy: new Spring(0, 0.09), hair: new Spring(0, 0.24), pace: new Spring(1, 0.4),
    heart: new Spring(0, 0.14), chin: new Spring(0, 0.14),
  };

  /**
   * `still`: the reader asked for reduced motion; `random` answers 0…1.
   * @param {number} now
   * @param {{ still?: boolean, random?: () => number }} [options]
   */
  constructor(now, { still = false, random = Math.random } = {}) {
    this.#random = random;
    this.#still = still;
    this.#gaze = new Gaze(random, now, { still });
    this.#blink = new Blink(random, now, { gentle: still });
    this.#ears = new Ears(random, now);
    this.#joy = new Joy(random);
    this.#tailRests = new TailRests(random, now);
    this.#sway = random() * 100;
  }

  /**
   * @param {string} name
   * @param {number} intensity
   * @param {number} now
   */
  feel(name, intensity, now) {
    this.#alone = 0;
    this.#feelings.set(name, intensity);
    if (!this.#still && name === "happy" && intensity > 0.75 && now >= this.#laughsFrom && this.#mouth.open.target < 0.03) {
      this.#gestures.play("laugh", now);
      this.#laughsFrom = now + LAUGH_AGAIN_MS;
    }
    if (!this.#still && name === "surprised" && intensity > 0.4) {
      this.#ears.flick(now, 7, "left");
      this.#ears.flick(now, 7, "right");
    }
  }

  /**
   * @param {string} activity
   * @param {number} now
   */
  act(activity, now) {
    if (activity === this.#activity || !isActivity(activity)) return;
    this.#alone = 0;
    this.#activity = activity;
    this.#aside = null;
    if (activity === "thinking") this.#wonder(now);
    if (!this.#still && activity !== "idle") this.#ears.flick(now, activity === "listening" ? 10 : 14);
    this.#gaze.turnAside(this.#aside);
  }

  /** @param {{ open?: number, shape?: Partial<Vowels> }} mouth */
  speak({ open = 0, shape = {} }) {
    this.#alone = 0;
    const lips = lipsFor(Math.min(Math.max(open, 0), 1), shape);
    this.#mouth.open.target = lips.open;
    this.#mouth.width.target = lips.width;
    this.#mouth.round.target = lips.round;
  }

  /** The motions that `play` knows; few when the reader asked for reduced motion. */
  get names() {
    return this.#still ? STILL_MOTIONS : MOTIONS;
  }

  /**
   * Play one of `names` once. False for any other.
   * @param {string} name
   * @param {number} now
   */
  play(name, now) {
    if (!this.names.includes(name)) return false;
    this.#alone = 0;
    if (name === "blink") {
      this.#blink.soon(now);
    } else if (name === "flick_ears") {
      this.#ears.flick(now, 14, "left");
      this.#ears.flick(now, 14, "right");
    } else {
      this.#gestures.play(name, now);
    }
    return true;
  }

  /**
   * How far the crown of her head, or her chest, moves before it is worth drawing all of it again.
   * @param {number} units of the drawing
   */
  setGrain(units) {
    this.#grain = units;
  }

  /** @param {Direction} direction */
  restOn(direction) {
    this.#alone = 0;
    this.#gaze.restOn(direction);
  }

  /**
   * @param {Direction} direction
   * @param {number} until
   */
  follow(direction, until) {
    this.#alone = 0;
    this.#gaze.follow(direction, until);
  }

  /**
   * Advance by `dt` seconds. Answers the pose: angles in degrees, the rest in shares or in units of the drawing.
   * @param {number} dt
   * @param {number} now
   * @returns {Pose}
   */
  step(dt, now) {
    const stance = STANCES[this.#activity];
    const feeling = this.#feelings.step(dt);
    const body = this.#body;
    if (this.#activity === "thinking" && now >= this.#thoughtUntil) this.#wonder(now);
    this.#alone += dt;
    const wanders = this.#activity === "idle" || this.#activity === "speaking";
    const gaze = this.#gaze.step(dt, now, { wanders, blinks: this.#blink.active(now), pace: this.#pace });
    if (gaze.jumped && this.#random() < 0.35) this.#blink.soon(now);
    const shut = this.#blink.step(now, Math.sqrt(this.#pace));
    const flick = this.#still ? { left: 0, right: 0 } : this.#ears.step(now, stance.earPace * this.#pace);
    for (const spring of Object.values(this.#mouth)) spring.step(dt);
    const open = this.#mouth.open.value;
    if (open > 0.03) this.#feelings.hold();
    this.#spoke = Math.max(open > 0.03 ? 1 : 0, this.#spoke - dt * 3);

    this.#wander(dt, now, feeling, stance);
    body.lean.target = stance.lean;
    body.ears.target = stance.ears;
    body.brows.target = stance.brows + open * 3;
    body.energy.target = open * stance.nods;
    body.heart.target = stance.heart;
    body.chin.target = stance.chin;
    const drift = this.#drift();
    const turned = this.#turns(gaze.aim) ? 0 : dt; // a turn begins with the moment that is drawn, however long ago the last one was
    const side = this.#aside ? Math.sign(this.#aside.x) : 1;
    body.tilt.target = feeling.tilt + stance.tilt * side + gaze.aim.x * 2.2;
    body.yaw.target = gaze.aim.x * 0.55;
    body.pitch.target = gaze.aim.y * 0.45 + feeling.headY + stance.lean * 0.12;
    for (const spring of Object.values(body)) if (spring !== body.hair && spring !== body.pace) spring.step(turned);
    body.hair.target = this.#still ? 0 : body.tilt.value + body.yaw.value * 4;
    body.hair.step(turned);

    const turn = this.#gestures.step(now);
    const joy = Math.max(turn.joy, this.#still ? 0 : this.#joy.step(dt, now, feeling.eyeSmile));
    const lid = Math.max(0, feeling.eyeOpen + turn.wide + stance.lean * 0.05 - Math.max(gaze.y, 0) * 0.1);
    const wondering = this.#activity === "thinking" ? 1 : 0;
    const bearing = this.#hold({
      sway: drift.x,
      tilt: body.tilt.value + drift.tilt + turn.tilt,
      yaw: body.yaw.value + drift.yaw + turn.yaw,
      pitch: body.pitch.value + drift.pitch + body.energy.value * 0.42 + turn.pitch,
      hair: this.#still ? 0 : (body.hair.value - body.hair.target) * 0.9 + drift.x * 0.12,
    });
    return {
      ...bearing,
      breath: this.#chest,
      lean: body.lean.value,
      shoulders: feeling.shoulders,
      eyeOpen: lid * (1 - Math.max(shut, joy, turn.shut)),
      eyeSmile: Math.max(feeling.eyeSmile * (1 - 0.35 * this.#spoke), joy),
      slant: feeling.slant,
      pupil: feeling.pupil,
      gazeX: gaze.x,
      gazeY: gaze.y + feeling.gazeY,
      browLeft: feeling.browLift + body.brows.value + (side > 0 ? -wondering * 3 : wondering * 2) + turn.brows,
      browRight: feeling.browLift + body.brows.value + (side > 0 ? wondering * 2 : -wondering * 3) + turn.brows,
      browAngle: feeling.browAngle,
      blush: feeling.blush + turn.blush,
      earLeft: feeling.earOut + body.ears.value + flick.left + turn.ears,
      earRight: feeling.earOut + body.ears.value + flick.right + turn.ears,
      earBack: Math.min(1, feeling.earBack + turn.earBack),
      mouth: this.#lips(feeling, open, wondering, turn),
      mouthAside: wondering * side * 3,
      handsHeart: Math.max(body.heart.value, turn.heart) * (1 - body.chin.value),
      handChin: body.chin.value,
      tailPhase: this.#tail,
      tailReach: this.#still ? 0 : Math.max(0.2, feeling.tailReach * stance.tail) + turn.tailReach,
      tailLift: Math.max(-1, Math.min(1, feeling.tailLift + turn.tailLift)),
    };
  }

  /**
   * Milliseconds until the next frame is worth drawing: 0 while anything quick goes on.
   * @param {number} now
   */
  wait(now) {
    if (this.#quick) return 0;
    const turning = this.#activity === "idle" && this.#alone > WATCHED_S ? GLANCING_WAIT_MS : TURNING_WAIT_MS;
    const flicks = !this.#still && this.#ears.active(now) ? FLICK_WAIT_MS : Infinity;
    return Math.max(0, Math.min(this.#turning ? turning : this.#calmWait(), flicks, this.#blink.wait(now), this.#joy.next - now));
  }

  get #pace() {
    return this.#alone > ALONE_AFTER_S ? 0.5 : 1;
  }

  get #quick() {
    const { open, width, round } = this.#mouth;
    const { ears, brows, energy } = this.#body;
    return (
      this.#gestures.active || this.#joy.moving || this.#gaze.moving || this.#feelings.blending ||
      open.target > 0.01 || open.moving(0.01) || width.moving(0.02) || round.moving(0.02) ||
      ears.moving(0.4) || brows.moving(0.4) || energy.moving(0.03)
    );
  }

  get #turning() {
    const { heart, chin, lean, tilt, yaw, pitch } = this.#body;
    return heart.moving(0.02) || chin.moving(0.02) || lean.moving(0.03) || tilt.moving(0.5) || yaw.moving(0.06) || pitch.moving(0.06);
  }

  /** The tail is what moves furthest in a calm moment: the livelier, the more frames. */
  #calmWait() {
    if (this.#still) return this.#resting ? STILL_WAIT_MS : CALM_WAIT_MS;
    if (this.#body.pace.value < TAIL_RESTS_BELOW) return BREATH_WAIT_MS;
    return Math.max(LEAST_CALM_WAIT_MS, CALM_WAIT_MS / Math.max(1, this.#body.pace.value) ** 2);
  }

  get #resting() {
    const springs = [...Object.values(this.#mouth), ...Object.values(this.#body)];
    return this.#gaze.resting && this.#feelings.resting && springs.every((spring) => spring.resting);
  }

  /**
   * A new thought: another corner to look at.
   * @param {number} now
   */
  #wonder(now) {
    const side = this.#aside && this.#random() < 0.7 ? Math.sign(this.#aside.x) : this.#random() < 0.5 ? -1 : 1;
    this.#aside = { x: side * (0.5 + 0.2 * this.#random()), y: -0.6 - 0.25 * this.#random() };
    this.#thoughtUntil = now + 1600 + 2600 * this.#random();
    this.#gaze.turnAside(this.#aside);
  }

  /**
   * @param {number} dt
   * @param {number} now
   * @param {Mixture} feeling
   * @param {typeof STANCES.idle} stance
   */
  #wander(dt, now, feeling, stance) {
    const stride = Math.min(dt, LONGEST_STRIDE_S);
    this.#breath += stride * (0.18 + 0.05 * feeling.shoulders);
    const chest = this.#still ? 0 : breathAt(this.#breath);
    if (Math.abs(chest - this.#chest) * CHEST_RISES >= this.#grain) this.#chest = chest;
    if (this.#activity !== "idle" || this.#turning) this.#sway += stride * 0.75; // at rest she stands still, and a little differently after each turn
    const rests = this.#tailRests.at(now, { lively: this.#activity !== "idle" || feeling.tailRate > LIVELY, pace: this.#pace });
    this.#body.pace.target = rests ? 0 : Math.max(0.35, feeling.tailRate * stance.tail);
    this.#tail += stride * 0.7 * this.#body.pace.step(stride);
  }

  /** Nobody who stands holds quite still. */
  #drift() {
    if (this.#still) return { yaw: 0, pitch: 0, tilt: 0, x: 0 };
    const t = this.#sway;
    return {
      yaw: 0.05 * Math.sin(t * 0.43) + 0.04 * Math.sin(t * 0.71 + 1),
      pitch: 0.05 * Math.sin(t * 0.37 + 2),
      tilt: 0.9 * Math.sin(t * 0.29) + 0.5 * Math.sin(t * 0.53 + 4),
      x: 2.6 * Math.sin(t * 0.31 + 3),
    };
  }

  /**
   * As it was, until it has gone far enough to be seen.
   * @param {Bearing} bearing
   */
  #hold(bearing) {
    if (this.#still || farBetween(this.#bearing, bearing) >= this.#grain) this.#bearing = bearing;
    return this.#bearing;
  }

  /**
   * Is this another aim than the last one?
   * @param {Direction} aim
   */
  #turns({ x, y }) {
    const other = x !== this.#aim.x || y !== this.#aim.y;
    this.#aim = { x, y };
    return other;
  }

  /**
   * @param {Mixture} feeling
   * @param {number} open
   * @param {number} wondering
   * @param {Turn} turn
   */
  #lips(feeling, open, wondering, turn) {
    const speech = this.#spoke;
    return {
      open: Math.max(open, feeling.mouthOpen * (1 - speech) * (1 - wondering), turn.mouthOpen),
      width: this.#mouth.width.value + feeling.mouthWidth * (1 - 0.5 * speech) - wondering * 0.22 - turn.mouthRound * 0.4,
      round: Math.min(1, this.#mouth.round.value + feeling.mouthRound * (1 - speech) + turn.mouthRound),
      smile: feeling.smile * (1 - 0.55 * wondering) + turn.smile,
      cat: Math.max(0, feeling.cat) * (1 - Math.min(1, open * 6)),
    };
  }
}

/**
 * @param {string} name
 * @returns {name is Activity}
 */
function isActivity(name) {
  return Object.hasOwn(STANCES, name);
}

/**
 * How far the crown of her head, or the ends of her hair, are between two bearings, in units of the drawing.
 * @param {Bearing} from
 * @param {Bearing} to
 */
function farBetween(from, to) {
  const across = to.sway - from.sway + 6 * (to.tilt - from.tilt) + 15 * (to.yaw - from.yaw);
  return Math.max(Math.hypot(across, 12 * (to.pitch - from.pitch)), 7 * Math.abs(to.hair - from.hair));
}

/**
 * How full the chest is, 0…1: in, out, and a rest before the next breath.
 * @param {number} breaths how many there have been
 */
function breathAt(breaths) {
  const share = breaths % 1;
  if (share < 0.36) return 0.5 - 0.5 * Math.cos((share / 0.36) * Math.PI);
  return 0.5 + 0.5 * Math.cos(Math.min(1, (share - 0.36) / 0.44) * Math.PI);
}
