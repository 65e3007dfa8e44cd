"""In which turns of a talk a model has read words from outside, which may be what wants an act later on.

They can ask for a call in any later turn as well as in their own, so they count for as long as the model may still be
sent them: until their turns have gone from what it remembers, or another chat is begun.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST_TURNS: Final = 1_000
"""Of one character that are remembered; more than a model is sent."""


class HeardOutside:
    """The turns of every character, by what happens in them. What nobody tells the end of counts for longer, and never
    shorter."""

    def __init__(self) -> None:
        self._talks: dict[str, dict[str, bool]] = {}
        self._in_memo: set[str] = set()

    def begin(self, character: str, turn_id: str) -> None:
        """A turn begins, or is under way."""
        turns = self._talks.setdefault(character, {})
        if turn_id not in turns:
            kept = [turn for turn, outside in turns.items() if outside][1 - MOST_TURNS :]
            self._talks[character] = {**dict.fromkeys(kept, True), turn_id: False}

    def note(self, character: str, turn_id: str) -> None:
        """In this turn the model reads words from outside; also of a turn of long ago, whose call ends only now."""
        self.begin(character, turn_id)
        self._talks[character][turn_id] = True

    def forget(self, character: str, gone: Callable[[str], bool] | None = None) -> None:
        """The model is no longer sent the turns of which ``gone`` is true; None: it is sent nothing of before. The
        newest turn may be under way, and is only forgotten with all."""
        turns = self._talks.pop(character, {})
        if gone is not None:
            newest = next(reversed(turns), None)
            self._talks[character] = {turn: heard for turn, heard in turns.items() if turn == newest or not gone(turn)}

    def note_memo(self, character: str, *, outside: bool) -> None:
        """The model is told a memo now, with words from outside in it or without."""
        (self._in_memo.add if outside else self._in_memo.discard)(character)

    def is_in_memo(self, character: str) -> bool:
        """Are there such in the memo that the model is told? Of long ago, they count for a call that the user does not
        ask for in their own words."""
        return character in self._in_memo

    def in_turn(self, character: str, turn_id: str) -> bool:
        """Has the model read words from outside in this very turn, as far as it is remembered?"""
        return self._talks.get(character, {}).get(turn_id, False)

    def counts(self, character: str) -> bool:
        """May words from outside be what a call wants that this character's model makes now?"""
        return any(self._talks.get(character, {}).values())
