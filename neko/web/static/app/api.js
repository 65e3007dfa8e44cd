/** REST calls: JSON in, JSON out, every failure an `ApiError` whose words a person can read. */
import { t, has } from "./i18n.js";

export class ApiError extends Error {
  constructor(message, { code = "internal", remedy = "", status = 0 } = {}) {
    super(message);
    this.code = code;
    this.remedy = remedy;
    this.status = status;
  }
}

function sentence(code, part) {
  const key = `errors.${code}.${part}`;
  return has(key) ? t(key) : "";
}

async function call(method, path, body, timeout) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
      cache: "no-store",
    });
  } catch {
    throw new ApiError(t("errors.server_gone.message"), { code: "server_gone", remedy: t("errors.server_gone.remedy") });
  }
  const data = await answer.json().catch(() => null);
  if (!answer.ok || data === null || data.success === false) {
    const code = data?.code ?? "internal";
    throw new ApiError(data?.error || sentence(code, "message") || t("errors.internal.message"), {
      code,
      remedy: data?.remedy ?? sentence(code, "remedy"),
      status: answer.status,
    });
  }
  return data;
}

export const get = (path, timeout = 15_000) => call("GET", path, undefined, timeout);
export const post = (path, body, timeout = 15_000) => call("POST", path, body, timeout);

/** Bytes of a POST, or an `ApiError`. */
export async function postForBytes(path, body, timeout = 20_000) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeout),
  }).catch(() => null);
  if (answer?.ok) return answer.arrayBuffer();
  const data = await answer?.json().catch(() => null);
  throw new ApiError(data?.error ?? t("errors.speech.message"), { code: data?.code, remedy: data?.remedy, status: answer?.status });
}
