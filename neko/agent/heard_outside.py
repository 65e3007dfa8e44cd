"""In which of the last turns of a talk a model has read words from outside, which may be what wants an act later on.

They stay in what a model remembers of the talk, so that they can ask for a call in a later turn as well as in their
own. How long that matters has a bound, for the user would else be asked for everything for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

TURNS: Final = 4
"""So many turns after the one in which they were read, a call may still be what they ask for."""


class HeardOutside:
    """The turns of every character, by what happens in them; a turn that nobody told of counts as none, so that words
    from outside count for longer, and never shorter."""

    def __init__(self) -> None:
        self._talks: dict[str, OrderedDict[str, bool]] = {}

    def begin(self, character: str, turn_id: str) -> None:
        """A turn begins, or is under way."""
        turns = self._talks.setdefault(character, OrderedDict())
        turns.setdefault(turn_id, False)
        while len(turns) > TURNS + 1:
            turns.popitem(last=False)

    def note(self, character: str, turn_id: str) -> None:
        """In this turn the model reads words from outside; also of a turn of long ago, whose call ends only now."""
        self.begin(character, turn_id)
        self._talks[character][turn_id] = True

    def in_turn(self, character: str, turn_id: str) -> bool:
        """Has the model read words from outside in this very turn, as far as it is remembered?"""
        turns = self._talks.get(character)
        return turns is not None and turns.get(turn_id, False)

    def counts(self, character: str) -> bool:
        """May words from outside be what a call wants that this character's model makes now?"""
        return any(self._talks.get(character, {}).values())
