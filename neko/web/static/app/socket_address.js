/** Where the socket of a character is. */
import { currentLanguage } from "./i18n.js";
import { knownRegion } from "./region.js";
import { TAKEN_OVER } from "./socket.js";

/** @param {string} character */
export function socketUrl(character) {
  const url = new URL(`ws/${encodeURIComponent(character)}`, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = `neko_undo&neko_close_codes=${TAKEN_OVER}`;
  url.searchParams.set("neko_language", currentLanguage());
  const region = knownRegion();
  if (region !== null) url.searchParams.set("neko_region", region);
  return url.href;
}
