/**
 * Settings › Backup: all of her in one file, and back.
 *
 * @typedef {{ name: string, size: number, files: number, left_out: string[], unread: string[], links: string[], others: string[] }} Made
 * @typedef {{ part: string, new: number, different: number, same: number, gone: number }} Change Files of one part of her folder.
 * @typedef {{ lines: number | null }} CharacterLines
 * @typedef {{ name: string, kept: CharacterLines | null, here: CharacterLines | null }} Talk null: she is not there.
 * @typedef {{ made: string, size: number, files: number, sealed: boolean, secrets: string[], changes: Change[], characters: Talk[] }} Report
 * @typedef {{ state: "none" | "making" | "made" | "looking" | "looked" | "staging" | "staged" | "failed", done: number, total: number, made: Made | null, report: Report | null, error: string, remedy: string, before: string }} Backup `before`: where that is which a restore took the place of.
 */
import { ApiError, get, post, sentenceOf } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { sizeOf } from "../managers/size.js";
import { row, toggle } from "./controls.js";

const PATH = "api/backup";
const POLL_MS = 400;
/** Between looks for Neko, which is to be started again. */
const STAGED_MS = 2000;
const SENDING_MS = 3_600_000;
const AT_WORK = new Set(["making", "looking", "staging"]);
const SHORTEST = 8;

/** @param {HTMLElement} body */
export function backupPage(body) {
  const page = new BackupPage();
  body.append(page.element);
  void page.ask(() => get(PATH));
}

class BackupPage {
  #timer = 0;
  #withKeys = false;
  #problem = bad("");
  element = h("div", { class: "settings-group backup", "data-testid": "backup" });

  /**
   * Ask something, show what comes of it, and go on asking while it is at work, or waits for a Neko that is started again.
   * @param {() => Promise<Backup>} call
   * @param {boolean} [isAgain]
   */
  async ask(call, isAgain = false) {
    clearTimeout(this.#timer);
    try {
      const now = await call();
      this.#problem.remove();
      this.#draw(now);
    } catch (error) {
      const isGone = error instanceof ApiError && error.status === 0;
      if (!isGone || !isAgain || this.element.dataset.state !== "staged") {
        this.#problem.textContent = sentenceOf(error);
        this.element.append(this.#problem);
      }
      if (!isGone) return;
    }
    const { state = "" } = this.element.dataset;
    if (AT_WORK.has(state)) this.#later(POLL_MS);
    else if (state === "staged") this.#later(STAGED_MS);
  }

  /** @param {number} ms */
  #later(ms) {
    this.#timer = setTimeout(() => this.element.isConnected && void this.ask(() => get(PATH), true), ms);
  }

  /** @param {Backup} now */
  #draw(now) {
    if (now.state === "staged" && this.element.dataset.state === "staged") return;
    this.element.dataset.state = now.state;
    switch (now.state) {
      case "making": case "looking": case "staging":
        this.#work(now);
        break;
      case "made":
        this.#fill(...this.#made(/** @type {Made} */ (now.made)));
        break;
      case "looked":
        this.#fill(...this.#looked(/** @type {Report} */ (now.report)));
        break;
      case "staged":
        this.#fill(h("h3", { text: t("backup.staged") }), h("p", { role: "status", text: t("backup.staged_words") }),
          acts(this.#button("undo", () => this.#discard())));
        break;
      case "failed":
        this.#fill(bad([now.error, now.remedy].filter(Boolean).join(" ")), ...now.report ? this.#looked(now.report) : this.#begin());
        break;
      case "none":
        this.#fill(...now.before ? [h("p", { class: "form-note is-good", role: "status", "data-testid": "backup-back", text: t("backup.back", { folder: now.before }) })] : [], ...this.#begin());
    }
  }

  /**
   * What comes next is read from its beginning by whoever was here, and no key that is held down too long presses it.
   * @param {...HTMLElement} parts
   */
  #fill(...parts) {
    const [head] = parts;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren(...parts);
    if (!hadFocus || !head) return;
    head.tabIndex = -1;
    head.focus();
  }

