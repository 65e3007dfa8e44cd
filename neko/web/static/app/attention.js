/** What reaches a reader who looks elsewhere: a mark in the title, and, if they asked for it, a notification. */
import { recall, remember } from "./preferences.js";

const LONGEST = 160;

export class Attention {
  #name = "Neko";
  #unseen = 0;
  /** What goes on here, to be seen from elsewhere. */
  #sign = "";
  /** @type {Notification | null} */
  #shown = null;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#seen();
    });
  }

  /** @param {string} name of who talks here */
  setName(name) {
    this.#name = name || "Neko";
    this.#draw();
  }

  /** @param {string} sign what goes on here, or "" */
  setSign(sign) {
    this.#sign = sign;
    this.#draw();
  }

  /**
   * She has said something.
   * @param {string} text
   */
  said(text) {
    if (!document.hidden) return;
    this.#unseen += 1;
    this.#draw();
    if (!wantsNotifications() || Notification.permission !== "granted") return;
    this.#shown?.close();
    const body = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    this.#shown = new Notification(this.#name, { body, tag: "neko", icon: "static/icons/favicon.svg" });
    this.#shown.onclick = () => window.focus();
  }

  #seen() {
    this.#unseen = 0;
    this.#shown?.close();
    this.#shown = null;
    this.#draw();
  }

  #draw() {
    const name = this.#sign ? `${this.#sign} · ${this.#name}` : this.#name;
    document.title = this.#unseen ? `(${this.#unseen}) ${name}` : name;
  }
}

export function canNotify() {
  return "Notification" in window;
}

export function wantsNotifications() {
  return canNotify() && recall("notifications", false);
}

/**
 * Turn them on, which asks the browser, or off. Resolves to whether they are on now.
 * @param {boolean} on
 */
export async function setNotifications(on) {
  const allowed = on && (await Notification.requestPermission()) === "granted";
  remember("notifications", allowed);
  return allowed;
}
