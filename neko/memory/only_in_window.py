"""What N.E.K.O. wrote into a recent window, and only there: it comes into the log.

N.E.K.O. puts what is said into the window as it is said, and into the log only what was left when a talk ended, mostly
nothing; so most of its talk stands in the window alone, which Neko cuts as soon as there is a memo of it. Entries
of the window that name no line are looked for in the log: what is not there is stored, and each then names its line.
Whoever gives the window to N.E.K.O. again, and then comes back, has the new ones in the log as well.

An entry is a line of the log when that has the same words by the same role at a time that fits; as often as they stand
there, so that "yes" which was said three times is there three times. What N.E.K.O.'s editor or its review has put in
other words is the line in whose place it stands. What was said after all that Neko knows goes on in the open chat; what
was said before that, and is not there, gets a chat of its own, as older lines that are imported do. Every call blocks,
and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Final

from neko.memory import chats, facts, index, schema, unfinished
from neko.memory.appending import append_all
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.import_rows import Taken, in_order
from neko.memory.line_codec import (
    SETTLED_WITHIN,
    LoggedLine,
    Names,
    Row,
    entry_time,
    logged_line,
    logged_lines,
    parse,
    parsed_row,
    utc_text,
)
from neko.memory.window_entries import entry_of, is_memo, largest_id, line_id_of, may_stand
from neko.types.lines import UNKNOWN_TIME, Line, NewLine

BY_HAND: Final = {"by": "hand"}
"""What an entry carries that somebody wrote into the window in Neko: nobody has said it."""
LONGEST: Final = 100
"""Entries that stay in the window at most: of what goes on before them a memo is made in the background."""
_ALIKE: Final = 0.6
"""How like the words of a line are those that an editor made of them, from 0 to 1."""
_NEAREST: Final = 20
"""Entries beside what is known that are compared so."""
_LONGEST_COMPARED: Final = 1_000
"""Characters."""
_LARGEST: Final = 2**63 - 1
_BEHIND: Final = f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > ? AND {schema.NOT_REPLACED} ORDER BY id"
_BETWEEN: Final = (
    f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > ? AND id < ? AND {schema.CHAT} = ? "
    f"AND {schema.NOT_REPLACED} ORDER BY id {{}} LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The entries of the window as they are to stand there, how many lines are new, and the largest id of the log."""

    entries: list[Any]
    new: int
    newest: int


def are_there(entries: Sequence[Any]) -> bool:
    """Whether some entries name no line."""
    return any(map(_names_none, entries))


def take_in(
    connection: sqlite3.Connection,
    entries: Sequence[Any],
    names: Names,
    first_id: int,
    position: int,
    modified: datetime,
) -> TakenIn:
    """Store what only the window has, within one transaction. ``first_id``: the smallest that a line may get;
    ``position``: up to which line of the log the window has been brought; ``modified`` is the time of its file."""
    window = _Window(connection, entries, names, modified)
    window.find_lines()
    window.find_reworded()
    new = window.store_earlier(first_id)
    new += window.store_latest(first_id)
    window.put_in_missing(position)
    (newest,) = connection.execute(schema.LAST_ID).fetchone()
    return TakenIn(window.with_ids(), new, newest)


def _names_none(entry: Any) -> bool:
    parsed = parse(entry)
    if parsed is None or parsed.role == "system" or not parsed.text.strip():
        return False
    return line_id_of(entry) is None and parsed.neko.get("by") != BY_HAND["by"]


