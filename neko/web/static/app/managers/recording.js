/**
 * A recording that a voice can be made of: from the microphone or a file, as WAV of one channel at 24 kHz.
 *
 * @typedef {{ wav: Blob, seconds: number, loudest: number }} Recording `loudest`: of its samples, 0…1
 */
import { microphoneChoice } from "../microphone_choice.js";

const RATE = 24_000;
export const LONGEST_S = 60;
const LEVEL_MS = 60;
const HEADER = 44;

/** What the microphone hears, until it is stopped. */
export class Recorder {
  #stream;
  #recorder;
  #context = new AudioContext();
  /** @type {Blob[]} */
  #pieces = [];
  #timer = 0;

  /** @param {MediaStream} stream */
  constructor(stream) {
    this.#stream = stream;
    this.#recorder = new MediaRecorder(stream);
    this.#recorder.addEventListener("dataavailable", ({ data }) => { this.#pieces.push(data); });
  }

  /**
   * Ask for the microphone and begin, without what a call does to the sound. Rejects with a DOMException.
   * @param {(level: number) => void} onLevel 0…1
   */
  static async start(onLevel) {
    const { id } = microphoneChoice().device;
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { ...(id && { deviceId: id }), channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true },
    });
    const recorder = new Recorder(stream);
    recorder.#recorder.start();
    recorder.#watch(onLevel);
    return recorder;
  }

  /** @param {(level: number) => void} onLevel */
  #watch(onLevel) {
    const analyser = new AnalyserNode(this.#context, { fftSize: 2048 });
    this.#context.createMediaStreamSource(this.#stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      onLevel(Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
    }, LEVEL_MS);
  }

  /** @returns {Promise<Recording>} Rejects with a DOMException when it cannot be read. */
  async stop() {
    const over = new Promise((done) => { this.#recorder.addEventListener("stop", done, { once: true }); });
    this.#recorder.stop();
    await over;
    this.close();
    return recordingOf(new Blob(this.#pieces, { type: this.#recorder.mimeType }));
  }

  close() {
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close().catch(() => {});
  }
}

/**
 * The sound of a file of any kind that this browser plays; no more than its first minute. Rejects with a DOMException.
 * @param {Blob} file
 * @returns {Promise<Recording>}
 */
export async function recordingOf(file) {
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
  const length = Math.min(sound.length, LONGEST_S * RATE);
  const samples = new Float32Array(length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const data = sound.getChannelData(channel);
    for (let at = 0; at < length; at += 1) samples[at] = (samples[at] ?? 0) + (data[at] ?? 0) / sound.numberOfChannels;
  }
  return { wav: wavOf(samples), seconds: length / RATE, loudest: samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) };
}

/**
 * PCM16 in a WAV file (http://soundfile.sapp.org/doc/WaveFormat/).
 * @param {Float32Array} samples
 */
function wavOf(samples) {
  const view = new DataView(new ArrayBuffer(HEADER + samples.length * 2));
  const text = (/** @type {number} */ at, /** @type {string} */ words) => [...words].forEach((letter, offset) => view.setUint8(at + offset, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER - 8 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, at) => view.setInt16(HEADER + at * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true));
  return new Blob([view], { type: "audio/wav" });
}
