/**
 * What every avatar has to do, whichever way it is drawn: run in a page against a real one.
 *
 * `runSuite(create)`: `create(options)` answers `{avatar, container}` with a new avatar in a
 * container that is on the page. Answers `[{name, error}]`; `error` is null for what holds.
 */

const FEELINGS = ["happy", "sad", "angry", "surprised", "neutral", "relaxed"];
const ACTIVITIES = ["idle", "thinking", "speaking", "listening"];
const METHODS = ["setEmotion", "setActivity", "setMouth", "lookAt", "resize", "pause", "resume", "destroy"];
const VOWELS = ["a", "i", "u", "e", "o"];

const STILL_MS = 600;
const LONGEST_MS = 8000;
const BLINK_WITHIN_MS = 9000;

const checks = {
  "offers every method of the seam": async (make) => {
    const { avatar } = await make();
    for (const method of METHODS) assert(typeof avatar[method] === "function", `${method} is missing`);
    assert(Number.isFinite(avatar.frames), "frames is not a number");
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

  "looks at the composer, at the reader and at a point": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const reader = await settled(avatar, container);
    avatar.lookAt("composer");
    assert((await settled(avatar, container)) !== reader, "the composer does not draw the eyes");
    avatar.lookAt("user");
    assert((await settled(avatar, container)) === reader, "the eyes do not return to the reader");
    const moving = await make();
    moving.avatar.lookAt({ x: 5, y: 5 });
    moving.avatar.lookAt({ x: Number.NaN, y: 0 });
  },

  "bears what it does not know": async (make) => {
    const { avatar, container } = await make({ reducedMotion: true });
    const before = await settled(avatar, container);
    avatar.setEmotion("hungry", 1);
    avatar.setActivity("dancing");
    avatar.setMouth({});
    avatar.lookAt(null);
    assert((await settled(avatar, container)) === before, "something unknown has changed the drawing");
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
    const { width, height } = container.firstElementChild.getBoundingClientRect();
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

export async function runSuite(create) {
  return Promise.all(Object.entries(checks).map(([name, check]) => run(name, check, create)));
}

async function run(name, check, create) {
  const made = [];
  const make = async (options = {}) => {
    const one = await create(options);
    made.push(one);
    return one;
  };
  let error = null;
  try {
    await check(make);
  } catch (reason) {
    error = String(reason?.stack ?? reason);
  }
  for (const { avatar, container } of made) {
    avatar.destroy();
    container.remove();
  }
  return { name, error };
}

function assert(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

/** What is to be seen, comparable: the markup of an SVG, else the pixels of a canvas. */
function drawing(container) {
  const canvas = container.querySelector("canvas");
  if (canvas) return canvas.toDataURL();
  const markup = container.querySelector("svg")?.outerHTML ?? "";
  return markup.replaceAll(/neko\d+-/g, "");
}

/** The drawing once nothing has changed for a while, so between two blinks. */
async function settled(avatar, container) {
  const from = avatar.frames;
  await until(() => avatar.frames > from, LONGEST_MS);
  let last = "";
  let since = performance.now();
  const end = since + LONGEST_MS;
  while (performance.now() < end && performance.now() - since < STILL_MS) {
    await pause(50);
    const now = drawing(container);
    if (now !== last) [last, since] = [now, performance.now()];
  }
  return last;
}

async function until(holds, milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const answer = holds();
    if (answer) return answer;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return false;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