class _Window:
    """The window while it is gone through; ``_lines`` are those of its entries, by their places."""

    def __init__(
        self, connection: sqlite3.Connection, entries: Sequence[Any], names: Names, modified: datetime
    ) -> None:
        self._connection = connection
        self._entries = list(entries)
        self._names = names
        self._chat = chats.open_chat(connection)
        self._said = _said(entries, modified)
        self._nameless = [place for place, entry in enumerate(entries) if _names_none(entry)]
        self._lines: dict[int, LoggedLine] = {}
        self._named = {line_id: place for place, entry in enumerate(entries) if (line_id := line_id_of(entry))}
        self._brought: list[int] = []

    # ── what is there ────────────────────────────────────────────────────────

    def find_lines(self) -> None:
        """Find the entries in the log: behind what stands before them, and from the last one back."""
        floors = self._floors()
        wanted: dict[tuple[str, str], list[LoggedLine]] = {self._words(place): [] for place in self._nameless}
        for row in self._connection.execute(_BEHIND, (min(floors[place] for place in self._nameless),)):
            parsed = parsed_row(row[2] or "")
            found = wanted.get((parsed.role, parsed.text.strip()))
            if found is not None and row[0] not in self._named:
                found.append(logged_line(row, self._names))
        for place in reversed(self._nameless):
            found = wanted[self._words(place)]
            for at in range(len(found) - 1, -1, -1):
                if found[at].line.id > floors[place] and _is_same(self._said[place], found[at]):
                    self._lines[place] = found.pop(at)
                    break

    def _floors(self) -> list[int]:
        """Of each entry the largest id before it."""
        floors, largest = [], 0
        for entry in self._entries:
            floors.append(largest)
            largest = max(largest, largest_id([entry]))
        return floors

    def _words(self, place: int) -> tuple[str, str]:
        line = self._said[place].line
        return line.role, line.text.strip()

    def find_reworded(self) -> None:
        """Find the lines whose words an editor has changed, which writes a plain text where a turn has a list."""
        for run in list(self._runs()):
            before, behind = self._id_before(run[0]), self._id_behind(run[-1])
            is_first = before is not None and behind is None
            run = run[:_NEAREST] if is_first else run[-_NEAREST:]
            bounds = (before or 0, behind or _LARGEST, self._chat, 2 * len(run))
            rows = self._connection.execute(_BETWEEN.format("" if is_first else "DESC"), bounds).fetchall()
            taken = {*self._named, *(one.line.id for one in self._lines.values())}
            left = [one for one in logged_lines(sorted(rows), self._names) if one.line.id not in taken]
            for place in run:
                alike = next((one for one in left if _is_reworded(self._said[place], one)), None)
                if alike is not None:
                    self._lines[place] = alike
                    left = left[left.index(alike) + 1 :]

    def _runs(self) -> Iterator[list[int]]:
        """Places of plain texts that are not found, which stand one after another."""
        places = [one for one in self._nameless if one not in self._lines and _is_plain(self._entries[one])]
        run: list[int] = []
        for place in places:
            if run and any(self._id(one) is not None for one in range(run[-1] + 1, place)):
                yield run
                run = []
            run.append(place)
        if run:
            yield run

    def _id(self, place: int) -> int | None:
        """Of the line that stands there, as far as there is one."""
        if is_memo(self._entries[place]):
            return None
        found = self._lines.get(place)
        return found.line.id if found else line_id_of(self._entries[place])

    def _id_before(self, place: int) -> int | None:
        return next((found for one in range(place - 1, -1, -1) if (found := self._id(one)) is not None), None)

    def _id_behind(self, place: int) -> int | None:
        places = range(place + 1, len(self._entries))
        return next((found for one in places if (found := self._id(one)) is not None), None)

    # ── what is new ──────────────────────────────────────────────────────────

    def _last_own(self) -> int:
        """The place of the last entry that is a line of Neko's; -1 for none."""
        own = {place for place, logged in self._lines.items() if logged.own}
        named = (place for place in self._named.values() if not is_memo(self._entries[place]))
        return max([*own, *named], default=-1)

    def store_earlier(self, first_id: int) -> int:
        """What was said before lines of Neko's gets a chat of its own; it names no line, as that has a larger id than
        those which follow."""
        last = self._last_own()
        earlier = [place for place in self._nameless if place < last and place not in self._lines]
        if earlier:
            chat = chats.free_number(self._connection)
            self._connection.execute(schema.ADD_CHAT, (chat,))
            self._brought += [self._stored(place, chat, first_id).line.id for place in earlier]
        self._nameless = [place for place in self._nameless if place not in earlier]
        return len(earlier)

    def store_latest(self, first_id: int) -> int:
        """What was said after all that Neko knows goes on in the open chat, in its order: lines that N.E.K.O. has put
        into the log from between take their places anew."""
        last = self._last_own()
        latest = [place for place in self._nameless if place > last]
        new = [place for place in latest if place not in self._lines]
        if not new:
            return 0
        may_move = not unfinished.read(self._connection).changes_lines
        looked_at = facts.position(self._connection)
        for place in (one for one in latest if one >= new[0]):
            found = self._lines.get(place)
            if found is None:
                self._lines[place] = self._stored(place, self._chat, first_id)
                self._brought.append(self._lines[place].line.id)
            elif may_move and found.line.id > looked_at:
                self._lines[place] = self._moved(found, first_id)
        return len(new)

    def _stored(self, place: int, chat: int, first_id: int) -> LoggedLine:
        line = self._said[place].line
        named = replace(line, speaker=line.speaker or self._names[line.role], chat=chat)
        (stored,) = append_all(self._connection, [named], first_id, self._names)
        return LoggedLine(stored.line, own=True, own_status="complete")

    def _moved(self, found: LoggedLine, first_id: int) -> LoggedLine:
        """A row that nothing refers to yet, under a larger id."""
        ((_, *rest),) = self._connection.execute(schema.BY_ID, (found.line.id,)).fetchall()
        self._connection.execute(schema.DELETE, (found.line.id,)).fetchall()
        ((line_id,),) = self._connection.execute(schema.INSERT, (first_id, *rest)).fetchall()
        line = replace(found.line, id=line_id)
        index.put(self._connection, [line])
        return replace(found, line=line)

    def put_in_missing(self, position: int) -> None:
        """Lines of the open chat that a crash kept from the window take their places."""
        there = {*self._named, *(one.line.id for one in self._lines.values())}
        rows: list[Row] = self._connection.execute(_BEHIND, (position,)).fetchall()
        whole = [(entry, self._lines.get(place)) for place, entry in enumerate(self._entries)]
        for one in logged_lines(rows, self._names):
            if not one.own or one.line.chat != self._chat or one.line.id in there or not may_stand(one):
                continue
            whole = [(entry, line) for entry, line in whole if line_id_of(entry) != (one.line.replaces or 0)]
            ids = (line.line.id if line else largest_id([entry]) for entry, line in whole)
            at = next((place for place, line_id in enumerate(ids) if line_id > one.line.id), len(whole))
            whole.insert(at, (entry_of(one), None))
        self._entries = [entry for entry, _ in whole]
        self._lines = {place: line for place, (_, line) in enumerate(whole) if line is not None}

    # ── the window then ──────────────────────────────────────────────────────

    def with_ids(self) -> list[Any]:
        """The entries with the ids of their lines, where these grow. Of very many those that stand in the log now go,
        for a memo that is made in the background."""
        places = [place for place in range(len(self._entries)) if self._id(place) is not None]
        smallest_behind, least = dict[int, int](), _LARGEST
        for place in reversed(places):
            smallest_behind[place] = least
            if place not in self._lines or line_id_of(self._entries[place]) is not None:
                least = min(least, self._id(place) or least)
        entries, largest = list(self._entries), 0
        for place in places:
            line_id = self._id(place) or 0
            if (
                place in self._lines
                and line_id_of(entries[place]) is None
                and largest < line_id < smallest_behind[place]
            ):
                entries[place] = _naming(entries[place], self._lines[place].line)
            largest = max(largest, largest_id([entries[place]]))
        turns = [place for place, entry in enumerate(entries) if parse(entry) is not None and not is_memo(entry)]
        going = {place for place in turns[:-LONGEST] if place in self._lines and line_id_of(entries[place]) is not None}
        if brought := [*self._brought, *(line_id_of(entries[place]) or 0 for place in going)]:
            self._connection.execute(schema.LOWER_STATE, (BROUGHT_IN, min(brought) - 1))
        return [entry for place, entry in enumerate(entries) if place not in going]


