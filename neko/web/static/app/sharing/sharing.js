/**
 * Screen or camera, shown live during a call.
 *
 * off → asking (the browser asks the reader) → on. It ends with the call, by its button, by the browser's own "stop
 * sharing", with the privacy switch and, a camera on a phone, when the page is left. While the reader speaks a picture
 * goes every 1.5 s, otherwise every 7.5 s if there is something new to see; one goes at once when they begin to speak,
 * and with words that they type.
 *
 * @import { CaptureFault } from "./capture.js"
 * @import { ClientAction, ShareSource } from "../wire.js"
 * @typedef {"off" | "asking" | "on"} SharingState
 * @typedef {"reader" | "browser" | "call" | "hidden" | "private"} EndedBy
 */
import { Emitter } from "../emitter.js";
import { privacy } from "../privacy.js";
import { askForCamera, askForScreen, cameras, Capture, CaptureError } from "./capture.js";

const GAP_MS = 1500;
const IDLE_GAP_MS = 5 * GAP_MS;
const isPhone = matchMedia("(pointer: coarse)");

/**
 * Events: `send` an action to the server; `change` when something of it looks different; `ended` and by whom; `fault`
 * when there is nothing to share.
 * @extends {Emitter<{ send: [action: ClientAction], change: [], ended: [source: ShareSource, by: EndedBy], fault: [source: ShareSource, fault: CaptureFault] }>}
 */
export class Sharing extends Emitter {
  /** @type {Capture | null} */
  #capture = null;
  #timer = 0;
  #lastSent = -Infinity;
  #isActive = false;
  #isSending = false;
  /** Which try it is: one that was given up may still be answered by the browser. */
  #tries = 0;
  /** @type {SharingState} */
  state = "off";
  /** What is, or is to be, shared. @type {ShareSource} */
  source = "screen";
  /** Is there another camera to change to? */
  hasOther = false;
  /** Can the model of this call see it, as far as is known? */
  isSeen = true;
  /** May a picture go just now? */
  #hasRoom;

  /** @param {() => boolean} hasRoom is the line to the server free? */
  constructor(hasRoom) {
    super();
    this.#hasRoom = hasRoom;
    privacy.on("change", (on) => {
      if (on) this.stop("private");
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && isPhone.matches && this.source === "camera") this.stop("hidden");
    });
  }

  get isOn() {
    return this.state === "on";
  }

  /** What is shown, for the reader to see it too. */
  get stream() {
    return this.#capture?.stream ?? null;
  }

  /**
   * To be called from a gesture of the reader. One thing is shared at a time: another takes its place.
   * @param {ShareSource} source
   */
  async start(source) {
    if (privacy.isOn) {
      privacy.tell();
      return;
    }
    if (this.state === "asking") return;
    this.stop("reader");
    await this.#open(source, () => (source === "screen" ? askForScreen() : askForCamera()));
  }

  /** Change to the other camera: of a phone front and back, elsewhere the next one. */
  async flip() {
    const capture = this.#capture;
    if (!capture || this.source !== "camera") return;
    const { facing, deviceId } = capture;
    const ids = await cameras();
    const next = ids[(ids.indexOf(deviceId) + 1) % ids.length] ?? "";
    capture.close(); // a phone gives one at a time
    await this.#open("camera", () => askForCamera(facing ? { facing: facing === "user" ? "environment" : "user" } : { deviceId: next }));
  }

  /** @param {EndedBy} by */
  stop(by) {
    this.#tries += 1;
    if (this.state === "off") return;
    const wasOn = this.isOn;
    clearTimeout(this.#timer);
    this.#capture?.close();
    this.#capture = null;
    this.state = "off";
    if (wasOn) this.emit("send", { action: "neko_sharing", source: null });
    this.emit("change");
    if (wasOn) this.emit("ended", this.source, by);
  }

  /**
   * The reader speaks now, or has ended.
   * @param {boolean} active
   */
  setActive(active) {
    if (active === this.#isActive) return;
    this.#isActive = active;
    if (this.isOn) this.#wait();
  }

  /** @param {boolean} seen */
  setSeen(seen) {
    if (seen === this.isSeen) return;
    this.isSeen = seen;
    this.emit("change");
  }

  /** The line is back: the server knows nothing of it any more. */
  announce() {
    if (!this.isOn) return;
    this.emit("send", { action: "neko_sharing", source: this.source });
    this.#lastSent = -Infinity;
    this.#wait();
  }

  /** Words are about to go: what is seen while they are said goes first. */
  sendNow() {
    if (!this.isOn || !this.#capture || !this.#hasRoom() || !this.#capture.hasChanged) return;
    this.#sent(this.#capture, this.#capture.pictureNow());
  }

  /** A picture of this moment as a `data:` address; null when nothing is shared. */
  picture() {
    return this.#capture?.pictureNow() ?? null;
  }

  /**
   * @param {ShareSource} source
   * @param {() => Promise<MediaStream>} ask
   */
  async #open(source, ask) {
    const tries = ++this.#tries;
    const goesOn = this.isOn;
    this.source = source;
    this.state = "asking";
    this.emit("change");
    /** @type {Capture | null} */
    let capture = null;
    try {
      const opened = new Capture(await ask(), () => {
        if (this.#capture === opened) this.stop("browser");
      });
      capture = opened;
      await opened.begin();
      if (source === "camera") this.hasOther = (await cameras()).length > 1;
    } catch (error) {
      capture?.close();
      if (tries !== this.#tries) return;
      this.state = goesOn ? "on" : "off";
      if (goesOn) this.stop("browser");
      else this.emit("change");
      this.emit("fault", source, error instanceof CaptureError ? error.fault : "failed");
      return;
    }
    if (tries !== this.#tries) { // stopped meanwhile
      capture.close();
      return;
    }
    this.#capture = capture;
    this.isSeen = true; // else the server says so again
    this.state = "on";
    this.emit("change");
    this.announce();
  }

  #wait() {
    clearTimeout(this.#timer);
    const due = this.#lastSent + (this.#isActive ? GAP_MS : IDLE_GAP_MS);
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, due - performance.now()));
  }

  async #look() {
    const capture = this.#capture;
    if (!capture || !this.isOn || this.#isSending) return;
    if (!this.#hasRoom() || !(capture.hasChanged || this.#isActive)) {
      this.#timer = setTimeout(() => void this.#look(), GAP_MS);
      return;
    }
    this.#isSending = true;
    try {
      const data = await capture.picture();
      if (capture === this.#capture) this.#sent(capture, data);
    } catch (error) {
      console.warn("a picture was not sent", error);
      this.#lastSent = performance.now();
    } finally {
      this.#isSending = false;
    }
    if (this.isOn) this.#wait();
  }

  /**
   * @param {Capture} capture
   * @param {string} data
   */
  #sent(capture, data) {
    this.emit("send", { action: "stream_data", input_type: this.source, data, neko_kind: "live" });
    capture.markSent();
    this.#lastSent = performance.now();
  }
}
