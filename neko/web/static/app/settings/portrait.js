/**
 * The built-in drawing as a picture of a character, in her colours.
 *
 * @import { Avatar, Colours } from "../../avatar/avatar.js"
 */

/**
 * Herself, until her place is taken off the page; null where she cannot be drawn.
 * @param {HTMLElement} place
 * @param {Partial<Colours>} colours
 * @param {{ still?: boolean }} [options] `still`: a picture that does not move
 * @returns {Promise<Avatar | null>}
 */
export async function drawPortrait(place, colours, { still = false } = {}) {
  try {
    const { createAvatar } = await import("../../avatar/avatar.js");
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
    if (!place.isConnected) return null;
    const avatar = await createAvatar(place, { colours, reducedMotion: still || matchMedia("(prefers-reduced-motion: reduce)").matches });
    if (still) avatar.pause();
    const gone = new MutationObserver(() => {
      if (place.isConnected) return;
      gone.disconnect();
      avatar.destroy();
    });
    gone.observe(document.body, { childList: true, subtree: true });
    return avatar;
  } catch (error) {
    console.warn("portrait", error); // colours written by hand, or no way to the drawing
    return null;
  }
}
