"""By the pauses of this turn: who says a few words at a time, in a list or while thinking, goes on doing so."""

from __future__ import annotations

from neko.audio.turn_taking.patience import SaidSoFar

FEW_WORDS_S = 0.8
LONGER_S = 0.25
"""Longer than the pauses so far a next one may be."""


def by_pauses(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    if said.longest_pause_s and said.since_pause_s < FEW_WORDS_S:
        return max(wait_s, said.longest_pause_s + LONGER_S)
    return wait_s
