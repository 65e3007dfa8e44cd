/**
 * Memories from elsewhere: told first, then brought in, and taken back.
 *
 * @import { Calls, Import, Share, ImportFile } from "./calls.js"
 */
import { sentenceOf } from "../api.js";
import { dropZone } from "../drop_zone.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { dayName } from "./dates.js";

const POLL_MS = 400;
const AT_WORK = new Set(["reading", "running", "taking_back"]);

export class ImportSection {
  #calls;
  #go;
  #names;
  #timer = 0;
  #state = h("div", { class: "import-state", "aria-live": "polite" });
  /** @type {HTMLElement} */
  #drop = h("section");
  element = h("div", { class: "import" });

  /** @param {{ calls: Calls, go: (place: string) => void, names: () => string[] }} parts */
  constructor({ calls, go, names }) {
    this.#calls = calls;
    this.#go = go;
    this.#names = names;
    document.addEventListener("paste", (event) => {
      const files = [...event.clipboardData?.files ?? []];
      if (files.length && this.#state.isConnected && !(event.target instanceof HTMLInputElement)) void this.#send(files);
    });
  }

  async show() {
    const drop = this.#makeDrop();
    drop.hidden = this.#drop.hidden;
    this.#drop = drop;
    this.element.replaceChildren(drop, this.#state);
    await this.#ask(() => this.#calls.imported());
  }

  #makeDrop() {
    return dropZone({
      testId: "import", title: t("memory.bring.title"), lead: t("memory.bring.lead"), choose: t("memory.bring.choose"), folder: t("memory.bring.folder"),
      onFiles: (files) => void this.#send(files.map(({ file }) => file)),
    });
  }

  /** @param {File[]} files */
  async #send(files) {
    clearTimeout(this.#timer);
    this.#state.replaceChildren(bar(t("memory.bring.sending")));
    await this.#ask(() => this.#calls.sendFiles(files));
  }

  /**
   * Ask something, show what comes of it, and go on asking while it is at work.
   * @param {() => Promise<Import>} call
   */
  async #ask(call) {
    clearTimeout(this.#timer);
    try {
      const now = await call();
      this.#draw(now);
      if (AT_WORK.has(now.state)) this.#timer = setTimeout(() => this.#state.isConnected && void this.#ask(() => this.#calls.imported()), POLL_MS);
    } catch (error) {
      this.#state.replaceChildren(h("p", { class: "memory-empty is-bad", role: "alert", text: sentenceOf(error) }));
    }
  }

  /** @param {Import} now */
  #draw(now) {
    const { state } = now;
    this.#state.dataset.state = state;
    this.#drop.hidden = state !== "none";
    const count = now.shares.reduce((sum, { lines, known }) => sum + lines - known, 0);
    const act = (/** @type {string} */ name, /** @type {() => unknown} */ run, main = false) =>
      h("button", { type: "button", class: main ? "button is-main" : "button", text: t(`memory.bring.${name}`), "data-testid": `import-${name}`, on: { click: run } });
    const another = act("another", () => void this.#leave());
    const acts = (/** @type {(Node | false)[]} */ ...buttons) => h("div", { class: "form-acts" }, buttons);
    if (state === "none") this.#state.replaceChildren();
    else if (state === "reading") this.#replace(bar(t("memory.bring.reading", { count: now.done })), acts(act("stop", () => void this.#leave())));
    else if (state === "ready") {
      const anything = count > 0 || now.shares.some(({ versions, summaries, settings, facts, pictures }) => versions + summaries + settings + facts + pictures > 0);
      this.#state.replaceChildren(
        anything ? "" : h("p", { class: "memory-lead", text: t(now.shares.length ? "memory.bring.nothing_new" : "memory.bring.nothing") }),
        ...now.shares.map((share) => this.#share(share)), fileList(now),
        acts(another, anything && act("start", () => void this.#ask(() => this.#calls.startImport()), true)));
    } else if (state === "running" || state === "taking_back") {
      const words = state === "running" ? t("memory.bring.running", { done: now.done, total: now.total }) : t("memory.bring.taking_back");
      this.#replace(bar(words, now.total ? now.done / now.total : 0), acts(act("stop", () => void this.#ask(() => this.#calls.stopImport()))));
    } else {
      const words = state === "failed" ? now.error || t("memory.bring.failed") : t(`memory.bring.${state}`, { count });
      const began = now.shares.filter(({ number }) => number > 0);
      this.#state.replaceChildren(h("p", { class: "import-end", "data-testid": "import-end", role: "status", text: words }), fileList(now),
        acts(another,
          state !== "taken_back" && began.length > 0 && act("take_back", () => void this.#takeBack(began)),
          (state === "done" || state === "cancelled") && act("look", () => this.#go("days"), true)));
    }
  }

  /**
   * While it is at work only what changes is drawn anew, so that the focus stays.
   * @param {HTMLElement} progress
   * @param {HTMLElement} acts
   */
  #replace(progress, acts) {
    const before = this.#state.querySelector(".import-bar");
    if (before && this.#state.querySelector(`[data-testid="${acts.firstElementChild?.getAttribute("data-testid") ?? ""}"]`)) before.replaceWith(progress);
    else this.#state.replaceChildren(progress, acts);
  }

  /** @param {Share[]} shares */
  async #takeBack(shares) {
    for (const { character, number } of shares) {
      await this.#ask(() => this.#calls.takeBack(character, number));
      if (shares.length > 1) await this.#end();
    }
  }

  /** Wait until what is at work has ended. */
  async #end() {
    while (AT_WORK.has(this.#state.dataset.state ?? "") && this.#state.isConnected) await new Promise((done) => { setTimeout(done, POLL_MS); });
  }

  async #leave() {
    clearTimeout(this.#timer);
    try {
      await this.#calls.discardImport();
    } catch (error) {
      toast(sentenceOf(error));
    }
    await this.show();
  }

  /** @param {Share} share */
  #share(share) {
    const names = [...new Set([share.character, ...this.#names()])];
    const into = h("select", { class: "select", "data-testid": "import-into" }, names.map((name) => h("option", { value: name, text: name, selected: name === share.character })));
    into.addEventListener("change", () => void this.#ask(() => this.#calls.aimImport({ [share.named]: into.value })));
    const counted = (/** @type {string} */ name, /** @type {number} */ count) => count > 0 && h("li", { text: t(`memory.bring.${name}`, { count }) });
    const span = share.first && [share.first, share.last].map((at) => dayName(at.slice(0, 10), { dateStyle: "medium" })).filter((one, at, all) => all.indexOf(one) === at).join(" – ");
    return h("section", { class: "import-share", "data-testid": "import-share" },
      share.named && h("h2", { text: t("memory.bring.from", { name: share.named }) }),
      span && h("p", { class: "import-span", text: span }),
      h("ul", { class: "import-counts" }, h("li", { class: "is-new", text: t("memory.bring.new", { count: share.lines - share.known }) }),
        counted("known", share.known), counted("versions", share.versions), counted("summaries", share.summaries),
        counted("settings", share.settings), counted("facts", share.facts), counted("pictures", share.pictures),
        counted("missing_pictures", share.missing_pictures)),
      h("label", { class: "import-into" }, h("span", { text: t("memory.bring.to") }), into),
      !share.exists && h("p", { class: "import-made", text: t("memory.bring.made", { name: share.character }) }));
  }
}

/** @param {Import} now */
function fileList({ files, more_files: more }) {
  if (!files.length) return "";
  const troubled = files.some(({ damaged, unread, why }) => damaged || unread || why);
  return h("details", { class: "memory-sources import-files", open: troubled && files.length < 6, "data-testid": "import-list" },
    h("summary", { text: t("memory.bring.files", { count: files.length + more }) }),
    h("ul", {}, files.map((file) => h("li", { "data-kind": file.kind }, h("span", { text: file.name }), h("span", { class: file.damaged || file.unread || file.why ? "is-bad" : "", text: about(file) })))));
}

/** @param {ImportFile} file */
function about({ kind, unread, damaged, why }) {
  return [why ? t(`memory.bring.why_${why}`) : t(`memory.bring.kind_${kind}`), unread && t("memory.bring.unread", { count: unread }), damaged && !why && t("memory.bring.damaged")].filter(Boolean).join(" · ");
}

/**
 * @param {string} words
 * @param {number} [share] 0 or none: nobody knows
 */
function bar(words, share) {
  return h("div", { class: "memory-report import-bar" }, h("p", { role: "status", text: words }), h("progress", { max: "1", value: share ? String(share) : undefined, "aria-label": words }));
}
