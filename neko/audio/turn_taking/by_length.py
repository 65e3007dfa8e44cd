"""By how much was said: a first short sentence is often followed by another, a short answer is not."""

from __future__ import annotations

from neko.audio.turn_taking.endings import Ending, ending, sentences
from neko.audio.turn_taking.patience import SaidSoFar

SHORT_S = {Ending.STATEMENT: 1.6, Ending.QUESTION: 0.9}
"""Seconds of speech up to which it is short."""
WAIT_S = 0.6


def by_length(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    if said.text is None or len(sentences(said.text)) > 1:
        return wait_s
    return max(wait_s, WAIT_S) if said.speech_s < SHORT_S.get(ending(said.text), 0.0) else wait_s
