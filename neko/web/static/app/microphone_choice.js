/**
 * Which microphone the reader wants, and how; this browser remembers it.
 *
 * @import { Device, MicrophoneOptions } from "../sound/microphone.js"
 * @typedef {"off" | "browser" | "server"} NoiseReduction
 */
import { post } from "./api.js";
import { recall, remember } from "./preferences.js";

export const LOWEST_GAIN_DB = -5;
export const HIGHEST_GAIN_DB = 25;

/** @returns {MicrophoneOptions} */
export function microphoneChoice() {
  return {
    device: { id: recall("microphone", ""), label: recall("microphoneLabel", "") },
    gain: Math.min(HIGHEST_GAIN_DB, Math.max(LOWEST_GAIN_DB, recall("microphoneGain", 0))),
    noiseSuppression: noiseReduction() === "browser",
  };
}

/** Who takes the noise of the room out. @returns {NoiseReduction} */
export function noiseReduction() {
  const kept = recall("noiseReduction", "off");
  return kept === "browser" || kept === "server" ? kept : "off";
}

/**
 * Listen to this one from now on; without an id, to whatever the system uses.
 * @param {Device} device
 */
export function chooseDevice({ id, label }) {
  remember("microphone", id);
  remember("microphoneLabel", label);
  post("api/characters/set_microphone", { microphone_id: id || null }).catch(() => {}); // this browser knows it
}

/** @param {number} decibels */
export function chooseGain(decibels) {
  remember("microphoneGain", decibels);
}

/** @param {NoiseReduction} how */
export function chooseNoiseReduction(how) {
  remember("noiseReduction", how);
}

/**
 * The chosen device has been found, maybe under another id.
 * @param {Device} device
 */
export function rememberDevice(device) {
  const { device: chosen } = microphoneChoice();
  if (chosen.id && device.id && chosen.id !== device.id) chooseDevice(device);
}
