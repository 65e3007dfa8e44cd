/**
 * The call with all that it needs of the page, loaded with the first one.
 *
 * @import { Attention } from "./attention.js"
 * @import { Composer } from "./composer.js"
 * @import { Conversation } from "./conversation.js"
 * @import { Follow } from "./follow.js"
 * @import { SpeechOutput } from "./speech_output.js"
 */
import { Call } from "./call.js";
import { CallView } from "./call_view.js";
import { t } from "./i18n.js";
import { showFault, toast } from "./notices.js";
import { connectedSharing } from "./sharing/connected_sharing.js";
import { shareButtons } from "./sharing/share_buttons.js";

/** @param {{ composer: Composer, conversation: Conversation, follow: Follow, speech: SpeechOutput, attention: Attention }} parts */
export function connectedCall({ composer, conversation, follow, speech, attention }) {
  const call = new Call();
  const sharing = connectedSharing({ call, conversation, attention });
  call.sharing = sharing;
  const view = new CallView(call, shareButtons(sharing));
  call.on("send", (action) => conversation.send(action));
  call.on("sound", (frame) => conversation.sendSound(frame));
  call.on("change", () => {
    composer.setCall(call.isOn);
    if (!call.isOn) conversation.transcript.stopHearing();
  });
  call.on("told", (sentence) => toast(sentence));
  call.on("fault", (fault) => {
    showFault({ code: `microphone_${fault}`, message: t(`microphone.faults.${fault}.message`), remedy: t(`microphone.faults.${fault}.remedy`) });
    follow.toEnd();
  });
  view.setName(conversation.character);
  conversation.on("ready", () => {
    view.setName(conversation.character);
    call.lineBack();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && call.isOn) speech.unlock(); // a phone that was locked has stopped the sound
  });
  return call;
}
