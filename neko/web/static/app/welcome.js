/** The first visit: she greets at once, then asks how she should think. Nothing of it is stored as talk. */
import { get, post, postForBytes } from "./api.js";
import { h, icon } from "./element.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { MarkdownView } from "./markdown.js";
import { ModelForm } from "./model_form.js";
import { localModels } from "./local_models.js";
import { toast } from "./notices.js";
import { recall, remember } from "./preferences.js";

export class Welcome {
  #composer;
  #follow;
  #speech;
  #engine = "builtin";
  #aloud = false;
  #spokenTo = false;
  #character = "";
  #offline = false;
  #greeting = null;
  #card = null;

  constructor({ composer, follow, speech }) {
    this.#composer = composer;
    this.#follow = follow;
    this.#speech = speech;
    onLanguage(() => this.#greeting && this.#greet());
  }

  /** The talk stands. If nothing was ever said, greet; if she has only the built-in model, ask. */
  consider(conversation) {
    if (!conversation.transcript.empty) {
      this.leave();
      return;
    }
    this.#character = conversation.character;
    this.#engine = conversation.engine;
    this.#offline = conversation.model?.offline ?? false;
    if (!this.#greeting) {
      this.#greet();
      this.#greetAloud();
    }
    if (this.#offline && !this.#card && !recall("welcomed", false)) this.#ask();
  }

  modelChanged(model) {
    this.#offline = model.offline;
    if (!model.offline) this.#close();
  }

  /** The reader wrote first: that is an answer too. */
  talkBegan() {
    this.#spokenTo = true;
    this.#close();
  }

  leave() {
    this.#greeting?.remove();
    this.#greeting = null;
    this.#card?.remove();
    this.#card = null;
  }

  #greet() {
    this.#greeting?.remove();
    const words = h("div", { class: "line-words" });
    const hour = new Date().getHours();
    const part = hour < 5 ? "night" : hour < 12 ? "morning" : hour < 18 ? "day" : hour < 23 ? "evening" : "night";
    new MarkdownView(words).show(t("welcome.greeting", { hello: t(`welcome.hello_${part}`), name: this.#character }));
    this.#greeting = h("article", { class: "line is-greeting", "data-testid": "greeting", "data-role": "assistant", "aria-label": t("talk.her") }, words);
    document.getElementById("log-top").append(this.#greeting);
    if (this.#card) this.#ask();
    this.#follow.keep();
  }

  /** Say it too, once, as soon as the browser lets a page make sound: at the first gesture. */
  #greetAloud() {
    if (this.#aloud || this.#engine === "off") return;
    this.#aloud = true;
    const speak = () => {
      removeEventListener("pointerdown", speak);
      if (!this.#greeting || this.#spokenTo || this.#speech.muted) return;
      const text = this.#greeting.textContent;
      const hushed = this.#speech.hushed;
      const wanted = () => !this.#spokenTo && !this.#speech.muted && this.#engine !== "off" && this.#speech.hushed === hushed;
      if (this.#engine === "browser") this.#speech.sample(text, currentLanguage());
      else postForBytes("api/speech/sample", { text, language: currentLanguage() }).then((pcm) => wanted() && this.#speech.playSample(pcm), () => null);
    };
    if (navigator.userActivation?.hasBeenActive) speak();
    else addEventListener("pointerdown", speak);
  }

  #ask() {
    this.#card?.remove();
    this.#card = h("section", { class: "welcome", "data-testid": "welcome", "aria-label": t("welcome.title") });
    document.getElementById("log-tail").append(this.#card);
    this.#showChoices();
  }

  #showChoices() {
    const hint = h("span", { class: "choice-hint", text: t("welcome.local_looking") });
    const local = this.#choice("computer", t("welcome.local"), hint, () => this.#showLocal(found), "welcome-local");
    let found = null;
    local.disabled = true;
    this.#card.replaceChildren(
      h("p", { class: "welcome-title", text: t("welcome.title") }),
      h("div", { class: "choices" },
        local,
        this.#choice("key", t("welcome.key"), h("span", { class: "choice-hint", text: t("welcome.key_hint") }), () => this.#showKey(), "welcome-key"),
        this.#choice("later", t("welcome.later"), h("span", { class: "choice-hint", text: t("welcome.later_hint") }), () => this.#later(), "welcome-later")),
    );
    get("api/models/local", 6000).then(({ servers }) => {
      found = servers.filter((server) => server.models.length);
      local.disabled = !found.length;
      hint.textContent = found.length ? found.map((server) => server.name).join(", ") : t("welcome.local_none");
    }, () => { hint.textContent = t("welcome.local_none"); });
    this.#follow.keep();
  }

  #choice(sign, title, hint, run, testId) {
    return h("button", { type: "button", class: "choice", "data-testid": testId, on: { click: run } },
      h("span", { class: "choice-sign" }, icon(sign)), h("span", { class: "choice-words" }, h("span", { class: "choice-title", text: title }), hint));
  }

  #back() {
    return h("button", { type: "button", class: "icon-button is-small", "aria-label": t("welcome.back"), on: { click: () => this.#showChoices() } }, icon("back"));
  }

  #step(title, ...content) {
    this.#card.replaceChildren(h("div", { class: "welcome-head" }, this.#back(), h("p", { class: "welcome-title", text: title })), ...content);
    this.#card.querySelector(".model-row button, .tile, input, select")?.focus();
    this.#show();
  }

  /** All of the card where it fits, else its beginning. */
  #show() {
    const log = this.#card.closest("[role=log]");
    if (this.#card.offsetHeight < log.clientHeight) this.#follow.keep();
    else this.#card.scrollIntoView({ block: "start" });
  }

  #showLocal(servers) {
    this.#step(t("welcome.local"), localModels(servers, async (server, model) => {
      await post("api/models/use", { provider: "local", base_url: server.base_url, model });
      this.#thank(model);
    }));
  }

  async #showKey() {
    const form = new ModelForm({ builtin: false, onDone: (model) => this.#thank(model) });
    this.#step(t("welcome.key"), form.element);
    await form.load();
    if (this.#card) this.#show();
  }

  #thank(model) {
    this.#close();
    toast(t("welcome.thanks", { model }));
    this.#composer.focus();
  }

  #later() {
    this.#close();
    toast(t("welcome.later_words"));
    this.#composer.focus();
  }

  #close() {
    if (!this.#card) return;
    remember("welcomed", true);
    this.#card.remove();
    this.#card = null;
  }
}
