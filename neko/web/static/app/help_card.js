/**
 * Whom to call, below a line that may mean danger. It stands beside the talk and changes nothing in it.
 *
 * @import { LogView } from "./log_view.js"
 * @import { Transcript } from "./transcript.js"
 * @import { Helplines } from "./rest.js"
 * @import { Help, HelpNumber } from "./wire.js"
 */
import { get } from "./api.js";
import { h, icon } from "./element.js";
import { currentLanguage, t } from "./i18n.js";
import { chooseRegion, chosenRegion } from "./region.js";

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
  const numbers = h("ul", { class: "help-numbers" });
  const words = h("p", { class: "help-words" });
  /**
   * @param {string} region "" when it is not known
   * @param {HelpNumber[]} listed
   */
  const show = (region, listed) => {
    numbers.replaceChildren(...listed.map((number) => h("li", {}, callOf(number))));
    numbers.hidden = listed.length === 0;
    words.textContent = region ? t("help.checked", { date: monthOf(help.checked) }) : t("help.unknown");
  };
  show(help.region, help.numbers);
  return h("section", { class: "help", role: "region", "aria-label": t("help.region"), "data-testid": "help", "data-danger": help.danger },
    h("div", { class: "help-head" },
      h("p", { class: "help-title", text: help.message }),
      h("button", { type: "button", class: "icon-button", "data-testid": "help-dismiss", "aria-label": t("help.dismiss"), on: { click: onDismiss } }, icon("close"))),
    numbers,
    h("div", { class: "help-foot" },
      regionChoice(help, show),
      words,
      h("a", { class: "help-find", href: help.find, target: "_blank", rel: "noopener noreferrer", text: t("help.find") })));
}

/**
 * Where the reader is, to be set right by them. Until the regions have come, and if they do not, it only says it.
 * @param {Help} help
 * @param {(region: string, listed: HelpNumber[]) => void} show
 */
function regionChoice(help, show) {
  const unknown = h("option", { value: "", text: t("help.choose") });
  const here = help.region ? h("option", { value: help.region, text: regionName(help.region) }) : unknown;
  const select = h("select", { class: "select help-place", "aria-label": t("help.place"), "data-testid": "help-region", disabled: true }, here);
  const asked = /** @type {Promise<Helplines>} */ (get("api/helplines"));
  void asked.then(({ regions }) => {
    const named = Object.keys(regions).map((region) => ({ region, name: regionName(region) }));
    named.sort((one, other) => one.name.localeCompare(other.name, currentLanguage()));
    select.replaceChildren(...(help.region in regions ? [] : [unknown]), ...named.map(({ region, name }) => h("option", { value: region, text: name })));
    const choose = (/** @type {string} */ region) => {
      const listed = regions[region]?.[help.danger];
      if (listed) show(region, listed);
    };
    select.addEventListener("change", () => {
      chooseRegion(select.value);
      choose(select.value);
    });
    select.value = chosenRegion() in regions ? chosenRegion() : help.region;
    if (select.value !== help.region) choose(select.value);
    select.disabled = false;
  }, () => undefined);
  return select;
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
