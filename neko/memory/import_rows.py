"""Lines that come from elsewhere: when they were said, and by what they are known again.

N.E.K.O. dates a row of its log by when the talk was settled, which may be hours later, and each of the character's
lines by a prefix of its text. So a line of the user is dated by the reply to it, else by the one before. What nothing
dates has the time of the file, and is known again by its words alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import Any, Final

from neko.memory.line_codec import SETTLED_WITHIN, Names, entry_time, local_naive, logged_line, parsed_row
from neko.types.lines import NewLine

_NAMES: Final[Names] = {"user": "", "assistant": "", "system": ""}
_MOST_PENDING: Final = 500
_ANSWERED_WITHIN: Final = timedelta(minutes=10)
"""How long before a reply that is said which it answers."""


class Precision(Enum):
    """To what a file tells when something was said; the value is that of ``datetime.isoformat``."""

    SECOND = "seconds"
    MINUTE = "minutes"


@dataclass(frozen=True, slots=True)
class Span:
    """Within which a line was said that does not tell its time itself; None where there is no end to it."""

    first: datetime | None
    last: datetime | None

    def holds(self, at: datetime) -> bool:
        """Also what N.E.K.O. dated by the end of that session."""
        is_late = self.last is not None and at > self.last + SETTLED_WITHIN
        return not is_late and (self.first is None or at >= self.first)

    def is_near(self, at: datetime) -> bool:
        """Of what it ``holds``: whether that follows on what begins it, or is answered by what ends it."""
        follows = self.first is not None and at <= self.first + SETTLED_WITHIN
        return follows or (self.last is not None and self.last - _ANSWERED_WITHIN <= at)


@dataclass(frozen=True, slots=True)
class Taken:
    """A line of a file; ``is_dated`` tells whether anything says when it was said. ``chat`` is its chat there. ``span``
    is that of a line in a recent window whose time the lines around it tell. ``row_id``: the id of the row of a log, or
    that an entry of a window names. ``tells_time``: by itself. ``has_come``: before, whatever became of it."""

    line: NewLine
    is_dated: bool
    chat: int = 0
    precision: Precision = Precision.SECOND
    span: Span | None = None
    row_id: int = 0
    tells_time: bool = True
    has_come: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of a log; ``session`` is that of the lines that it sums up, if N.E.K.O. wrote it."""

    session: str
    text: str
    at: datetime


def dated(rows: Iterable[tuple[Any, ...]], modified: datetime) -> Iterator[Taken]:
    """The rows of a log as lines, oldest first; those that were replaced, and empty ones, are left out.

    ``modified`` is the time of the file.
    """
    pending: list[Taken] = []
    last: NewLine | None = None
    for row in rows:
        logged = logged_line((row[0], row[1], row[2], row[3]), _NAMES)
        line = logged.line
        if line.status == "replaced" or not line.text.strip():
            continue
        at = line.at if logged.own else entry_time(parsed_row(row[2] or ""))
        new = NewLine(
            line.session_id,
            line.turn_id,
            line.role,
            line.text,
            at or (line.at if row[3] else modified),
            line.status,
            line.client_id,
            line.images,
            speaker=line.speaker,
        )
        if at is None:
            if pending and (len(pending) == _MOST_PENDING or pending[-1].line.session_id != line.session_id):
                yield from _after(last, pending)
                pending = []
            pending.append(Taken(new, bool(row[3]), line.chat, row_id=row[0], tells_time=False))
            continue
        if pending and pending[-1].line.session_id == line.session_id:
            yield from dated_as(pending, at)
        else:
            yield from _after(last, pending)
        pending, last = [], new
        yield Taken(new, True, line.chat, row_id=row[0])
    yield from _after(last, pending)


def _after(last: NewLine | None, pending: Sequence[Taken]) -> Iterator[Taken]:
    """Lines without a reply: they were said after ``last``, if that is of the same session."""
    is_known = last is not None and pending and pending[0].line.session_id == last.session_id
    return dated_as(pending, last.at) if last is not None and is_known else iter(pending)


def dated_as(pending: Sequence[Taken], at: datetime) -> Iterator[Taken]:
    """Lines that were said at about this moment, as far as anybody knows."""
    for one in pending:
        yield replace(one, line=replace(one.line, at=at), is_dated=True)


def undated(pending: Sequence[Taken], at: datetime) -> Iterator[Taken]:
    """Lines of which nothing says when they were said: this is the time of the file."""
    for one in pending:
        yield replace(one, line=replace(one.line, at=at))


