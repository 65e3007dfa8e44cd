/** Small news: toasts that pass, and cards that stay until they are dealt with. */
import { byId, h, icon } from "./element.js";
import { t } from "./i18n.js";

/** @typedef {{ label: string, run: () => void }} NoticeAction */

const TOAST_TIME_MS = 4500;
const MOST_TOASTS = 3;

/** @type {Map<string, { leave: () => void, act: (() => void) | null }>} What each toast's button does and what takes it away, oldest first. */
const toasts = new Map();
/** @type {Map<string, HTMLElement>} */
const banners = new Map();
/** @type {HTMLElement | null} */
let fault = null;

/**
 * Show toasts in this dialog, which covers the page and lets nobody reach what is outside it; null: on the page.
 * @param {HTMLDialogElement | null} dialog
 */
export function showToastsIn(dialog) {
  (dialog ?? byId("app", HTMLElement)).append(byId("toasts", HTMLElement));
}

/**
 * A line that passes by itself, above those that came before it. Returns what takes it away before its time.
 * @param {string} message
 * @param {{ timeMs?: number, action?: NoticeAction | null, instead?: string }} [options] `instead`: of the toast with the same word here, whose action cannot be done any more; else of the same message
 */
export function toast(message, { timeMs = TOAST_TIME_MS, action = null, instead = message } = {}) {
  toasts.get(instead)?.leave();
  while (toasts.size >= MOST_TOASTS) for (const oldest of [...toasts.values()].slice(0, 1)) oldest.leave();
  const item = h("div", { class: "toast", "data-testid": "toast" }, h("span", { text: message }));
  const timer = setTimeout(() => leave(), timeMs);
  const act = action && (() => { leave(); action.run(); });
  const entry = { leave: () => leave(), act };
  const leave = () => {
    clearTimeout(timer);
    item.remove();
    if (toasts.get(instead) === entry) toasts.delete(instead);
  };
  if (action && act) item.append(h("button", { type: "button", class: "toast-action", text: action.label, on: { click: act } }));
  toasts.set(instead, entry);
  byId("toasts", HTMLElement).prepend(item);
  return leave;
}

/** Do what the newest toast offers that offers anything; false where none does. */
export function actOnNewestToast() {
  const act = [...toasts.values()].reverse().find((one) => one.act)?.act;
  act?.();
  return Boolean(act);
}

/**
 * What happened (after a line break: what the provider said of it), and the one thing you can do.
 * `link` is a settings page ("settings/model"); `retry` tries the turn again.
 * @param {{ code?: string, message: string, remedy?: string, link?: string, retry?: (() => void) | null }} problem
 */
export function showFault({ code, message, remedy, link, retry }) {
  clearFault();
  const page = link?.split("/")[1];
  const [words = "", said = ""] = message.split("\n");
  fault = h("section", { class: "fault", role: "alert", "data-testid": "fault", "data-code": code ?? "" },
    h("span", { class: "fault-sign" }, icon("warning")),
    h("div", { class: "fault-words" },
      h("p", { class: "fault-message", text: words }),
      said && h("p", { class: "fault-said", "data-testid": "fault-said", text: said }),
      remedy && h("p", { class: "fault-remedy", text: remedy }),
      h("div", { class: "fault-acts" },
        retry && h("button", { type: "button", class: "button is-main", text: t("talk.try_again"), on: { click: () => { clearFault(); retry(); } } }),
        page && h("button", {
          type: "button", class: `button ${retry ? "" : "is-main"}`, text: t("fault.open", { page: t(`settings.pages.${page}`) }),
          on: { click: () => { location.hash = `settings/${page}`; } },
        }))),
    h("button", { type: "button", class: "icon-button is-small", "aria-label": t("talk.dismiss"), on: { click: clearFault } }, icon("close")));
  byId("log-tail", HTMLElement).append(fault);
  shorten(fault, ".fault-said");
}

export function faultIsShown() {
  return fault !== null;
}

export function clearFault() {
  fault?.remove();
  fault = null;
}

/**
 * A calm bar above the talk; one of each kind. Returns what takes it away.
 * @param {string} kind
 * @param {string} message
 * @param {NoticeAction | null} action
 * @param {string} [testId]
 */
export function banner(kind, message, action, testId) {
  banners.get(kind)?.remove();
  const bar = h("div", { class: "banner", role: "status", "data-kind": kind },
    h("span", { text: message }),
    action && h("button", { type: "button", class: "button is-main", "data-testid": testId, text: action.label, on: { click: () => { bar.remove(); action.run(); } } }));
  banners.set(kind, bar);
  byId("notices", HTMLElement).append(bar);
  shorten(bar, "span");
  return () => bar.remove();
}

/**
 * Where room is scarce, long words show their beginning, and the rest when it is asked for.
 * @param {HTMLElement} notice
 * @param {string} selector of its words
 */
function shorten(notice, selector) {
  const words = notice.querySelector(selector);
  if (!words || words.scrollHeight <= words.clientHeight + 1) return;
  const more = h("button", { type: "button", class: "notice-more", "aria-expanded": "false", text: t("talk.more") });
  more.addEventListener("click", () => {
    const isOpen = notice.classList.toggle("is-open");
    more.setAttribute("aria-expanded", String(isOpen));
    more.textContent = t(isOpen ? "talk.less" : "talk.more");
  });
  words.after(more);
}
