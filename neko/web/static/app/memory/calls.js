/**
 * What the memory page asks the server.
 *
 * @import { Line } from "../wire.js"
 * @import { FoundLines } from "../rest.js"
 *
 * @typedef {{ date: string, lines: number }} Day `date` is ISO 8601.
 * @typedef {{ lines: Line[], has_more: boolean }} LinesPage Oldest first.
 * @typedef {{ id: number, text: string, at: string, sources: number[], pinned: boolean }} Memo A summary; `sources` are ids of lines.
 * @typedef {{ memos: Memo[], has_more: boolean }} MemosPage Newest first.
 * @typedef {{ done: number, total: number, files: number, found: string[] }} Traces `done` and `total` are bytes; `found` are files.
 * @typedef {"forgotten" | "corrected" | "summary" | "summary_forgotten" | "summaries_merged" | "summary_pinned" | "summary_unpinned" | "restored" | "reviewed" | "imported" | "taken_back" | "fact_added" | "fact_edited" | "fact_pinned" | "fact_unpinned" | "fact_merged" | "fact_forgotten" | "fact_restored"} ChangeKind
 * @typedef {{ at: string, kind: ChangeKind, lines: number, number: number }} Change
 * @typedef {{ id: number, subject: string, attribute: string, value: string, since: string, until: string | null, sources: number[], by_hand: boolean, pinned: boolean }} Fact
 * @typedef {{ subject: string, attribute: string, value: string }} Given What a card or a file says.
 * @typedef {{ facts: Fact[], given: Given[], file: string }} KnownFacts
 * @typedef {{ fact: Fact | null, change: number }} ChangedFact `change` is for `undoFact`.
 * @typedef {{ name: string, kind: "export" | "markdown" | "log" | "recent" | "settings" | "facts" | "chat" | "other", character: string, unread: number, damaged: boolean, why: "" | "not_memory" | "empty" | "too_large" | "unreadable" }} ImportFile
 * @typedef {{ named: string, character: string, exists: boolean, lines: number, known: number, versions: number, summaries: number, settings: number, facts: number, pictures: number, missing_pictures: number, first: string, last: string, number: number }} Share What goes to one character.
 * @typedef {{ state: "none" | "reading" | "ready" | "running" | "done" | "cancelled" | "taking_back" | "taken_back" | "failed", files: ImportFile[], more_files: number, shares: Share[], done: number, total: number, error: string }} Import
 * @typedef {{ indexing: { done: number, total: number } | null, learning: { done: number, total: number } | null, meaning: { state: "off" | "working" | "paused" | "waiting" | "done", model: string, done: number, total: number, error: string, remedy: string } }} Work
 * @typedef {{ kind: "off" | "server" | "e5" | "use", name: string, local: boolean, state: "ready" | "missing" | "processor" | "none", command: string }} EmbedderOption
 * @typedef {{ engine: EmbedderOption["kind"], chosen: EmbedderOption["kind"] | null, pinned: boolean, options: EmbedderOption[] }} EmbedderChoice
 * @typedef {{ facts_by_model: boolean, review: boolean, pinned: boolean }} Habits What she does by herself with what was said.
 * @typedef {{ others: string[], also_knows: string[] }} Sharing The other characters, and those of them whose talks this one may recall.
 */
import { ApiError, get, post } from "../api.js";
import { t } from "../i18n.js";

const LONG_MS = 120_000;
const SENDING_MS = 3_600_000;
const IMPORT = "api/memory_import";
/** Of lines, in one call. */
export const MOST_LINES = 1000;

export class Calls {
  #character;
  #path;
  #history;

  /** @param {string} character */
  constructor(character) {
    this.#character = character;
    this.#path = `api/memory_browser/${encodeURIComponent(character)}`;
    this.#history = `api/history/${encodeURIComponent(character)}`;
  }

  /** @returns {Promise<{ days: Day[] }>} */
  days() {
    return get(`${this.#path}/days`, LONG_MS);
  }

  /**
   * @param {string} date
   * @param {number} after
   * @returns {Promise<LinesPage>}
   */
  day(date, after) {
    return get(`${this.#path}/day?date=${date}&after=${after}`);
  }

