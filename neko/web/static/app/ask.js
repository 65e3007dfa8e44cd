/** A question in a dialog, whose form does something; Escape, the veil and Cancel leave it. */
import { sentenceOf } from "./api.js";
import { byId, h } from "./element.js";
import { t } from "./i18n.js";
import { toast } from "./notices.js";

/**
 * @param {{ title: string, testId: string, content: Node[], label: string, save: () => Promise<unknown>, yes: string, more?: HTMLElement[] }} options
 *   `label` and `yes`: the words and the test id of what does it; `save`: what it does, after which the dialog is gone
 */
export function ask({ title, testId, content, label, save, yes, more = [] }) {
  const dialog = h("dialog", { class: "memory-ask", "aria-labelledby": "ask-title", "data-testid": testId });
  const main = h("button", { type: "submit", class: "button is-main", "data-testid": yes, text: label });
  const finish = async () => {
    main.disabled = true;
    try {
      await save();
      dialog.close();
    } catch (error) {
      main.disabled = false;
      toast(sentenceOf(error));
    }
  };
  const form = h("form", { class: "fact-form", on: { submit: (event) => { event.preventDefault(); void finish(); } } },
    h("h2", { id: "ask-title", text: title }), content,
    h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("memory.leave"), on: { click: () => dialog.close() } }), more, main));
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  byId("app", HTMLElement).append(dialog);
  dialog.showModal();
}
