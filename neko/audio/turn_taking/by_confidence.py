"""By how sure the recogniser is: what it makes of a drawn-out sound of thinking is a word or two that it doubts."""

from __future__ import annotations

from neko.audio.turn_taking.patience import SaidSoFar

DOUBTFUL = 0.45
SHORT_S = 1.0
WAIT_S = 1.2


def by_confidence(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    if said.confidence is not None and said.confidence < DOUBTFUL and said.speech_s < SHORT_S:
        return max(wait_s, WAIT_S)
    return wait_s