  /**
   * @param {number[]} ids
   * @returns {Promise<LinesPage>}
   */
  lines(ids) {
    return get(`${this.#path}/lines?${new URLSearchParams(ids.slice(0, MOST_LINES).map((id) => ["ids", String(id)])).toString()}`);
  }

  /**
   * @param {string} words
   * @param {{ before?: number, limit?: number }} [page]
   * @returns {Promise<MemosPage>}
   */
  memos(words, { before, limit = 30 } = {}) {
    return get(`${this.#path}/memos?${query({ q: words, before, limit })}`);
  }

  /**
   * @param {string} words
   * @param {{ before?: number, limit?: number }} [page]
   * @returns {Promise<FoundLines>}
   */
  find(words, { before, limit = 50 } = {}) {
    return get(`${this.#history}/search?${query({ q: words, before, limit })}`);
  }

  /**
   * What recall finds for these words.
   * @param {string} words
   * @returns {Promise<{ lines: { line: Line, pieces: { text: string, hit: boolean }[] }[] }>}
   */
  near(words) {
    return get(`${this.#path}/near?${query({ q: words })}`);
  }

  /**
   * @param {number} id
   * @param {string} text
   * @returns {Promise<{ line: Line }>}
   */
  correct(id, text) {
    return post(`${this.#path}/line`, { id, text }, LONG_MS);
  }

  /**
   * @param {number} id
   * @param {string} text
   * @returns {Promise<{ memo: Memo }>}
   */
  rewrite(id, text) {
    return post(`${this.#path}/memo`, { id, text }, LONG_MS);
  }

  /**
   * @param {number[]} ids
   * @returns {Promise<{ ids: number[] }>}
   */
  forget(ids) {
    return post(`${this.#path}/forget`, { ids }, LONG_MS);
  }

  /** @returns {Promise<unknown>} */
  undoReview() {
    return post(`${this.#path}/undo_review`, {}, LONG_MS);
  }

  /**
   * Forget everything, for good.
   * @returns {Promise<{ lines: number }>}
   */
  clear() {
    return post(`${this.#path}/clear`, {}, LONG_MS);
  }

  /** @returns {Promise<{ lines: Line[] }>} */
  undo() {
    return post(`${this.#path}/undo`, {}, LONG_MS);
  }

  /**
   * @param {{ at?: string, q?: string }} [which] as on a day, or those that hold these words
   * @returns {Promise<KnownFacts>}
   */
  facts(which = {}) {
    return get(`${this.#path}/facts?${query(which)}`);
  }

  /**
   * @param {"add" | "edit" | "pin" | "merge"} what
   * @param {object} body
   * @returns {Promise<ChangedFact>}
   */
  changeFact(what, body) {
    return post(`${this.#path}/facts/${what}`, body, LONG_MS);
  }

  /**
   * @param {number} id
   * @param {boolean} lines with those that say so
   * @returns {Promise<ChangedFact & { lines: number[] }>}
   */
  forgetFact(id, lines) {
    return post(`${this.#path}/facts/forget`, { ids: [id], lines }, LONG_MS);
  }

  /**
   * @param {number} change
   * @returns {Promise<unknown>}
   */
  undoFact(change) {
    return post(`${this.#path}/facts/undo`, { change }, LONG_MS);
  }

  /**
   * @param {number} id
   * @returns {Promise<unknown>}
   */
  forgetMemo(id) {
    return post(`${this.#path}/memo/forget`, { id }, LONG_MS);
  }

  /**
   * @param {number} into
   * @param {number} other
   * @param {string} text
   * @returns {Promise<{ memo: Memo }>}
   */
  mergeMemos(into, other, text) {
    return post(`${this.#path}/memo/merge`, { into, other, text }, LONG_MS);
  }

  /**
   * @param {number} id
   * @param {boolean} on
   * @returns {Promise<{ memo: Memo }>}
   */
  pinMemo(id, on) {
    return post(`${this.#path}/memo/pin`, { id, on });
  }

