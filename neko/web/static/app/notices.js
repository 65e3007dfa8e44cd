/** Small news: toasts that pass, and cards that stay until they are dealt with. */
import { h, icon } from "./element.js";
import { t } from "./i18n.js";

const TOAST_TIME = 4500;

/** A line that passes by itself. `action`: {label, run}. */
export function toast(message, { time = TOAST_TIME, action = null } = {}) {
  const place = document.getElementById("toasts");
  for (const old of place.children) if (old.dataset.message === message) old.remove();
  while (place.children.length >= 3) place.firstChild.remove();
  const item = h("div", { class: "toast", "data-testid": "toast", "data-message": message }, h("span", { text: message }));
  const leave = () => item.remove();
  if (action) {
    item.append(h("button", { type: "button", class: "toast-action", text: action.label, on: { click: () => { leave(); action.run(); } } }));
  }
  place.append(item);
  setTimeout(leave, time);
  return leave;
}

/**
 * What happened, what she did about it, and the one thing you can do.
 * `link` is a settings page ("settings/model"); `retry` tries the turn again.
 */
export function faultCard({ code, message, remedy, link, retry }) {
  const place = document.getElementById("log-tail");
  clearFaults();
  const card = h("section", { class: "fault", role: "alert", "data-testid": "fault", "data-code": code ?? "" },
    h("span", { class: "fault-sign" }, icon("warning")),
    h("div", { class: "fault-words" },
      h("p", { class: "fault-message", text: message }),
      remedy && h("p", { class: "fault-remedy", text: remedy }),
      h("div", { class: "fault-acts" },
        retry && h("button", { type: "button", class: "button", text: t("talk.try_again"), on: { click: () => { card.remove(); retry(); } } }),
        link && h("button", {
          type: "button", class: "button is-main", text: t("fault.open", { page: t(`settings.pages.${link.split("/")[1]}`) }),
          on: { click: () => { location.hash = link; } },
        }))),
    h("button", { type: "button", class: "icon-button is-small", "aria-label": t("talk.dismiss"), on: { click: () => card.remove() } }, icon("close")));
  place.append(card);
  return card;
}

export function clearFaults() {
  for (const card of document.querySelectorAll(".fault")) card.remove();
}

/** A calm bar above the talk; one of each kind. Returns what takes it away. */
export function banner(kind, message, action, testId) {
  const place = document.getElementById("notices");
  place.querySelector(`[data-kind="${kind}"]`)?.remove();
  const bar = h("div", { class: "banner", role: "status", "data-kind": kind },
    h("span", { text: message }),
    action && h("button", { type: "button", class: "button is-main", "data-testid": testId, text: action.label, on: { click: () => { bar.remove(); action.run(); } } }));
  place.append(bar);
  return () => bar.remove();
}
