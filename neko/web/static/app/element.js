/**
 * @typedef {string | number | boolean | null | undefined} Attribute False, null and undefined are left out, true is an empty attribute.
 * @typedef {{ [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => unknown }} Listeners
 * @typedef {{ on?: Listeners, text?: string, value?: string, [attribute: string]: Attribute | Listeners }} Properties
 * @typedef {Node | string | false | null | undefined} Child
 */

/**
 * Build one element. `properties`: attributes by name; `on` maps event names to listeners; `text`
 * sets the text, `value` the property of this name.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, { on = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, /** @type {EventListener} */ (listener));
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined || typeof value === "object") continue;
    if (name === "text") element.textContent = String(value);
    else if (name === "value" && "value" in element) Object.assign(element, { value });
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child || child === "") element.append(child);
  return element;
}

/**
 * Several things in one line. Each runs in its own direction: a name in Arabic does not pull the time after it apart.
 * @param {(string | false | null | undefined)[]} parts
 * @returns {Child[]}
 */
export function inOneLine(parts) {
  return parts.filter(Boolean).flatMap((part, at) => [at > 0 && " · ", h("bdi", { text: part || "" })]);
}

const SVG = "http://www.w3.org/2000/svg";
/** With its version, so that a browser keeps it: a sign that is drawn while the server is gone is there all the same. */
const SIGNS = `static/icons/icons.svg?v=${document.documentElement.dataset.version ?? ""}`;

/**
 * One drawing of `icons/icons.svg`, in the colour of the text around it.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SIGNS}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * An element of the template. Throws when the page has none of this id and class.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} with the id "${id}"`);
  return element;
}

/**
 * The innermost element around what an event happened to that fits.
 * @param {EventTarget | null} target
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(target, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}
