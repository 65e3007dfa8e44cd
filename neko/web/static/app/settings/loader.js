/**
 * The settings, whose modules come when they are wanted, or when nothing else is to do: a page can be written on before.
 *
 * @import { Call } from "../call.js"
 * @import { Late } from "../late.js"
 * @import { DialogParts, SettingsDialog } from "./dialog.js"
 */
import { t } from "../i18n.js";
import { toast } from "../notices.js";

export class Settings {
  #parts;
  /** @type {Promise<SettingsDialog> | null} */
  #loading = null;
  /** @type {SettingsDialog | null} */
  #dialog = null;

  /** @param {Omit<DialogParts, "call"> & { call: Late<Call> }} parts */
  constructor(parts) {
    this.#parts = parts;
    window.addEventListener("hashchange", () => void this.followHash());
  }

  get open() {
    return this.#dialog?.open ?? false;
  }

  /**
   * Now, if the sheet is closed, else once it is.
   * @param {() => void} run
   */
  whenClosed(run) {
    if (this.#dialog) this.#dialog.whenClosed(run);
    else run();
  }

  /** Open, turn or close the sheet as the address says. */
  async followHash() {
    if (!this.#dialog && !location.hash.startsWith("#settings")) return;
    try {
      (await this.load()).followHash();
    } catch {
      toast(t("settings.not_loaded"));
    }
  }

  load() {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load() {
    try {
      const [{ SettingsDialog }, call] = await Promise.all([import("./dialog.js"), this.#parts.call.load()]);
      this.#dialog = new SettingsDialog({ ...this.#parts, call });
      return this.#dialog;
    } catch (error) {
      this.#loading = null;
      throw error;
    }
  }
}
