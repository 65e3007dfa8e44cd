/**
 * The line to the server: one WebSocket that comes back by itself.
 *
 * States: connecting, online (a frame has arrived or the socket is open), waiting (between two
 * attempts), taken (another tab has this character; `connect()` tries again, or that tab is closed), closed.
 *
 * @import { ClientAction, ServerEvent } from "./wire.js"
 *
 * @typedef {"connecting" | "online" | "waiting" | "taken" | "closed"} LinkState
 * @typedef {object} SocketHandlers
 * @property {() => void} onOpen
 * @property {(event: ServerEvent) => void} onEvent
 * @property {(pcm: ArrayBuffer) => void} onBinary
 * @property {(state: LinkState) => void} onState
 */
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const OPEN_TIMEOUT_MS = 10_000;
/** A browser lets a page wait longer for each WebSocket after many that failed; it does not for plain requests. */
const LOOK_EVERY_MS = 1500;
const PING_EVERY_MS = 30_000;
const PONG_TIMEOUT_MS = 10_000;
/** Bytes that wait for the network: some four seconds of a microphone. */
const MOST_UNSENT = 128 * 1024;
/** Close code: another tab has this character. The server sends it only to a client that names it in the address. */
export const TAKEN_OVER = 4001;

/**
 * Milliseconds before attempt `n` (0 is the first retry): exponential, the upper half random.
 * @param {number} attempt
 * @param {() => number} random answers 0…1
 */
export function retryDelay(attempt, random = Math.random) {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return full / 2 + (full / 2) * random();
}

export class Socket {
  /** @type {() => string} */
  #url;
  #isThere;
  /** @type {SocketHandlers} */
  #handlers;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #timers = { retry: 0, look: 0, open: 0, ping: 0, pong: 0 };
  #wasGone = false;
  /** The lock that says which tab has the talk, and what lets go of it. */
  #lock = { name: "", letGo: () => {} };
  /** @type {LinkState} */
  state = "closed";

  /**
   * `url()` is asked at each attempt; `isThere()` whether the server answers at all.
   * @param {() => string} url
   * @param {() => Promise<boolean>} isThere
   * @param {SocketHandlers} handlers
   */
  constructor(url, isThere, handlers) {
    this.#url = url;
    this.#isThere = isThere;
    this.#handlers = handlers;
    window.addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#wake();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.#wake();
    });
  }

  connect() {
    this.#drop();
    this.#enter("connecting");
    let socket;
    try {
      socket = new WebSocket(this.#url());
    } catch {
      this.#retry();
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timers.open = setTimeout(() => this.#lost(socket), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#timers.open);
      this.#enter("online");
      this.#hold(true);
      this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY_MS);
      this.#handlers.onOpen();
    };
    socket.onmessage = (/** @type {MessageEvent<string | ArrayBuffer>} */ event) => this.#receive(event.data);
    socket.onclose = (event) => {
      if (event.code === TAKEN_OVER) {
        this.#drop();
        this.#enter("taken");
        this.#hold(false);
      } else {
        this.#lost(socket);
      }
    };
  }

  /**
   * Sends one action; false when the line is down.
   * @param {ClientAction} action
   */
  send(action) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(action));
    return true;
  }

  /**
   * Sends one binary frame; on a line that is down or far behind it is dropped, since sound that comes late is of no use.
   * @param {ArrayBuffer} frame
   */
  sendSound(frame) {
    if (this.hasRoom) this.#socket?.send(frame);
  }

  /** Is the line up, and not far behind? */
  get hasRoom() {
    const socket = this.#socket;
    return socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < MOST_UNSENT;
  }

  close() {
    this.#drop();
    this.#enter("closed");
    this.#lock.letGo();
  }

  /**
   * Of the tabs of a browser the one that talks holds a lock, as long as it is open; who waits for it talks then.
   * @param {boolean} now take it from whoever has it
   */
  #hold(now) {
    const { pathname } = new URL(this.#url());
    if (!("locks" in navigator) || this.#lock.name === pathname) return;
    this.#lock.letGo();
    const until = new Promise((/** @type {(value?: unknown) => void} */ done) => {
      this.#lock = { name: now ? pathname : "", letGo: () => {
        this.#lock = { name: "", letGo: () => {} };
        done();
      } };
    });
    const { letGo } = this.#lock;
    navigator.locks.request(pathname, { steal: now }, () => {
      if (this.#lock.letGo !== letGo) return undefined;
      this.#lock.name = pathname;
      if (this.state === "taken") this.connect();
      return until;
    }).catch(() => {
      if (this.#lock.letGo === letGo) letGo();
      if (this.state === "taken") this.#hold(false);
    });
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    this.#attempt = 0;
    clearTimeout(this.#timers.pong);
    this.#timers.pong = 0;
    if (typeof data !== "string") {
      this.#handlers.onBinary(data);
      return;
    }
    const event = parsed(data);
    if (event) this.#handlers.onEvent(event);
  }

  #ping() {
    if (!this.send({ action: "ping" }) || this.#timers.pong) return;
    const socket = this.#socket;
    this.#timers.pong = setTimeout(() => this.#lost(socket), PONG_TIMEOUT_MS);
  }

  #wake() {
    if (this.state === "waiting") {
      this.#attempt = 0;
      this.connect();
    } else if (this.state === "online") {
      this.#ping();
    }
  }

  /** @param {WebSocket | null} socket */
  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#retry();
  }

  #retry() {
    this.#drop();
    this.#enter("waiting");
    this.#timers.retry = setTimeout(() => this.connect(), retryDelay(this.#attempt));
    this.#attempt += 1;
    this.#lookOut();
  }

  /** While the server is gone, ask every now and then whether it is back; only that it has come back brings a try. */
  #lookOut() {
    const pause = LOOK_EVERY_MS * (0.75 + Math.random() / 2);
    const timer = setTimeout(async () => {
      const isThere = await this.#isThere();
      if (timer !== this.#timers.look) return;
      if (isThere && this.#wasGone) {
        this.#wasGone = false;
        this.connect();
      } else {
        this.#wasGone = !isThere;
        this.#lookOut();
      }
    }, pause);
    this.#timers.look = timer;
  }

  #drop() {
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.look);
    clearTimeout(this.#timers.open);
    clearTimeout(this.#timers.pong);
    clearInterval(this.#timers.ping);
    this.#timers = { retry: 0, look: 0, open: 0, ping: 0, pong: 0 };
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {LinkState} state */
  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.#handlers.onState(state);
  }
}

/**
 * @param {string} data
 * @returns {ServerEvent | null} null for what is no event at all
 */
function parsed(data) {
  try {
    /** @type {unknown} */
    const frame = JSON.parse(data);
    const isEvent = typeof frame === "object" && frame !== null && "type" in frame && typeof frame.type === "string";
    return isEvent ? /** @type {ServerEvent} */ (frame) : null;
  } catch {
    return null;
  }
}
