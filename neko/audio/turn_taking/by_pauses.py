"""By the pauses of this turn.

Who says a few words at a time, in a list or while thinking, goes on doing so; who has paused and then said a whole
clause has mostly said what there was to say.
"""

from __future__ import annotations

from typing import Final

from neko.audio.turn_taking.endings import ending
from neko.audio.turn_taking.kinds import Ending
from neko.audio.turn_taking.patience import SaidSoFar

FEW_WORDS_S: Final = 0.8
FEW_WORDS_OPEN_S: Final = 1.1
"""The same where they need not be all."""
LONGER_S: Final = 0.25
"""Longer than the pauses so far a next one may be."""
FILLER_S: Final = 0.6
"""Up to so much speech before a pause may be a filler: what follows it is the first clause."""
WAIT_S: Final = 0.4


def by_pauses(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    if not said.longest_pause_s:
        return wait_s
    kind = Ending.NOTHING if said.text is None else ending(said.text)
    if said.since_pause_s < (FEW_WORDS_OPEN_S if kind is Ending.OPEN else FEW_WORDS_S):
        return max(wait_s, said.longest_pause_s + LONGER_S)
    whole = kind in (Ending.OPEN, Ending.STATEMENT, Ending.QUESTION)
    return min(wait_s, WAIT_S) if whole and said.speech_s - said.since_pause_s >= FILLER_S else wait_s
