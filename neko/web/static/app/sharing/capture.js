/**
 * The screen, a window or a camera, and pictures of it.
 *
 * @import { ShareSource } from "../wire.js"
 * @typedef {"insecure" | "unsupported" | "none" | "denied" | "busy" | "failed"} CaptureFault Why there is nothing to see.
 * @typedef {"user" | "environment"} Facing
 */
import { fitted, jpegNow, jpegSoon } from "./jpeg.js";

const SCREEN = { frameRate: { ideal: 5, max: 15 }, width: { max: 2560 }, height: { max: 1600 } };
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 15 } };
const FIRST_PICTURE_MS = 5000;
/** Width and height of what two pictures are compared by. */
const GRID = { width: 32, height: 18 };
/** Of 255: more than the noise of a camera, less than a letter that appears. */
const DIFFERENCE = 14;
/** Places that have to differ: a blinking cursor is one or two. */
const PLACES = 4;

export class CaptureError extends Error {
  /** @param {CaptureFault} fault */
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

/** Can this browser show a screen at all? A phone cannot. */
export function canShareScreen() {
  return "getDisplayMedia" in (navigator.mediaDevices ?? {});
}

export function canUseCamera() {
  return "getUserMedia" in (navigator.mediaDevices ?? {});
}

export class Capture {
  #stream;
  #video = document.createElement("video");
  /** @type {Uint8ClampedArray | null} What was sent last, small. */
  #sent = null;
  /** @type {Uint8ClampedArray | null} What was drawn last. */
  #drawn = null;

  /**
   * @param {MediaStream} stream
   * @param {() => void} onEnded the browser, or its user, has taken it away
   */
  constructor(stream, onEnded) {
    this.#stream = stream;
    this.#track.addEventListener("ended", onEnded);
  }

  get stream() {
    return this.#stream;
  }

  get #track() {
    const [track] = this.#stream.getVideoTracks();
    if (!track) throw new CaptureError("none");
    return track;
  }

  /** Which camera it is, where the browser knows. @returns {Facing | ""} */
  get facing() {
    const { facingMode } = this.#track.getSettings();
    return facingMode === "user" || facingMode === "environment" ? facingMode : "";
  }

  get deviceId() {
    return this.#track.getSettings().deviceId ?? "";
  }

  /** Resolves once there is something to see. Rejects with a CaptureError. */
  async begin() {
    const video = this.#video;
    video.muted = true;
    video.playsInline = true;
    video.srcObject = this.#stream;
    const seen = new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      setTimeout(() => reject(new CaptureError("busy")), FIRST_PICTURE_MS);
    });
    video.play().catch(() => {}); // a picture is decoded without it
    await seen;
  }

  /** Is there anything else to see than in the picture that was sent last? */
  get hasChanged() {
    const small = fitted(this.#video, GRID, true).getContext("2d", { willReadFrequently: true })?.getImageData(0, 0, GRID.width, GRID.height).data;
    this.#drawn = small ?? null;
    const sent = this.#sent;
    if (!small || !sent) return true;
    let places = 0;
    for (let at = 0; at < small.length; at += 4) {
      const difference = Math.max(Math.abs((small[at] ?? 0) - (sent[at] ?? 0)), Math.abs((small[at + 1] ?? 0) - (sent[at + 1] ?? 0)), Math.abs((small[at + 2] ?? 0) - (sent[at + 2] ?? 0)));
      if (difference > DIFFERENCE) places += 1;
    }
    return places >= PLACES;
  }

  /** The picture of this moment is the one that was sent. */
  markSent() {
    this.#sent = this.#drawn;
  }

  /** A picture as a `data:` address, without keeping the page up. */
  picture() {
    return jpegSoon(this.#video);
  }

  /** The same at once, for words that are about to go. */
  pictureNow() {
    return jpegNow(this.#video);
  }

  /** The device is free again. */
  close() {
    for (const track of this.#stream.getTracks()) track.stop();
    this.#video.srcObject = null;
  }
}

/**
 * Ask for the screen, or a window or tab of it. To be called from a gesture of the reader. Rejects with a CaptureError.
 * @returns {Promise<MediaStream>}
 */
export async function askForScreen() {
  if (!window.isSecureContext) throw new CaptureError("insecure");
  if (!canShareScreen()) throw new CaptureError("unsupported");
  try {
    // What a browser does not know of these it passes over.
    const how = { video: SCREEN, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include", ...stayHere() };
    return await navigator.mediaDevices.getDisplayMedia(how);
  } catch (error) {
    throw new CaptureError(faultOf(error));
  }
}

/** The reader stays with her when a window is shown, where a browser can do that. */
function stayHere() {
  if (!("CaptureController" in window)) return {};
  const Controller = /** @type {new () => { setFocusBehavior(how: string): void }} */ (window.CaptureController);
  const controller = new Controller();
  controller.setFocusBehavior("no-focus-change");
  return { controller };
}

/**
 * Ask for a camera. Rejects with a CaptureError.
 * @param {{ facing?: Facing, deviceId?: string }} [which]
 */
export async function askForCamera({ facing = "user", deviceId = "" } = {}) {
  if (!window.isSecureContext) throw new CaptureError("insecure");
  if (!canUseCamera()) throw new CaptureError("unsupported");
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: facing } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, ...which } });
  } catch (error) {
    throw new CaptureError(faultOf(error));
  }
}

/** @returns {Promise<string[]>} the ids of all cameras */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind }) => kind === "videoinput").map(({ deviceId }) => deviceId);
}

/**
 * One picture of the screen, and no more. To be called from a gesture of the reader. Rejects with a CaptureError.
 * @param {ShareSource} [source]
 */
export async function onePicture(source = "screen") {
  const capture = new Capture(await (source === "screen" ? askForScreen() : askForCamera()), () => {});
  try {
    await capture.begin();
    return capture.pictureNow();
  } finally {
    capture.close();
  }
}

/**
 * @param {unknown} error
 * @returns {CaptureFault}
 */
function faultOf(error) {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError": case "SecurityError": case "AbortError": return "denied";
    case "NotFoundError": case "OverconstrainedError": return "none";
    case "NotReadableError": return "busy";
    case "TypeError": return "unsupported";
    default: return "failed";
  }
}
