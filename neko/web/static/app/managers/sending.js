/**
 * A form that is sent to the server, told how far it is; `fetch` does not tell that.
 *
 * @import { Failure } from "../api.js"
 */
import { refusal, serverGone } from "../api.js";
import { currentLanguage } from "../i18n.js";

/** Milliseconds without a byte in either direction, after which it is given up. */
const SILENCE_MS = 120_000;

/**
 * The answer to a POST; null when `signal` broke it off. Rejects with an `ApiError`.
 * @template T
 * @param {string} path
 * @param {FormData} form
 * @param {{ onShare: (share: number) => void, signal: AbortSignal }} options `onShare` gets 0…1
 * @returns {Promise<T | null>}
 */
export function send(path, form, { onShare, signal }) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), SILENCE_MS);
    };
    const breakOff = () => request.abort();
    signal.addEventListener("abort", breakOff, { once: true });
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      alive();
      onShare(total ? loaded / total : 0);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", breakOff);
      const answer = bodyOf(request.responseText);
      if (signal.aborted) done(null);
      else if (request.status === 0) fail(serverGone());
      else if (request.status < 300 && answer && answer.success !== false) done(/** @type {T} */ (answer));
      else fail(refusal(answer, request.status));
    });
    request.open("POST", path);
    request.setRequestHeader("Accept-Language", currentLanguage());
    alive();
    request.send(form);
  });
}

/**
 * @param {string} text
 * @returns {Failure} null for what is no JSON
 */
function bodyOf(text) {
  try {
    /** @type {unknown} */
    const body = JSON.parse(text);
    return /** @type {Failure} */ (body);
  } catch {
    return null;
  }
}
