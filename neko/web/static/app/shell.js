/**
 * What every page begins with: theme, language, notices. The entry module of a page is
 *
 *     import { startShell } from "./shell.js";
 *     const show = await startShell();
 *     …build the page…
 *     show();
 *
 * and its template extends `shell.html`.
 */
import "./theme.js";
import { setLanguage, startLanguage } from "./i18n.js";
import { keepFocus } from "./kept_focus.js";

/** Resolves when the words are there; what it answers shows the page, to be called once its content stands. */
export async function startShell() {
  keepFocus();
  await setLanguage(startLanguage()).catch(() => setLanguage("en"));
  return () => {
    document.documentElement.dataset.ready = "";
  };
}
