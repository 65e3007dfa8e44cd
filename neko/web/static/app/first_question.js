/**
 * The question of the first visit, how she should think. It is open until the reader has answered it in one way or
 * another, whoever asks it; this browser remembers the answer.
 */
import { recall, remember } from "./preferences.js";

const ANSWERED = "welcomed";

export function isFirstQuestionOpen() {
  return !recall(ANSWERED, false);
}

/** By a model, by "later", by talking, or by going on to another character. */
export function answerFirstQuestion() {
  remember(ANSWERED, true);
}
