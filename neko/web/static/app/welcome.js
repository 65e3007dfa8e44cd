/**
 * The first visit: she greets at once, then asks how she should think. Nothing of it is stored as talk.
 *
 * @import { Composer } from "./composer.js"
 * @import { Conversation } from "./conversation.js"
 * @import { Follow } from "./follow.js"
 * @import { BorrowedKeyOffer, CurrentModel, LocalServer, SmallModels } from "./rest.js"
 * @import { SpeechOutput } from "./speech_output.js"
 * @import { ModelLabel, SpeechEngine } from "./wire.js"
 */
import { get, post, postForBytes, sentenceOf } from "./api.js";
import { serverOf, useBorrowed } from "./borrowed_keys.js";
import { daytime } from "./daytime.js";
import { ownFieldsOf } from "./cards.js";
import { byId, h, icon } from "./element.js";
import { answerFirstQuestion, isFirstQuestionOpen } from "./first_question.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { Late } from "./late.js";
import { localModels, watchLocalServers } from "./local_models.js";
import { toast } from "./notices.js";
import { findSmallModels, sizeOf, smallModels } from "./small_model.js";
import { WordsView } from "./words_view.js";
import { nameField } from "./your_name.js";

const OLLAMA = "https://ollama.com/download";

export class Welcome {
  #log = byId("log", HTMLElement);
  #top = byId("log-top", HTMLElement);
  #tail = byId("log-tail", HTMLElement);
  #composer;
  #follow;
  #speech;
  /** @type {SpeechEngine} */
  #engine = "builtin";
  #aloud = false;
  #spokenTo = false;
  #character = "";
  /** Her first words, if her card has any. */
  #own = "";
  #offline = false;
  /** Nothing was ever said: this is no further chat. */
  #isFirst = true;
  /** @type {HTMLElement | null} */
  #greeting = null;
  /** @type {HTMLElement | null} */
  #card = null;
  /** @type {SmallModels | null} */
  #small = null;
  #endWatch = () => {};
  #keyForm = new Late(async () => (await import("./model_form.js")).ModelForm);

