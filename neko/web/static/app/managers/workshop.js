/**
 * The items of Steam's Workshop that are on this computer: what is in them, and what is made ready to be published.
 *
 * @import { Item, ItemFile } from "./workshop_calls.js"
 * @import { Steam, SteamItem } from "./steam_calls.js"
 */
import { get, post, sentenceOf } from "../api.js";
import { ask } from "../ask.js";
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { freeName } from "../name_limit.js";
import { toast } from "../notices.js";
import { startShell } from "../shell.js";
import { Frame } from "./frame.js";
import { allModels } from "./model_calls.js";
import { Publishing } from "./publishing.js";
import { sizeOf } from "./size.js";
import { soundButton } from "./sound_button.js";
import { charactersOf, lookAtSteam, switchSteam, unsubscribe } from "./steam_calls.js";
import { VoiceMaker } from "./voice_maker.js";
import * as calls from "./workshop_calls.js";

/** The page waits so long for Steam, which may ask its servers first. */
const STEAM_MS = 500;

class WorkshopPage {
  #frame = new Frame("workshop");
  #content = h("div", { class: "manager-content" });
  /** @type {Item[]} */
  #items = [];
  /** @type {Item[]} */
  #prepared = [];
  #folder = "";
  /** @type {Steam | { is: "asked" }} */
  #steam = { is: "asked" };
  #publishing = new Publishing();
  /** The service that can make a voice of a recording. */
  #cloner = "";
  #fault = "";

  constructor() {
    this.#frame.view.append(this.#content);
  }

