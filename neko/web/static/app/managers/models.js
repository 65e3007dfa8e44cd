/**
 * What she looks like: the models that are there, how one comes in and goes, who has it, and what is set for it. The model
 * and the part that is shown stand in the address (`#live2d/mio/parameters`); without a name it is the one she has, else
 * the first of its kind.
 *
 * @import { Animation, Kind, Model } from "./model_calls.js"
 * @typedef {{ kind: Kind, named: string, model: Model | undefined, part: string }} Place
 */
import { sentenceOf } from "../api.js";
import { ask } from "../ask.js";
import { dropZone } from "../drop_zone.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { Removals } from "../removals.js";
import { startShell } from "../shell.js";
import { Arrivals } from "./arrivals.js";
import { emotionPanel } from "./emotion_panel.js";
import { Frame } from "./frame.js";
import * as calls from "./model_calls.js";
import { movementPanel } from "./movement_panel.js";
import { parameterPanel } from "./parameter_panel.js";
import { Preview } from "./preview.js";
import { sizeOf } from "./size.js";

const PARTS = { live2d: ["emotions", "parameters"], vrm: ["emotions", "movement"] };

class ModelsPage {
  #frame = new Frame("models");
  #preview = new Preview();
  #content = h("div", { class: "manager-content" });
  #removals = new Removals();
  #arrivals = new Arrivals(({ model_name: name, filename }) => void this.#came(name ?? filename ?? ""));
  /** @type {Model[]} */
  #models = [];
  /** @type {Animation[]} */
  #animations = [];
  /** What went wrong while asking for them. */
  #fault = "";
  /** Names that are on their way to be deleted, by kind. */
  #going = new Set();
  #drawing = 0;

  constructor() {
    this.#frame.view.append(this.#preview.element, this.#content);
  }

  /** Show the page, and what it shows, as the address changes. */
  async start() {
    await this.look();
    this.#frame.onChange(() => void this.draw());
    window.addEventListener("hashchange", () => void this.draw());
  }

  async look() {
    try {
      [this.#models, this.#animations] = await Promise.all([calls.allModels(), calls.allAnimations(), this.#frame.meet()]);
      this.#fault = "";
    } catch (error) {
      this.#fault = sentenceOf(error);
    }
    await this.draw();
  }

  get #shown() {
    return this.#models.filter(({ kind, name }) => !this.#going.has(`${kind}/${name}`));
  }

  /**
   * The model that the address names, and which part of it.
   * @returns {Place | null}
   */
  get #place() {
    const [kind = "", named = "", part = ""] = location.hash.slice(1).split("/").map(decodeURIComponent);
    if (kind !== "live2d" && kind !== "vrm") return null;
    const ofKind = this.#shown.filter((one) => one.kind === kind);
    const model = named ? ofKind.find(({ name }) => name === named) : ofKind.find((one) => this.#has(one)) ?? ofKind[0];
    const [first = ""] = PARTS[kind];
    return { kind, named, model, part: PARTS[kind].includes(part) ? part : first };
  }

  /** @param {Model} model */
  #has(model) {
    return model.worn_by.includes(this.#frame.character);
  }