  /** @param {{ composer: Composer, follow: Follow, speech: SpeechOutput }} parts */
  constructor({ composer, follow, speech }) {
    this.#composer = composer;
    this.#follow = follow;
    this.#speech = speech;
    onLanguage(() => {
      if (this.#greeting) this.#greet();
      if (this.#card) this.#ask();
    });
  }

  /**
   * The talk stands. If nothing was ever said, greet; if she has only the built-in model, ask.
   * @param {Conversation} conversation
   */
  consider(conversation) {
    if (!conversation.transcript.empty) {
      answerFirstQuestion(); // also where somebody else has written first
      this.leave();
      return;
    }
    this.#character = conversation.character;
    this.#isFirst = !conversation.chat;
    this.#engine = conversation.engine;
    this.#offline = conversation.model?.offline ?? false;
    const asks = this.#offline && !this.#card && isFirstQuestionOpen();
    if (!this.#greeting || asks) void this.#begin(asks);
  }

  /** @param {ModelLabel} model */
  modelChanged(model) {
    this.#offline = model.offline;
    if (!model.offline) this.#answered();
  }

  /** The reader wrote first: that is an answer too. */
  talkBegan() {
    this.#spokenTo = true;
    this.#speech.stopSample(); // the gesture that begins a talk may have been the first one, and had her greet aloud
    this.#answered();
  }

  /** Another talk: a question that is still open is asked there, as after another language has brought other characters. */
  leave() {
    this.#takeAway();
    this.#character = "";
    this.#greeting?.remove();
    this.#greeting = null;
  }

  #greet() {
    this.#greeting?.remove();
    const words = h("div", { class: "line-words" });
    new WordsView(words).show(this.#own || t(this.#isFirst ? "welcome.greeting" : "welcome.again", { hello: t(`welcome.hello_${daytime(new Date())}`), name: this.#character }));
    this.#greeting = h("article", { class: "line is-greeting", "data-testid": "greeting", "data-role": "assistant", "aria-label": this.#character }, words);
    this.#top.append(this.#greeting);
    this.#showAll();
  }

  /**
   * Greeting and card come at once, so that nothing moves.
   * @param {boolean} asks
   */
  async #begin(asks) {
    const character = this.#character;
    const [{ greeting = "" }, small] = await Promise.all([ownFieldsOf(character), asks ? findSmallModels() : null]);
    if (this.#character !== character) return;
    if (!this.#greeting) {
      this.#own = greeting;
      this.#greet();
      this.#greetAloud();
    }
    if (!asks || this.#card || !this.#offline || !isFirstQuestionOpen()) return;
    this.#small = small?.installed && small.files.length ? small : null;
    this.#ask();
  }

  /** Say it too, once, as soon as the browser lets a page make sound: at the first gesture. */
  #greetAloud() {
    if (this.#aloud || this.#engine === "off") return;
    this.#aloud = true;
    const speak = () => {
      removeEventListener("pointerdown", speak);
      if (this.#greeting && !this.#spokenTo && !this.#speech.muted) void this.#speakGreeting(this.#greeting.textContent ?? "");
    };
    if (navigator.userActivation?.hasBeenActive) speak();
    else addEventListener("pointerdown", speak);
  }

  /** @param {string} text */
  async #speakGreeting(text) {
    const language = currentLanguage();
    if (this.#engine === "browser") {
      void this.#speech.sample(text, language);
      return;
    }
    const { stops } = this.#speech;
    const pcm = await postForBytes("api/speech/sample", { text, language }).catch(() => null);
    const wanted = !this.#spokenTo && !this.#speech.muted && this.#engine !== "off" && this.#speech.stops === stops;
    if (pcm && wanted) void this.#speech.playSample(pcm);
  }

  #ask() {
    this.#card?.remove();
    this.#card = h("section", { class: "welcome", "data-testid": "welcome", "aria-label": t("welcome.title") });
    this.#tail.append(this.#card);
    this.#showChoices(this.#card);
  }

  /** @param {HTMLElement} card */
  #showChoices(card) {
    const looking = this.#choice("computer", t("welcome.local"), hinted(t("welcome.local_looking")), () => undefined, "welcome-local");
    looking.disabled = true;
    const choices = h("div", { class: "choices" },
      looking,
      this.#smallChoice(card),
      this.#choice("key", t("welcome.key"), hinted(t("welcome.key_hint")), () => this.#showKey(card), "welcome-key"),
      this.#choice("later", t("welcome.later"), hinted(t("welcome.later_hint")), () => this.#later(), "welcome-later"));
    card.replaceChildren(h("p", { class: "welcome-title", text: t("welcome.title") }), choices);
    this.#watchLocal(card, looking);
    this.#askName(card);
    void this.#offerBorrowed(choices);
    this.#showAll();
  }

  /** @param {HTMLElement} card */
  #smallChoice(card) {
    const small = this.#small;
    const first = small?.files[0];
    if (!small || !first) return null;
    const hint = hinted(t("small.hint", { model: first.name, size: sizeOf(first.size) }));
    return this.#choice("model", t("small.title"), hint, () => {
      this.#step(card, t("small.title"), smallModels(small, (model) => this.#thank(model)));
    }, "welcome-small");
  }

