/** The file of the built-in character, as elements. */
import { download } from "./download.js";

const FILE = new URL("../assets/avatar/neko.svg", import.meta.url);

let count = 0;

/**
 * Load the drawing; its ids are made unique so that two of them can stand on one page.
 * `find(name)` answers the element of a layer, null when there is none.
 * @param {(share: number) => void} onProgress
 * @returns {Promise<{ svg: SVGSVGElement, find: (name: string) => SVGGraphicsElement | null }>}
 */
export async function loadDrawing(onProgress) {
  const text = await (await download(FILE, onProgress)).text();
  count += 1;
  const prefix = `neko${count}-`;
  const unique = text.replaceAll(/\bid="/g, `id="${prefix}`).replaceAll("url(#", `url(#${prefix}`);
  const svg = document.importNode(new DOMParser().parseFromString(unique, "image/svg+xml").documentElement, true);
  if (!(svg instanceof SVGSVGElement)) throw new Error("the drawing is damaged");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", preserveAspectRatio: "xMidYMax meet", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  svg.style.display = "block";
  return { svg, find: (name) => svg.querySelector(`#${prefix}${name}`) };
}
