"""Notices a model that says the same thing over and over.

Similarity is Jaccard over character trigrams; a reply like two of the last three is a warning
(``contract/realtime-providers.md`` §7).
"""

from __future__ import annotations

from collections import deque

from neko.sessions.events import RepetitionWarning

_ALIKE = 0.8
_KEPT = 3
_COMPARED = 4_000
"""Characters of a reply that are compared: its beginning."""


class RepetitionGuard:
    """Remembers the last replies of one character."""

    def __init__(self, character: str) -> None:
        self._character = character
        self._seen: deque[frozenset[str]] = deque(maxlen=_KEPT)

    def check(self, reply: str) -> RepetitionWarning | None:
        """Take a finished reply; a warning when it is the third alike."""
        beginning = reply[:_COMPARED].lower()
        trigrams = frozenset(beginning[at : at + 3] for at in range(len(beginning) - 2))
        if not trigrams:
            return None
        alike = sum(len(trigrams & old) >= _ALIKE * len(trigrams | old) for old in self._seen)
        self._seen.append(trigrams)
        if alike < 2:
            return None
        self._seen.clear()
        return RepetitionWarning(self._character)