  /**
   * What runs on this computer is a choice; where nothing does, the way to something that could.
   * @param {HTMLElement} card
   * @param {HTMLElement} place of the choice
   */
  #watchLocal(card, place) {
    this.#endWatch();
    let shown = place;
    /** @type {HTMLElement | null} The rows of servers, while none has a model. */
    let empty = null;
    this.#endWatch = watchLocalServers((servers) => {
      const rows = () => {
        const list = this.#localList(servers);
        empty = servers.some((server) => server.models.length) ? null : list;
        return list;
      };
      const step = () => this.#step(card, t("welcome.local"), rows());
      const next = servers.length
        ? this.#choice("computer", t("welcome.local"), hinted(servers.map((server) => server.name).join(", ")), step, "welcome-local")
        : h("a", { class: "choice", href: OLLAMA, target: "_blank", rel: "noopener noreferrer", "data-testid": "welcome-ollama" },
          ...inChoice("computer", t("welcome.ollama"), hinted(t("welcome.ollama_hint"))));
      const hadFocus = document.activeElement === shown;
      shown.replaceWith(next);
      shown = next;
      if (hadFocus) next.focus();
      if (empty?.isConnected) empty.replaceWith(rows());
      else if (next.isConnected) this.#showAll();
    });
  }

  /**
   * What she may call the reader: asked until it is known, or this card is gone.
   * @param {HTMLElement} card
   */
  #askName(card) {
    const { dataset } = document.documentElement;
    if ("named" in dataset) return;
    const asked = h("div", { class: "welcome-name" }, h("p", { class: "welcome-title", text: t("you.question") }), nameField({
      name: "", button: t("you.tell"), onSaved: (name) => {
        dataset.named = "yes";
        asked.remove();
        toast(t("you.hello", { name }));
        this.#composer.focus();
      },
    }));
    card.append(asked);
  }

  /**
   * A key that another program left here: one more choice each, which is a yes.
   * @param {HTMLElement} choices
   */
  async #offerBorrowed(choices) {
    /** @type {CurrentModel} */
    let current;
    try {
      current = await get("api/models/current");
    } catch {
      return;
    }
    choices.prepend(...current.offers.map((offer) => {
      const elsewhere = current.providers.find(({ key }) => key === offer.provider)?.base_url !== offer.base_url;
      const from = offer.variables.join(", ") + (elsewhere ? ` → ${serverOf(offer)}` : "");
      const hint = hinted(t("welcome.borrowed_hint", { from }));
      return this.#choice("key", t("welcome.borrowed", { provider: offer.name }), hint, () => this.#sayYes(offer, hint), "welcome-borrowed");
    }));
    if (choices.isConnected) this.#showAll();
  }

  /**
   * @param {BorrowedKeyOffer} offer
   * @param {HTMLElement} hint
   */
  async #sayYes(offer, hint) {
    try {
      this.#thank(await useBorrowed(offer));
    } catch (error) {
      hint.textContent = sentenceOf(error);
    }
  }

  /**
   * @param {string} sign
   * @param {string} title
   * @param {HTMLElement} hint
   * @param {() => unknown} run
   * @param {string} testId
   */
  #choice(sign, title, hint, run, testId) {
    return h("button", { type: "button", class: "choice", "data-testid": testId, on: { click: run } }, ...inChoice(sign, title, hint));
  }

  /** @param {HTMLElement} card */
  #back(card) {
    return h("button", { type: "button", class: "icon-button is-small", "aria-label": t("welcome.back"), on: { click: () => this.#showChoices(card) } }, icon("back"));
  }

  /**
   * @param {HTMLElement} card
   * @param {string} title
   * @param {HTMLElement} content
   */
  #step(card, title, content) {
    card.replaceChildren(h("div", { class: "welcome-head" }, this.#back(card), h("p", { class: "welcome-title", text: title })), content);
    /** @type {HTMLElement | null} */ (card.querySelector(".model-row button, .tile, input, select"))?.focus();
    this.#show(card);
  }

  /** Greeting and choices where they fit, else from the greeting on; unless the reader has begun to look through them. */
  #showAll() {
    if (this.#log.scrollHeight <= this.#log.clientHeight || !this.#greeting) {
      this.#follow.keep();
    } else if (this.#follow.following) {
      this.#follow.leave();
      this.#log.scrollTop = 0;
    }
  }

  /**
   * All of the card where it fits, else its beginning.
   * @param {HTMLElement} card
   */
  #show(card) {
    if (card.offsetHeight < this.#log.clientHeight) {
      this.#follow.keep();
    } else {
      this.#follow.leave(); // or what comes into the card later would scroll to its end
      card.scrollIntoView({ block: "start" });
    }
  }

  /** @param {LocalServer[]} servers */
  #localList(servers) {
    if (!servers.length) return h("p", { class: "form-note", text: t("model.local_none") });
    return localModels(servers, async (server, model) => {
      await post("api/models/use", { provider: "local", base_url: server.base_url, model });
      this.#thank(model);
    });
  }

  /** @param {HTMLElement} card */
  #showKey(card) {
    void this.#keyForm.use(async (ModelForm) => {
      if (card !== this.#card) return;
      const form = new ModelForm({ builtin: false, onDone: (model) => this.#thank(model) });
      this.#step(card, t("welcome.key"), form.element);
      await form.load();
      if (card === this.#card) this.#show(card);
    });
  }

  /** @param {string} model */
  #thank(model) {
    this.#answered();
    toast(t("welcome.thanks", { model }));
    this.#composer.focus();
  }

  #later() {
    this.#answered();
    toast(t("welcome.later_words"));
    this.#composer.focus();
  }

  #answered() {
    answerFirstQuestion();
    this.#takeAway();
  }

  #takeAway() {
    this.#endWatch();
    this.#card?.remove();
    this.#card = null;
  }
}

/** @param {string} text */
function hinted(text) {
  return h("span", { class: "choice-hint", text });
}

/**
 * @param {string} sign
 * @param {string} title
 * @param {HTMLElement} hint
 */
function inChoice(sign, title, hint) {
  return [h("span", { class: "choice-sign" }, icon(sign)), h("span", { class: "choice-words" }, h("span", { class: "choice-title", text: title }), hint)];
}
