/**
 * Her colours: four that can be chosen, and every shade of the drawing made from them.
 *
 * Shades are made in OKLCH (Björn Ottosson, "A perceptual color space for image processing", 2020), where the same step
 * looks the same in every hue. Made here and not by CSS `oklch(from …)`, which browsers know only since 2023–2024, and
 * which could not treat hair that is nearly black or nearly white as what it is.
 *
 * @import { Colours } from "./avatar.js"
 * @typedef {{ l: number, c: number, h: number }} Oklch lightness 0…1, chroma 0…0.4, hue in radians
 * @typedef {(own: Oklch) => Oklch} Shade
 */

/** @type {Colours} */
export const OWN_COLOURS = Object.freeze({ hair: "#b26a52", eyes: "#37958a", clothes: "#93b6a7", ears: "#a3958f" });

/** Shadows lean to purple, lights to yellow, as in daylight. Hues in radians. */
const PURPLE = 5.2;
const YELLOW = 1.75;
const LEAN = 0.5;

/** @param {number} hue @param {number} aim @param {number} share */
function lean(hue, aim, share) {
  const away = Math.atan2(Math.sin(aim - hue), Math.cos(aim - hue));
  return hue + Math.sign(away) * Math.min(Math.abs(away), LEAN * share);
}

/**
 * Darker by a share of the lightness; what is nearly black cannot be, and stays.
 * @param {number} share
 * @param {number} [colourful] factor of the chroma
 * @returns {Shade}
 */
const darker = (share, colourful = 1) => ({ l, c, h }) => ({ l: Math.max(l * (1 - share), Math.min(l, 0.13)), c: c * colourful, h: lean(h, PURPLE, share) });

/**
 * Lighter by a share of what is missing to white.
 * @param {number} share
 * @param {number} [colourful]
 * @returns {Shade}
 */
const lighter = (share, colourful = 1) => ({ l, c, h }) => ({ l: l + (1 - l) * share, c: c * colourful, h: lean(h, YELLOW, share * 0.3) });

/** @type {Record<keyof Colours, Record<string, Shade>>} */
const SHADES = {
  hair: {
    "hair": (own) => own,
    "hair-line": darker(0.36, 0.85),
    "hair-back": darker(0.19, 0.92),
    "hair-deep": darker(0.27, 0.92),
    "hair-shade": darker(0.11, 0.96),
    "hair-gloss": lighter(0.5, 0.75),
    "hair-glint": lighter(0.8, 0.5),
    "hair-brow": ({ l, c, h }) => ({ l: Math.min(l * 0.66, 0.5), c: c * 0.85, h }),
    "lash": ({ c, h }) => ({ l: 0.27, c: Math.min(c, 0.05), h }),
  },
  eyes: {
    "iris": (own) => own,
    "iris-dark": darker(0.34, 0.8),
    "iris-light": lighter(0.58, 0.95),
    "iris-glow": lighter(0.78, 0.7),
    "iris-ring": darker(0.52, 0.6),
    "pupil": ({ c, h }) => ({ l: 0.27, c: c * 0.4, h }),
  },
  clothes: {
    "knit": (own) => own,
    "knit-line": ({ l, c, h }) => ({ l: l > 0.3 ? l * 0.64 : l * 0.5, c, h }),
    "knit-light": lighter(0.28, 0.85),
    "knit-shade": darker(0.11, 1.05),
  },
  ears: {
    "fur": (own) => own,
    "fur-line": darker(0.36, 0.85),
    "fur-light": ({ c, h }) => ({ l: 0.95, c: Math.min(c * 0.35, 0.025), h }),
  },
};

/**
 * Give an element the custom properties that the drawing is painted with. `colours`: `#rrggbb` each; what is left out is
 * as she comes. Throws a RangeError, and paints nothing, when one is no such colour.
 * @param {HTMLElement | SVGElement} element
 * @param {Partial<Colours>} colours
 */
export function paint(element, colours) {
  const shades = Object.entries(shadesOf(colours));
  for (const [name, value] of shades) element.style.setProperty(`--${name}`, value);
}

/**
 * The colour of every shade by its name.
 * @param {Partial<Colours>} colours
 * @returns {Record<string, string>}
 */
export function shadesOf(colours) {
  /** @type {Record<string, string>} */
  const made = {};
  for (const part of /** @type {(keyof Colours)[]} */ (Object.keys(SHADES))) {
    const own = parse(colours[part] ?? OWN_COLOURS[part]);
    for (const [name, shade] of Object.entries(SHADES[part])) made[name] = hex(shade(own));
  }
  return made;
}

/** @param {string} colour @returns {Oklch} */
function parse(colour) {
  if (!/^#[\da-f]{6}$/i.test(colour)) throw new RangeError(`${colour} is no colour like #b26a52`);
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => linear(parseInt(colour.slice(at, at + 2), 16) / 255));
  const long = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const medium = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const short = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const across = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short;
  const along = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short;
  return { l: 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short, c: Math.hypot(across, along), h: Math.atan2(along, across) };
}

/** What the screen cannot show loses chroma, never lightness. @param {Oklch} colour */
function hex({ l, c, h }) {
  let rgb = toRgb({ l, c, h });
  for (let less = c; rgb.some((value) => value < -0.001 || value > 1.001) && less > 0.002;) {
    less *= 0.92;
    rgb = toRgb({ l, c: less, h });
  }
  return `#${rgb.map((value) => Math.round(gamma(Math.min(Math.max(value, 0), 1)) * 255).toString(16).padStart(2, "0")).join("")}`;
}

/** @param {Oklch} colour linear light, 0…1 each where the screen can show it */
function toRgb({ l, c, h }) {
  const across = c * Math.cos(h);
  const along = c * Math.sin(h);
  const long = (l + 0.3963377774 * across + 0.2158037573 * along) ** 3;
  const medium = (l - 0.1055613458 * across - 0.0638541728 * along) ** 3;
  const short = (l - 0.0894841775 * across - 1.291485548 * along) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ];
}

/** @param {number} value */
const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** @param {number} value */
const gamma = (value) => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);