  /** @returns {Promise<unknown>} */
  undoMemo() {
    return post(`${this.#path}/memo/undo`, {}, LONG_MS);
  }

  /** @returns {Promise<Work>} */
  work() {
    return get(`${this.#path}/work`);
  }

  /** @param {boolean} on */
  pauseEmbedding(on) {
    return post(`${this.#path}/pause`, { on });
  }

  /** @returns {Promise<EmbedderChoice>} */
  embedder() {
    return get("api/memory_embedder");
  }

  /**
   * @param {"auto" | EmbedderOption["kind"]} engine
   * @returns {Promise<EmbedderChoice>}
   */
  chooseEmbedder(engine) {
    return post("api/memory_embedder", { engine }, LONG_MS);
  }

  /** @returns {Promise<Habits>} */
  habits() {
    return get("api/memory_habits");
  }

  /**
   * @param {Partial<Pick<Habits, "facts_by_model" | "review">>} change
   * @returns {Promise<Habits>}
   */
  changeHabits(change) {
    return post("api/memory_habits", change);
  }

  /** @returns {Promise<Sharing>} */
  sharing() {
    return get(`${this.#path}/sharing`);
  }

  /**
   * @param {string[]} others
   * @returns {Promise<Sharing>}
   */
  share(others) {
    return post(`${this.#path}/sharing`, { also_knows: others });
  }

  /**
   * @param {File[]} files
   * @returns {Promise<Import>}
   */
  sendFiles(files) {
    const form = new FormData();
    form.append("character", this.#character);
    for (const file of files) {
      form.append("modified", String(file.lastModified));
      form.append("files", file, file.webkitRelativePath || file.name);
    }
    return post(IMPORT, form, SENDING_MS);
  }

  /** @returns {Promise<Import>} */
  imported() {
    return get(IMPORT);
  }

  /**
   * @param {Record<string, string>} into characters by what the files call them
   * @returns {Promise<Import>}
   */
  aimImport(into) {
    return post(`${IMPORT}/aim`, { into });
  }

  /** @returns {Promise<Import>} */
  startImport() {
    return post(`${IMPORT}/start`, {});
  }

  /** @returns {Promise<Import>} */
  stopImport() {
    return post(`${IMPORT}/cancel`, {}, LONG_MS);
  }

  discardImport() {
    return post(`${IMPORT}/discard`, {}, LONG_MS);
  }

  /**
   * @param {string} character
   * @param {number} number of the import
   * @returns {Promise<Import>}
   */
  takeBack(character, number) {
    return post(`${IMPORT}/${encodeURIComponent(character)}/take_back`, { number });
  }

  /** @param {"markdown" | "json"} form */
  exportAddress(form) {
    return `${this.#history}/export?form=${form}`;
  }

  /** @returns {Promise<{ changes: Change[], can_undo_review: boolean }>} */
  changes() {
    return get(`${this.#path}/changes`);
  }

  /**
   * Look for words in every file of the data folder.
   * @param {string} words
   * @param {(share: number) => void} progress
   * @returns {Promise<Traces>}
   */
  async traces(words, progress) {
    const body = JSON.stringify({ words: words.split(/\s+/).filter(Boolean) });
    return lastOf(await fetch(`${this.#path}/traces`, { method: "POST", headers: { "Content-Type": "application/json" }, body }), progress);
  }
}

/** @param {Record<string, string | number | undefined>} values */
function query(values) {
  return new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))).toString();
}

/**
 * The last of the lines of JSON that an answer grows by.
 * @template {{ done: number, total: number }} Step
 * @param {Response} response
 * @param {(share: number) => void} progress
 * @returns {Promise<Step>}
 */
async function lastOf(response, progress) {
  const reader = response.ok ? response.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
  let rest = "";
  /** @type {Step | null} */
  let last = null;
  while (reader) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      /** @type {unknown} */
      const step = JSON.parse(line);
      last = /** @type {Step} */ (step);
      progress(last.total ? last.done / last.total : 1);
    }
  }
  if (!last) throw new ApiError(t("errors.internal.message"));
  return last;
}