def in_order(said: Iterable[Taken], modified: datetime, *, with_spans: bool) -> Iterator[Taken]:
    """The lines of a document, oldest first, those that tell no time dated by their neighbours; else ``modified`` is
    the time of the file. ``with_spans``: these tell within which time they were said, as those of a window do."""
    pending: list[Taken] = []
    last: datetime | None = None

    def held(first: datetime | None, last: datetime | None) -> list[Taken]:
        return [replace(one, span=Span(first, last)) for one in pending] if with_spans else pending

    for one in said:
        if not one.is_dated:
            pending.append(one)
            continue
        yield from dated_as(held(last, one.line.at), one.line.at)
        pending, last = [], one.line.at
        yield one
    yield from dated_as(held(last, None), last) if last else undated(held(None, None), modified)


def summaries(rows: Iterable[tuple[Any, ...]]) -> list[Summary]:
    """The rows of the table of summaries; empty ones are left out."""
    found = [(row[1] or "", logged_line((row[0], row[1], row[2], row[3]), _NAMES).line) for row in rows]
    return [Summary(session, line.text, line.at) for session, line in found if line.text.strip()]


class Known:
    """Which lines are there already: as often as the same words by the same role in the same second, or minute where a
    file tells no more."""

    def __init__(self, precisions: Collection[Precision] = (Precision.SECOND,), windows: Iterable[Taken] = ()) -> None:
        """``windows``: the lines of recent windows that are to come, which a log may hold under other times."""
        self._there = Counter[int]()
        self._precisions = precisions
        self._expected = Counter[int]()
        """Lines of windows that are known by their times."""
        self._elsewhen: dict[int, list[datetime]] = {}
        """When the words of lines in windows were said of which no window tells just that."""
        for one in windows:
            self._expected[_mark_of(one)] += 1
            if one.span is not None:
                self._elsewhen[_words_of(one)] = []

    def add(self, one: Taken) -> None:
        """A line that is there. Its sender's id tells also by what an import knew it."""
        by_words = mark(one.line, is_dated=one.is_dated)
        for known_by in {mark(one.line, is_dated=one.is_dated, to=precision) for precision in self._precisions}:
            self._there[known_by] += 1
        known_as = {by_words}
        if is_mark(one.line.client_id or ""):
            imported = int((one.line.client_id or "")[:_HEX], 16)
            known_as.add(imported)
            if imported != by_words:
                self._there[imported] += 1
        self._note_moment(one, known_as)

    def has_come(self, by_words: int) -> None:
        """A line is there now that ``mark`` says this of."""
        self._there[by_words] += 1

    def new(self, taken: Iterable[Taken]) -> Iterator[tuple[Taken, bool]]:
        """The lines of one file, each with whether it is new; a new one is there from then on, for other files."""
        seen = Counter[int]()
        elsewhen = {words: list(moments) for words, moments in self._elsewhen.items()}
        for one in taken:
            known_by = _mark_of(one)
            seen[known_by] += 1
            is_new = seen[known_by] > self._there[known_by]
            if is_new and one.span is not None and _taken_out(elsewhen.get(_words_of(one), []), one.span):
                seen[known_by] -= 1
                is_new = False
            if is_new:
                self._there[known_by] += 1
                self._note_moment(one, {known_by})
                line = one.line
                own = line.client_id or f"{known_by:0{_HEX}x}-{seen[known_by]}"
                one = replace(one, line=replace(line, turn_id=line.turn_id or own, client_id=own))
            yield one, is_new and not one.has_come

    def _note_moment(self, one: Taken, known_as: Collection[int]) -> None:
        """Of a line whose words stand in a window, unless that holds it by one of these marks."""
        moments = self._elsewhen.get(_words_of(one)) if self._elsewhen else None
        if moments is None:
            return
        for known_by in known_as:
            if self._expected[known_by] > 0:
                self._expected[known_by] -= 1
                return
        moments.append(local_naive(one.line.at))


def _taken_out(moments: list[datetime], span: Span) -> bool:
    """Take the latest moment within the span out of them; false when there is none."""
    is_open = span.first is None and span.last is None
    found = max((at for at in moments if span.holds(at) and (is_open or span.is_near(at))), default=None)
    if found is not None:
        moments.remove(found)
    return found is not None


_HEX: Final = 16
_MARK: Final = re.compile(rf"[0-9a-f]{{{_HEX}}}-[0-9]+")


def is_mark(client_id: str) -> bool:
    """Whether an id of the sender's is one that an import gave (``Known.new``)."""
    return _MARK.fullmatch(client_id) is not None


def mark(line: NewLine, *, is_dated: bool, to: Precision = Precision.SECOND) -> int:
    """The same for the same words of the same second, or minute, or of an unknown time."""
    moment = line.at.isoformat(timespec=to.value) if is_dated else "undated"
    return int.from_bytes(blake2b(f"{moment} {line.role} {line.text}".encode(), digest_size=8).digest())


def _mark_of(one: Taken) -> int:
    return mark(one.line, is_dated=one.is_dated, to=one.precision)


def _words_of(one: Taken) -> int:
    return mark(one.line, is_dated=False)
