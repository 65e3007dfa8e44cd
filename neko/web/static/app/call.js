/**
 * A call: the microphone's sound goes to the server, whatever else is done on the page meanwhile.
 *
 * off → opening (the browser is asked for the microphone) → connecting (the server prepares to listen; sound goes there
 * already, so that no first syllable is lost) → live. A line that is lost makes it `waiting`; once it is back the call is
 * announced again. Every other end is `off`: the device is free, and nothing listens.
 * Where the browser's own recogniser is chosen, words are sent in place of sound, and the server need not prepare.
 * With an open microphone everything is sent; in the mode `push` only what is said while the key is held.
 *
 * @import { Sharing } from "./sharing/sharing.js"
 * @import { Fault } from "../sound/browser_recogniser.js"
 * @import { MicrophoneFault } from "../sound/microphone.js"
 * @import { ClientAction, Mode } from "./wire.js"
 * @typedef {"open" | "push"} TalkMode
 * @typedef {"off" | "opening" | "connecting" | "live" | "waiting"} CallState
 */
import { RATE } from "../sound/downsampler.js";
import { BrowserRecogniser, canRecognise } from "../sound/browser_recogniser.js";
import { Microphone, MicrophoneError, microphones } from "../sound/microphone.js";
import { Awake } from "./awake.js";
import { Emitter } from "./emitter.js";
import { currentLanguage, t } from "./i18n.js";
import { microphoneChoice, noiseReduction, rememberDevice } from "./microphone_choice.js";
import { recall, remember } from "./preferences.js";
import { privacy } from "./privacy.js";

const ANSWER_TIMEOUT_MS = 30_000;
/** A microphone from which nothing comes for so long after the page is in view again is dead. */
const SOUND_IS_BACK_MS = 1500;
/** The last syllable is on its way to the page when the key is let go. */
const LET_GO_AFTER_MS = 150;

/** Does this browser turn speech into words, and not the server? */
export function usesBrowserRecogniser() {
  return recall("recogniser", "neko") === "browser" && canRecognise();
}

/** @param {boolean} on */
export function chooseBrowserRecogniser(on) {
  remember("recogniser", on ? "browser" : "neko");
}

/**
 * Events: `send` an action and `sound` a frame to the server; `change` when something of it looks different; `level` of the
 * microphone, 0…1, with each frame; `words` that were heard; `fault` when there is no sound; `told` with a sentence.
 * @extends {Emitter<{
 *   send: [action: ClientAction], sound: [frame: ArrayBuffer], change: [], level: [level: number],
 *   words: [text: string, isFinal: boolean], fault: [fault: MicrophoneFault | Fault], told: [sentence: string],
 * }>}
 */
export class Call extends Emitter {
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {BrowserRecogniser | null} */
  #recogniser = null;
  #timer = 0;
  #letGo = 0;
  #awake = new Awake();
  /** What is shown in it. @type {Sharing | null} */
  sharing = null;
  /** @type {CallState} */
  state = "off";
  muted = false;
  /** The key to talk is held. */
  held = false;
  /** When it began to be heard, in milliseconds of `performance.now()`; 0 before that. */
  since = 0;

  constructor() {
    super();
    privacy.on("change", (on) => {
      if (on) this.hangUp();
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.#comeBack();
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#devicesChanged());
  }

  /** @type {TalkMode} */
  get mode() {
    return recall("talkMode", "open") === "push" ? "push" : "open";
  }

  /** Is what is said now sent? */
  get isHeard() {
    return (this.state === "connecting" || this.state === "live") && !this.muted && (this.mode === "open" || this.held);
  }

  /** There is a call, or there will be. */
  get isOn() {
    return this.state !== "off";
  }

  /** To be called from a gesture of the reader: the browser may ask whether the microphone may be used. */
  async start() {
    if (this.isOn) return;
    if (privacy.isOn) {
      privacy.tell();
      return;
    }
    this.muted = false;
    this.since = 0;
    if (usesBrowserRecogniser()) {
      this.#recogniser = new BrowserRecogniser({
        onHeard: (id, state, text) => this.emit("send", { action: "neko_heard", utterance_id: id, state, text }),
        onFault: (fault) => {
          this.hangUp();
          this.emit("fault", fault);
        },
      });
      this.#goLive();
      return;
    }
    this.#enter("opening");
    await this.#listen();
    if (this.state === "opening") this.#announce();
  }

  hangUp() {
    if (!this.isOn) return;
    const told = !this.#recogniser && (this.state === "connecting" || this.state === "live");
    this.#end();
    if (told) this.emit("send", { action: "end_session" });
  }

  /**
   * While it is muted no sound leaves the page.
   * @param {boolean} muted
   * @param {{ told?: boolean }} [options] `told`: the server knows it
   */
  setMuted(muted, { told = false } = {}) {
    if (!this.isOn || muted === this.muted) return;
    this.muted = muted;
    if (!told) this.emit("send", { action: "neko_microphone", muted });
    this.#changed();
  }

  /** @param {TalkMode} mode */
  setMode(mode) {
    if (this.held) this.#release();
    remember("talkMode", mode);
    this.#changed();
  }

