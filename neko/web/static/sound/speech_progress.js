/** @typedef {string | null} SpeechId Which speech a sound belongs to; null before the server has named one. */

/** What is known of one speech: how much of it is still to come, and how much has been played. */
export class SpeechProgress {
  /** @type {AudioContext} */
  #context;
  /** @type {{ start: number, seconds: number }[]} */
  #pieces = [];
  #before = 0;
  /** How many of its frames have not been played yet. */
  framesLeft = 0;
  /** No more frames will come. */
  allReceived = false;
  isScheduled = false;
  hasStarted = false;
  hasEnded = false;
  /** @type {number} */
  timer = 0;
  startsAt = 0;
  endsAt = 0;

  /**
   * @param {SpeechId} id
   * @param {AudioContext} context
   */
  constructor(id, context) {
    this.id = id;
    this.#context = context;
  }

  /**
   * A piece of it has been put on the timeline; seconds of the context's clock.
   * @param {number} start
   * @param {number} seconds
   */
  put(start, seconds) {
    if (!this.isScheduled) this.startsAt = start;
    this.endsAt = start + seconds;
    this.#pieces.push({ start, seconds });
  }

  /**
   * It has been cut at this time.
   * @param {number} at
   */
  cut(at) {
    for (const piece of this.#pieces) piece.seconds = Math.max(0, Math.min(piece.seconds, at - piece.start));
  }

  /**
   * Seconds of it that have come out of the loudspeaker.
   * @param {boolean} settled nothing of it is playing: all that was not cut will have come out
   * @returns {number}
   */
  played(settled) {
    const now = settled ? Infinity : this.#context.currentTime - (this.#context.outputLatency || 0);
    let sum = 0;
    for (let first = this.#pieces[0]; first && now >= first.start + first.seconds; first = this.#pieces[0]) {
      this.#before += first.seconds;
      this.#pieces.shift();
    }
    for (const { start, seconds } of this.#pieces) sum += Math.max(0, Math.min(seconds, now - start));
    return this.#before + sum;
  }
}