  async draw() {
    const mine = this.#drawing += 1;
    const { character, cards } = this.#frame;
    this.#preview.show(character, cards[character], this.#models.find((one) => this.#has(one))?.name ?? "");
    const place = this.#fault ? null : this.#place;
    const drawn = place ? await this.#detail(place) : this.#list();
    if (mine === this.#drawing) this.#content.replaceChildren(...drawn);
  }

  #list() {
    const drop = dropZone({
      testId: "models", title: t("models.bring"), lead: t("models.bring_lead"), choose: t("models.choose"), folder: t("models.folder"), accept: ".vrm,.vrma,.zip,.json,.moc3,image/*,audio/*",
      onFiles: (files) => this.#arrivals.take(files, ""),
    });
    if (this.#fault) return [h("p", { class: "memory-empty is-bad", role: "alert", text: this.#fault })];
    const hasBuiltin = !this.#models.some((one) => this.#has(one));
    return [drop, this.#arrivals.element,
      h("div", { class: "models", "data-testid": "models" },
        this.#row({ title: t("models.builtin"), line: t("models.builtin_line"), model: null, has: hasBuiltin }),
        this.#shown.map((model) => this.#row({ title: model.name, line: this.#lineOf(model), model, has: this.#has(model) }))),
      !this.#shown.length && h("p", { class: "agent-hint", "data-testid": "no-models", text: t("models.none") }),
      this.#animations.length > 0 && h("section", { class: "rules" }, h("h2", { text: t("models.animations") }), h("p", { class: "agent-hint", text: t("models.animations_hint") }),
        h("div", { class: "models" }, this.#animations.map((animation) => this.#animationRow(animation))))].filter((one) => one !== false);
  }

  /** @param {Model} model */
  #lineOf({ kind, size, own, worn_by: wearers }) {
    const others = wearers.filter((name) => name !== this.#frame.character);
    return [kind === "vrm" ? "VRM" : "Live2D", sizeOf(size), !own && t("models.workshop"), others.length > 0 && t("models.worn_by", { names: others.join(", ") })].filter(Boolean).join(" · ");
  }

  /** @param {{ title: string, line: string, model: Model | null, has: boolean }} parts */
  #row({ title, line, model, has }) {
    const open = model && `${location.pathname}${location.search}#${model.kind}/${encodeURIComponent(model.name)}`;
    const name = this.#frame.character;
    return h("article", { class: "model", "data-testid": "model", "data-name": model?.name ?? "", "data-has": has },
      h("span", { class: "model-sign", "aria-hidden": "true" }, icon("character")),
      h("div", { class: "model-words" },
        open ? h("a", { class: "model-name", href: open, "data-testid": "model-open", text: title }) : h("span", { class: "model-name", text: title }),
        h("span", { class: "model-line", text: line })),
      has ? h("span", { class: "model-has", "data-testid": "model-has" }, icon("check"), t("models.has", { name }))
        : h("button", { type: "button", class: "button", "data-testid": "model-give", "aria-label": t("models.give_what", { model: title, name }), text: t("models.give", { name }), on: { click: () => void this.#give(model) } }));
  }

  /** @param {Animation} animation */
  #animationRow({ name, size }) {
    return h("article", { class: "model", "data-testid": "animation" },
      h("span", { class: "model-sign", "aria-hidden": "true" }, icon("play")),
      h("div", { class: "model-words" }, h("span", { class: "model-name", text: name }), h("span", { class: "model-line", text: `VRM · ${sizeOf(size)}` })),
      h("button", { type: "button", class: "icon-button", "aria-label": t("models.delete_what", { name }), title: t("models.delete"), on: { click: () => this.#askToDelete(name) } }, icon("delete")));
  }

  /** @param {string} animation */
  #askToDelete(animation) {
    ask({
      title: t("models.delete_ask", { name: animation }), testId: "ask-delete", yes: "delete-yes", label: t("models.delete"), content: [],
      save: async () => {
        await calls.deleteAnimation(animation);
        await this.look();
      },
    });
  }

  /** @param {Model | null} model */
  async #give(model) {
    const { character } = this.#frame;
    try {
      await calls.give(character, model);
      toast(t("models.given", { name: character, model: model?.name ?? t("models.builtin") }));
      await this.look();
    } catch (error) {
      toast(sentenceOf(error));
    }
  }

  /** @param {string} name */
  async #came(name) {
    toast(t("models.came", { name }));
    await this.look();
  }

  /** @param {Place} place */
  async #detail({ kind, named, model, part }) {
    const all = h("a", { class: "manager-back", href: `${location.pathname}${location.search}#`, "data-testid": "all-models" }, icon("back"), t("models.all"));
    if (!model) return [all, h("p", { class: "memory-empty", "data-testid": "no-model", text: named ? t("models.gone", { name: named }) : t(`models.no_${kind}`) })];
    const name = this.#frame.character;
    const act = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {string} */ testId, /** @type {() => void} */ run) =>
      h("button", { type: "button", class: "icon-button", "aria-label": words, title: words, "data-testid": testId, on: { click: run } }, icon(sign));
    const head = h("header", { class: "model-head", "data-name": model.name },
      h("div", { class: "model-words" }, h("h2", { text: model.name }), h("span", { class: "model-line", text: this.#lineOf(model) })),
      model.own && act("edit", t("models.rename"), "model-rename", () => this.#rename(model)),
      model.own && act("delete", t("models.delete"), "model-delete", () => this.#remove(model)),
      this.#has(model) ? h("span", { class: "model-has" }, icon("check"), t("models.has", { name }))
        : h("button", { type: "button", class: "button is-main", "data-testid": "model-give", text: t("models.give", { name }), on: { click: () => void this.#give(model) } }));
    const tabs = h("nav", { class: "agent-filters", "aria-label": t("models.parts") }, PARTS[kind].map((one) => h("a", {
      class: "agent-chip manager-part", href: `${location.pathname}${location.search}#${kind}/${encodeURIComponent(model.name)}/${one}`, "data-testid": `part-${one}`,
      "aria-current": one === part && "page", text: t(`models.part_${one}`),
    })));
    const add = kind === "live2d" && part === "emotions" && dropZone({
      testId: "parts", title: t("models.add_parts"), lead: t("models.add_parts_lead"), choose: t("models.choose"), accept: ".json",
      onFiles: (files) => this.#arrivals.take(files, model.name),
    });
    return [all, head, tabs, await this.#part(model, part), add && model.own && add, this.#arrivals.element].filter((one) => one !== false);
  }

  /**
   * @param {Model} model
   * @param {string} part
   */
  async #part(model, part) {
    try {
      if (part === "parameters") return await parameterPanel(model);
      if (part === "movement") return movementPanel(model, this.#animations, this.#frame);
      return await emotionPanel(model, (feeling) => this.#preview.feel(feeling));
    } catch (error) {
      return h("p", { class: "memory-empty is-bad", role: "alert", text: sentenceOf(error) });
    }
  }

  /** @param {Model} model */
  #rename(model) {
    const field = h("input", { class: "input", required: true, maxlength: "100", "data-testid": "rename-name", "aria-label": t("models.name"), value: model.name });
    ask({
      title: t("models.rename_what", { name: model.name }), testId: "ask-rename", yes: "rename-yes", label: t("models.rename"), content: [field],
      save: async () => {
        const now = await calls.rename(model, field.value.trim());
        history.replaceState(null, "", `${location.pathname}${location.search}#${model.kind}/${encodeURIComponent(now)}`);
        await this.look();
      },
    });
    field.select();
  }

  /** @param {Model} model */
  #remove(model) {
    const key = `${model.kind}/${model.name}`;
    this.#removals.begin({
      path: calls.pathOf(model), body: null, words: t("models.deleted", { name: model.name }),
      show: (shown) => {
        if (shown) this.#going.delete(key);
        else this.#going.add(key);
        if (!shown && location.hash.startsWith(`#${model.kind}/`)) location.hash = "";
        else void this.draw();
      },
      gone: () => void Promise.allSettled(model.worn_by.map((name) => calls.give(name, null))).then(() => this.look()),
    });
  }
}

const show = await startShell();
const page = new ModelsPage();
await page.start();
show();