  #begin() {
    const secret = passphraseField("new-password", () => make());
    const keys = toggle(this.#withKeys, (on) => {
      this.#withKeys = on;
      secret.element.hidden = !on;
      secret.show("");
    }, "backup-keys");
    secret.element.hidden = !this.#withKeys;
    const make = () => {
      const passphrase = this.#withKeys ? secret.value : "";
      if (this.#withKeys && passphrase.length < SHORTEST) secret.show(t("backup.too_short", { least: SHORTEST }));
      else void this.ask(() => post(PATH, { passphrase }));
    };
    const field = h("input", { type: "file", accept: ".zip,application/zip", hidden: true, "data-testid": "backup-field" });
    field.addEventListener("change", () => {
      const [file] = field.files ?? [];
      if (file) this.#send(file);
    });
    return [
      h("h3", { text: t("backup.keep") }), h("p", { class: "form-note", text: t("backup.keep_words") }),
      row(t("backup.keys"), keys, t("backup.keys_words")), secret.element, acts(this.#button("make", make, true)),
      h("h3", { text: t("backup.restore") }), h("p", { class: "form-note", text: t("backup.restore_words") }),
      field, acts(this.#button("choose", () => field.click())),
    ];
  }

  /** @param {File} file */
  #send(file) {
    const form = new FormData();
    form.append("file", file, file.name);
    this.#work({ state: "looking", done: 0, total: 0, made: null, report: null, error: "", remedy: "", before: "" });
    void this.ask(() => post(`${PATH}/restore`, form, SENDING_MS));
  }

  /** Only what changes is drawn anew, so that the focus stays. @param {Backup} now */
  #work({ state, done, total }) {
    const words = t(`backup.${state}`);
    const before = this.element.querySelector("progress");
    if (before && before.getAttribute("aria-label") === words) {
      if (total) before.setAttribute("value", String(done / total));
      return;
    }
    this.#fill(
      h("div", { class: "fetching" }, h("p", { role: "status", text: words }), h("progress", { max: "1", value: total ? String(done / total) : undefined, "aria-label": words })),
      acts(this.#button("stop", () => this.#discard())));
  }

  /** @param {Made} made */
  #made(made) {
    return [
      h("h3", { text: t("backup.made") }),
      h("p", { role: "status", text: t("backup.made_words", { name: made.name, size: sizeOf(made.size) }) }),
      made.left_out.length > 0 && h("p", { class: "form-note", text: t("backup.left_out") }),
      made.links.length > 0 && h("p", { class: "form-note", text: t("backup.links", { files: made.links.join(", ") }) }),
      made.others.length > 0 && h("p", { class: "form-note", text: t("backup.others", { files: made.others.join(", ") }) }),
      made.unread.length > 0 && bad(t("backup.unread", { files: made.unread.join(", ") })),
      acts(this.#button("done", () => this.#discard()),
        h("a", { class: "button is-main", href: `${PATH}/file`, download: made.name, text: t("backup.save"), "data-testid": "backup-save" })),
    ].filter((part) => part instanceof HTMLElement);
  }

  /** @param {Report} report */
  #looked(report) {
    const secret = passphraseField("current-password", () => start());
    const made = report.made && new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "long", timeStyle: "short" }).format(new Date(report.made));
    const start = () => void this.ask(() => post(`${PATH}/restore/start`, { passphrase: report.sealed ? secret.value : "" }));
    return [
      h("h3", { text: made ? t("backup.of", { when: made }) : t("backup.restore") }),
      h("ul", { class: "backup-talks" }, report.characters.map((talk) => h("li", { text: talkWords(talk) }))),
      h("details", { "data-testid": "backup-files" }, h("summary", { text: t("backup.files", { count: report.files, size: sizeOf(report.size) }) }),
        h("ul", {}, report.changes.map((change) => h("li", { text: t("backup.change", { ...change }) })))),
      report.sealed && h("p", { class: "form-note", text: t("backup.sealed") }),
      report.sealed && secret.element,
      !report.sealed && report.secrets.length > 0 && h("p", { class: "form-note", text: t("backup.without") }),
      h("p", { class: "form-note", text: t("backup.restart") }),
      acts(this.#button("leave", () => this.#discard()), this.#button("start", start, true)),
    ].filter((part) => part instanceof HTMLElement);
  }

  #discard() {
    void this.ask(() => post(`${PATH}/discard`, {}));
  }

  /**
   * @param {string} name
   * @param {() => void} click
   * @param {boolean} [isMain]
   */
  #button(name, click, isMain = false) {
    return h("button", { type: "button", class: isMain ? "button is-main" : "button", text: t(`backup.${name}`), "data-testid": `backup-${name}`, on: { click } });
  }
}

/**
 * @param {"new-password" | "current-password"} kind
 * @param {() => void} submit Enter
 */
function passphraseField(kind, submit) {
  const input = h("input", { type: "password", class: "input", autocomplete: kind, "data-testid": "backup-passphrase" });
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const entered = (/** @type {Event} */ event) => { event.preventDefault(); submit(); };
  const element = h("form", { on: { submit: entered } }, h("label", { class: "field" }, h("span", { class: "field-name", text: t("backup.passphrase") }), input), problem);
  return {
    element,
    get value() { return input.value; },
    /** @param {string} words none: nothing is wrong */
    show(words) {
      problem.textContent = words;
      problem.hidden = !words;
      if (words) input.focus();
    },
  };
}

/** @param {Talk} talk */
function talkWords({ name, kept, here }) {
  const count = (/** @type {CharacterLines} */ { lines }) => lines === null ? "?" : new Intl.NumberFormat(currentLanguage()).format(lines);
  if (!kept) return t("backup.talk_gone", { name });
  return here ? t("backup.talk", { name, kept: count(kept), here: count(here) }) : t("backup.talk_new", { name, kept: count(kept) });
}

/** @param {string} words */
function bad(words) {
  return h("p", { class: "form-note is-bad", role: "alert", text: words });
}

/** @param {Node[]} buttons */
function acts(...buttons) {
  return h("div", { class: "form-acts" }, buttons);
}
