/**
 * The line to the server: one WebSocket that comes back by itself.
 *
 * States: connecting, online (a frame has arrived or the socket is open), waiting (between two
 * attempts), taken (another tab has this character; only `connect()` tries again), closed.
 */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const OPEN_DEADLINE = 10_000;
const PING_EVERY = 30_000;
const PONG_DEADLINE = 10_000;
const TAKEN_OVER = 4001;

/** Milliseconds before attempt `n` (0 is the first retry): exponential, the upper half random. */
export function retryDelay(attempt, random = Math.random) {
  const full = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
  return full / 2 + (full / 2) * random();
}

export class Socket {
  #url;
  #handlers;
  #socket = null;
  #attempt = 0;
  #timers = { retry: 0, open: 0, ping: 0, pong: 0 };
  state = "closed";

  /** `url()` is asked at each attempt. Handlers: onOpen(), onMessage(object), onBinary(ArrayBuffer), onState(state). */
  constructor(url, handlers) {
    this.#url = url;
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
    this.#timers.open = setTimeout(() => this.#lost(socket), OPEN_DEADLINE);
    socket.onopen = () => {
      clearTimeout(this.#timers.open);
      this.#enter("online");
      this.#timers.ping = setInterval(() => this.#ping(), PING_EVERY);
      this.#handlers.onOpen();
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => {
      if (event.code === TAKEN_OVER) {
        this.#drop();
        this.#enter("taken");
      } else {
        this.#lost(socket);
      }
    };
  }

  /** Sends one action; false when the line is down. */
  send(action) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(action));
    return true;
  }

  close() {
    this.#drop();
    this.#enter("closed");
  }

  #receive(data) {
    this.#attempt = 0;
    clearTimeout(this.#timers.pong);
    this.#timers.pong = 0;
    if (typeof data !== "string") {
      this.#handlers.onBinary(data);
      return;
    }
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message && typeof message === "object") this.#handlers.onMessage(message);
  }

  #ping() {
    if (!this.send({ action: "ping" }) || this.#timers.pong) return;
    const socket = this.#socket;
    this.#timers.pong = setTimeout(() => this.#lost(socket), PONG_DEADLINE);
  }

  #wake() {
    if (this.state === "waiting") {
      this.#attempt = 0;
      this.connect();
    } else if (this.state === "online") {
      this.#ping();
    }
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#retry();
  }

  #retry() {
    this.#drop();
    this.#enter("waiting");
    this.#timers.retry = setTimeout(() => this.connect(), retryDelay(this.#attempt));
    this.#attempt += 1;
  }

  #drop() {
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.open);
    clearTimeout(this.#timers.pong);
    clearInterval(this.#timers.ping);
    this.#timers = { retry: 0, open: 0, ping: 0, pong: 0 };
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.#handlers.onState(state);
  }
}
