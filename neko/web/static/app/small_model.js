/**
 * The small model on this computer: what it is in plain words, one tap to load it, and for how long that goes on.
 *
 * @import { SmallModelFile, SmallModels } from "./rest.js"
 */
import { get, post, sentenceOf } from "./api.js";
import { h } from "./element.js";
import { currentLanguage, t } from "./i18n.js";

/** Longer than the server waits for a model. */
const LOADING_TIMEOUT_MS = 630_000;
const LOOK_AGAIN_MS = 1000;
const GIGABYTE = 1e9;

/**
 * What there is. Nobody is told when that cannot be had: then there is none.
 * @returns {Promise<SmallModels | null>}
 */
export async function findSmallModels() {
  try {
    /** @type {SmallModels} */
    const found = await get("api/models/small");
    return found;
  } catch {
    return null;
  }
}

/** @param {number} bytes */
export function sizeOf(bytes) {
  const [value, unit] = bytes < GIGABYTE ? [bytes / 1e6, "megabyte"] : [bytes / GIGABYTE, "gigabyte"];
  return new Intl.NumberFormat(currentLanguage(), { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/**
 * One row a file. `done(model)` once the server thinks with it.
 * @param {SmallModels} small
 * @param {(model: string) => void} done
 */
export function smallModels(small, done) {
  return h("div", { class: "model-rows", "data-testid": "small-models" },
    h("p", { class: "form-note", text: t("small.words") }),
    small.files.map((file) => row(file, small, done)));
}

/**
 * @param {SmallModelFile} file
 * @param {SmallModels} small
 * @param {(model: string) => void} done
 */
function row(file, small, done) {
  const isCurrent = small.model === file.name;
  const isUsed = isCurrent && small.chosen && small.state !== "failed";
  const languages = new Intl.DisplayNames(currentLanguage(), { type: "language" });
  const known = file.languages.map((code) => languages.of(code) ?? code).join(", ");
  const about = [sizeOf(file.size), known && t("small.speaks", { languages: known })].filter(Boolean).join(" · ");
  const button = h("button", {
    type: "button", class: "button is-main", "data-testid": "use-small", disabled: isUsed, text: t(isUsed ? "model.in_use" : "model.use_short"),
    "aria-label": `${t(isUsed ? "model.in_use" : "model.use_short")}: ${file.name}`,
  });
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true, "data-testid": "small-problem" });
  const loading = new Loading(file.name);
  const tell = (/** @type {string} */ words) => {
    problem.textContent = words;
    problem.hidden = !words;
  };
  button.addEventListener("click", () => void use());
  const tellState = (/** @type {SmallModels | null} */ now) => {
    if (now?.model !== file.name || now.state !== "failed") return;
    tell([now.error, now.remedy].filter(Boolean).join(" "));
    button.disabled = false;
    button.textContent = t("model.use_short");
  };
  if (isCurrent && small.state === "loading") void loading.follow(small).then(tellState);
  else tellState(small);
  return h("div", { class: "model-row is-offer" },
    h("div", { class: "model-row-name" }, h("strong", { text: file.name }), h("span", { text: about })),
    button,
    h("p", { class: "form-note", text: t(known ? "small.honest" : "small.own") }),
    loading.element, problem);

  async function use() {
    button.disabled = true;
    tell("");
    loading.show();
    try {
      await post("api/models/small/use", { model: file.name }, LOADING_TIMEOUT_MS);
      done(file.name);
    } catch (error) {
      tell(sentenceOf(error));
    } finally {
      loading.hide();
      button.disabled = false;
    }
  }
}

/** That a model is being loaded, and since when. */
class Loading {
  #name;
  #words = h("p", { class: "form-note", role: "status" });
  #time = h("span", { class: "loading-time", "aria-hidden": "true" });
  #began = 0;
  #timer = 0;
  element = h("div", { class: "loading", hidden: true, "data-testid": "small-loading" }, this.#words, this.#time, h("div", { class: "loading-line", "aria-hidden": "true" }));

  /** @param {string} name of the model */
  constructor(name) {
    this.#name = name;
  }

  show(seconds = 0) {
    this.#began = performance.now() - seconds * 1000;
    this.element.hidden = false;
    this.#words.textContent = t("small.loading", { model: this.#name });
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), 1000);
  }

  hide() {
    clearInterval(this.#timer);
    this.element.hidden = true;
  }

  /**
   * One that was begun elsewhere: shown until it is over, or the row is gone.
   * @param {SmallModels} small
   */
  async follow(small) {
    this.show(small.loading_s);
    /** @type {SmallModels | null} */
    let now = small;
    for (; now?.state === "loading" && now.model === this.#name; now = await findSmallModels()) {
      await new Promise((resolve) => { setTimeout(resolve, LOOK_AGAIN_MS); });
      if (!this.element.isConnected) break;
    }
    this.hide();
    return now;
  }

  #draw() {
    this.#time.textContent = t("talk.seconds", { seconds: Math.floor((performance.now() - this.#began) / 1000) });
  }
}
