/**
 * Settings › Model: who thinks for her.
 *
 * @import { PageParts } from "./dialog.js"
 */
import { post } from "../api.js";
import { borrowedKeys, useBorrowed } from "../borrowed_keys.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { findLocalServers, localModels } from "../local_models.js";
import { ModelForm } from "../model_form.js";
import { toast } from "../notices.js";
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
  body.append(now, borrowed, local, h("h3", { text: t("model.providers") }), form.element, replies);
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
}

/**
 * @param {HTMLElement} place
 * @param {(model: string) => void} done
 */
async function lookAround(place, done) {
  place.replaceChildren(h("h3", { text: t("model.local") }), h("p", { class: "form-note", text: t("welcome.local_looking") }));
  const servers = await findLocalServers();
  const again = h("button", { type: "button", class: "button is-quiet", text: t("model.look_again"), on: { click: () => lookAround(place, done) } });
  /** @type {import("../local_models.js").UseModel} */
  const use = async (server, model) => {
    await post("api/models/use", { provider: "local", base_url: server.base_url, model });
    done(model);
  };
  place.replaceChildren(
    h("div", { class: "settings-heading" }, h("h3", { text: t("model.local") }), again),
    servers.length ? localModels(servers, use) : h("p", { class: "form-note", text: t("model.local_none") }));
}