def _said(entries: Sequence[Any], modified: datetime) -> Mapping[int, Taken]:
    """The entries as lines, by their places."""
    places, said = list[int](), list[Taken]()
    for place, entry in enumerate(entries):
        parsed = parse(entry)
        if parsed is None or parsed.role == "system" or not parsed.text.strip():
            continue
        at = entry_time(parsed)
        is_dated = at is not None and at != UNKNOWN_TIME
        places.append(place)
        said.append(Taken(NewLine("", "", parsed.role, parsed.text, at if at and is_dated else modified), is_dated))
    return dict(zip(places, in_order(said, modified, with_spans=True), strict=True))


def _is_same(said: Taken, logged: LoggedLine) -> bool:
    """Whether an entry can be that line, of which it has the words."""
    at = logged.told_at if logged.told_at and not logged.own else logged.line.at
    if at == UNKNOWN_TIME:
        return True
    if said.span is not None:
        return said.span.holds(at)
    moment, line_moment = said.line.at.replace(second=0, microsecond=0), at.replace(second=0, microsecond=0)
    if logged.own or logged.told_at:
        return moment == line_moment
    return moment <= at <= moment + SETTLED_WITHIN


def _is_reworded(said: Taken, logged: LoggedLine) -> bool:
    if said.line.role != logged.line.role or not _is_same(said, logged):
        return False
    if max(len(said.line.text), len(logged.line.text)) > _LONGEST_COMPARED:
        return False
    words = SequenceMatcher(None, logged.line.text, said.line.text, autojunk=False)
    return words.quick_ratio() >= _ALIKE and words.ratio() >= _ALIKE


def _is_plain(entry: Any) -> bool:
    return isinstance(entry["data"].get("content"), str)


def _naming(entry: Any, line: Line) -> Any:
    """The entry as it is, with the id of its line."""
    data = entry["data"]
    others = data.get("additional_kwargs")
    neko = {"id": line.id, "at": utc_text(line.at)}
    return entry | {"data": data | {"additional_kwargs": (others if isinstance(others, dict) else {}) | {"neko": neko}}}
