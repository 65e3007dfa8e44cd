/** The shape of the page: how wide the talk is, whether it is folded, and where a phone's keyboard begins. */
import { byId } from "./element.js";
import { recall, remember } from "./preferences.js";
import { onLanguage, t } from "./i18n.js";

const NARROWEST = 320;
const WIDEST = 760;
const USUAL = 420;
const STEP = 24;

const app = byId("app", HTMLElement);
const talk = byId("talk", HTMLElement);
const edge = byId("talk-edge", HTMLElement);

function widest() {
  return Math.max(NARROWEST, Math.min(WIDEST, window.innerWidth - 320));
}

/**
 * @param {number} width
 * @param {boolean} [keep]
 */
function setWidth(width, keep = true) {
  const fitted = Math.round(Math.min(widest(), Math.max(NARROWEST, width)));
  document.documentElement.style.setProperty("--talk-width", `${fitted}px`);
  edge.setAttribute("aria-valuenow", String(fitted));
  edge.setAttribute("aria-valuemin", String(NARROWEST));
  edge.setAttribute("aria-valuemax", String(widest()));
  if (keep) remember("talkWidth", fitted);
}

export function talkWidth() {
  return recall("talkWidth", USUAL);
}

export function resetTalkWidth() {
  setWidth(USUAL);
}

export function folded() {
  return recall("folded", false);
}

/** @param {boolean} on */
export function fold(on) {
  remember("folded", on);
  app.toggleAttribute("data-folded", on);
}

/** @param {PointerEvent} event */
function drag(event) {
  edge.setPointerCapture(event.pointerId);
  app.toggleAttribute("data-resizing", true);
  const { right } = talk.getBoundingClientRect();
  const move = (/** @type {PointerEvent} */ moved) => setWidth(right - moved.clientX);
  edge.addEventListener("pointermove", move);
  const finish = () => {
    app.toggleAttribute("data-resizing", false);
    edge.removeEventListener("pointermove", move);
  };
  edge.addEventListener("lostpointercapture", finish, { once: true });
}

/** @param {VisualViewport} viewport */
function fitViewport({ height, offsetTop, scale }) {
  if (scale > 1.05) return;
  const root = document.documentElement;
  root.style.setProperty("--view-height", `${Math.round(height)}px`);
  root.style.setProperty("--view-top", `${Math.round(offsetTop)}px`);
  const typing = document.activeElement?.matches("textarea, input") ?? false;
  const low = height < 480 || height < window.screen.height * 0.62;
  app.toggleAttribute("data-keyboard", typing && low && matchMedia("(pointer: coarse)").matches);
}

export function startLayout() {
  setWidth(talkWidth(), false);
  fold(folded());
  edge.addEventListener("pointerdown", drag);
  edge.addEventListener("dblclick", resetTalkWidth);
  edge.addEventListener("keydown", (event) => {
    const towards = event.key === "ArrowLeft" ? STEP : event.key === "ArrowRight" ? -STEP : 0;
    if (!towards) return;
    event.preventDefault();
    setWidth(talkWidth() + towards);
  });
  window.addEventListener("resize", () => setWidth(talkWidth(), false));
  onLanguage(() => edge.setAttribute("aria-label", t("talk.resize")));
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => fitViewport(viewport);
  viewport.addEventListener("resize", fit);
  viewport.addEventListener("scroll", fit);
  document.addEventListener("focusin", fit);
  document.addEventListener("focusout", fit);
  fit();
}
