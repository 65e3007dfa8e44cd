/**
 * Settings › Characters: who is there, with whom you talk, and what she calls you.
 *
 * @import { CharacterCard } from "../rest.js"
 * @import { PageParts } from "./dialog.js"
 */
import { post, remove, sentenceOf } from "../api.js";
import { allCards, characterOf, moreOf, pathOf, pictureUrl } from "../cards.js";
import { keepAttached } from "../attached.js";
import { keepDraft } from "../drafts.js";
import { h, icon } from "../element.js";
import { answerFirstQuestion } from "../first_question.js";
import { t } from "../i18n.js";
import { managerLinks } from "../manager_links.js";
import { freeName } from "../name_limit.js";
import { toast } from "../notices.js";
import { nameField, yourName } from "../your_name.js";
import { characterEditor } from "./character_editor.js";
import { drawPortrait } from "./portrait.js";

const PROFILE_NAME = "档案名";
const UNDO_MS = 10_000;

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export async function charactersPage(body, parts) {
  const place = h("div", { class: "settings-group" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  await new CharacterList(place, parts).show();
}

class CharacterList {
  #place;
  #parts;
  #note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });

  /**
   * @param {HTMLElement} place
   * @param {PageParts} parts
   */
  constructor(place, parts) {
    this.#place = place;
    this.#parts = parts;
  }

  /** @param {string} [focus] on whom the keyboard was */
  async show(focus) {
    try {
      const [cards, { name: you, named }] = await Promise.all([allCards(), yourName()]);
      this.#note.hidden = true;
      this.#place.replaceChildren(
        h("div", { class: "people" },
          Object.entries(cards).toSorted(([one], [other]) => Number(this.#isHere(other)) - Number(this.#isHere(one))).map(([name, card]) => this.#person(name, card)),
          h("button", { type: "button", class: "person-add", "data-testid": "character-add", on: { click: () => this.#try(() => this.#add(t("characters.new_name"), {})) } },
            h("span", { class: "person-plus" }, icon("plus")), t("characters.add"))),
        h("nav", { class: "ability-links", "aria-label": t("models.pages") }, managerLinks(this.#parts.conversation.character, { className: "button" })),
        this.#note,
        h("h3", { text: t("you.label") }),
        nameField({ name: named ? you : "", button: t("you.save"), onSaved: (name) => toast(t("you.hello", { name })) }));
      /** @type {HTMLElement | null} */ (this.#place.querySelector(`[data-name="${CSS.escape(focus ?? "")}"] .person-edit`))?.focus();
    } catch (error) {
      this.#place.replaceChildren(h("p", { class: "form-note is-bad", text: sentenceOf(error) }));
    }
  }

  /** @param {string} name */
  #isHere(name) {
    return name === this.#parts.conversation.character;
  }

  /**
   * @param {string} name
   * @param {CharacterCard} card
   */
  #person(name, card) {
    const here = this.#isHere(name);
    return h("article", { class: "person", "data-testid": "character", "data-name": name, "data-here": here },
      portrait(name, card),
      h("div", { class: "person-words" }, h("strong", { text: name }), h("p", { text: characterOf(card) }), here && h("p", { class: "person-more", text: moreOf(card) })),
      h("div", { class: "person-acts" },
        here ? h("span", { class: "person-here", text: t("characters.here") })
          : h("button", { type: "button", class: "button is-main", text: t("characters.talk"), on: { click: () => this.#try(() => this.#talk(name)) } }),
        h("button", { type: "button", class: "button is-quiet person-edit", "data-testid": "character-edit", "aria-label": t("characters.edit_her", { name }), text: t("characters.edit"), on: { click: () => this.#edit(name, card) } })));
  }

  /**
   * @param {string} name
   * @param {CharacterCard} card
   */
  #edit(name, card) {
    characterEditor(this.#place, { name, card, parts: this.#parts }, {
      back: (now) => void this.show(now),
      talk: (now) => this.#try(() => this.#talk(now)),
      duplicate: (now, copied) => this.#try(() => this.#add(now, copied, now)),
      remove: (now) => this.#try(() => this.#remove(now)),
    });
  }

  /** @param {string} name */
  async #talk(name) {
    const { conversation } = this.#parts;
    answerFirstQuestion(); // before the server tells this page of the change, which may come earlier than its answer
    await post("api/characters/current_catgirl", { catgirl_name: name });
    if (conversation.character !== name) conversation.announceSwitch(name); // also while no connection tells this page
    this.#parts.close();
  }

  /**
   * Add somebody and open her editor.
   * @param {string} name the next free one like it is taken
   * @param {CharacterCard} card
   * @param {string} [like] who has the voice and the reply settings that she gets
   */
  async #add(name, card, like = "") {
    const fresh = freeName(name, Object.keys(await allCards()));
    await post(`api/characters/catgirl?${new URLSearchParams({ like })}`, { ...card, [PROFILE_NAME]: fresh });
    this.#edit(fresh, card);
  }

  /** @param {string} name */
  async #remove(name) {
    await remove(pathOf(name));
    keepDraft(name, "");
    void keepAttached(name, []);
    await this.show();
    toast(t("characters.deleted", { name }), { timeMs: UNDO_MS, action: { label: t("talk.undo"), run: () => this.#try(() => this.#restore(name)) } });
  }

  /** @param {string} name */
  async #restore(name) {
    await post(`api/characters/${encodeURIComponent(name)}/restore`, {});
    toast(t("characters.restored", { name }));
    if (this.#place.isConnected) await this.show(name);
  }

  /** @param {() => Promise<void>} deed */
  #try(deed) {
    deed().catch((/** @type {unknown} */ error) => {
      this.#note.textContent = sentenceOf(error);
      this.#note.hidden = false;
      if (!this.#note.isConnected) toast(sentenceOf(error));
    });
  }
}

/**
 * Her picture, else the drawing in her colours, before a window; else her first letter.
 * @param {string} name
 * @param {CharacterCard} card
 */
function portrait(name, { neko = {} }) {
  const place = h("div", { class: "person-portrait", "aria-hidden": "true" });
  if (neko.picture) {
    place.append(h("img", { src: pictureUrl(neko.picture), alt: "" }));
  } else {
    const drawing = h("div", { class: "person-drawing" });
    place.append(drawing);
    void drawPortrait(drawing, neko.colours ?? {}, { still: true }).then((drawn) => {
      if (!drawn) place.replaceChildren([...name][0] ?? "");
    });
  }
  return place;
}
