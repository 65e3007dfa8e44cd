"""By how much was said before any pause: a short first sentence is often followed by another, a long one seldom is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neko.audio.turn_taking.endings import ending, sentences
from neko.audio.turn_taking.kinds import Ending
from neko.audio.turn_taking.patience import SaidSoFar

SHORT_WAIT_S: Final[Mapping[Ending, float]] = {Ending.OPEN: 0.9, Ending.STATEMENT: 0.75, Ending.QUESTION: 0.75}
"""Seconds to wait after ``SHORT_S`` of speech or less. A short answer is mostly all."""
SHORT_S: Final[Mapping[Ending, float]] = {Ending.OPEN: 1.5, Ending.STATEMENT: 1.0, Ending.QUESTION: 1.0}
LESS_S: Final[Mapping[Ending, float]] = {Ending.OPEN: 0.3, Ending.STATEMENT: 0.3, Ending.QUESTION: 0.5}
"""Seconds by which the wait is shorter for every further second of speech."""


def by_length(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    if said.text is None or said.longest_pause_s or len(sentences(said.text)) > 1:
        return wait_s
    kind = ending(said.text)
    if kind not in SHORT_WAIT_S:
        return wait_s
    return max(wait_s, SHORT_WAIT_S[kind] - LESS_S[kind] * max(0.0, said.speech_s - SHORT_S[kind]))
