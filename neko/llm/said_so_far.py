"""The text of a reply so far, and what of a further text is new.

Some servers send all the text so far each time (DashScope without ``incremental_output``, text-generation-webui),
some send it once more as a whole at the end. A model may repeat itself, too.
"""

from __future__ import annotations

from typing import Final

_SENTENCE: Final = 12
_SURELY_REPEATED: Final = 40
"""Characters of a delta that are no coincidence when they are all that was said before, in the last delta or any."""


class SaidSoFar:
    """``is_watched``: even a text that is shorter than all so far has to be asked about by ``new_part``."""

    __slots__ = ("_held", "_is_cumulative", "is_watched", "length", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.is_watched = False
        self._held = ""
        self._is_cumulative = False

    def new_part(self, text: str, *, is_last: bool) -> str:
        """What ``text`` adds. The first one that goes on from all that was said is held back until the next one
        shows whether it does so as well."""
        said = "".join(self.pieces)
        if self._is_cumulative:
            return "" if said.startswith(text) else self._beyond(said, text)
        if held := self._held:
            self._held, self.is_watched = "", False
            if text.startswith(held) and (is_last or len(text) > len(held)):
                self._is_cumulative = self.is_watched = True
                return text[len(said) :]
            return held + text
        if not said or not text.startswith(said):
            return text
        if len(text) == len(said):
            return "" if self._is_repeated(text, is_last=is_last) else text
        if not text.replace(said, ""):  # one syllable over and over
            return text
        self._held, self.is_watched = text, True
        return self.rest() if is_last else ""

    def of_message(self, text: str, *, has_deltas: bool, is_last: bool) -> str:
        """What a whole message adds to deltas. Some servers stream by messages in place of deltas."""
        said = "".join(self.pieces)
        is_whole = has_deltas or (is_last and len(self.pieces) > 1)
        if is_whole and self._held and text.startswith((self._held, said + self._held)):
            self._held = ""
        if is_whole and not self._held and text.startswith(said):
            return text[len(said) :]
        return "" if has_deltas else text

    def rest(self) -> str:
        """What is held back, when nothing comes after it."""
        held, self._held = self._held, ""
        return held[self.length :] if self.length >= _SENTENCE else held

    @staticmethod
    def _beyond(said: str, text: str) -> str:
        return text[len(said) :] if text.startswith(said) else text

    def _is_repeated(self, text: str, *, is_last: bool) -> bool:
        """Whether all that was said comes once more, in one piece."""
        is_likely = is_last and (len(self.pieces) > 1 or len(text) >= _SENTENCE)
        return is_likely or (len(self.pieces) > 3 and len(text) >= _SURELY_REPEATED)
