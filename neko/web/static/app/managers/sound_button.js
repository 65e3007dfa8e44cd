/** One sound at a time. */
import { sentenceOf } from "../api.js";
import { h, icon } from "../element.js";
import { t } from "../i18n.js";
import { toast } from "../notices.js";

/** @type {(() => void) | null} Ends what sounds now. */
let playing = null;

/**
 * A button that plays a sound, and stops it.
 * @param {{ label: string, sound: () => Promise<Blob>, testId: string }} options `sound` may reject with an `ApiError`
 */
export function soundButton({ label, sound, testId }) {
  const button = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, "data-testid": testId, "data-state": "quiet" }, icon("play"));
  const show = (/** @type {"quiet" | "loading" | "sounding"} */ state) => {
    button.dataset.state = state;
    button.replaceChildren(icon(state === "quiet" ? "play" : "stop"));
    button.setAttribute("aria-label", state === "quiet" ? label : t("voice.stop"));
  };
  const play = async () => {
    const audio = new Audio();
    let url = "";
    const end = () => {
      audio.pause();
      URL.revokeObjectURL(url);
      if (playing === end) playing = null;
      show("quiet");
    };
    playing?.();
    playing = end;
    show("loading");
    try {
      url = URL.createObjectURL(await sound());
      if (playing !== end) return;
      audio.src = url;
      audio.addEventListener("ended", end);
      await audio.play();
      show("sounding");
    } catch (error) {
      if (playing === end) {
        end();
        toast(sentenceOf(error));
      }
    }
  };
  button.addEventListener("click", () => {
    if (button.dataset.state === "quiet") void play();
    else playing?.();
  });
  return button;
}
