/**
 * What the pages beside the talk share: the way back, for whom they are, the way from one to the other.
 *
 * @import { ManagerPage } from "../manager_links.js"
 * @import { CharacterCard } from "../rest.js"
 */
import { allCards } from "../cards.js";
import { byId, h } from "../element.js";
import { currentLanguage, onLanguage, t } from "../i18n.js";
import { managerLinks } from "../manager_links.js";

export class Frame {
  #own;
  #who = byId("who", HTMLSelectElement);
  view = byId("view", HTMLElement);
  /** For whom; whoever talks now where the address names nobody. */
  character;
  /** @type {Record<string, CharacterCard>} Everybody, by name. */
  cards = {};

  /** @param {ManagerPage} own */
  constructor(own) {
    this.#own = own;
    const asked = new URLSearchParams(location.search);
    this.character = asked.get("lanlan_name") || asked.get("character") || (document.documentElement.dataset.character ?? "");
    onLanguage(() => this.#label());
  }

  /**
   * @param {() => void} draw the page, in another language or for another character
   */
  onChange(draw) {
    this.#who.addEventListener("change", () => {
      this.character = this.#who.value;
      history.replaceState(null, "", `${location.pathname}?${new URLSearchParams({ lanlan_name: this.character }).toString()}${location.hash}`);
      this.#label();
      draw();
    });
    let drawn = currentLanguage();
    onLanguage((language) => {
      if (language !== drawn) draw();
      drawn = language;
    });
  }

  /** Learn who there is; the page is of use without it. */
  async meet() {
    this.cards = await allCards().catch(() => ({}));
    const names = Object.keys(this.cards);
    if (names.length && !names.includes(this.character)) {
      this.character = document.documentElement.dataset.character ?? "";
      this.#label();
    }
    this.#who.replaceChildren(...names.map((name) => h("option", { value: name, text: name, selected: name === this.character })));
    this.#who.hidden = names.length < 2;
  }

  #label() {
    const title = byId("title", HTMLElement);
    title.textContent = t(`${this.#own}.title`);
    document.title = title.textContent;
    const back = byId("back", HTMLAnchorElement);
    back.href = encodeURIComponent(this.character) || "./";
    back.title = t("memory.back");
    back.setAttribute("aria-label", back.title);
    this.#who.setAttribute("aria-label", t("models.for"));
    const tabs = byId("tabs", HTMLElement);
    tabs.setAttribute("aria-label", t("models.pages"));
    tabs.replaceChildren(...managerLinks(this.character, { className: "memory-tab", current: this.#own }));
  }
}
