/**
 * What she, or a server of tools, asks before something is done. It is shown above the place to write; no answer is a no.
 *
 * @import { ActQuestion, Approve, Inquiry } from "../wire.js"
 *
 * @typedef {ActQuestion | Inquiry} Question
 * @typedef {Omit<Approve, "action" | "id">} Answer
 */
import { byId, h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { actCard } from "./act_card.js";
import { inquiryCard } from "./inquiry_card.js";

/** Milliseconds in which a card that has just come takes no answer: it was meant for what was there before. */
const NOT_YET_MS = 500;
const TICK_MS = 250;

/** @typedef {{ card: HTMLElement, timer: ReturnType<typeof setInterval> }} Shown */

export class Approvals {
  #send;
  #place = h("div", { class: "approvals", "data-testid": "approvals" });
  /** @type {Map<string, Shown>} */
  #shown = new Map();

  /** @param {(answer: Approve) => boolean} send */
  constructor(send) {
    this.#send = send;
    byId("composer-form", HTMLElement).before(this.#place);
  }

  /** @param {Question} question */
  show(question) {
    if (this.#shown.has(question.id)) return;
    const came = performance.now();
    const answer = (/** @type {Answer} */ given) => {
      if (performance.now() - came < NOT_YET_MS) return;
      if (this.#send({ action: "neko_approve", id: question.id, ...given })) this.#leave(question.id);
      else toast(t("connection.not_now"));
    };
    const { card, no } = question.kind === "approval" ? actCard(question, answer) : inquiryCard(question, answer);
    card.append(h("div", { class: "approval-time", "aria-hidden": "true" }, h("span", { class: "approval-bar" }), h("span", { class: "approval-left", "data-testid": "approval-left" })));
    card.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      answer(no);
    });
    const ends = came + question.seconds_left * 1000;
    const tick = () => {
      if (!showTime(card, ends, question.seconds)) this.over(question.id, "expired");
    };
    this.#shown.set(question.id, { card, timer: setInterval(tick, TICK_MS) });
    tick();
    const buttons = card.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    setTimeout(() => {
      for (const button of buttons) button.disabled = false;
    }, NOT_YET_MS);
    this.#place.append(card);
    if (!isWriting()) card.focus({ preventScroll: true });
  }

  /**
   * @param {string} id
   * @param {string} outcome
   */
  over(id, outcome) {
    if (!this.#shown.has(id)) return;
    this.#leave(id);
    if (outcome === "expired") toast(t("approval.expired"));
  }

  clear() {
    for (const id of [...this.#shown.keys()]) this.#leave(id);
  }

  /** @param {string} id */
  #leave(id) {
    const shown = this.#shown.get(id);
    if (!shown) return;
    clearInterval(shown.timer);
    const hadFocus = shown.card.contains(document.activeElement);
    shown.card.remove();
    this.#shown.delete(id);
    if (hadFocus) byId("composer", HTMLElement).focus({ preventScroll: true });
  }
}

/** Whoever writes keeps the place where they write: a key that they press must not be an answer. */
function isWriting() {
  const active = document.activeElement;
  return active instanceof HTMLTextAreaElement ? active.value !== "" : active instanceof HTMLInputElement;
}

/**
 * @param {HTMLElement} card
 * @param {number} ends
 * @param {number} whole seconds
 * @returns {boolean} whether there is any left
 */
function showTime(card, ends, whole) {
  const left = Math.max(0, (ends - performance.now()) / 1000);
  const bar = card.querySelector(".approval-bar");
  const words = card.querySelector(".approval-left");
  if (bar instanceof HTMLElement) bar.style.transform = `scaleX(${Math.min(1, left / whole)})`;
  if (words) words.textContent = t("approval.left", { seconds: String(Math.ceil(left)) });
  return left > 0;
}
