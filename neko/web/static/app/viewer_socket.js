/**
 * A line to one of the sockets of viewers, which only listens and comes back by itself.
 *
 * @typedef {{ type: "gemini_response", text: string, isNewMessage: boolean }} ReplyFrame
 * @typedef {{ type: "emotion", emotion: string, confidence: number }} EmotionFrame
 * @typedef {{ type: "neko_state", state: string }} StateFrame
 * @typedef {{ type: "turn end" | "user_activity" | "neko_interrupted" | "response_discarded" | "heartbeat" }} PlainFrame
 * @typedef {ReplyFrame | EmotionFrame | StateFrame | PlainFrame} TalkFrame
 */
import { retryDelay } from "./socket.js";

/** The server says something every ten seconds. */
const LONGEST_SILENCE_MS = 30_000;

export class ViewerSocket {
  #path;
  #onData;
  #attempt = 0;
  #timer = 0;

  /**
   * @param {string} path
   * @param {(data: string | ArrayBuffer) => void} onData
   */
  constructor(path, onData) {
    this.#path = path;
    this.#onData = onData;
    this.#connect();
  }

  #connect() {
    const url = new URL(this.#path, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const isAlive = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => socket.close(), LONGEST_SILENCE_MS);
    };
    isAlive();
    socket.onmessage = (/** @type {MessageEvent<string | ArrayBuffer>} */ event) => {
      this.#attempt = 0;
      isAlive();
      this.#onData(event.data);
    };
    socket.onclose = () => {
      clearTimeout(this.#timer);
      setTimeout(() => this.#connect(), retryDelay(this.#attempt));
      this.#attempt += 1;
    };
  }
}
