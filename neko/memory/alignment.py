"""Which lines of the log the entries of a recent window are, where these do not name them.

An entry can be a line that has the same words by the same role. That is enough where its own time, or the times of the
entries around it, fit closely. Else, as where replies carry no time, the neighbours have to fit too: a run of entries
that ends at one that is known, or is long enough, is the run of lines that has the same words. When in doubt it is
none of them: a line that is there twice does less harm than one that is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Final, TypeAlias

from neko.memory.import_rows import Taken
from neko.memory.line_codec import SETTLED_WITHIN, LoggedLine, Names, Row, logged_line, parsed_row
from neko.types.lines import UNKNOWN_TIME, Role

_LINES: Final = 3
_BYTES: Final = 32
"""Of which a run is sure at least."""
_MANY_LINES: Final = 5
"""Which are sure, however short they are."""
_PLACES: Final = 20
"""Where a run of the same words is looked for at most."""
_ALIKE: Final = 0.6
"""How like the words of a line are those that an editor made of them, from 0 to 1."""
_LONGEST_COMPARED: Final = 1_000
"""Characters."""
_GAPS: Final = ((1, 2), (2, 1), (2, 2))
"""How far back in the window and in the log a run goes on, with two lines at least, before what has been put in, taken
out or rewritten."""

Words: TypeAlias = tuple[Role, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry of the window. ``named``: the line that it names; ``floor``: the line that it is behind; ``is_open``
    tells whether it is looked for, ``is_plain`` whether it may have been rewritten by an editor."""

    said: Taken
    named: int | None
    floor: int
    is_open: bool
    is_plain: bool


def words_of(said: Taken) -> Words:
    """By what a line is known again."""
    return said.line.role, said.line.text.strip()


def is_sure(words: Sequence[Words]) -> bool:
    """Whether so many lines in a row are not said once more by chance."""
    is_long = len(words) >= _LINES and sum(len(text.encode()) for _, text in words) >= _BYTES
    return is_long or len(words) >= _MANY_LINES


def align(turns: Sequence[Turn], rows: Iterable[Row], names: Names) -> dict[int, LoggedLine]:
    """The lines of the open ones, by their places in ``turns``. ``rows``: what may be meant, oldest first."""
    alignment = _Alignment(turns, rows, names)
    alignment.find_by_time()
    alignment.find_by_neighbours()
    return alignment.found


