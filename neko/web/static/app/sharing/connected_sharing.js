/**
 * What is shared in a call, with all that it needs of the page.
 *
 * @import { Attention } from "../attention.js"
 * @import { Call } from "../call.js"
 * @import { Conversation } from "../conversation.js"
 */
import { onLanguage, t } from "../i18n.js";
import { toast } from "../notices.js";
import { Preview } from "./preview.js";
import { Sharing } from "./sharing.js";

const LONG_TOAST_MS = 8000;

/** @param {{ call: Call, conversation: Conversation, attention: Attention }} parts */
export function connectedSharing({ call, conversation, attention }) {
  const sharing = new Sharing(() => conversation.hasRoom);
  new Preview(sharing);
  const sign = () => attention.setSign(sharing.isOn ? t(`share.tab_${sharing.source}`) : "");
  const follow = () => sharing.setActive(conversation.turn === "listening" || call.held);
  sharing.on("send", (action) => conversation.send(action));
  sharing.on("change", sign);
  sharing.on("ended", (source, by) => {
    if (by === "browser" || by === "hidden") toast(t(`share.ended_${by}`, { what: t(`share.what_${source}`) }));
  });
  sharing.on("fault", (source, fault) => {
    if (fault === "denied" && source === "screen") toast(t("share.nothing"));
    else toast(t(`share.faults.${fault}`), { timeMs: LONG_TOAST_MS });
  });
  call.on("change", () => {
    if (!call.isOn) sharing.stop("call");
    follow();
  });
  conversation.on("turn", follow);
  conversation.on("ready", () => sharing.announce());
  onLanguage(sign);
  return sharing;
}
