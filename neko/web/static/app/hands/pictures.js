/** Pictures of what is being done: where they are, and one of them over the whole window. */
import { h, icon } from "../element.js";
import { t } from "../i18n.js";

/** @type {HTMLDialogElement | null} */
let dialog = null;

/**
 * What the server names by its path, from where this page has it.
 * @param {string} address
 */
export function ownAddress(address) {
  return address.replace(/^\/(?!\/)/, "");
}

/**
 * @param {string} address
 * @param {string} label
 */
export function enlarge(address, label) {
  if (!address) return;
  dialog?.remove();
  const close = h("button", { type: "button", class: "icon-button", "data-testid": "enlarged-close", "aria-label": t("picture.close"), title: t("picture.close") }, icon("close"));
  const shown = h("dialog", { class: "viewer", "data-testid": "enlarged", "aria-label": label },
    h("img", { class: "viewer-picture", src: address, alt: label }), h("div", { class: "viewer-tools" }, close));
  shown.addEventListener("keydown", (event) => event.stopPropagation());
  shown.addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLImageElement)) shown.close();
  });
  shown.addEventListener("close", () => shown.remove());
  document.body.append(shown);
  dialog = shown;
  shown.showModal();
  close.focus();
}
