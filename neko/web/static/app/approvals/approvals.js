/**
 * What she, or a server of tools, asks before something is done. It is shown above the place to write; no answer is a no.
 * Of several the oldest act is in front, which has less time than what a server wants to know; the others wait in a row
 * of their own. The focus stays where the reader writes.
 *
 * @import { ActQuestion, Approve, Inquiry } from "../wire.js"
 *
 * @typedef {ActQuestion | Inquiry} Question
 * @typedef {Omit<Approve, "action" | "id">} Answer
 */
import { byId, h } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";
import { actCard, titleOf } from "./act_card.js";
import { inquiryCard } from "./inquiry_card.js";
import { KEYS } from "./keys.js";

/** Milliseconds in which a card that has just come takes no answer: it was meant for what was there before. */
const NOT_YET_MS = 500;
const TICK_MS = 250;

/** @typedef {{ kind: Question["kind"], card: HTMLElement, waiting: HTMLButtonElement, timer: ReturnType<typeof setInterval>, press: (key: keyof typeof KEYS) => void, endHint: () => void }} Shown */

export class Approvals {
  #send;
  #row = h("div", { class: "approvals-waiting", "data-testid": "approvals-waiting" });
  #said = h("p", { class: "visually-hidden", role: "alert" });
  #place = h("div", { class: "approvals", "data-testid": "approvals" }, this.#said, this.#row);
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** The one in front. */
  #front = "";
  /** Since when it is there. */
  #since = 0;

  /** @param {(answer: Approve) => boolean} send */
  constructor(send) {
    this.#send = send;
    byId("composer-form", HTMLElement).before(this.#place);
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Question} question */
  show(question) {
    if (this.#shown.has(question.id)) return;
    const answer = (/** @type {Answer} */ given) => {
      if (performance.now() - this.#since < NOT_YET_MS) return;
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
    const words = question.kind === "approval" ? titleOf(question) : t("approval.asks", { server: question.server });
    const left = h("span", { class: "approval-waiting-left" });
    const waiting = h("button", { type: "button", class: "approval-waiting", "data-testid": "approval-waiting", on: { click: () => this.#bring(question.id) } }, h("span", { text: words }), left);
    const ends = performance.now() + question.seconds_left * 1000;
    const tick = () => {
      if (!showTime(card, left, ends, question.seconds)) this.over(question.id, "expired");
    };
    const press = (/** @type {keyof typeof KEYS} */ key) => {
      if (key === "no") answer(no);
      else if (question.kind === "approval") answer({ decision: "once" });
    };
    this.#shown.set(question.id, { kind: question.kind, card, waiting, press, endHint: hint(words, question.seconds_left * 1000), timer: setInterval(tick, TICK_MS) });
    tick();
    this.#row.append(waiting);
    card.hidden = true;
    this.#place.append(card);
    this.#said.textContent = `${words} ${question.kind === "approval" ? t("approval.keys", { yes: KEYS.yes.shown, no: KEYS.no.shown }) : ""}`;
    const front = this.#shown.get(this.#front);
    if (!front || (front.kind === "inquiry" && question.kind === "approval")) this.#bring(question.id);
    else this.#arrange();
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

  /** This one is in front now, and takes no answer for a moment. @param {string} id */
  #bring(id) {
    const shown = this.#shown.get(id);
    if (!shown) return;
    const hadFocus = this.#place.contains(document.activeElement);
    this.#front = id;
    this.#since = performance.now();
    const buttons = [...shown.card.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    setTimeout(() => {
      for (const button of buttons) button.disabled = false;
    }, NOT_YET_MS);
    this.#arrange();
    if (hadFocus) shown.card.focus({ preventScroll: true });
  }

  #arrange() {
    for (const [id, { card, waiting }] of this.#shown) {
      card.hidden = id !== this.#front;
      waiting.hidden = id === this.#front;
    }
    this.#row.hidden = this.#shown.size < 2;
  }

  /** @param {string} id */
  #leave(id) {
    const shown = this.#shown.get(id);
    if (!shown) return;
    clearInterval(shown.timer);
    shown.endHint();
    const hadFocus = shown.card.contains(document.activeElement) || shown.waiting === document.activeElement;
    shown.card.remove();
    shown.waiting.remove();
    this.#shown.delete(id);
    if (this.#shown.size === 0) this.#said.textContent = "";
    const left = [...this.#shown];
    const next = (left.find(([, one]) => one.kind === "approval") ?? left[0])?.[0];
    if (id === this.#front && next !== undefined) this.#bring(next);
    else this.#arrange();
    if (hadFocus) byId("composer", HTMLElement).focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const front = this.#shown.get(this.#front);
    if (!front || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat || document.querySelector("dialog[open]")) return;
    const pressed = /** @type {const} */ (["yes", "no"]).find((name) => KEYS[name].code === event.code);
    if (!pressed) return;
    event.preventDefault();
    front.press(pressed);
  }
}

/**
 * A dialog covers the questions: say in it that there is one. Returns what takes that away.
 * @param {string} words
 * @param {number} timeMs
 */
function hint(words, timeMs) {
  const dialog = document.querySelector("dialog[open]");
  if (!(dialog instanceof HTMLDialogElement)) return () => {};
  return toast(words, { timeMs, action: { label: t("approval.look"), run: () => dialog.close() } });
}

/**
 * @param {HTMLElement} card
 * @param {HTMLElement} short where the seconds stand while it waits
 * @param {number} ends
 * @param {number} whole seconds
 * @returns {boolean} whether there is any left
 */
function showTime(card, short, ends, whole) {
  const left = Math.max(0, (ends - performance.now()) / 1000);
  const bar = card.querySelector(".approval-bar");
  const words = card.querySelector(".approval-left");
  if (bar instanceof HTMLElement) bar.style.transform = `scaleX(${Math.min(1, left / whole)})`;
  for (const one of [words, short]) if (one) one.textContent = t("approval.left", { seconds: String(Math.ceil(left)) });
  return left > 0;
}