  async start() {
    const asked = this.#askSteam();
    [this.#cloner] = await Promise.all([cloner(), Promise.race([asked, new Promise((resolve) => { setTimeout(resolve, STEAM_MS); })])]);
    const isLate = this.#steam.is === "asked";
    await this.look();
    this.#frame.onChange(() => this.draw());
    if (isLate) void asked.then(() => this.draw());
  }

  async #askSteam() {
    this.#steam = await lookAtSteam();
    if (this.#steam.is === "here") void this.#publishing.follow().catch(() => undefined);
  }

  async look() {
    try {
      const [{ items, folder }, prepared] = await Promise.all([calls.allItems(), calls.preparedItems(), this.#frame.meet()]);
      this.#items = items;
      this.#folder = folder;
      this.#prepared = prepared;
      this.#fault = "";
    } catch (error) {
      this.#fault = sentenceOf(error);
    }
    this.draw();
  }

  draw() {
    const steams = new Set(this.#steam.is === "here" ? this.#steam.items.map(({ path }) => path) : []);
    const items = this.#items.filter(({ path }) => !steams.has(path));
    this.#content.replaceChildren(...[
      this.#steam.is === "off" && h("p", { class: "agent-note", "data-testid": "no-steam" }, `${t("workshop.no_steam")} `,
        h("button", { type: "button", class: "button", "data-testid": "steam-use", text: t("workshop.use_steam"), on: { click: () => this.#useSteam() } })),
      this.#steam.is === "away" && h("p", { class: "agent-note", role: "alert", "data-testid": "steam-away" }, `${this.#steam.why} `, this.#again(), this.#leave()),
      this.#fault && h("p", { class: "memory-empty is-bad", role: "alert", text: this.#fault }),
      h("div", { class: "workshop-folder" }, h("span", {}, `${t("workshop.folder")} `, h("code", { text: this.#folder })),
        h("button", { type: "button", class: "button", "data-testid": "workshop-move", text: t("workshop.other_folder"), on: { click: () => this.#move() } })),
      items.length ? h("div", { class: "items" }, items.map((item) => this.#item(item)))
        : h("p", { class: "memory-empty", "data-testid": "no-items", text: t("workshop.none") }),
      this.#steam.is === "here" && this.#subscribed(this.#steam.items),
      h("section", { class: "rules" }, h("h2", { text: t("workshop.publish") }), h("p", { class: "agent-hint", text: t("workshop.publish_lead") }),
        h("div", { class: "items" }, this.#prepared.map((item) => this.#ready(item))),
        h("button", { type: "button", class: "button", "data-testid": "workshop-prepare", text: t("workshop.prepare"), on: { click: () => void this.#prepare() } })),
    ].filter((one) => typeof one === "object"));
  }

  #again() {
    const button = h("button", { type: "button", class: "button", "data-testid": "steam-again", text: t("workshop.again"), on: { click: () => { button.disabled = true; void this.#lookAgain(); } } });
    return button;
  }

  async #lookAgain() {
    await this.#askSteam();
    await this.look();
    const again = this.#content.querySelector("[data-testid=steam-again]");
    if (document.activeElement === document.body && again instanceof HTMLElement) again.focus();
  }

  /** @param {SteamItem[]} items */
  #subscribed(items) {
    return h("section", { class: "rules", "data-testid": "subscribed" }, h("h2", { text: t("workshop.subscribed") }),
      items.length ? h("div", { class: "items" }, items.map((item) => this.#item(item, item.state)))
        : h("p", { class: "agent-hint", text: t("workshop.none_subscribed") }),
      h("div", { class: "item-deeds" }, this.#again(), this.#leave()));
  }

  #leave() {
    return h("button", { type: "button", class: "button", "data-testid": "steam-leave", text: t("workshop.leave_steam"), on: { click: () => void this.#leaveSteam() } });
  }

  #useSteam() {
    ask({
      title: t("workshop.use_steam_ask"), testId: "ask-steam", yes: "steam-yes", label: t("workshop.use_steam"),
      content: [h("p", { text: t("workshop.use_steam_words") })],
      save: async () => {
        await switchSteam(true);
        void this.#lookAgain(); // once the question is gone, and the focus with what it was asked by
      },
    });
  }

  async #leaveSteam() {
    try {
      await switchSteam(false);
    } catch (error) {
      toast(sentenceOf(error));
    }
    await this.#lookAgain();
  }

  /** @param {Item} item */
  async #unsubscribe(item) {
    const { going, staying } = await charactersOf(item);
    const named = (/** @type {"going" | "staying"} */ testId, /** @type {string} */ key, /** @type {string[]} */ names) =>
      names.length ? [h("p", { "data-testid": testId, text: t(key, { names: new Intl.ListFormat(currentLanguage()).format(names) }) })] : [];
    ask({
      title: t("workshop.unsubscribe_ask"), testId: "ask-unsubscribe", yes: "unsubscribe-yes", label: t("workshop.unsubscribe"),
      content: [h("p", {}, h("b", { text: item.title })), h("p", { text: t("workshop.unsubscribe_words") }),
        ...named("going", "workshop.unsubscribe_with", going), ...named("staying", "workshop.unsubscribe_without", staying)],
      save: async () => {
        await unsubscribe(item);
        toast(t("workshop.unsubscribed"));
        await this.#lookAgain();
      },
    });
  }

  /**
   * @param {Item} item
   * @param {HTMLElement} act
   * @param {string} [state]
   */
  #head(item, act, state = "") {
    const picture = calls.pictureOf(item);
    const day = new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium" }).format(item.lastModified * 1000);
    return h("header", { class: "item-head" },
      h("span", { class: "item-picture", "aria-hidden": "true" }, picture ? pictured(picture) : icon("character")),
      h("div", { class: "model-words" }, h("h2", { class: "model-name", text: item.title }), h("span", { class: "model-line", text: [state, item.name === item.title ? "" : item.name, item.size || !state ? sizeOf(item.size) : "", item.lastModified ? day : ""].filter(Boolean).join(" · ") })), act);
  }

  /**
   * @param {Item} item
   * @param {string} [state] of one that Steam has
   */
  #item(item, state) {
    const inside = h("div", { "data-testid": "item-inside" });
    const open = h("button", { type: "button", class: "button", "aria-expanded": "false", "aria-label": t("workshop.unpack_what", { name: item.title }), "data-testid": "item-open", text: t("workshop.unpack"), on: { click: () => void unpack() } });
    const unpack = async () => {
      const isOpen = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) inside.replaceChildren();
      else inside.replaceChildren(...await this.#inside(item, state !== undefined));
    };
    if (state === undefined) return h("article", { class: "item", "data-testid": "item" }, this.#head(item, open), inside);
    const leave = h("button", { type: "button", class: "button", "aria-label": t("workshop.unsubscribe_what", { name: item.title }), "data-testid": "unsubscribe", text: t("workshop.unsubscribe"), on: { click: () => void this.#unsubscribe(item) } });
    return h("article", { class: "item", "data-testid": "subscribed-item" }, this.#head(item, h("div", { class: "item-acts" }, ...(item.path ? [open] : []), leave), state), inside);
  }

  /**
   * @param {Item} item
   * @param {boolean} isSteams
   */
  async #inside(item, isSteams) {
    try {
      const [{ cards, sounds }, models] = await Promise.all([calls.contentOf(item), allModels()]);
      const own = models.filter(({ item_id: id }) => id === item.name);
      if (!cards.length && !sounds.length && !own.length && !item.vrm.length) return [h("p", { class: "agent-hint", text: t("workshop.empty_item") })];
      const row = (/** @type {string} */ sign, /** @type {string} */ name, /** @type {string} */ kind, /** @type {Node[]} */ ...acts) => h("div", { class: "model" },
        h("span", { class: "model-sign", "aria-hidden": "true" }, icon(sign)),
        h("div", { class: "model-words" }, h("span", { class: "model-name", text: name }), h("span", { class: "model-line", text: kind })), h("span", { class: "voice-acts" }, acts));
      return [
        ...cards.map((card) => row("chats", card.name.replace(/\.chara\.json$/, ""), t("workshop.card"),
          h("button", { type: "button", class: "button", "data-testid": "card-take", text: t("workshop.take_in"), on: { click: () => void this.#takeIn(card, isSteams ? item.name : "") } }))),
        ...own.map((model) => row("character", model.name, "Live2D",
          h("a", { class: "button manager-part", href: `model_manager?${new URLSearchParams({ lanlan_name: this.#frame.character }).toString()}#live2d/${encodeURIComponent(model.name)}`, text: t("workshop.to_model") }))),
        ...item.vrm.map((path) => row("character", path.split("/").at(-1)?.replace(/\.vrm$/i, "") ?? "", "VRM",
          h("button", { type: "button", class: "button", "data-testid": "vrm-take", text: t("workshop.take_model"), on: { click: () => void this.#takeModel(path) } }))),
        ...sounds.map((sound) => {
          const line = row("voice", sound.name, t("workshop.sound"), soundButton({ label: t("voices.listen_to", { name: sound.name }), sound: () => calls.soundOf(sound), testId: "sound-listen" }),
            ...(this.#cloner ? [h("button", { type: "button", class: "button", "data-testid": "sound-clone", text: t("voices.make_it"), on: { click: () => void this.#makeVoice(sound, line) } })] : []));
          return line;
        }),
      ];
    } catch (error) {
      return [h("p", { class: "form-note is-bad", role: "alert", text: sentenceOf(error) })];
    }
  }

  /**
   * @param {ItemFile} sound
   * @param {HTMLElement} line
   */
  async #makeVoice(sound, line) {
    try {
      const maker = new VoiceMaker(this.#cloner, () => {
        maker.element.remove();
        toast(t("voices.made"));
      });
      line.after(maker.element);
      await maker.take(await calls.soundOf(sound));
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /** @param {string} path */
  async #takeModel(path) {
    const name = path.split("/").at(-1) ?? "";
    toast(t("models.coming", { name }));
    try {
      await calls.takeModel(path);
      toast(t("models.came", { name }));
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /**
   * @param {ItemFile} file
   * @param {string} number of the item that Steam has it from, "" if it is of none
   */
  async #takeIn(file, number) {
    try {
      const card = await calls.cardOf(file);
      const called = [card["档案名"], card["name"], file.name.replace(/\.chara\.json$/, "")].find((one) => typeof one === "string" && one.trim());
      const name = h("input", { class: "input", required: true, maxlength: "20", "data-testid": "card-name", "aria-label": t("models.name"), value: freeName(String(called), Object.keys(this.#frame.cards)) });
      ask({
        title: t("workshop.take_in_ask"), testId: "ask-card", yes: "card-yes", label: t("workshop.take_in"), content: [h("p", { text: t("workshop.take_in_words") }), name],
        save: async () => {
          await post("api/characters/catgirl", { ...card, [calls.ITEM]: number, "档案名": name.value.trim() });
          toast(t("workshop.taken_in", { name: name.value.trim() }));
          await this.#frame.meet();
        },
      });
      name.select();
    } catch (error) {
      toast(error instanceof SyntaxError ? t("workshop.no_card") : sentenceOf(error));
    }
  }

  #move() {
    const field = h("input", { class: "input", maxlength: "4000", spellcheck: "false", "data-testid": "folder-path", "aria-label": t("workshop.folder"), value: this.#folder });
    ask({
      title: t("workshop.other_folder_ask"), testId: "ask-folder", yes: "folder-yes", label: t("workshop.use"), content: [h("p", { text: t("workshop.folder_words") }), field],
      save: async () => {
        await calls.moveTo(field.value.trim());
        await this.look();
      },
    });
    field.select();
  }

  async #prepare() {
    const { cards, character } = this.#frame;
    try {
      const models = (await allModels()).filter(({ own }) => own);
      if (!models.length) {
        toast(t("models.none"));
        return;
      }
      const choice = (/** @type {string} */ testId, /** @type {[string, string][]} */ options, /** @type {string} */ chosen) =>
        h("select", { class: "select", "data-testid": testId }, options.map(([value, text]) => h("option", { value, text, selected: value === chosen })));
      const who = choice("prepare-who", Object.keys(cards).map((name) => [name, name]), character);
      const model = choice("prepare-model", models.map(({ kind, name, path }) => [path, `${name} (${kind === "vrm" ? "VRM" : "Live2D"})`]), models.find(({ worn_by: wearers }) => wearers.includes(character))?.path ?? "");
      const picture = h("input", { class: "input", type: "file", accept: "image/png,image/jpeg", "data-testid": "prepare-picture" });
      const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control) => h("label", { class: "field" }, h("span", { class: "field-name", text: label }), control);
      ask({
        title: t("workshop.prepare"), testId: "ask-prepare", yes: "prepare-yes", label: t("workshop.prepare"),
        content: [field(t("workshop.which_character"), who), field(t("workshop.which_model"), model), field(t("workshop.picture"), picture)],
        save: async () => {
          const chosen = models.find(({ path }) => path === model.value);
          if (!chosen) return;
          const folder = await calls.prepare(who.value, cards[who.value] ?? {}, chosen);
          const [file] = picture.files ?? [];
          if (file) await calls.keepPicture(folder, file);
          toast(t("workshop.ready"));
          await this.look();
        },
      });
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /** @param {Item} item */
  #ready(item) {
    const away = h("button", { type: "button", class: "icon-button", "aria-label": t("workshop.throw_away", { name: item.title }), title: t("workshop.throw_away", { name: item.title }), "data-testid": "ready-away", on: { click: () => void this.#throwAway(item) } }, icon("delete"));
    return h("article", { class: "item", "data-testid": "ready" }, this.#head(item, away), h("p", { class: "agent-hint" }, `${t("workshop.ready_at")} `, h("code", { text: item.path })),
      ...(this.#steam.is === "here" ? [h("div", { class: "item-publish" }, this.#publishing.parts(item))] : []));
  }

  /** @param {Item} item */
  async #throwAway(item) {
    try {
      await calls.throwAway(item);
      await this.look();
    } catch (error) {
      toast(sentenceOf(error));
    }
  }
}

/** @param {string} address */
function pictured(address) {
  const picture = h("img", { src: address, alt: "", loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(icon("character")));
  return picture;
}

/** @returns {Promise<string>} */
async function cloner() {
  try {
    /** @type {{ cloner: string }} */
    const library = await get("api/characters/voices");
    return library.cloner;
  } catch {
    return "";
  }
}

const show = await startShell();
const page = new WorkshopPage();
await page.start();
show();
