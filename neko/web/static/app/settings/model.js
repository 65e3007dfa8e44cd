/**
 * Settings › Model: who thinks for her.
 *
 * @import { PageParts } from "./dialog.js"
 */
import { post } from "../api.js";
import { borrowedKeys, useBorrowed } from "../borrowed_keys.js";
import { copyBy } from "../code_block.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { findLocalServers, localModels } from "../local_models.js";
import { ModelForm } from "../model_form.js";
import { toast } from "../notices.js";
import { findSmallModels, smallModels } from "../small_model.js";
import { replyOptions } from "./replies.js";

/**
 * @param {HTMLElement} body
 * @param {PageParts} parts
 */
export function modelPage(body, { close, conversation }) {
  const now = h("p", { class: "settings-lead" });
  const done = (/** @type {string} */ model) => {
    toast(t("welcome.thanks", { model }));
    close();
  };
  const form = new ModelForm({ builtin: true, onDone: done });
  const local = h("div", { class: "settings-group" });
  const borrowed = h("div", { class: "settings-group", hidden: true });
  const replies = h("div", { class: "settings-group" });
  const small = h("div", { class: "settings-group", hidden: true });
  body.append(now, borrowed, local, small, h("h3", { text: t("model.providers") }), form.element, replies);
  void form.load().then((current) => {
    if (!current) return;
    now.textContent = current.offline ? t("model.now_builtin") : t("model.now", { model: current.model, provider: current.provider_name });
    if (!current.offline) void replyOptions(replies, conversation.character);
    borrowed.hidden = !current.offers.length;
    borrowed.replaceChildren(
      h("h3", { text: t("model.borrowed") }), h("p", { class: "form-note", text: t("model.borrowed_words") }),
      borrowedKeys(current.offers, async (offer) => done(await useBorrowed(offer))));
  });
  void lookAround(local, done);
  void drawSmall(small, done);
}

/**
 * @param {HTMLElement} place
 * @param {(model: string) => void} done
 */
async function drawSmall(place, done) {
  const small = await findSmallModels();
  if (!small) return;
  const again = h("button", { type: "button", class: "button is-quiet", "data-testid": "small-again", text: t("model.look_again"), on: { click: () => drawSmall(place, done) } });
  const usable = small.installed && small.files.length > 0;
  place.replaceChildren(
    h("div", { class: "settings-heading" }, h("h3", { text: t("small.title") }), usable ? "" : again),
    usable ? smallModels(small, done) : "",
    small.installed ? "" : command(small.command),
    small.installed && !usable ? h("p", { class: "form-note", text: t("small.none") }) : "",
    small.installed ? h("p", { class: "form-note", text: t("small.folder", { folder: small.folder }) }) : "");
  place.hidden = false;
}

/**
 * What to type in a terminal, with a button that copies it.
 * @param {string} text
 */
function command(text) {
  const copy = h("button", { type: "button", class: "icon-button", "aria-label": t("small.copy"), title: t("small.copy") }, icon("copy"));
  copy.addEventListener("click", () => void copyBy(copy, text));
  return h("div", { class: "settings-group", "data-testid": "small-command" }, h("p", { class: "form-note", text: t("small.missing") }),
    h("div", { class: "command" }, h("code", { text }), copy));
}

/**
 * @param {HTMLElement} place
 * @param {(model: string) => void} done
 */
async function lookAround(place, done) {
  place.replaceChildren(h("h3", { text: t("model.local") }), h("p", { class: "form-note", text: t("welcome.local_looking") }));
  const servers = await findLocalServers();
  const again = h("button", { type: "button", class: "button is-quiet", "data-testid": "local-again", text: t("model.look_again"), on: { click: () => lookAround(place, done) } });
  /** @type {import("../local_models.js").UseModel} */
  const use = async (server, model) => {
    await post("api/models/use", { provider: "local", base_url: server.base_url, model });
    done(model);
  };
  place.replaceChildren(
    h("div", { class: "settings-heading" }, h("h3", { text: t("model.local") }), again),
    servers.length ? localModels(servers, use) : h("p", { class: "form-note", text: t("model.local_none") }));
}
