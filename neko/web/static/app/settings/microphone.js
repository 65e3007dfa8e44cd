/**
 * Settings › Microphone: which one, how loud, how a call listens, and a test over the same path as a call.
 *
 * @import { Device } from "../../sound/microphone.js"
 * @import { Call, TalkMode } from "../call.js"
 * @import { NoiseReduction } from "../microphone_choice.js"
 * @import { PageParts } from "./dialog.js"
 */
import { microphones } from "../../sound/microphone.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { chooseDevice, chooseGain, chooseNoiseReduction, HIGHEST_GAIN_DB, LOWEST_GAIN_DB, microphoneChoice, noiseReduction } from "../microphone_choice.js";
import { row, select, slider } from "./controls.js";
import { MicrophoneTest } from "./microphone_test.js";

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export function microphonePage(body, { call }) {
  const device = h("div", { class: "field-control" });
  const drawDevices = async () => device.replaceChildren(await deviceSelect(call));
  void drawDevices();
  const listen = new AbortController();
  navigator.mediaDevices?.addEventListener("devicechange", () => {
    if (device.isConnected) void drawDevices();
    else listen.abort();
  }, { signal: listen.signal });
  const noise = h("div", { class: "field-control" });
  const drawNoise = (/** @type {boolean} */ canServer) => noise.replaceChildren(noiseSelect(call, canServer));
  drawNoise(noiseReduction() === "server");
  body.append(h("div", { class: "settings-group" },
    row(t("microphone.mode"), modeSelect(call)),
    row(t("microphone.device"), device),
    row(t("microphone.gain"), slider({
      min: LOWEST_GAIN_DB, max: HIGHEST_GAIN_DB, step: 1, value: microphoneChoice().gain, show: (value) => `${value > 0 ? "+" : ""}${value} dB`,
      onInput: (gain) => call.setGain(gain), onChange: chooseGain, testId: "microphone-gain",
    })),
    row(t("microphone.noise"), noise, t("microphone.noise_hint")),
    new MicrophoneTest(() => void drawDevices(), (now) => drawNoise(now.reduces_noise)).element));
}

/** @param {Call} call */
function modeSelect(call) {
  /** @type {[TalkMode, string][]} */
  const modes = [["open", t("microphone.mode_open")], ["push", t("microphone.mode_push")]];
  return select(modes, call.mode, (mode) => call.setMode(mode === "push" ? "push" : "open"), "microphone-mode");
}

/**
 * @param {Call} call
 * @param {boolean} canServer what does it there is installed
 */
function noiseSelect(call, canServer) {
  /** @type {NoiseReduction[]} */
  const ways = ["off", "browser", ...(canServer ? /** @type {const} */ (["server"]) : [])];
  const options = ways.map((way) => /** @type {[string, string]} */ ([way, t(`microphone.noise_${way}`)]));
  return select(options, noiseReduction(), (way) => {
    chooseNoiseReduction(/** @type {NoiseReduction} */ (way));
    void call.changeMicrophone();
  }, "microphone-noise");
}

/** @param {Call} call */
async function deviceSelect(call) {
  const chosen = microphoneChoice().device;
  const there = await microphones();
  const isThere = !chosen.id || there.some(({ id }) => id === chosen.id);
  /** @type {Device[]} */
  const devices = [{ id: "", label: t("microphone.usual") }, ...there.filter(({ id }) => id !== "default" && id !== "communications")];
  if (!isThere) devices.push({ id: chosen.id, label: t("microphone.away", { device: chosen.label }) });
  const options = devices.map(({ id, label }, at) => /** @type {[string, string]} */ ([id, label || t("microphone.number", { number: at })]));
  return select(options, chosen.id, (id) => {
    chooseDevice({ id, label: there.find((one) => one.id === id)?.label ?? "" });
    void call.changeMicrophone();
  }, "microphone-device");
}
