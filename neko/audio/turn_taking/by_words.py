"""By the words: after a finished sentence the turn is soon over, a word that leads on leaves time for what follows."""

from __future__ import annotations

from neko.audio.turn_taking.endings import ending
from neko.audio.turn_taking.kinds import Ending
from neko.audio.turn_taking.patience import SaidSoFar

WAIT_S = {
    Ending.NOTHING: 0.7,
    Ending.LEADS_ON: 1.4,
    Ending.OPEN: 0.7,
    Ending.STATEMENT: 0.4,
    Ending.QUESTION: 0.4,
    Ending.ANSWER: 0.4,
}


def by_words(said: SaidSoFar, wait_s: float) -> float:
    """See ``Strategy``."""
    return wait_s if said.text is None else WAIT_S[ending(said.text)]
