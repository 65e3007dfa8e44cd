/**
 * The focus stays when the control that has it is drawn anew, or cannot be used for a while. Its successor is the
 * control of the same `data-testid`, in the same row where there are rows (what has one of `ROWS`). If that one is
 * gone, it is its row; if the row is gone, whoever works by keyboard is on the one that follows.
 *
 * @typedef {{ control: HTMLElement, name: string, around: Element[], row: { one: string, all: string, at: number } | null }} Place
 */

const ROWS = ["data-id", "data-name", "data-site", "data-voice", "data-chat", "data-option"];
const ANY_ROW = ROWS.map((name) => `[${name}]`).join(", ");
const CHANGES = { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled", "hidden"] };

/** @type {Place | null} */
let place = null;
let byKeys = false;

export function keepFocus() {
  document.addEventListener("keydown", () => { byKeys = true; }, true);
  document.addEventListener("pointerdown", () => {
    byKeys = false;
    place = null;
  }, true);
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (!relatedTarget && document.hasFocus()) queueMicrotask(() => left(target));
  });
  document.addEventListener("focusin", ({ target }) => { place = target instanceof HTMLElement ? placeOf(target) : null; });
  new MutationObserver(() => {
    if (place && document.activeElement === document.body) goTo(successor(place));
  }).observe(document.body, CHANGES);
}

/** A control that was left by intent is not come back to. @param {EventTarget | null} control */
function left(control) {
  if (place?.control === control && place.control.isConnected && !place.control.matches(":disabled")) place = null;
}

/**
 * @param {HTMLElement} control
 * @returns {Place}
 */
function placeOf(control) {
  const row = control.closest(ANY_ROW);
  const named = row && ROWS.find((name) => row.hasAttribute(name));
  const around = [];
  for (let one = (row ?? control).parentElement; one; one = one.parentElement) around.push(one);
  const all = `[${named}]`;
  return {
    control, name: control.dataset.testid ?? "", around,
    row: row && named ? { all, one: `[${named}="${CSS.escape(row.getAttribute(named) ?? "")}"]`, at: [...around[0]?.querySelectorAll(all) ?? []].indexOf(row) } : null,
  };
}

/**
 * @param {Place} lost
 * @returns {Element | null | undefined} none yet: it may come with the next change
 */
function successor({ control, name, around, row }) {
  if (control.isConnected) return control;
  const within = around.find((one) => one.isConnected);
  const named = name && `[data-testid="${CSS.escape(name)}"]`;
  if (!row) return named ? within?.querySelector(named) : null;
  const same = within?.querySelector(row.one);
  if (same) return same.matches(named || "button") ? same : (named && same.querySelector(named)) || same;
  const rows = byKeys ? [...within?.querySelectorAll(row.all) ?? []] : [];
  return rows[Math.min(row.at, rows.length - 1)];
}

/** @param {Element | null | undefined} next */
function goTo(next) {
  if (!(next instanceof HTMLElement)) return;
  next.focus();
  if (document.activeElement === next || next.matches(":disabled") || next.matches(ANY_ROW) === false) return;
  next.tabIndex = -1;
  next.focus();
}
