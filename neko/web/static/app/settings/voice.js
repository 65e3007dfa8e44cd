/** Settings › Voice: what she sounds like. Changes are kept at once. */
import { get, post, postForBytes } from "../api.js";
import { h } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { row, slider } from "./controls.js";

const ENGINES = ["builtin", "openai", "browser", "off"];

export async function voicePage(body, { speech, talk }) {
  const place = h("div", { class: "settings-group" }, h("p", { class: "form-note", text: t("model.loading") }));
  body.append(place);
  let settings;
  try {
    settings = await get("api/speech");
  } catch (error) {
    place.replaceChildren(h("p", { class: "form-note is-bad", text: `${error.message} ${error.remedy}` }));
    return;
  }
  draw(place, { engine: "builtin", voice: "", rate: 1, pitch: 0, ...settings }, { speech, talk });
}

function draw(place, settings, { speech, talk }) {
  const note = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const change = async (changes) => {
    Object.assign(settings, changes);
    note.hidden = true;
    try {
      await post("api/speech", changes);
    } catch (error) {
      fail(note, error);
    }
  };
  const extra = h("div", { class: "form" });
  const tiles = h("div", { class: "tiles", role: "radiogroup", "aria-label": t("voice.engine") }, ENGINES.map((engine) =>
    h("button", {
      type: "button", class: "tile", role: "radio", "aria-checked": String(engine === settings.engine), "data-engine": engine, "data-testid": `voice-${engine}`,
      on: { click: () => choose(engine) },
    }, h("span", { class: "tile-name", text: t(`voice.${engine}`) }), h("span", { class: "tile-note", text: t(`voice.${engine}_hint`) }))));
  const choose = (engine) => {
    for (const tile of tiles.children) tile.setAttribute("aria-checked", String(tile.dataset.engine === engine));
    drawExtra(extra, { ...settings, engine }, change);
    change({ engine });
  };
  drawExtra(extra, settings, change);
  const percent = (value) => `${Math.round(value * 100)} %`;
  place.replaceChildren(
    tiles, extra,
    row(t("voice.rate"), slider({ min: 0.5, max: 1.8, step: 0.05, value: settings.rate, show: percent, onChange: (rate) => change({ rate }), testId: "voice-rate" })),
    row(t("voice.pitch"), slider({ min: -8, max: 8, step: 0.5, value: settings.pitch, show: (value) => (value > 0 ? `+${value}` : `${value}`), onChange: (pitch) => change({ pitch }), testId: "voice-pitch" })),
    row(t("menu.volume"), slider({ min: 0, max: 1, step: 0.05, value: speech.loudness, show: percent, onInput: (volume) => speech.setVolume(volume), testId: "voice-volume" })),
    note,
    h("div", { class: "form-acts" }, h("button", {
      type: "button", class: "button is-main", "data-testid": "voice-sample", text: t("voice.sample"), on: { click: () => sample(settings, speech, talk, note) },
    })));
}

function drawExtra(place, settings, change) {
  const field = (name, label, hint, type = "text") => h("label", { class: "field" },
    h("span", { class: "field-name", text: label }),
    h("input", {
      class: "input", type, spellcheck: "false", autocomplete: "off", value: type === "password" ? "" : (settings[name] ?? ""), placeholder: hint, "data-testid": `voice-${name}`,
      on: { change: (event) => change({ [name]: event.target.value.trim() }) },
    }));
  const parts = {
    openai: [
      field("url", t("model.url"), "http://localhost:8880/v1"),
      field("api_key", t("model.key_optional"), settings.api_key ? t("model.key_saved_placeholder") : "", "password"),
      field("model", t("model.model"), "tts-1"),
      field("voice", t("voice.voice"), "alloy"),
    ],
  }[settings.engine] ?? [];
  place.hidden = !parts.length;
  place.replaceChildren(...parts);
}

async function sample(settings, speech, talk, note) {
  const text = t("voice.sample_text", { name: talk.character });
  note.hidden = true;
  speech.unlock();
  if (settings.engine === "off") {
    toast(t("voice.off_words"));
  } else if (settings.engine === "browser") {
    speech.sample(text, currentLanguage());
  } else {
    try {
      speech.playSample(await postForBytes("api/speech/sample", { text, language: currentLanguage() }));
    } catch (error) {
      if (error.status === 404 || error.status === 405) toast(t("voice.sample_later"));
      else fail(note, error);
    }
  }
}

function fail(note, error) {
  note.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
  note.hidden = false;
}
