/**
 * What this page asks of the agent.
 *
 * @import { AgentSnapshot } from "../wire.js"
 */
import { post, sentenceOf } from "../api.js";
import { toast } from "../notices.js";

/**
 * A command to the agent; the reader is told when it is refused.
 * @param {string} name
 * @param {object} [more]
 * @returns {Promise<{ snapshot?: AgentSnapshot } | null>} null when it was refused
 */
export async function command(name, more = {}) {
  try {
    return await post("api/agent/command", { command: name, ...more });
  } catch (error) {
    toast(sentenceOf(error));
    return null;
  }
}
