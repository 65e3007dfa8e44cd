"""Which lines of an export a log has already, and under which ids its other lines can come.

A line is known by its id, if what has that id was said by the same role at the same moment, whatever became of its
words; else by the id that its sender gave it; else by its words and its second, as often as they were said. The other
lines keep their ids where that is sound: where none is taken by another line, and ids still grow with time. So it is
for the export of a log that has gone, that was cleared, or that has lost lines since; any other log's lines come at
the end. Works on sixteen bytes a line and what finds them by words.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from neko.memory.import_rows import is_mark, mark
from neko.memory.line_codec import LoggedLine
from neko.types.lines import NewLine


def _numbers() -> array[int]:
    return array("q")


_NEW: Final = 0


@dataclass(slots=True)
class Lines:
    """Lines in their order, by their ids and what they are known by."""

    ids: array[int] = field(default_factory=_numbers)
    moments: array[int] = field(default_factory=_numbers)
    """The same for the same role at the same moment."""
    words: array[int] = field(default_factory=lambda: array("Q"))
    """The same for the same words by the same role in the same second."""
    chats: array[int] = field(default_factory=_numbers)
    senders: array[int] = field(default_factory=_numbers)
    """The same for the same id of the sender's, 0 for none; odd for one that tells lines apart."""
    first: datetime | None = None
    last: datetime | None = None
    is_ascending: bool = True

    def add(self, line_id: int, line: NewLine) -> None:
        self.is_ascending = self.is_ascending and line_id > (self.ids[-1] if self.ids else 0)
        self.ids.append(line_id)
        self.chats.append(line.chat)
        self.moments.append(hash((line.role, line.at, line.at.fold)))
        self.words.append(mark(line, is_dated=True))
        self.senders.append(_sender(line.client_id) if line.client_id else 0)
        self.first = min(self.first or line.at, line.at)
        self.last = max(self.last or line.at, line.at)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each line of an export: ``targets`` has the id of the line that it is, 0 for a new one, which
    keeps its id if ``keeps_ids``. ``into_empty``: the log has no lines."""

    targets: array[int]
    keeps_ids: bool
    into_empty: bool

    @property
    def new(self) -> int:
        return self.targets.count(_NEW)


class Places:
    """Of one log."""

    def __init__(self) -> None:
        self._there = Lines()
        self._by_words: dict[int, int | list[int]] = {}
        self._by_sender: dict[int, int] = {}

    def add(self, logged: Iterable[LoggedLine]) -> None:
        """Lines of the log, in the order of their ids."""
        for one in logged:
            line = one.line
            at = len(self._there.ids)
            said = NewLine("", "", line.role, line.text, line.at, client_id=line.client_id)
            self._there.add(line.id, said)
            words, sender = self._there.words[at], self._there.senders[at]
            same = self._by_words.setdefault(words, at)
            if same != at:
                self._by_words[words] = [*([same] if isinstance(same, int) else same), at]
            if sender:
                self._by_sender.setdefault(sender, at)

    def plan(self, export: Lines) -> Plan:
        """Which of the lines are there; takes some seconds for a million."""
        there = self._there
        targets, used = array("q", bytes(8 * len(export.ids))), bytearray(len(there.ids))
        by_id, taken = 0, 0
        for number, line_id in enumerate(export.ids):
            at = self._at(line_id)
            if at is not None and there.moments[at] == export.moments[number]:
                by_id += 1
            else:
                taken += at is not None
                at = self._by_sender.get(export.senders[number]) if export.senders[number] else None
            if at is not None and not used[at]:
                targets[number], used[at] = there.ids[at], 1
        for number, words in enumerate(export.words):
            if targets[number] == _NEW:
                at = self._like(words, export.senders[number], used)
                if at is not None:
                    targets[number], used[at] = there.ids[at], 1
        keeps = export.is_ascending and not taken and (by_id > 0 or self._are_apart(export))
        return Plan(targets, keeps, not there.ids)

    def _at(self, line_id: int) -> int | None:
        at = bisect_left(self._there.ids, line_id)
        return at if at < len(self._there.ids) and self._there.ids[at] == line_id else None

    def _like(self, words: int, sender: int, used: bytearray) -> int | None:
        """A line of these words that is no other's; two that a sender told apart are two."""
        found = self._by_words.get(words)
        candidates = [found] if isinstance(found, int) else found or ()
        free = (at for at in candidates if not used[at] and not sender & self._there.senders[at] & 1)
        return next(free, None)

    def _are_apart(self, export: Lines) -> bool:
        there = self._there
        if not (there.first and there.last and export.first and export.last):
            return True
        before = export.ids[-1] < there.ids[0] and export.last <= there.first
        return before or (export.ids[0] > there.ids[-1] and export.first >= there.last)


def _sender(client_id: str) -> int:
    """An id that an import made of the words of a line tells no two lines of these words apart."""
    return hash(client_id) & ~1 | (2 if is_mark(client_id) else 1)