  /**
   * The key to talk, or its button, is pressed or let go.
   * @param {boolean} held
   */
  hold(held) {
    if (!held) {
      if (this.held && !this.#letGo) this.#letGo = setTimeout(() => this.#release(), LET_GO_AFTER_MS);
      return;
    }
    if (!this.isOn || this.mode !== "push") return;
    clearTimeout(this.#letGo);
    this.#letGo = 0;
    if (this.held) return;
    this.setMuted(false);
    this.held = true;
    this.emit("send", { action: "neko_push_to_talk", held: true });
    this.#changed();
  }

  /** @param {number} decibels */
  setGain(decibels) {
    this.#microphone?.setGain(decibels);
  }

  /** Listen to the microphone that is chosen now, as it is wanted now; the call goes on. */
  async changeMicrophone() {
    if (!this.#microphone || this.state === "opening") return;
    this.#microphone.close();
    this.#tellNoise();
    await this.#listen();
  }

  #tellNoise() {
    this.emit("send", { action: "neko_reduce_noise", on: noiseReduction() === "server" });
  }

  /**
   * What is heard, so far.
   * @param {string} text
   * @param {boolean} isFinal
   */
  heard(text, isFinal) {
    if (this.isOn) this.emit("words", text, isFinal);
  }

  /**
   * The server listens now.
   * @param {Mode} mode
   */
  sessionStarted(mode) {
    if (mode !== "audio" || this.state !== "connecting") return;
    this.#goLive();
  }

  /**
   * The server cannot listen, or does not any more.
   * @param {string} mode
   * @param {string} [sentence] why
   */
  sessionOver(mode, sentence = "") {
    if (mode !== "audio" || !this.isOn || this.state === "opening") return;
    this.#end();
    if (sentence) this.emit("told", sentence);
  }

  /** The line to the server is down: the sound of this while is lost. */
  lineLost() {
    if (this.state === "connecting" || this.state === "live") this.#enter("waiting");
  }

  /** The line is back, and so is the call. */
  lineBack() {
    if (this.state !== "waiting") return;
    if (this.#recogniser) this.#goLive();
    else this.#announce();
  }

  #goLive() {
    this.since ||= performance.now();
    this.#enter("live");
  }

  /** @returns {Promise<void>} when sound comes, or the call is off */
  async #listen() {
    const microphone = new Microphone({
      onFrame: (frame) => this.#take(frame),
      onLevel: (level) => this.emit("level", level),
      onSilence: (silent) => {
        if (silent && !this.muted) this.emit("told", t("microphone.silent"));
      },
      onLost: () => void this.#deviceLost(),
    });
    this.#microphone = microphone;
    try {
      await microphone.open(microphoneChoice());
    } catch (error) {
      if (this.#microphone !== microphone) return; // hung up meanwhile
      this.hangUp();
      this.emit("fault", error instanceof MicrophoneError ? error.fault : "failed");
      return;
    }
    if (microphone.isSubstitute) this.emit("told", t("microphone.substitute", { device: microphone.device.label }));
    else rememberDevice(microphone.device);
  }

  /** After a lock, or a call of the phone: the sound goes on, or the device is asked for anew. */
  async #comeBack() {
    const microphone = this.#microphone;
    if (!microphone || this.state === "opening") return;
    microphone.wake();
    const { frames } = microphone;
    await new Promise((resolve) => { setTimeout(resolve, SOUND_IS_BACK_MS); });
    if (microphone === this.#microphone && microphone.frames === frames && !document.hidden) await this.changeMicrophone();
  }

  /** The microphone that is wanted may have been plugged in. */
  async #devicesChanged() {
    if (!this.#microphone?.isSubstitute || this.state === "opening") return;
    const { device } = microphoneChoice();
    const isBack = (await microphones()).some(({ id, label }) => id === device.id || (label && label === device.label));
    if (!isBack) return;
    await this.changeMicrophone();
    if (this.#microphone && !this.#microphone.isSubstitute) this.emit("told", t("microphone.back", { device: device.label || this.#microphone.device.label }));
  }

  /** Another microphone may be there. */
  async #deviceLost() {
    await this.#listen();
    if (this.isOn) this.emit("told", t("microphone.changed", { device: this.#microphone?.device.label ?? "" }));
  }

  #announce() {
    this.emit("send", {
      action: "start_session", input_type: "audio", audio_format: "pcm16", sample_rate: RATE,
      echo_cancelled: this.#microphone?.echoCancelled ?? false,
    });
    this.emit("send", { action: "neko_microphone", muted: this.muted }); // it may be shut since an earlier call
    this.#tellNoise();
    this.#timer = setTimeout(() => {
      this.hangUp();
      this.emit("told", t("call.no_answer"));
    }, ANSWER_TIMEOUT_MS);
    this.#enter("connecting");
  }

  /** @param {ArrayBuffer} frame */
  #take(frame) {
    if (this.isHeard) this.emit("sound", frame);
  }

  #release() {
    clearTimeout(this.#letGo);
    this.#letGo = 0;
    this.held = false;
    this.emit("send", { action: "neko_push_to_talk", held: false });
    this.#changed();
  }

  #end() {
    clearTimeout(this.#letGo);
    this.#letGo = 0;
    this.held = false;
    this.#microphone?.close();
    this.#microphone = null;
    this.#recogniser?.close();
    this.#recogniser = null;
    this.#enter("off");
  }

  /** @param {CallState} state */
  #enter(state) {
    if (state !== "connecting") clearTimeout(this.#timer);
    this.state = state;
    this.#awake.set(this.isOn);
    this.#changed();
  }

  #changed() {
    if (this.isHeard) this.#recogniser?.start(currentLanguage());
    else this.#recogniser?.stop();
    this.emit("change");
  }
}
