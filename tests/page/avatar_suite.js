/**
 * What every avatar has to do, whichever way it is drawn: run in a page against a real one.
 *
 * @import { Avatar, createAvatar, Placement, Point } from "../../neko/web/static/avatar/avatar.js"
 *
 * @typedef {NonNullable<Parameters<typeof createAvatar>[1]>} Options
 * @typedef {{ avatar: Avatar, container: HTMLElement }} Made
 * @typedef {(options?: Options) => Promise<Made>} Make
 */

const FEELINGS = ["happy", "sad", "angry", "surprised", "neutral", "relaxed"];
const ACTIVITIES = ["idle", "thinking", "speaking", "listening"];
const METHODS = /** @type {const} */ ([
  "setEmotion", "setActivity", "setMouth", "lookAt", "place", "setColours", "playMotion", "hitTest", "resize", "pause", "resume", "destroy",
]);
const REGIONS = ["ear", "hair", "face", "nose", "arm", "body", "tail"];
const VOWELS = ["a", "i", "u", "e", "o"];
const GRID = 24;
const AT_ONCE = 6;

const STILL_MS = 600;
const LONGEST_MS = 8000;
const BLINK_WITHIN_MS = 9000;

/** @type {Record<string, (make: Make) => Promise<void>>} */
const checks = {
  "offers every method of the interface": async (make) => {
    const { avatar } = await make();
    for (const method of METHODS) assert(typeof avatar[method] === "function", `${method} is missing`);
    assert(Number.isFinite(avatar.frames), "frames is not a number");
  },

  "tells how far loading is, from nothing to all of it": async (make) => {
    /** @type {number[]} */
    const shares = [];
    await make({ onProgress: (share) => shares.push(share) });
    assert(shares[0] === 0 && shares.at(-1) === 1, `it went from ${shares[0]} to ${shares.at(-1)}`);
    assert(shares.every((share, at) => share > (shares[at - 1] ?? -1)), `it does not rise: ${shares.join(", ")}`);
  },

  "draws something as soon as it is made": async (make) => {
    const { container } = await make();
    const box = container.firstElementChild?.getBoundingClientRect();
    assert(box && box.width > 0 && box.height > 0, "nothing is drawn");
  },

  "opens the mouth for sound and shuts it again": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const shut = await settled(avatar, container);
    avatar.setMouth({ open: 1, shape: { a: 1, i: 0, u: 0, e: 0, o: 0 } });
    const open = await settled(avatar, container);
    assert(open !== shut, "an open mouth looks like a shut one");
    avatar.setMouth({ open: 0, shape: {} });
    assert((await settled(avatar, container)) === shut, "the mouth does not shut again");
  },

  "gives each vowel another mouth": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const seen = new Set();
    for (const vowel of VOWELS) {
      avatar.setMouth({ open: 0.9, shape: { [vowel]: 1 } });
      seen.add(await settled(avatar, container));
    }
    assert(seen.size === VOWELS.length, `${seen.size} shapes for ${VOWELS.length} vowels`);
  },

  "shows each feeling in another way": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const seen = new Set();
    for (const feeling of FEELINGS) {
      avatar.setEmotion(feeling, 1);
      seen.add(await settled(avatar, container));
    }
    assert(seen.size === FEELINGS.length, `${seen.size} looks for ${FEELINGS.length} feelings`);
  },

  "blends a feeling in instead of switching": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const before = await settled(avatar, container);
    avatar.setEmotion("happy", 1);
    const between = await until(() => drawing(container) !== before && drawing(container), 300);
    assert(between, "nothing has changed after 300 ms");
    assert((await settled(avatar, container)) !== between, "the first frame was the last one");
  },

  "shows more of a feeling when it is more intense": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    avatar.setEmotion("sad", 0.4);
    const little = await settled(avatar, container);
    avatar.setEmotion("sad", 1);
    assert((await settled(avatar, container)) !== little, "0.4 and 1 look alike");
  },

  "takes every activity, and thinking shows": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const idle = await settled(avatar, container);
    for (const activity of ACTIVITIES) avatar.setActivity(activity);
    avatar.setActivity("thinking");
    assert((await settled(avatar, container)) !== idle, "thinking looks like idling");
    avatar.setActivity("idle");
    assert((await settled(avatar, container)) === idle, "she does not come back from thinking");
  },

  "looks at a point of the page and back at the reader": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const reader = await settled(avatar, container);
    const { left, right, bottom } = onPage(container);
    avatar.lookAt({ x: right + 300, y: bottom + 100 });
    const towardsRight = await settled(avatar, container);
    assert(towardsRight !== reader, "a point does not draw the eyes");
    avatar.lookAt({ x: left - 300, y: bottom + 100 });
    assert((await settled(avatar, container)) !== towardsRight, "the other side looks alike");
    avatar.lookAt(null);
    assert((await settled(avatar, container)) === reader, "the eyes do not return to the reader");
    const moving = await make();
    moving.avatar.lookAt({ x: 5, y: 5 }, { forMs: 100 });
    moving.avatar.lookAt({ x: Number.NaN, y: 0 });
  },

  "means the page by a point, however far that is scrolled": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const tall = document.body.appendChild(document.createElement("div"));
    tall.style.cssText = "clear:both;height:5000px";
    /** @param {number} from */
    const look = (from) => {
      scrollTo(0, from);
      avatar.resize();
      const { x, y } = centre(container);
      avatar.lookAt({ x: x + 200, y: y - 200 });
      return avatar.hitTest({ x, y });
    };
    const region = look(0);
    const before = await settled(avatar, container);
    assert(region !== null && look(40) === region, "scrolling changes what is hit");
    assert((await settled(avatar, container)) === before, "scrolling changes where a point is");
    scrollTo(0, 0);
    tall.remove();
  },

  "stands elsewhere and larger when it is placed so": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const usual = await settled(avatar, container);
    assert(isPlaced(avatar, { x: 0, y: 0, scale: 1 }), "it does not begin where it stands by itself");
    avatar.place({ scale: 1.5 });
    const large = await settled(avatar, container);
    assert(large !== usual, "a scale changes nothing");
    avatar.place({ x: 0.25, y: -0.1 });
    assert((await settled(avatar, container)) !== large, "a position changes nothing");
    assert(isPlaced(avatar, { x: 0.25, y: -0.1, scale: 1.5 }), "what is left out does not stay");
    avatar.resize();
    assert(isPlaced(avatar, { x: 0.25, y: -0.1, scale: 1.5 }), "a new size forgets the placement");
    avatar.place({ x: 0, y: 0, scale: 1 });
    assert((await settled(avatar, container)) === usual, "it does not come back");
    assert(throws(() => avatar.place({ x: Number.NaN })), "a place that is no number is taken");
  },

  "moves out of a point's reach when it is placed elsewhere": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const middle = centre(container);
    const before = avatar.hitTest(middle);
    assert(before !== null, "nothing of it is in the middle of its place");
    avatar.place({ x: 2 });
    assert(avatar.hitTest(middle) === null, "it is still hit where it stood");
  },

  "says what is hit, and that nothing is": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const { left, top, width, height } = onPage(container);
    /** @type {Set<string>} */
    const regions = new Set();
    for (let row = 0; row <= GRID; row += 1) {
      for (let column = 0; column <= GRID; column += 1) {
        const region = avatar.hitTest({ x: left + (width * column) / GRID, y: top + (height * row) / GRID });
        if (region !== null) regions.add(region);
      }
    }
    assert([...regions].every((region) => REGIONS.includes(region)), `unknown regions: ${[...regions].join(", ")}`);
    assert(regions.has("face") && regions.has("body"), `only ${[...regions].join(", ")} can be hit`);
    assert(avatar.hitTest({ x: left - 20, y: top + height / 2 }) === null, "something is hit outside of its place");
  },

  "plays each motion that it offers, and no other": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const before = await settled(avatar, container);
    assert(!avatar.playMotion("no such motion"), "a motion that it does not offer is played");
    assert((await settled(avatar, container)) === before, "a motion that it does not offer is seen");
    for (const motion of avatar.motions) {
      assert(avatar.playMotion(motion), `${motion} is refused`);
      assert(await until(() => drawing(container) !== before, 1500), `${motion} is not to be seen`);
      assert((await settled(avatar, container)) === before, `${motion} does not end`);
    }
    const moving = await make();
    assert(new Set(moving.avatar.motions).size === moving.avatar.motions.length, "a motion is offered twice");
    for (const motion of moving.avatar.motions) assert(moving.avatar.playMotion(motion), `${motion} is refused`);
  },

  "bears what it does not know": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const before = await settled(avatar, container);
    avatar.setEmotion("hungry", 1);
    avatar.setActivity("dancing");
    avatar.setMouth({});
    avatar.lookAt({ x: Number.NaN, y: 0 });
    assert((await settled(avatar, container)) === before, "something unknown has changed the drawing");
  },

  "takes colours, and goes on as it was": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true, colours: { eyes: "#5a78d8" } });
    avatar.setColours({ hair: "#26222b", ears: "#DFE0EA" });
    const painted = await settled(avatar, container);
    avatar.setColours({ hair: "#26222b", ears: "#DFE0EA" });
    assert((await settled(avatar, container)) === painted, "the same colours look different");
  },

  "blinks by itself": async (make) => {
    const { container } = await make({ reducedMotion: true });
    await pause(120);
    const before = drawing(container);
    assert(await until(() => drawing(container) !== before, BLINK_WITHIN_MS), `no blink within ${BLINK_WITHIN_MS} ms`);
  },

  "breathes when motion is welcome": async (make) => {
    const { avatar, container } = await make();
    const before = drawing(container);
    const from = avatar.frames;
    assert(await until(() => drawing(container) !== before && avatar.frames > from + 3, 2000), "nothing moves");
  },

  "draws no frame while paused, and goes on afterwards": async (make) => {
    const { avatar, container } = await make();
    avatar.pause();
    await pause(60);
    const { frames } = avatar;
    const still = drawing(container);
    avatar.setEmotion("angry", 1);
    await pause(400);
    assert(avatar.frames === frames && drawing(container) === still, "it was drawn while paused");
    avatar.resume();
    assert(await until(() => avatar.frames > frames && drawing(container) !== still, 1000), "it does not go on");
  },

  "follows a new size of its place": async (make) => {
    const { avatar, container } = await make();
    container.style.width = "120px";
    container.style.height = "120px";
    avatar.resize();
    await pause(100);
    const { width, height } = onPage(container.firstElementChild ?? container);
    assert(width <= 121 && height <= 121, "it is larger than its place");
    container.style.height = "0px";
    avatar.resize();
  },

  "leaves the container as empty as it was": async (make) => {
    const { avatar, container } = await make();
    avatar.destroy();
    assert(container.childNodes.length === 0, "something is left in the container");
    const { frames } = avatar;
    await pause(200);
    assert(avatar.frames === frames, "it is still drawn");
  },

  "stands twice on one page": async (make) => {
    const [one, two] = [await make({ reducedMotion: true }), await make({ reducedMotion: true })];
    const before = await settled(two.avatar, two.container);
    one.avatar.setEmotion("angry", 1);
    await settled(one.avatar, one.container);
    assert((await settled(two.avatar, two.container)) === before, "one moves the other");
  },
};

