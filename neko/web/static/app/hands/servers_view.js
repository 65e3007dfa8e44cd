/**
 * The servers of tools: each with its state, its tools and what may be done with them; added by form, by paste, by file.
 *
 * @import { ToolServer } from "./calls.js"
 * @import { ViewParts } from "./view.js"
 */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { Removals } from "../removals.js";
import { serverPath, servers } from "./calls.js";
import { ServerCard } from "./server_card.js";
import { serverForm } from "./server_form.js";
import { ServerImport } from "./server_import.js";
import { empty, failed } from "./view.js";

/** While a server is on its way, and while none is: it may be switched off elsewhere, or end. */
const LOOK_MS = 1500;
const LOOK_IDLE_MS = 4000;
const IN_TRANSIT = new Set(["connecting", "waiting"]);

export class ServersView {
  #view;
  /** @type {Map<string, ServerCard>} */
  #cards = new Map();
  #removals = new Removals();
  /** @type {Set<string>} Names on their way to be removed. */
  #leaving = new Set();
  #list = h("div", { class: "servers", "data-testid": "servers" });
  #form = h("div", { class: "server-new" });
  #import = new ServerImport(() => void this.look());
  #open = false;
  #timer = 0;

  /** @param {ViewParts} parts */
  constructor({ view }) {
    this.#view = view;
    document.addEventListener("visibilitychange", () => {
      if (this.#open && !document.hidden) void this.look();
    });
  }

  async show() {
    this.#open = true;
    this.#cards.clear();
    this.#list.replaceChildren();
    this.#form.replaceChildren();
    const add = h("button", { type: "button", class: "button", "data-testid": "server-add", on: { click: () => this.#add() } }, h("span", { text: t("servers.add") }));
    this.#import.draw();
    this.#view.removeAttribute("aria-busy");
    this.#view.dataset.turn = String(Number(this.#view.dataset.turn ?? 0) + 1);
    this.#view.replaceChildren(h("p", { class: "memory-lead", text: t("servers.lead") }), h("div", { class: "agent-bar" }, add, this.#import.button), this.#form, this.#import.element, this.#list);
    await this.look();
  }

  leave() {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  async look() {
    clearTimeout(this.#timer);
    let found;
    try {
      found = await servers();
    } catch (error) {
      if (this.#open && this.#cards.size === 0) this.#list.replaceChildren(failed(error, () => void this.look()));
      else if (this.#open) this.#again(LOOK_IDLE_MS);
      return;
    }
    if (!this.#open) return;
    this.#draw(found);
    this.#again(found.servers.some((one) => IN_TRANSIT.has(one.state)) ? LOOK_MS : LOOK_IDLE_MS);
  }

  /** @param {number} afterMs */
  #again(afterMs) {
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => void this.look(), afterMs);
  }

  /** @param {{ servers: ToolServer[], installed: boolean, used: boolean }} answer */
  #draw({ servers: found, installed, used }) {
    const names = new Set(found.map((one) => one.name));
    for (const [name, card] of this.#cards) {
      if (names.has(name)) continue;
      card.element.remove();
      this.#cards.delete(name);
    }
    for (const note of this.#list.querySelectorAll(".agent-empty, .agent-note")) note.remove();
    if (!installed && found.length > 0) this.#list.prepend(h("p", { class: "agent-note", role: "note" }, icon("warning"), h("span", { text: t("servers.not_installed") })));
    if (!used && found.length > 0) this.#list.prepend(h("p", { class: "agent-note", role: "note", "data-testid": "servers-off" }, icon("warning"), h("span", { text: t("servers.off") }), h("a", { href: "./#settings/abilities", text: t("plugins.to_abilities") })));
    for (const server of found) {
      const card = this.#cards.get(server.name) ?? this.#make(server);
      card.update(server);
      card.element.hidden = this.#leaving.has(server.name);
    }
    if (found.length === 0) this.#list.append(empty(t("servers.none"), t("servers.none_more")));
  }

  /** @param {ToolServer} server */
  #make(server) {
    const card = new ServerCard(server, { changed: () => void this.look(), remove: () => this.#remove(server.name) });
    this.#cards.set(server.name, card);
    this.#list.append(card.element);
    return card;
  }

  /** @param {string} name */
  #remove(name) {
    this.#removals.begin({
      path: serverPath(name), body: null, words: t("servers.removed", { name }),
      show: (shown) => {
        if (shown) this.#leaving.delete(name);
        else this.#leaving.add(name);
        const element = this.#cards.get(name)?.element;
        if (element) element.hidden = !shown;
      },
      gone: () => {
        this.#leaving.delete(name);
        void this.look();
      },
    });
  }

  #add() {
    const close = () => this.#form.replaceChildren();
    const form = serverForm(null, { saved: () => {
      close();
      void this.look();
    }, cancel: close });
    this.#form.replaceChildren(form);
    form.querySelector("input")?.focus();
  }
}
