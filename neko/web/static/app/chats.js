/**
 * The chats with her: a new one, an earlier one again, titles, and an end to one. A panel above the talk.
 *
 * @import { Conversation } from "./conversation.js"
 * @import { Chat, ChatList } from "./rest.js"
 */
import { get, post, sentenceOf } from "./api.js";
import { byId, h, icon } from "./element.js";
import { currentLanguage, onLanguage, t } from "./i18n.js";
import { walk } from "./list_keys.js";
import { toast } from "./notices.js";

export class Chats {
  #conversation;
  #begin;
  #onClosed;
  /** @type {HTMLElement | null} */
  #panel = null;
  #list = h("ol", { class: "panel-list", "data-testid": "chats-list" });
  #new = h("button", { type: "button", class: "button chats-new", "data-testid": "chats-new", on: { click: () => void this.#begin() } });
  /** Deleted, and it can still be undone. @type {Set<number>} */
  #hidden = new Set();

  /**
   * @param {Conversation} conversation
   * @param {{ begin: () => Promise<void>, onClosed: () => void }} options `begin`: a new chat, out of which the others stay in the list
   */
  constructor(conversation, { begin, onClosed }) {
    this.#conversation = conversation;
    this.#begin = begin;
    this.#onClosed = onClosed;
    conversation.on("chat", () => void this.#refresh());
    conversation.on("switch", () => this.leave());
    onLanguage(() => {
      if (!this.#panel) return;
      this.leave();
      void this.show();
    });
  }

  get open() {
    return this.#panel !== null;
  }

  async show() {
    if (!this.#panel) {
      this.#new.replaceChildren(icon("plus"), h("span", { text: t("chats.new") }));
      this.#panel = h("section", { class: "panel", "data-testid": "chats", "aria-label": t("chats.title"), on: { keydown: (event) => this.#key(event) } },
        h("div", { class: "panel-head" }, h("h2", { class: "panel-title", text: t("chats.title") }), this.#new,
          h("button", { type: "button", class: "icon-button", "aria-label": t("chats.close"), "data-testid": "chats-close", on: { click: () => this.close() } }, icon("close"))),
        this.#list);
      byId("talk", HTMLElement).prepend(this.#panel);
    }
    this.#new.focus();
    await this.#refresh();
  }

  close() {
    if (!this.#panel) return;
    this.leave();
    this.#onClosed();
  }

  leave() {
    this.#panel?.remove();
    this.#panel = null;
    this.#list.replaceChildren();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (!(event.target instanceof HTMLInputElement)) {
      walk(event, [...this.#list.querySelectorAll(/** @type {"button"} */ ("button.panel-item"))], this.#new);
    }
  }

  get #path() {
    return `api/chats/${encodeURIComponent(this.#conversation.character)}`;
  }

  async #refresh() {
    if (!this.#panel) return;
    const path = this.#path;
    try {
      /** @type {ChatList} */
      const { current, chats } = await get(path);
      if (path === this.#path) this.#draw(chats.filter((chat) => !this.#hidden.has(chat.id)), current);
    } catch (error) {
      this.#list.replaceChildren(h("li", { class: "panel-note", text: sentenceOf(error) }));
    }
  }

  /**
   * @param {Chat[]} chats
   * @param {number} current
   */
  #draw(chats, current) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("[data-chat]"))?.dataset.chat;
    this.#list.replaceChildren(...chats.map((chat) => this.#row(chat, chat.id === current)));
    if (focused) this.#item(Number(focused))?.focus();
  }

  /** @param {number} id */
  #item(id) {
    return /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-chat="${id}"] .panel-item`));
  }

  /**
   * @param {Chat} chat
   * @param {boolean} isCurrent
   */
  #row(chat, isCurrent) {
    const title = chat.title || t("chats.untitled");
    const row = h("li", { class: "chats-row", "data-chat": String(chat.id) },
      h("button", { type: "button", class: "panel-item", "aria-current": isCurrent && "true", on: { click: () => void this.#go(chat.id) } },
        h("span", { class: "panel-words", text: title }), h("span", { class: "panel-hint", text: chat.last_at ? when(chat.last_at) : t("chats.empty") })));
    if (chat.last_at) {
      const path = `api/history/${encodeURIComponent(this.#conversation.character)}/export?form=markdown&chat=${chat.id}`;
      row.append(
        h("button", { type: "button", class: "icon-button", "data-testid": "chat-rename", "aria-label": t("chats.rename", { title }), title: t("chats.rename_short"), on: { click: () => this.#rename(row, chat) } }, icon("edit")),
        h("a", { class: "icon-button", href: path, download: true, "data-testid": "chat-save", "aria-label": t("chats.save", { title }), title: t("chats.save_short") }, icon("save")),
        h("button", { type: "button", class: "icon-button", "data-testid": "chat-delete", "aria-label": t("chats.delete", { title }), title: t("chats.delete_short"), on: { click: () => void this.#delete(chat, isCurrent) } }, icon("delete")));
    }
    return row;
  }

  /** @param {number} id */
  async #go(id) {
    if (await this.#conversation.changeChat(id)) this.close();
  }

  /**
   * @param {HTMLElement} row
   * @param {Chat} chat
   */
  #rename(row, chat) {
    const input = h("input", { class: "input", maxlength: "80", value: chat.is_named ? chat.title : "", placeholder: chat.title, "aria-label": t("chats.rename_short"), "data-testid": "chat-title" });
    const end = async (/** @type {boolean} */ save) => {
      if (!input.isConnected || ending) return;
      ending = true;
      if (save) await post(`${this.#path}/rename`, { chat: chat.id, title: input.value.trim() }).catch((error) => toast(sentenceOf(error)));
      await this.#refresh();
      this.#item(chat.id)?.focus();
    };
    let ending = false;
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      event.stopPropagation();
      void end(event.key === "Enter");
    });
    input.addEventListener("blur", () => void end(true));
    row.replaceChildren(input);
    input.focus();
  }

  /**
   * Out of sight at once; for a while it can be undone. Instead of the open one a new one is opened.
   * @param {Chat} chat
   * @param {boolean} isCurrent
   */
  async #delete(chat, isCurrent) {
    if (isCurrent && !(await this.#conversation.changeChat(null))) return;
    this.#conversation.removals.begin({
      path: `${this.#path}/delete`,
      body: { chat: chat.id },
      words: t("chats.deleted"),
      show: (shown) => {
        if (shown) this.#hidden.delete(chat.id);
        else this.#hidden.add(chat.id);
        if (shown && isCurrent) void this.#conversation.changeChat(chat.id);
        else void this.#refresh();
      },
    });
    this.#new.focus();
  }
}

/** @param {string} at ISO 8601 */
function when(at) {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
