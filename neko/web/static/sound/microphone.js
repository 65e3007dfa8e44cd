/**
 * The microphone of this device, as frames of 20 ms of 16 kHz mono PCM16.
 *
 * The browser takes her voice out of it (echo cancellation) and levels it; removing noise is a choice. The device that was
 * chosen is found again by its id, or by its name where a browser has given it another id.
 *
 * @typedef {"insecure" | "unsupported" | "none" | "denied" | "busy" | "gone" | "private" | "failed"} MicrophoneFault Why there is no sound;
 *   `gone`: it was taken away while it was listened to; `private`: the reader wants not to be heard (`data-private` of the page).
 * @typedef {{ id: string, label: string }} Device An empty id: whatever the system uses.
 * @typedef {object} MicrophoneOptions
 * @property {Device} device
 * @property {number} gain in dB
 * @property {boolean} noiseSuppression
 * @typedef {object} MicrophoneHandlers
 * @property {(frame: ArrayBuffer) => void} onFrame every 20 ms; the frame is the receiver's own
 * @property {(level: number) => void} [onLevel] with each frame: its root mean square, 0…1
 * @property {(silent: boolean) => void} [onSilence] nothing but zeros for a while; and when there is sound again
 * @property {(fault: MicrophoneFault) => void} [onLost] the device has ended
 */

const WORKLET = new URL("./capture_worklet.js", import.meta.url).href;
const SILENCE_FRAMES = 250;

export class MicrophoneError extends Error {
  /** @param {MicrophoneFault} fault */
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

export class Microphone {
  /** @type {Required<MicrophoneHandlers>} */
  #handlers;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #worklet = null;
  /** @type {GainNode | null} */
  #gain = null;
  /** @type {Device} The one that is listened to. */
  device = { id: "", label: "" };
  /** The one that was wanted is not there, so the usual one is listened to. */
  isSubstitute = false;
  /** Does the browser take out what it plays itself? */
  echoCancelled = false;
  /** How many came so far. */
  frames = 0;
  #zeros = 0;
  #closed = false;

  /** @param {MicrophoneHandlers} handlers */
  constructor({ onFrame, onLevel = () => {}, onSilence = () => {}, onLost = () => {} }) {
    this.#handlers = { onFrame, onLevel, onSilence, onLost };
  }

  /**
   * Ask for the microphone and begin to listen. Rejects with a MicrophoneError.
   * @param {MicrophoneOptions} options
   */
  async open(options) {
    const stream = await this.#ask(options);
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    if (this.#closed || !track) {
      this.close();
      throw new MicrophoneError(track ? "gone" : "none");
    }
    const settings = track.getSettings();
    this.device = { id: settings.deviceId ?? "", label: track.label };
    this.echoCancelled = Boolean(settings.echoCancellation);
    track.addEventListener("ended", () => this.#lost(track));
    try {
      await this.#listen(stream, options.gain);
    } catch {
      this.close();
      throw new MicrophoneError("failed");
    }
    if (this.#closed) throw new MicrophoneError("gone");
  }

  /** @param {number} decibels */
  setGain(decibels) {
    if (this.#gain && this.#context) this.#gain.gain.setTargetAtTime(factor(decibels), this.#context.currentTime, 0.02);
  }

  /** Go on after the system has taken the sound away for a while: a phone that rang, a screen that was locked. */
  wake() {
    if (this.#context && this.#context.state !== "running") this.#context.resume().catch(() => {});
  }

  /** Stop listening; the device is free again. */
  close() {
    this.#closed = true;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    if (this.#worklet) {
      this.#worklet.port.onmessage = null;
      this.#worklet.port.close();
      this.#worklet.disconnect();
    }
    this.#worklet = null;
    this.#gain = null;
    if (this.#context?.state !== "closed") void this.#context?.close().catch(() => {});
    this.#context = null;
  }

  /** @param {MicrophoneOptions} options */
  async #ask({ device, noiseSuppression }) {
    if (document.documentElement.hasAttribute("data-private")) throw new MicrophoneError("private");
    if (!window.isSecureContext) throw new MicrophoneError("insecure");
    if (!navigator.mediaDevices?.getUserMedia || typeof AudioWorkletNode !== "function") throw new MicrophoneError("unsupported");
    /** @type {MediaTrackConstraints} */
    const wanted = { channelCount: { ideal: 1 }, echoCancellation: true, autoGainControl: true, noiseSuppression };
    const ids = device.id ? await this.#idsOf(device) : [];
    for (const id of ids) {
      try {
        return await navigator.mediaDevices.getUserMedia({ audio: { ...wanted, deviceId: { exact: id } } });
      } catch (error) {
        if (!isMissing(error)) throw new MicrophoneError(faultOf(error));
      }
    }
    this.isSubstitute = device.id !== "";
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      throw new MicrophoneError(faultOf(error));
    }
  }

  /**
   * The ids that this device may have: the one that is known, and that of a device with its name.
   * @param {Device} device
   */
  async #idsOf({ id, label }) {
    const named = label ? (await microphones()).filter((one) => one.label === label) : [];
    return [...new Set([id, ...named.map((one) => one.id)])];
  }

  /**
   * @param {MediaStream} stream
   * @param {number} gain
   */
  async #listen(stream, gain) {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    await context.audioWorklet.addModule(WORKLET);
    if (this.#closed) return;
    this.#gain = new GainNode(context, { gain: factor(gain) });
    this.#worklet = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
    this.#worklet.port.onmessage = (/** @type {MessageEvent<ArrayBuffer>} */ { data }) => this.#take(data);
    context.createMediaStreamSource(stream).connect(this.#gain).connect(this.#worklet);
    this.#worklet.connect(context.destination); // it gives silence; some browsers run only what leads to the loudspeaker
    context.addEventListener("statechange", () => {
      if (!document.hidden) this.wake();
    });
    await context.resume();
  }

  /** @param {ArrayBuffer} frame */
  #take(frame) {
    this.frames += 1;
    const level = levelOf(frame);
    this.#handlers.onLevel(level);
    this.#handlers.onFrame(frame);
    if (level > 0) {
      if (this.#zeros >= SILENCE_FRAMES) this.#handlers.onSilence(false);
      this.#zeros = 0;
      return;
    }
    this.#zeros += 1;
    if (this.#zeros === SILENCE_FRAMES) this.#handlers.onSilence(true);
  }

  /** @param {MediaStreamTrack} track */
  #lost(track) {
    if (this.#closed || !this.#stream?.getTracks().includes(track)) return;
    this.close();
    this.#handlers.onLost("gone");
  }
}

/** The microphones of this device. Browsers tell their names only once one of them may be used. */
export async function microphones() {
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId).map(({ deviceId: id, label }) => ({ id, label }));
}

/** @param {ArrayBuffer} frame */
export function levelOf(frame) {
  const samples = new Int16Array(frame);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length) / 32768;
}

/** @param {number} decibels */
function factor(decibels) {
  return 10 ** (decibels / 20);
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof DOMException && (error.name === "OverconstrainedError" || error.name === "NotFoundError");
}

/**
 * What getUserMedia's refusal means, by the names of the Media Capture specification.
 * @param {unknown} error
 * @returns {MicrophoneFault}
 */
function faultOf(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "none";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}
