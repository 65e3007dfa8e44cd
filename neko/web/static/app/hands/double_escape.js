/** Esc twice within a moment, wherever one is, also while writing: all that runs is to stop. */
const WITHIN_MS = 1500;

/**
 * @param {{ applies: () => boolean, first: (withinMs: number) => void, twice: () => void }} on `first`: after the first Esc
 */
export function onDoubleEscape({ applies, first, twice }) {
  let last = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.repeat || !applies()) return;
    const now = performance.now();
    if (now - last < WITHIN_MS) {
      last = -Infinity;
      twice();
    } else {
      last = now;
      first(WITHIN_MS);
    }
  }, { capture: true });
}
