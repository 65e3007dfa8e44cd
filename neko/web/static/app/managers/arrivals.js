/**
 * Models and parts of models that come in as files: what they are, and how far each is on its way.
 *
 * @import { Dropped } from "../drop_zone.js"
 * @typedef {{ name: string, path: string, field: string, files: Dropped[] }} Arrival What goes to `path` of the server in one form.
 */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { sentenceFor, t } from "../i18n.js";
import { send } from "./sending.js";

/** Megabytes that the server takes of one VRM file and of one Live2D model. */
const LARGEST = { vrm: 200, live2d: 1024 };

/** @param {Dropped} dropped */
const pathOf = ({ path }) => path.toLowerCase();

/**
 * What comes of files: arrivals, and those that are nothing here.
 * @param {Dropped[]} files
 * @param {string} into the Live2D model that loose motions and expressions are for; "": none
 * @returns {{ arrivals: Arrival[], strangers: Dropped[], loose: Dropped[] }}
 */
export function arrivalsOf(files, into) {
  /** @type {Arrival[]} */
  const arrivals = [];
  /** @type {Map<string, Dropped[]>} */
  const folders = new Map();
  for (const dropped of files) {
    const single = (/** @type {string} */ path, field = "file") => arrivals.push({ name: dropped.file.name, path, field, files: [dropped] });
    if (pathOf(dropped).endsWith(".vrm")) single("api/model/vrm/upload");
    else if (pathOf(dropped).endsWith(".vrma")) single("api/model/vrm/upload_animation");
    else if (pathOf(dropped).endsWith(".zip")) single("api/live2d/upload_model", "files");
    else {
      const folder = dropped.path.includes("/") ? dropped.path.split("/", 1).join("") : "";
      folders.set(folder, [...folders.get(folder) ?? [], dropped]);
    }
  }
  /** @type {Dropped[]} */
  const strangers = [];
  /** @type {Dropped[]} */
  const loose = [];
  for (const [folder, inside] of folders) {
    const config = inside.find((dropped) => pathOf(dropped).endsWith(".model3.json"));
    if (config) arrivals.push({ name: folder || config.file.name, path: "api/live2d/upload_model", field: "files", files: inside });
    else for (const dropped of inside) (/\.(motion3|exp3)\.json$/.test(pathOf(dropped)) ? loose : strangers).push(dropped);
  }
  if (into) for (const dropped of loose) arrivals.push({ name: dropped.file.name, path: `api/live2d/upload_file/${encodeURIComponent(into)}`, field: "file", files: [dropped] });
  return { arrivals, strangers, loose: into ? [] : loose };
}

/** @param {Arrival} arrival */
function tooLarge({ path, files }) {
  const limit = path.includes("/vrm/") ? LARGEST.vrm : LARGEST.live2d;
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  return size > limit * 2 ** 20 ? sentenceFor("avatar_too_large", { limit }) : "";
}

/** Shows what comes in, one after the other, and what was refused until the next. */
export class Arrivals {
  element = h("div", { class: "import-state", "data-testid": "arrivals" });
  #came;
  /** @type {Arrival[]} */
  #waiting = [];
  #busy = false;

  /** @param {(answer: { model_name?: string, filename?: string }) => void} came something is there now */
  constructor(came) {
    this.#came = came;
  }

  /**
   * @param {Dropped[]} files
   * @param {string} into
   */
  take(files, into) {
    const { arrivals, strangers, loose } = arrivalsOf(files, into);
    if (!this.#busy) this.element.replaceChildren();
    const named = (/** @type {Dropped[]} */ some) => some.slice(0, 3).map(({ file }) => file.name).join(", ") + (some.length > 3 ? " …" : "");
    if (strangers.length) this.#refuse(t("models.strangers", { names: named(strangers) }));
    if (loose.length) this.#refuse(t("models.loose", { names: named(loose) }));
    this.#waiting.push(...arrivals);
    if (!this.#busy) void this.#work();
  }

  async #work() {
    this.#busy = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#bring(next);
    this.#busy = false;
  }

  /** @param {Arrival} arrival */
  async #bring(arrival) {
    const large = tooLarge(arrival);
    if (large) {
      this.#refuse(`${arrival.name}: ${large}`);
      return;
    }
    const stop = new AbortController();
    const words = h("p", { role: "status", text: t("models.coming", { name: arrival.name }) });
    const progress = h("progress", { max: "1", value: "0", "aria-label": t("models.coming", { name: arrival.name }) });
    const bar = h("div", { class: "memory-report import-bar", "data-testid": "coming" }, words, progress,
      h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", "data-testid": "coming-stop", text: t("models.stop"), on: { click: () => stop.abort() } })));
    this.element.append(bar);
    const form = new FormData();
    for (const { file, path } of arrival.files) form.append(arrival.field, file, path);
    try {
      /** @type {{ model_name?: string, filename?: string } | null} */
      const answer = await send(arrival.path, form, {
        signal: stop.signal,
        onShare: (share) => {
          progress.value = share;
          if (share === 1) words.textContent = t("models.looking", { name: arrival.name });
        },
      });
      if (answer) this.#came(answer);
    } catch (error) {
      this.#refuse(`${arrival.name}: ${sentenceOf(error)}`);
    }
    bar.remove();
  }

  /** @param {string} words */
  #refuse(words) {
    this.element.append(h("p", { class: "form-note is-bad manager-refused", role: "alert", "data-testid": "refused", text: words }));
  }
}
