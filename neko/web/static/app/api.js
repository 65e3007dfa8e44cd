/** REST calls: JSON in, JSON out, every failure an `ApiError` whose words a person can read. */
import { currentLanguage, has, t } from "./i18n.js";

/** @typedef {{ success?: boolean, error?: string, code?: string, said?: string, remedy?: string } | null} Failure What a refused call may answer. */

const TIMEOUT_MS = 15_000;
const BYTES_TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ code?: string | undefined, said?: string | undefined, remedy?: string | undefined, status?: number | undefined }} [details]
   *   `said`: the provider's own sentence, which ends the message; `status` 0: no answer at all
   */
  constructor(message, { code = "internal", said = "", remedy = "", status = 0 } = {}) {
    super(message);
    this.code = code;
    this.said = said;
    this.remedy = remedy;
    this.status = status;
  }
}

/**
 * What went wrong and what to do about it, as one text.
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof ApiError) return [error.message, error.remedy].filter(Boolean).join(" ");
  return error instanceof Error ? error.message : t("errors.internal.message");
}

/**
 * @param {string} code
 * @param {"message" | "remedy"} part
 */
function sentence(code, part) {
  const key = `errors.${code}.${part}`;
  return has(key) ? t(key) : "";
}

/**
 * @param {string} path
 * @param {unknown} body a form goes as it is, the rest as JSON; undefined: none
 * @param {number} timeoutMs
 * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} [method]
 */
function ask(path, body, timeoutMs, method = body === undefined ? "GET" : "POST") {
  const signal = AbortSignal.timeout(timeoutMs);
  /** @type {Record<string, string>} */
  const headers = { "Accept-Language": currentLanguage() };
  if (body === undefined) return fetch(path, { method, headers, signal, cache: "no-store" });
  if (body instanceof FormData) return fetch(path, { method, headers, body, signal, cache: "no-store" });
  return fetch(path, { method, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body), signal, cache: "no-store" });
}

/**
 * @param {Response} response
 * @returns {Promise<Failure>} null for what is no JSON
 */
async function bodyOf(response) {
  try {
    /** @type {unknown} */
    const body = await response.json();
    return /** @type {Failure} */ (body);
  } catch {
    return null;
  }
}

/**
 * @template T
 * @param {string} path
 * @param {unknown} body
 * @param {number} timeoutMs
 * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} [method]
 * @returns {Promise<T>}
 */
async function call(path, body, timeoutMs, method) {
  let response;
  try {
    response = await ask(path, body, timeoutMs, method);
  } catch {
    throw serverGone();
  }
  const answer = await bodyOf(response);
  if (response.ok && answer !== null && answer.success !== false) return /** @type {T} */ (answer);
  throw refusal(answer, response.status);
}

/** What no answer at all means. */
export function serverGone() {
  return new ApiError(t("errors.server_gone.message"), { code: "server_gone", remedy: t("errors.server_gone.remedy") });
}

/**
 * What a refused call means.
 * @param {Failure} answer
 * @param {number} status
 */
export function refusal(answer, status) {
  const code = answer?.code ?? "internal";
  return new ApiError(answer?.error || sentence(code, "message") || t("errors.internal.message"), {
    code,
    said: answer?.said,
    remedy: answer?.remedy ?? sentence(code, "remedy"),
    status,
  });
}

/**
 * The answer to a GET, of the shape that the caller names (see `rest.js`). Rejects with an `ApiError`.
 * @template T
 * @param {string} path
 * @param {number} [timeoutMs]
 * @returns {Promise<T>}
 */
export function get(path, timeoutMs = TIMEOUT_MS) {
  return call(path, undefined, timeoutMs);
}

/**
 * The answer to a POST. Rejects with an `ApiError`.
 * @template T
 * @param {string} path
 * @param {object} body
 * @param {number} [timeoutMs]
 * @returns {Promise<T>}
 */
export function post(path, body, timeoutMs = TIMEOUT_MS) {
  return call(path, body, timeoutMs);
}

/**
 * Change the named fields of something. Rejects with an `ApiError`.
 * @param {string} path
 * @param {object} body
 * @returns {Promise<unknown>}
 */
export function patch(path, body) {
  return call(path, body, TIMEOUT_MS, "PATCH");
}

/**
 * Set something. Rejects with an `ApiError`.
 * @template T
 * @param {string} path
 * @param {object} body
 * @returns {Promise<T>}
 */
export function put(path, body) {
  return call(path, body, TIMEOUT_MS, "PUT");
}

/**
 * Delete something. Rejects with an `ApiError`.
 * @param {string} path
 * @returns {Promise<unknown>}
 */
export function remove(path) {
  return call(path, undefined, TIMEOUT_MS, "DELETE");
}

/**
 * Bytes of a POST. Rejects with an `ApiError`.
 * @param {string} path
 * @param {object} body
 */
export async function postForBytes(path, body) {
  const response = await ask(path, body, BYTES_TIMEOUT_MS).catch(() => null);
  if (response?.ok) return response.arrayBuffer();
  const answer = response && await bodyOf(response);
  throw new ApiError(answer?.error ?? t("errors.speech.message"), {
    code: answer?.code, said: answer?.said, remedy: answer?.remedy, status: response?.status,
  });
}
