/** The drawing for each ability. @import { HandName } from "../wire.js" */

/** @type {Record<HandName, string>} */
const SIGNS = { mcp: "tools", browser_use: "browser", computer_use: "computer", user_plugin: "plugin" };

/** @param {string} kind */
export function handSign(kind) {
  return SIGNS[/** @type {HandName} */ (kind)] ?? "hand";
}
