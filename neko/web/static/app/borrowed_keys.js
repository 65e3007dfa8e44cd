/**
 * Keys that another program left in the environment: one row each, one tap says yes.
 *
 * @import { BorrowedKeyOffer, CurrentModel } from "./rest.js"
 * @typedef {(offer: BorrowedKeyOffer) => Promise<void>} Say
 */
import { post, sentenceOf } from "./api.js";
import { h } from "./element.js";
import { t } from "./i18n.js";

const USE_TIMEOUT_MS = 25_000;

/**
 * @param {BorrowedKeyOffer} offer
 * @returns {Promise<string>} the model that thinks from now on
 */
export async function useBorrowed(offer) {
  /** @type {CurrentModel} */
  const { model } = await post("api/models/use", { provider: offer.provider, borrowed: true }, USE_TIMEOUT_MS);
  return model;
}

/** @param {BorrowedKeyOffer} offer */
export const serverOf = (offer) => offer.base_url.replace(/^https?:\/\//, "").replace(/\/.*/, "");

/**
 * `use(offer)` returns a promise; its failure is shown in the row.
 * @param {BorrowedKeyOffer[]} offers
 * @param {Say} use
 */
export function borrowedKeys(offers, use) {
  return h("div", { class: "model-rows" }, offers.map((offer) => row(offer, use)));
}

/**
 * @param {BorrowedKeyOffer} offer
 * @param {Say} use
 */
function row(offer, use) {
  const problem = h("p", { class: "form-note is-bad", role: "alert", hidden: true });
  const button = h("button", { type: "button", class: "button is-main", "data-testid": "use-borrowed", text: t("model.use_short") });
  const sayYes = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await use(offer);
    } catch (error) {
      problem.textContent = sentenceOf(error);
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  button.addEventListener("click", () => void sayYes());
  const from = `${offer.variables.join(", ")} → ${serverOf(offer)}`;
  return h("div", { class: "model-row is-offer" },
    h("div", { class: "model-row-name" }, h("strong", { text: offer.name }), h("span", { text: from })), button, problem);
}
