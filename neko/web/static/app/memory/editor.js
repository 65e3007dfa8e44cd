/** A field for other words: Ctrl+Enter keeps them, Escape leaves them. */
import { sentenceOf } from "../api.js";
import { h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";

/**
 * @param {{ text: string, label: string, save: (text: string) => Promise<unknown>, leave: () => void, same?: boolean }} options `save` rejects when the words could not be kept; `same`: they are kept even as they are
 */
export function editor({ text, label, save, leave, same = false }) {
  const field = h("textarea", { class: "input memory-field", "aria-label": label, rows: "3", maxlength: "20000", "data-testid": "memory-field" });
  field.value = text;
  const keep = h("button", { type: "button", class: "button is-main", text: t("memory.save"), "data-testid": "memory-save", on: { click: () => void finish() } });
  const finish = async () => {
    const words = field.value.trim();
    if (!words || (words === text && !same)) {
      leave();
      return;
    }
    keep.disabled = true;
    try {
      await save(words);
    } catch (error) {
      keep.disabled = false;
      toast(sentenceOf(error));
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void finish();
  });
  return h("div", { class: "memory-editor" }, field,
    h("div", { class: "form-acts" }, h("button", { type: "button", class: "button", text: t("memory.leave"), on: { click: leave } }), keep));
}
