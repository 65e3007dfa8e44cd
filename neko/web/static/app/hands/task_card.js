/**
 * The card of one task: what it is about, what is being done now, its steps, what came of it, and what one can do.
 *
 * @import { AgentTask, TaskCommand, TaskStep } from "../wire.js"
 */
import { h, icon } from "../element.js";
import { currentLanguage, t } from "../i18n.js";
import { command } from "./calls.js";
import { enlarge, ownAddress } from "./pictures.js";
import { handSign } from "./signs.js";
import { elapsedOf, isOver, isReminder, stateOf, titleOf, wordsOf } from "./tasks.js";

const COMMANDS = /** @type {const} */ ({ pause: "pause", resume: "play", retry: "retry", cancel: "stop" });
/** Steps that are shown before one asks for all. */
const FEW_STEPS = 5;

/**
 * A span of time as a clock shows it: 0:07, 12:30, 1:02:03.
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, at) => (at ? String(part).padStart(2, "0") : String(part))).join(":");
}

export class TaskCard {
  #task;
  #now;
  #onDismiss;
  #onCommand;
  #title = h("h2", { class: "task-title" });
  #state = h("span", { class: "task-state", "data-testid": "task-state" });
  #time = h("span", { class: "task-time", "data-testid": "task-time" });
  #sign = h("span", { class: "task-sign", "aria-hidden": "true" });
  #who = h("span", { class: "task-who" });
  #fold = h("button", { type: "button", class: "icon-button is-small task-fold", "data-testid": "task-fold" }, icon("chevron"));
  #dismiss = h("button", { type: "button", class: "icon-button is-small", "data-testid": "task-dismiss" }, icon("close"));
  #action = h("p", { class: "task-action", "data-testid": "task-action" });
  #steps = h("ol", { class: "task-steps", "data-testid": "task-steps" });
  #all = h("button", { type: "button", class: "task-more", "data-testid": "task-all-steps" });
  #picture = h("button", { type: "button", class: "task-picture", "data-testid": "task-picture" });
  #result = h("div", { class: "task-result", "data-testid": "task-result" });
  #more = h("button", { type: "button", class: "task-more", "data-testid": "task-more" });
  #files = h("ul", { class: "task-files" });
  #answer = h("a", { class: "task-command", "data-testid": "task-answer", hidden: true });
  #acts = h("div", { class: "task-acts" }, this.#answer);
  #body = h("div", { class: "task-body" });
  /** @type {Map<TaskCommand, HTMLButtonElement>} */
  #buttons = new Map();
  #isFolded = false;
  #allSteps = false;
  /** What is drawn of the steps and of the picture, so that what has not changed stays as it is. */
  #drawnSteps = "";
  #drawnPicture = "";
  element = h("article", { class: "task", tabindex: "-1", "data-testid": "task" });

  /**
   * @param {AgentTask} task
   * @param {{ now: () => number, onDismiss?: (() => void) | null, onCommand?: (() => void) | null, folded?: boolean }} parts
   *   `now`: the time of the server; with `onCommand` the card says where what is asked is answered
   */
  constructor(task, { now, onDismiss = null, onCommand = null, folded = false }) {
    this.#task = task;
    this.#now = now;
    this.#onDismiss = onDismiss;
    this.#onCommand = onCommand;
    this.#isFolded = folded;
    this.#body.append(this.#action, this.#picture, this.#steps, this.#all, this.#result, this.#more, this.#files);
    this.element.append(
      h("header", { class: "task-head" }, this.#sign,
        h("div", { class: "task-words" }, this.#title, h("p", { class: "task-line" }, this.#state, this.#time, this.#who)),
        this.#fold, this.#dismiss),
      this.#body, this.#acts);
    this.#fold.addEventListener("click", () => this.fold(!this.#isFolded));
    this.#dismiss.addEventListener("click", () => this.#onDismiss?.());
    this.#all.addEventListener("click", () => {
      this.#allSteps = !this.#allSteps;
      this.#drawSteps();
    });
    this.#more.addEventListener("click", () => {
      this.#result.classList.toggle("is-open");
      this.#drawMore();
    });
    this.#picture.addEventListener("click", () => enlarge(ownAddress(this.#task.neko?.thumbnail ?? ""), t("hands.picture_of", { title: titleOf(this.#task) })));
    for (const [name, sign] of /** @type {[TaskCommand, string][]} */ (Object.entries(COMMANDS))) this.#buttons.set(name, this.#button(name, sign));
    this.#acts.append(...this.#buttons.values());
    new ResizeObserver(() => this.#drawMore()).observe(this.#result); // it may be drawn where it cannot be seen yet
    this.update(task);
  }

  /** @param {AgentTask} task */
  update(task) {
    this.#task = task;
    const state = stateOf(task);
    const details = task.neko;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.dataset.state = state;
    this.element.dataset.id = task.id;
    this.#title.textContent = titleOf(task);
    this.#title.title = details?.instruction ?? "";
    this.#sign.replaceChildren(icon(isReminder(task) ? "bell" : handSign(details?.steps.findLast((step) => step.state === "running")?.hand || task.type)));
    const words = wordsOf(task);
    this.#state.textContent = words.state;
    const here = document.documentElement.dataset.character;
    this.#who.textContent = details?.character && details.character !== here ? details.character : "";
    this.#action.textContent = words.action;
    this.#dismiss.hidden = !this.#onDismiss || !isOver(task);
    this.#dismiss.setAttribute("aria-label", t("hands.dismiss", { title: titleOf(task) }));
    this.#dismiss.title = t("hands.dismiss_short");
    this.#drawSteps();
    this.#drawPicture(ownAddress(details?.thumbnail ?? ""));
    this.#drawResult();
    this.#drawCommands();
    this.#drawFold();
    this.tick();
    if (hadFocus && !this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
  }

  /** The time that it takes goes on. */
  tick() {
    this.#time.textContent = stateOf(this.#task) === "queued" ? "" : clock(elapsedOf(this.#task, this.#now()));
  }

  /** @param {boolean} folded */
  fold(folded) {
    this.#isFolded = folded;
    this.#drawFold();
  }

  #drawFold() {
    const isEmpty = [this.#action, this.#picture, this.#steps, this.#result, this.#files].every((part) => part.hidden || part.childNodes.length === 0);
    this.#fold.hidden = isEmpty;
    const isOfReason = this.#isFolded && this.#result.querySelector(".task-why") !== null; // folded, only why it failed is shown
    this.#body.hidden = isEmpty || (this.#isFolded && !isOfReason);
    this.#body.classList.toggle("is-of-reason", isOfReason);
    this.#fold.setAttribute("aria-expanded", String(!this.#isFolded));
    this.#fold.setAttribute("aria-label", t("hands.details", { title: titleOf(this.#task) }));
  }

  #drawSteps() {
    const steps = this.#task.neko?.steps ?? [];
    const drawn = JSON.stringify([steps, this.#allSteps, currentLanguage()]);
    if (drawn === this.#drawnSteps) return;
    this.#drawnSteps = drawn;
    const at = Math.max(0, steps.findLastIndex((step) => step.state !== "waiting"));
    const from = this.#allSteps ? 0 : Math.max(0, Math.min(at - FEW_STEPS + 2, steps.length - FEW_STEPS));
    const shown = this.#allSteps ? steps : steps.slice(from, from + FEW_STEPS);
    this.#steps.start = from + 1;
    this.#steps.replaceChildren(...shown.map(stepRow));
    this.#steps.hidden = steps.length === 0;
    this.#all.hidden = steps.length <= FEW_STEPS;
    this.#all.textContent = this.#allSteps ? t("talk.less") : t("hands.all_steps", { count: steps.length });
    this.#all.setAttribute("aria-expanded", String(this.#allSteps));
  }

  /** @param {string} address */
  #drawPicture(address) {
    this.#picture.hidden = !address;
    if (address === this.#drawnPicture) return;
    this.#drawnPicture = address;
    const picture = h("img", { src: address, alt: t("hands.picture_of", { title: titleOf(this.#task) }), decoding: "async" });
    picture.addEventListener("error", () => { this.#picture.hidden = true; });
    this.#picture.replaceChildren(...(address ? [picture] : []));
  }

  #drawResult() {
    const { error, neko: details } = this.#task;
    const state = stateOf(this.#task);
    const failed = state === "failed" || state === "interrupted";
    const why = failed ? error || details?.result : state === "partial" ? error : "";
    const came = failed ? "" : details?.result;
    this.#result.replaceChildren(
      ...(came ? [h("p", { text: came })] : []),
      ...(why ? [h("p", { class: failed ? "task-why is-bad" : "task-why", text: why })] : []),
      ...(details?.remedy ? [h("p", { class: "task-remedy", text: details.remedy })] : []));
    this.#result.hidden = this.#result.childNodes.length === 0;
    this.#files.replaceChildren(...(details?.files ?? []).map(({ name, url }) => h("li", {}, h("a", { href: ownAddress(url), download: name }, icon("save"), h("span", { text: name })))));
    this.#files.hidden = !details?.files.length;
    this.#drawMore();
  }

  /** Where the result is cut, there is a way to see all of it. */
  #drawMore() {
    const isOpen = this.#result.classList.contains("is-open");
    this.#more.hidden = this.#result.hidden || (!isOpen && this.#result.scrollHeight <= this.#result.clientHeight + 1);
    this.#more.textContent = t(isOpen ? "talk.less" : "talk.more");
    this.#more.setAttribute("aria-expanded", String(isOpen));
  }

  #drawCommands() {
    const possible = this.#task.neko?.commands ?? (isOver(this.#task) ? [] : ["cancel"]);
    for (const [name, button] of this.#buttons) {
      button.hidden = !possible.includes(name);
      button.disabled = false;
      button.setAttribute("aria-label", `${t(`hands.commands.${name}`)}: ${titleOf(this.#task)}`);
      const label = button.querySelector("span");
      if (label) label.textContent = t(`hands.commands.${name}`);
    }
    const { character = "", waits_for: waits } = this.#task.neko ?? {};
    this.#answer.hidden = !this.#onCommand || !(stateOf(this.#task) === "asking" || waits === "approval");
    this.#answer.href = encodeURIComponent(character) || "./";
    this.#answer.textContent = t("hands.answer");
    this.#acts.hidden = possible.length === 0 && this.#answer.hidden;
  }

  /**
   * @param {TaskCommand} name
   * @param {string} sign
   */
  #button(name, sign) {
    const button = h("button", { type: "button", class: "task-command", "data-testid": `task-${name}` }, icon(sign), h("span"));
    button.addEventListener("click", () => {
      button.disabled = true;
      void command(name, { task_id: this.#task.id }).finally(() => {
        button.disabled = false;
        this.#onCommand?.();
      });
    });
    return button;
  }
}

/** @param {TaskStep} step */
function stepRow({ title, state, detail }) {
  const sign = /** @type {const} */ ({ waiting: "dot", running: "dot", done: "check", failed: "close", skipped: "forward", stopped: "stop" });
  return h("li", { class: "task-step", "data-state": state, "aria-current": state === "running" && "step" },
    h("span", { class: "task-step-sign" }, icon(sign[state]), h("span", { class: "visually-hidden", text: t(`hands.steps.${state}`) })),
    h("span", { class: "task-step-words" }, h("span", { text: title }), detail && h("span", { class: "task-step-detail", text: detail })));
}
