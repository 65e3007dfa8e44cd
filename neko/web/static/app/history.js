/** The log of one character on the server, page by page: older ones as the reader scrolls, newer ones after a gap. */
/**
 * @import { LogView } from "./log_view.js"
 * @import { HistoryPage } from "./rest.js"
 * @import { Transcript } from "./transcript.js"
 */
import { get } from "./api.js";
import { isPlain, loadMarkdown } from "./words_view.js";

const FIRST_PAGE = 40;
const OLDER_PAGE = 80;
const NEWER_PAGE = 200;
const FAR_PAGE = 500;

export class History {
  /** @type {string} */
  #path;
  /** @type {Transcript} */
  #transcript;
  /** @type {Pick<LogView, "prepend">} */
  #log;
  #more = false;
  /** @type {Promise<void> | null} */
  #loading = null;
  #ended = false;
  /** The chat that this is the history of, once that is known. @type {number | null} */
  chat = null;

  /**
   * @param {string} character
   * @param {Transcript} transcript
   * @param {Pick<LogView, "prepend">} log
   */
  constructor(character, transcript, log) {
    this.#path = `api/history/${encodeURIComponent(character)}`;
    this.#transcript = transcript;
    this.#log = log;
  }

  get more() {
    return this.#more;
  }

  /** The newest lines. Resolves when they stand on the page. */
  async begin() {
    const { lines, has_more: more } = await this.#page(`limit=${FIRST_PAGE}`);
    if (this.#ended) return;
    this.#more = more;
    this.#log.prepend(this.#transcript.recallOlder(lines));
  }

  /** One page further back; whoever asks while one is on its way waits for that one. */
  older() {
    this.#loading ??= this.#olderPage().finally(() => { this.#loading = null; });
    return this.#loading;
  }

  /**
   * Older lines until this one stands on the page, or all do.
   * @param {number} id
   */
  async back(id) {
    await this.#loading;
    while (this.#more && !this.#ended && (this.#transcript.firstId ?? 0) > id) await this.#olderPage(FAR_PAGE);
  }

  async #olderPage(limit = OLDER_PAGE) {
    const before = this.#transcript.firstId;
    if (!this.#more || before === null) return;
    const { lines, has_more: more } = await this.#page(`before=${before}&limit=${limit}`);
    if (this.#ended) return;
    this.#more = more && lines.length > 0;
    this.#log.prepend(this.#transcript.recallOlder(lines));
  }

  /** Everything newer than what the page knows. */
  async newer() {
    let more = true;
    while (more && !this.#ended) {
      const after = this.#transcript.lastId ?? 0;
      const page = await this.#page(`after=${after}&limit=${NEWER_PAGE}`);
      if (this.#ended) return;
      for (const line of page.lines) this.#transcript.commit(line);
      more = page.has_more && page.lines.length > 0;
    }
  }

  /**
   * @param {string} query
   * @returns {Promise<HistoryPage>}
   */
  async #page(query) {
    const { chat } = this;
    /** @type {HistoryPage} */
    const page = await get(`${this.#path}?${query}${chat === null ? "" : `&chat=${chat}`}`);
    this.chat = page.chat;
    if (page.lines.some(({ role, text }) => role === "assistant" && !isPlain(text))) await loadMarkdown().catch(() => null); // so that they come whole
    return page;
  }

  end() {
    this.#ended = true;
  }
}
