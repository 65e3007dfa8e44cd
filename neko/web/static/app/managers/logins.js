/**
 * Logins of media sites: which there are, given as cookies, forgotten for good. A login is never shown again.
 *
 * @typedef {{ name: string, needs: string[] }} Site
 * @typedef {{ has_cookies: boolean, cookies_count: number, locked: boolean }} State
 */
import { get, post, sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { Removals } from "../removals.js";
import { startShell } from "../shell.js";
import { Frame } from "./frame.js";

class LoginsPage {
  #frame = new Frame("logins");
  #removals = new Removals();
  #list = h("div", { class: "manager-content" });
  /** @type {Record<string, Site>} */
  #sites = {};
  /** @type {Record<string, State>} */
  #states = {};
  #going = new Set();
  #open = "";
  #fault = "";

  constructor() {
    this.#frame.view.append(this.#list);
  }

  async start() {
    await this.look();
    this.#frame.onChange(() => this.draw());
  }

  async look() {
    try {
      /** @type {Promise<{ data: Record<string, Site> }>} */
      const sites = get("api/auth/platforms");
      /** @type {Promise<{ data: Record<string, State> }>} */
      const states = get("api/auth/cookies/status");
      [{ data: this.#sites }, { data: this.#states }] = await Promise.all([sites, states]);
      this.#fault = "";
    } catch (error) {
      this.#fault = sentenceOf(error);
    }
    this.draw();
  }

  draw() {
    if (this.#fault) {
      this.#list.replaceChildren(h("p", { class: "memory-empty is-bad", role: "alert", "data-testid": "logins-fault", text: this.#fault }));
      return;
    }
    this.#list.replaceChildren(h("p", { class: "agent-hint", text: t("logins.lead") }),
      h("div", { class: "logins" }, Object.entries(this.#sites).map(([site, about]) => this.#row(site, about))));
  }

  /**
   * @param {string} site
   * @param {Site} about
   */
  #row(site, about) {
    const { name } = about;
    const has = (this.#states[site]?.has_cookies ?? false) && !this.#going.has(site);
    const isOpen = this.#open === site;
    const line = t(has ? "logins.kept" : this.#states[site]?.locked ? "logins.locked" : "logins.missing");
    const form = isOpen && this.#form(site, about);
    return h("article", { class: "login", "data-testid": "login", "data-site": site, "data-has": has },
      h("div", { class: "model" },
        h("span", { class: "model-sign", "aria-hidden": "true" }, icon(has ? "check" : "key")),
        h("div", { class: "model-words" }, h("span", { class: "model-name", text: name }), h("span", { class: "model-line", text: line })),
        h("span", { class: "voice-acts" },
          has && h("button", { type: "button", class: "icon-button", "aria-label": t("logins.forget", { name }), title: t("logins.forget", { name }), "data-testid": "login-forget", on: { click: () => this.#forget(site, name) } }, icon("delete")),
          h("button", {
            type: "button", class: "button", "data-testid": "login-open", "aria-expanded": String(isOpen), "aria-label": t(has ? "logins.replace_what" : "logins.add_what", { name }), text: t(has ? "logins.replace" : "logins.add"),
            on: { click: () => this.#toggle(isOpen ? "" : site) },
          }))),
      form);
  }

  /** @param {string} site */
  #toggle(site) {
    const before = this.#open;
    this.#open = site;
    this.draw();
    const wanted = site ? `[data-site="${site}"] input` : `[data-site="${before}"] [data-testid="login-open"]`;
    /** @type {HTMLElement | null} */ (this.#list.querySelector(wanted))?.focus();
  }

  /**
   * @param {string} site
   * @param {Site} about
   */
  #form(site, { name, needs }) {
    const fields = needs.map((need) => ({ need, input: h("input", { class: "input", type: "password", autocomplete: "off", spellcheck: "false", maxlength: "4000", "data-testid": "login-cookie" }) }));
    const whole = h("textarea", { class: "input", rows: "4", spellcheck: "false", autocomplete: "off", maxlength: "8192", "aria-label": t("logins.whole"), "data-testid": "login-whole" });
    const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
    const main = h("button", { type: "submit", class: "button is-main", "data-testid": "login-keep", text: t("logins.keep") });
    const keep = async () => {
      const missing = whole.value.trim() ? [] : fields.filter(({ input }) => !input.value.trim()).map(({ need }) => need);
      note.hidden = !missing.length;
      note.textContent = t("logins.needs", { names: missing.join(", ") });
      if (missing.length) return;
      const cookies = whole.value.trim().replace(/^cookie:\s*/i, "") || fields.map(({ need, input }) => `${need}=${input.value.trim()}`).join("; ");
      main.disabled = true;
      try {
        await post("api/auth/cookies/save", { platform: site, cookie_string: cookies });
        toast(t("logins.saved", { name }));
        this.#open = "";
        await this.look();
      } catch (error) {
        main.disabled = false;
        note.textContent = sentenceOf(error);
        note.hidden = false;
      }
    };
    return h("form", { class: "form", autocomplete: "off", on: { submit: (event) => { event.preventDefault(); void keep(); } } },
      h("p", { class: "form-note", text: t("logins.how", { name }) }),
      fields.map(({ need, input }) => h("label", { class: "field" }, h("span", { class: "field-name", text: need }), input)),
      h("details", {}, h("summary", { text: t("logins.paste") }), whole), note,
      h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("memory.leave"), on: { click: () => this.#toggle("") } }), main));
  }

  /**
   * @param {string} site
   * @param {string} name
   */
  #forget(site, name) {
    this.#removals.begin({
      path: `api/auth/cookies/${site}`, body: null, words: t("logins.forgotten", { name }),
      show: (shown) => {
        if (shown) this.#going.delete(site);
        else this.#going.add(site);
        this.draw();
      },
      gone: () => {
        this.#going.delete(site);
        void this.look();
      },
    });
  }
}

const show = await startShell();
const page = new LoginsPage();
await page.start();
show();
