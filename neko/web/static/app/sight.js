/**
 * Tells her whether her page is in sight: she speaks of her own accord only to somebody who is there.
 *
 * @import { ReportSight } from "./wire.js"
 */

/**
 * @param {(action: ReportSight) => unknown} send
 * @returns {() => void} to be called when a connection is there: a new one counts as seen until it says otherwise
 */
export function reportSight(send) {
  const tell = () => void send({ action: "neko_in_sight", on: !document.hidden });
  document.addEventListener("visibilitychange", tell);
  return () => {
    if (document.hidden) tell();
  };
}
