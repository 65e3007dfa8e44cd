/**
 * Settings › Microphone: which one, how loud, how a call listens, and a test over the same path as a call.
 *
 * @import { Device } from "../../sound/microphone.js"
 * @import { Call, TalkMode } from "../call.js"
 * @import { PageParts } from "./dialog.js"
 */
import { canRecognise } from "../../sound/browser_recogniser.js";
import { RATE } from "../../sound/downsampler.js";
import { Microphone, MicrophoneError, microphones } from "../../sound/microphone.js";
import { chooseBrowserRecogniser, usesBrowserRecogniser } from "../call.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { chooseDevice, chooseGain, chooseNoiseSuppression, HIGHEST_GAIN_DB, LOWEST_GAIN_DB, microphoneChoice } from "../microphone_choice.js";
import { row, select, slider, toggle } from "./controls.js";

const TEST_FRAMES = 150;
/** Root mean square of the loudest frame: below it speech is hard to make out, above it is likely clipped. */
const TOO_QUIET = 0.02;
const TOO_LOUD = 0.6;

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export function microphonePage(body, { call }) {
  const device = h("div", { class: "field-control" });
  const drawDevices = async () => device.replaceChildren(await deviceSelect(call));
  void drawDevices();
  body.append(h("div", { class: "settings-group" },
    row(t("microphone.mode"), modeSelect(call)),
    canRecognise() && row(t("microphone.recogniser"), toggle(usesBrowserRecogniser(), (on) => {
      chooseBrowserRecogniser(on);
      call.hangUp();
    }, "microphone-recogniser"), t("microphone.recogniser_hint")),
    row(t("microphone.device"), device),
    row(t("microphone.gain"), slider({
      min: LOWEST_GAIN_DB, max: HIGHEST_GAIN_DB, step: 1, value: microphoneChoice().gain, show: (value) => `${value > 0 ? "+" : ""}${value} dB`,
      onInput: (gain) => call.setGain(gain), onChange: chooseGain, testId: "microphone-gain",
    })),
    row(t("microphone.noise"), toggle(microphoneChoice().noiseSuppression, (on) => {
      chooseNoiseSuppression(on);
      void call.changeMicrophone();
    }, "microphone-noise"), t("microphone.noise_hint")),
    test(() => void drawDevices())));
}

/** @param {Call} call */
function modeSelect(call) {
  /** @type {[TalkMode, string][]} */
  const modes = [["open", t("microphone.mode_open")], ["push", t("microphone.mode_push")]];
  return select(modes, call.mode, (mode) => call.setMode(mode === "push" ? "push" : "open"), "microphone-mode");
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

/**
 * Say something for three seconds, see how loud it is, and hear it again.
 * @param {() => void} onAllowed the names of the devices may be known now
 */
function test(onAllowed) {
  const meter = h("meter", { class: "microphone-meter", min: "0", max: "1", low: String(TOO_QUIET), value: "0", "aria-label": t("call.level"), "data-testid": "microphone-level" });
  const note = h("p", { class: "form-note", role: "status", "data-testid": "microphone-note", text: t("microphone.test_hint") });
  const button = h("button", { type: "button", class: "button is-main", "data-testid": "microphone-test", text: t("microphone.test") });
  const run = async () => {
    button.disabled = true;
    note.className = "form-note";
    note.textContent = t("microphone.speak_now");
    try {
      const { frames, loudest } = await record((level) => { meter.value = level; }, onAllowed);
      const how = loudest === 0 ? "silent" : loudest < TOO_QUIET ? "quiet" : loudest > TOO_LOUD ? "loud" : "good";
      note.textContent = t(how === "silent" ? "microphone.silent" : `microphone.heard_${how}`);
      note.classList.add(how === "good" ? "is-good" : "is-bad");
      if (loudest > 0) await play(frames);
    } catch (error) {
      const fault = error instanceof MicrophoneError ? error.fault : "failed";
      note.textContent = `${t(`microphone.faults.${fault}.message`)} ${t(`microphone.faults.${fault}.remedy`)}`;
      note.classList.add("is-bad");
    }
    meter.value = 0;
    button.disabled = false;
  };
  button.addEventListener("click", () => void run());
  return h("div", { class: "form microphone-test" }, meter, note, h("div", { class: "form-acts" }, button));
}

/**
 * What the microphone hears in the next three seconds. Rejects with a MicrophoneError.
 * @param {(level: number) => void} onLevel
 * @param {() => void} onOpen
 * @returns {Promise<{ frames: ArrayBuffer[], loudest: number }>}
 */
async function record(onLevel, onOpen) {
  /** @type {ArrayBuffer[]} */
  const frames = [];
  let loudest = 0;
  /** @type {PromiseWithResolvers<void>} */
  const { promise, resolve, reject } = Promise.withResolvers();
  const microphone = new Microphone({
    onFrame: (frame) => {
      frames.push(frame);
      if (frames.length >= TEST_FRAMES) resolve();
    },
    onLevel: (level) => {
      loudest = Math.max(loudest, level);
      onLevel(level);
    },
    onLost: (fault) => reject(new MicrophoneError(fault)),
  });
  try {
    await microphone.open(microphoneChoice());
    onOpen();
    await promise;
  } finally {
    microphone.close();
  }
  return { frames: frames.slice(0, TEST_FRAMES), loudest };
}

/**
 * Resolves when all of it was heard.
 * @param {ArrayBuffer[]} frames
 */
async function play(frames) {
  const samples = frames.flatMap((frame) => [...new Int16Array(frame)].map((sample) => sample / 32768));
  const context = new AudioContext();
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE, numberOfChannels: 1 });
  buffer.copyToChannel(Float32Array.from(samples), 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  await new Promise((resolve) => {
    source.addEventListener("ended", resolve);
    source.start();
  });
  await context.close();
}