class _Alignment:
    def __init__(self, turns: Sequence[Turn], rows: Iterable[Row], names: Names) -> None:
        self.found: dict[int, LoggedLine] = {}
        self._turns = turns
        self._words = [words_of(one.said) for one in turns]
        self._log: list[Words] = []
        self._lines: list[LoggedLine | None] = []
        """Those of the log that an open entry can be."""
        self._places: dict[Words, list[int]] = {
            self._words[at]: [] for at, one in enumerate(self._turns) if one.is_open
        }
        """Where in the log its words are that no entry has yet."""
        named: dict[int | None, int] = {one.named: at for at, one in enumerate(turns) if one.named is not None}
        self._at: dict[int, int] = {}
        """Where in the log the entries are."""
        self._answered: dict[int, LoggedLine] = {}
        """Those that the reply to them dates (``line_codec.as_said``)."""
        self._read(rows, names, named)

    def _read(self, rows: Iterable[Row], names: Names, named: Mapping[int | None, int]) -> None:
        unanswered, session = list[int](), ""
        for row in rows:
            parsed = parsed_row(row[2] or "")
            words = (parsed.role, parsed.text.strip())
            if parsed.role == "system" or not words[1]:
                continue
            is_meant = row[0] not in named and words in self._places
            if row[0] in named:
                self._at[named[row[0]]] = len(self._log)
            elif is_meant:
                self._places[words].append(len(self._log))
            if parsed.neko or row[1] != session:
                unanswered, session = [], row[1] or ""
            if parsed.role == "assistant":
                self._date(unanswered, parsed.at)
                unanswered = []
            elif is_meant and not parsed.neko:
                unanswered.append(len(self._log))
            self._log.append(words)
            self._lines.append(logged_line(row, names) if is_meant else None)

    def _date(self, unanswered: Sequence[int], at: datetime | None) -> None:
        for place in unanswered:
            line = self._lines[place]
            if line is not None and at is not None and timedelta() <= line.line.at - at <= SETTLED_WITHIN:
                self._answered[place] = replace(line, line=replace(line.line, at=at))

    def find_by_time(self) -> None:
        """From the last one back."""
        for at in range(len(self._turns) - 1, -1, -1):
            span = self._turns[at].said.span
            is_timed = span is None or span.first is not None or span.last is not None
            if self._turns[at].is_open and is_timed:
                places = self._places[self._words[at]]
                fitting = (one for one in range(len(places) - 1, -1, -1) if self._fits_closely(at, places[one]))
                if (one := next(fitting, None)) is not None:
                    self._take(at, places.pop(one))

    def find_by_neighbours(self) -> None:
        """From the last one back, behind what is known and before it."""
        for at in range(len(self._turns) - 1, -1, -1):
            if not self._is_left(at):
                continue
            places = self._places[self._words[at]]
            while places and self._lines[places[-1]] is None:
                places.pop()
            looked_at = [place for place in places[-_PLACES:] if self._can_be(at, place)]
            runs = [pairs for place in looked_at if (pairs := self._run(at, place))]
            for pair in max(runs, key=len, default=[]):
                self._take(*pair)

    def _take(self, at: int, place: int) -> None:
        line = self._lines[place]
        assert line is not None
        self.found[at], self._at[at], self._lines[place] = line, place, None

    def _is_left(self, at: int) -> bool:
        return self._turns[at].is_open and at not in self._at

    def _can_be(self, at: int, place: int) -> bool:
        line = self._lines[place]
        if line is None or not self._is_left(at) or self._words[at] != self._log[place]:
            return False
        return line.line.id > self._turns[at].floor and _may_be(self._turns[at].said, self._answered.get(place, line))

    def _fits_closely(self, at: int, place: int) -> bool:
        line = self._lines[place]
        if line is None or not self._can_be(at, place):
            return False
        said, line = self._turns[at].said, self._answered.get(place, line)
        return is_same(said, line) and _is_close(said, line)

    def _may_be_rewritten(self, at: int) -> bool:
        return self._is_left(at) and self._turns[at].is_plain and self._turns[at].said.span is not None

    def _run(self, at: int, place: int) -> list[tuple[int, int]]:
        """The pairs of entry and line before these and with them; none when these are in doubt."""
        pairs, words, is_whole = [(at, place)], [self._words[at]], True
        if self._at.get(at + 1) == place + 1:
            return pairs
        while at > 0 and place > 0:
            if self._at.get(at - 1) == place - 1:
                return pairs if is_whole or is_sure(words) else []
            if self._can_be(at - 1, place - 1):
                at, place = at - 1, place - 1
                pairs.append((at, place))
            elif self._may_be_rewritten(at - 1) and are_alike(self._words[at - 1], self._log[place - 1]):
                at, place = at - 1, place - 1
            else:
                steps = [(at - back, place - far) for back, far in _GAPS if at > back and place > far]
                step = next(
                    (step for step in steps if self._can_be(*step) and self._can_be(step[0] - 1, step[1] - 1)), None
                )
                if step is None:
                    break
                (at, place), is_whole = step, False
                pairs.append(step)
            words.append(self._words[at])
        return pairs if is_sure(words) else []


def is_same(said: Taken, logged: LoggedLine) -> bool:
    """Whether an entry was not said at another time than this line."""
    at = logged.told_at if logged.told_at and not logged.own else logged.line.at
    if at == UNKNOWN_TIME:
        return True
    if said.span is not None:
        return said.span.holds(at)
    moment, line_moment = said.line.at.replace(second=0, microsecond=0), at.replace(second=0, microsecond=0)
    if logged.own or logged.told_at:
        return moment == line_moment
    return moment <= at <= moment + SETTLED_WITHIN


def _may_be(said: Taken, logged: LoggedLine) -> bool:
    """Whether an entry can be a line between its neighbours. When a line was said that does not tell it is a guess, in
    the window as in the log; and N.E.K.O. dates its log by when it put a line there, however much later that was."""
    if said.span is not None or is_same(said, logged):
        return True
    return not logged.own and logged.told_at is None and logged.line.at >= said.line.at


def _is_close(said: Taken, logged: LoggedLine) -> bool:
    """Of one that ``is_same``: whether the time tells so much that no other is likely."""
    at = logged.told_at if logged.told_at and not logged.own else logged.line.at
    if at == UNKNOWN_TIME:
        return False
    return said.span is None or said.span.is_near(at)


def are_alike(words: Words, logged: Words) -> bool:
    """Whether an editor may have made the one of the other."""
    if words[0] != logged[0] or max(len(words[1]), len(logged[1])) > _LONGEST_COMPARED:
        return False
    match = SequenceMatcher(None, logged[1], words[1], autojunk=False)
    return match.real_quick_ratio() >= _ALIKE and match.quick_ratio() >= _ALIKE and match.ratio() >= _ALIKE
