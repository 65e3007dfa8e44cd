/** What is known of one speech: how much of it is still to come, and how much has been played. */
export class Speech {
  #context;
  #pieces = [];
  #before = 0;
  left = 0;
  complete = false;
  announced = false;
  heard = false;
  over = false;
  timer = 0;
  startsAt = 0;
  endsAt = 0;

  constructor(id, context) {
    this.id = id;
    this.#context = context;
  }

  /** A piece of it has been put on the timeline; seconds of the context's clock. */
  put(start, seconds) {
    if (!this.announced) this.startsAt = start;
    this.endsAt = start + seconds;
    this.#pieces.push({ start, seconds });
  }

  /** It has been cut at this time. */
  cut(at) {
    for (const piece of this.#pieces) piece.seconds = Math.max(0, Math.min(piece.seconds, at - piece.start));
  }

  played() {
    const now = this.#context.currentTime;
    let sum = 0;
    while (this.#pieces.length && now >= this.#pieces[0].start + this.#pieces[0].seconds) this.#before += this.#pieces.shift().seconds;
    for (const { start, seconds } of this.#pieces) sum += Math.max(0, Math.min(seconds, now - start));
    return this.#before + sum;
  }
}
