"""What was said in a conversation lately: the lines that a session which was prepared meanwhile has not read."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from neko.types.lines import Line, NewLine, Role
from neko.types.memory import RecentEntry

_MOST: Final = 200
"""Lines; a session is prepared within seconds, and what is off the record is told for so long."""


@dataclass(frozen=True, slots=True)
class SaidLine:
    """``id``: that of the log, 0 for a line that is not, or never will be, in it."""

    role: Role
    text: str
    turn_id: str
    id: int = 0
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class ReadLines:
    """What of the log a session was told when it was opened: ``ids`` of its lines, ``turns`` of those that were not in
    it yet, and ``words`` of those whose number is not known (written into the recent window by hand)."""

    ids: frozenset[int] = frozenset()
    turns: frozenset[str] = frozenset()
    words: frozenset[tuple[Role, str]] = frozenset()

    @classmethod
    def of(cls, recent: Sequence[RecentEntry], unkept: Sequence[NewLine], *, besides: int = 0) -> ReadLines:
        """All of the recent window and of what is not in the log yet, ``besides`` the newest so many."""
        count = len(recent) + len(unkept) - besides
        window = recent[:count]
        return cls(
            frozenset(entry.id for entry in window if entry.id),
            frozenset(line.turn_id for line in unkept[: max(0, count - len(recent))]),
            frozenset((entry.role, entry.text) for entry in window if not entry.id),
        )


class SaidLines:
    """The newest lines of one conversation, in the order of the talk."""

    def __init__(self) -> None:
        self._lines: deque[SaidLine] = deque(maxlen=_MOST)

    def add(self, line: Line | NewLine) -> None:
        """Something was said; whether it is in the log or not."""
        line_id = line.id if isinstance(line, Line) else 0
        self._lines.append(SaidLine(line.role, line.text, line.turn_id, line_id, line.replaces))

    def kept(self, line: Line) -> None:
        """One that was not in the log is there now."""
        for place, said in enumerate(self._lines):
            if said.turn_id == line.turn_id and said.role == line.role:
                self._lines[place] = replace(said, id=line.id)

    def leave_out(self, gone: Collection[int]) -> None:
        """These lines were deleted, or have other words: no session is told of them from here."""
        self._lines = deque((line for line in self._lines if line.id not in gone), maxlen=_MOST)

    def forget(self) -> None:
        """The talk is over, or lines of it are to be known no more."""
        self._lines.clear()

    def newest(self, count: int) -> list[str]:
        """The words of the last lines."""
        return [line.text for line in list(self._lines)[-count:]]

    def unread(self, read: ReadLines, asked: Sequence[tuple[int, str]] = ()) -> Sequence[SaidLine]:
        """What a session that read these does not know, besides the lines, by number (0 for one that is not known) and
        text, that it will be asked."""
        numbers, texts = {number for number, _ in asked}, {text for number, text in asked if not number}
        newest = max(read.ids, default=0)
        replaced = {line.replaces for line in self._lines if line.replaces}
        return [
            line
            for line in self._lines
            if line.turn_id not in read.turns
            and (line.id == 0 or (line.id > newest and line.id not in numbers))
            and not (line.role == "user" and line.text in texts)
            and line.id not in replaced
            and (line.role, line.text) not in read.words
        ]

    def contradicts(self, read: ReadLines) -> bool:
        """Has a line that was read got other words since?"""
        newest = max(read.ids, default=0)
        return any(line.id > newest and line.replaces in read.ids for line in self._lines)
