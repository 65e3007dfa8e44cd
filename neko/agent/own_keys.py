"""The user's keys are for nobody to read: not for a model either, whatever it was that read them from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

SHORTEST: Final = 8
"""Characters; what is shorter may stand in any text by chance."""
_HIDDEN: Final = "…"


class OwnKeys:
    """``keys`` tells those of this moment."""

    def __init__(self, keys: Callable[[], Iterable[str]] = tuple) -> None:
        self._keys = keys

    def without(self, text: str) -> str:
        """The text with each key left out."""
        for key in sorted(self._keys(), key=len, reverse=True):
            if len(key) >= SHORTEST:
                text = text.replace(key, _HIDDEN)
        return text
