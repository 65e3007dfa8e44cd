"""How long a pause may be before the user's turn is over: the shorter, the more finished what was said sounds.

Strategies, one a file, look at what is known and may lengthen or shorten the wait; the last one that has something to
say decides. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

SHORTEST_S = 0.3
LONGEST_S = 1.5
UNKNOWN_S = 0.7
"""While nothing is known of the words."""


@dataclass(frozen=True, slots=True)
class SaidSoFar:
    """A turn at a pause. ``text``: the words so far, ``None`` while they are not known. ``language``: BCP 47.
    ``finished``: how likely the sound of it is that of a finished turn, 0..1, ``None`` where nobody judged it."""

    text: str | None
    language: str
    speech_s: float
    finished: float | None = None


Strategy = Callable[[SaidSoFar], float | None]
"""Seconds, or ``None`` for no opinion."""


def patience(said: SaidSoFar, strategies: Sequence[Strategy]) -> float:
    """Seconds of quiet after which the turn is over, within ``SHORTEST_S`` and ``LONGEST_S``."""
    wait = UNKNOWN_S
    for strategy in strategies:
        opinion = strategy(said)
        if opinion is not None:
            wait = opinion
    return min(LONGEST_S, max(SHORTEST_S, wait))
