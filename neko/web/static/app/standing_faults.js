/**
 * What is wrong on the server and stays told until it is dealt with: a bar each.
 *
 * @import { Status } from "./wire.js"
 */
import { post, sentenceOf } from "./api.js";
import { t } from "./i18n.js";
import { banner, toast } from "./notices.js";

/** @type {Map<string, () => void>} What takes the bar of each fault away. */
const shown = new Map();

/** @param {Status & { fault: string }} status */
export function showStanding({ fault, code, message, remedy, dismissible }) {
  endStanding(fault);
  const label = t(code === "taken_over" ? "fault.seen" : "fault.keep");
  const keep = dismissible ? { label, run: () => void dismiss(fault) } : null;
  shown.set(fault, banner(`fault:${fault}`, [message, remedy].filter(Boolean).join(" "), keep, "keep-in-use"));
}

/** @param {string} fault */
export function endStanding(fault) {
  shown.get(fault)?.();
  shown.delete(fault);
}

/** A server says anew what is wrong. */
export function endAllStanding() {
  for (const fault of [...shown.keys()]) endStanding(fault);
}

/** @param {string} fault */
async function dismiss(fault) {
  try {
    await post("api/faults/dismiss", { id: fault });
  } catch (error) {
    toast(sentenceOf(error));
  }
}
