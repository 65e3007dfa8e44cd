/**
 * Whom to call, below a line that may mean danger. It stands beside the talk and changes nothing in it.
 *
 * @import { LogView } from "./log_view.js"
 * @import { Transcript } from "./transcript.js"
 * @import { Help, HelpNumber } from "./wire.js"
 */
import { h, icon } from "./element.js";
import { currentLanguage, t } from "./i18n.js";

const DISMISSED = "neko.help.dismissed";
const MOST_KEPT = 20;

export class HelpCards {
  #transcript;
  #log;
  /** @type {Map<string, HTMLElement>} The cards, by turn and danger. */
  #cards = new Map();
  /** Cards whose line is not on the page yet. @type {Map<HTMLElement, Help>} */
  #waiting = new Map();

  /**
   * @param {Transcript} transcript
   * @param {LogView} log
   */
  constructor(transcript, log) {
    this.#transcript = transcript;
    this.#log = log;
  }

  /** @param {Help} help */
  show(help) {
    const key = `${help.turn_id} ${help.danger}`;
    if (this.#cards.has(key) || dismissed().includes(key)) return;
    const card = cardOf(help, () => {
      sessionStorage.setItem(DISMISSED, JSON.stringify([...dismissed(), key].slice(-MOST_KEPT)));
      card.remove();
    });
    this.#cards.set(key, card);
    const entry = this.#entryOf(help);
    if (entry || !help.client_id) this.#log.putBelow(card, entry);
    else this.#waiting.set(card, help);
  }

  /** The history stands: a card whose line is not in it goes to the end. */
  place() {
    for (const [card, help] of this.#waiting) this.#log.putBelow(card, this.#entryOf(help));
    this.#waiting.clear();
  }

  clear() {
    for (const card of this.#cards.values()) card.remove();
    this.#cards.clear();
    this.#waiting.clear();
  }

  /** @param {Help} help */
  #entryOf({ client_id: clientId }) {
    return clientId ? this.#transcript.ownWords(clientId) : null;
  }
}

/** @returns {string[]} */
function dismissed() {
  try {
    const kept = /** @type {unknown} */ (JSON.parse(sessionStorage.getItem(DISMISSED) ?? "[]"));
    return Array.isArray(kept) ? kept.map(String) : [];
  } catch {
    return [];
  }
}

/**
 * @param {Help} help
 * @param {() => void} onDismiss
 */
function cardOf(help, onDismiss) {
  const known = help.region !== "";
  const words = known ? t("help.checked", { region: regionName(help.region), date: monthOf(help.checked) }) : t("help.unknown");
  return h("section", { class: "help", role: "region", "aria-label": t("help.region"), "data-testid": "help", "data-danger": help.danger },
    h("div", { class: "help-head" },
      h("p", { class: "help-title", text: help.message }),
      h("button", { type: "button", class: "icon-button", "data-testid": "help-dismiss", "aria-label": t("help.dismiss"), on: { click: onDismiss } }, icon("close"))),
    help.numbers.length > 0 && h("ul", { class: "help-numbers" }, help.numbers.map((number) => h("li", {}, callOf(number)))),
    h("div", { class: "help-foot" },
      h("p", { class: "help-words", text: words }),
      h("a", { class: "help-find", href: help.find, target: "_blank", rel: "noopener noreferrer", text: t("help.find") })));
}

/** @param {HelpNumber} number */
function callOf({ number, name, hours }) {
  return h("a", { class: "help-call", href: `tel:${number.replaceAll(/[^\d+*#]/g, "").replaceAll("#", "%23")}` },
    h("span", { class: "help-number", text: number }),
    h("span", { class: "help-name" }, name, hours && h("span", { class: "help-hours", text: hours === "24/7" ? t("help.always") : hours })));
}

/** @param {string} region ISO 3166 */
function regionName(region) {
  return new Intl.DisplayNames(currentLanguage(), { type: "region" }).of(region) ?? region;
}

/** @param {string} checked ISO 8601: a month or a day */
function monthOf(checked) {
  const date = new Date(checked);
  if (Number.isNaN(date.getTime())) return checked;
  return new Intl.DateTimeFormat(currentLanguage(), { year: "numeric", month: "long", timeZone: "UTC" }).format(date);
}
