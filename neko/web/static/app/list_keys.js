/**
 * The arrow keys walk through a list of buttons, from a field above it and back.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} items
 * @param {HTMLElement} above what has the focus before the first of them
 */
export function walk(event, items, above) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = event.key === "ArrowDown" ? at + 1 : event.key === "ArrowUp" ? at - 1 : null;
  if (to === null) return;
  event.preventDefault();
  (items[to] ?? (to < 0 ? above : items.at(-1)))?.focus();
}
