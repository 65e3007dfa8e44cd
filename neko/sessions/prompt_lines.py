"""Which lines of the log the model of the current session has before it."""

from __future__ import annotations

from collections.abc import Collection


class PromptLines:
    """Lines in the instructions of the session, and those that it was told since, by the turn they belong to."""

    def __init__(self) -> None:
        self._instructed: frozenset[int] = frozenset()
        self._told: dict[str, set[int]] = {}

    @property
    def ids(self) -> frozenset[int]:
        return self._instructed.union(*self._told.values())

    def begin(self, instructed: Collection[int]) -> None:
        """A session that was told nothing but these."""
        self._instructed = frozenset(instructed)
        self._told.clear()

    def add(self, turn_id: str, line_id: int) -> None:
        """The session was told this line, or has said it."""
        self._told.setdefault(turn_id, set()).add(line_id)
