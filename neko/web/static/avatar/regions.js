/**
 * Which part of the drawing is at a point.
 * @import { Region } from "./avatar.js"
 */

/** @type {[string, Region][]} Layers from the uppermost down. */
const LAYERS = [
  ["fringe", "hair"], ["lock-left", "hair"], ["lock-right", "hair"], ["nose", "nose"], ["face", "face"], ["ear-left", "ear"], ["ear-right", "ear"],
  ["arm-left", "arm"], ["arm-right", "arm"], ["neck", "body"], ["torso", "body"], ["hair-back", "hair"], ["tail", "tail"],
];
const SHAPES = "path, ellipse, circle";

export class Regions {
  /** @type {{ region: Region, shapes: SVGGeometryElement[] }[]} */
  #layers;

  /** @param {(name: string) => SVGGraphicsElement | null} find answers the element of a layer */
  constructor(find) {
    this.#layers = LAYERS.map(([name, region]) => ({
      region,
      shapes: [...(find(name)?.querySelectorAll(SHAPES) ?? [])].filter(isFilled),
    }));
  }

  /**
   * @param {number} x px of the viewport
   * @param {number} y
   * @returns {Region | null}
   */
  at(x, y) {
    return this.#layers.find(({ shapes }) => shapes.some((shape) => covers(shape, x, y)))?.region ?? null;
  }
}

/**
 * @param {Element} element
 * @returns {element is SVGGeometryElement}
 */
function isFilled(element) {
  return element instanceof SVGGeometryElement && !element.closest("clipPath") && getComputedStyle(element).fill !== "none";
}

/**
 * @param {SVGGeometryElement} shape
 * @param {number} x
 * @param {number} y
 */
function covers(shape, x, y) {
  const toScreen = shape.getScreenCTM();
  return toScreen !== null && shape.checkVisibility() && shape.isPointInFill(new DOMPoint(x, y).matrixTransform(toScreen.inverse()));
}