/**
 * Run every check, a few at a time. `create(options)` answers a new avatar in a container that is on
 * the page. In the answer `error` is null for what holds.
 * @param {Make} create
 * @returns {Promise<{ name: string, error: string | null }[]>}
 */
export async function runSuite(create) {
  const waiting = Object.entries(checks);
  /** @type {{ name: string, error: string | null }[]} */
  const results = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results.push(await run(next[0], next[1], create));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

/**
 * @param {string} name
 * @param {(make: Make) => Promise<void>} check
 * @param {Make} create
 */
async function run(name, check, create) {
  /** @type {Made[]} */
  const made = [];
  /** @type {Make} */
  const make = async (options = {}) => {
    const one = await create(options);
    made.push(one);
    return one;
  };
  let error = null;
  try {
    await check(make);
  } catch (reason) {
    error = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  }
  for (const { avatar, container } of made) {
    avatar.destroy();
    container.remove();
  }
  return { name, error };
}

/**
 * @param {unknown} holds
 * @param {string} sentence
 * @returns {asserts holds}
 */
function assert(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

/**
 * @param {Avatar} avatar
 * @param {Placement} placement
 */
function isPlaced({ placement: { x, y, scale } }, placement) {
  return x === placement.x && y === placement.y && scale === placement.scale;
}

/** @param {() => void} action */
function throws(action) {
  try {
    action();
  } catch {
    return true;
  }
  return false;
}

/**
 * The box of an element in pixels of the page.
 * @param {Element} element
 */
function onPage(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left: left + scrollX, top: top + scrollY, right: left + scrollX + width, bottom: top + scrollY + height, width, height };
}

/**
 * @param {Element} element
 * @returns {Point}
 */
function centre(element) {
  const { left, top, width, height } = onPage(element);
  return { x: left + width / 2, y: top + height / 2 };
}

/**
 * What is to be seen, comparable: the markup of an SVG, else the pixels of a canvas.
 * @param {Element} container
 */
function drawing(container) {
  const canvas = container.querySelector("canvas");
  if (canvas) return canvas.toDataURL();
  const markup = container.querySelector("svg")?.outerHTML ?? "";
  return markup.replaceAll(/neko\d+-/g, "");
}

/**
 * The drawing once nothing has changed for a while, so between two blinks.
 * @param {Avatar} avatar
 * @param {Element} container
 */
async function settled(avatar, container) {
  const from = avatar.frames;
  await until(() => avatar.frames > from, LONGEST_MS);
  let last = "";
  let since = performance.now();
  const end = since + LONGEST_MS;
  while (performance.now() < end && performance.now() - since < STILL_MS) {
    await pause(50);
    const now = drawing(container);
    if (now === last) continue;
    last = now;
    since = performance.now();
  }
  return last;
}

/**
 * The first true answer, or false when there was none in time.
 * @template T
 * @param {() => T | false} holds
 * @param {number} milliseconds
 * @returns {Promise<T | false>}
 */
async function until(holds, milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const answer = holds();
    if (answer) return answer;
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
  }
  return false;
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}
