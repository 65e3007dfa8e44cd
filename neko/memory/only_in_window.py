"""What N.E.K.O. wrote into a recent window, and only there: it comes into the log.

N.E.K.O. puts what is said into the window as it is said, and into the log only what was left when a talk ended, mostly
nothing; so most of its talk stands in the window alone, which Neko cuts as soon as there is a memo of it. Entries
of the window that name no line are looked for in the log: what is not there is stored, and each then names its line.
Whoever gives the window to N.E.K.O. again, and then comes back, has the new ones in the log as well.

An entry is a line of the log as ``alignment`` has it; as often as the words stand there, so that "yes" which was said
three times is there three times. What N.E.K.O.'s editor or its review has put in
other words is the line in whose place it stands. What was said after all that Neko knows goes on in the open chat; what
was said before that, and is not there, gets a chat of its own, as older lines that are imported do. Every call blocks,
and raises ``sqlite3.Error``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

from neko.hand_written import decoded
from neko.memory import chats, facts, index, schema, unfinished
from neko.memory.alignment import Turn, align, are_alike, is_same, is_sure, words_of
from neko.memory.appending import append_all
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.import_rows import Taken, in_order
from neko.memory.line_codec import (
    LoggedLine,
    Names,
    Parsed,
    Row,
    entry_time,
    logged_lines,
    parse,
    utc_text,
)
from neko.memory.window_entries import entry_of, may_stand
from neko.memory_files import recent_windows
from neko.types.lines import UNKNOWN_TIME, Line, NewLine
from neko.well_formed import load_json

BY_HAND: Final = {"by": "hand"}
"""What an entry carries that somebody wrote into the window in Neko: nobody has said it."""
LONGEST: Final = 100
"""Entries that stay in the window at most: of what goes on before them a memo is made in the background."""
_NEAREST: Final = 20
"""Entries beside what is known that are compared so."""
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


def windows_in(folder: Path) -> dict[str, int]:
    """How many entries name no line, of each character in whose window there are some; none of a file that cannot be
    read."""
    found = dict[str, int]()
    for name, path in sorted(recent_windows(folder)):
        with suppress(OSError, ValueError, RecursionError):
            entries = load_json(decoded(path.read_bytes()))
            if isinstance(entries, list) and (count := sum(map(_names_none, entries))):
                found[name] = count
    return found


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
    window = _Window(connection, entries, names, first_id, modified)
    window.find_lines()
    window.find_reworded()
    new = window.store_earlier() + window.store_latest()
    window.put_in_missing(position)
    window.name_lines()
    window.cut()
    (newest,) = connection.execute(schema.LAST_ID).fetchone()
    return TakenIn(window.entries, new, newest)


def _names_none(entry: Any) -> bool:
    return _is_nameless(parse(entry))


def _is_nameless(parsed: Parsed | None) -> bool:
    if parsed is None or not _is_said(parsed):
        return False
    return not isinstance(parsed.neko.get("id"), int) and parsed.neko.get("by") != BY_HAND["by"]


def _is_said(parsed: Parsed) -> bool:
    return parsed.role != "system" and bool(parsed.text.strip())


@dataclass(slots=True, eq=False)
class _Entry:
    """An entry of the window. ``named``: the id that it names; ``is_nameless`` tells whether it came without one.
    ``said``: what it says of a line. ``line``: the line that it was found to be, or stored as."""

    message: Any
    named: int | None = None
    is_memo: bool = False
    is_nameless: bool = False
    said: Taken | None = None
    line: LoggedLine | None = None

    @property
    def may_be_new(self) -> bool:
        return self.is_nameless and self.line is None

    @property
    def line_id(self) -> int | None:
        """Of its line, as far as there is one."""
        if self.is_memo:
            return None
        return self.line.line.id if self.line else self.named


class _Window:
    """The window while it is gone through."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        entries: Sequence[Any],
        names: Names,
        first_id: int,
        modified: datetime,
    ) -> None:
        self._connection = connection
        self._names = names
        self._first_id = first_id
        self._chat = chats.open_chat(connection)
        self._entries = _read(entries, modified)
        self._nameless = [one for one in self._entries if one.may_be_new]
        self._brought: list[int] = []

    @property
    def entries(self) -> list[Any]:
        return [one.message for one in self._entries]

    # ── what is there ────────────────────────────────────────────────────────

    def find_lines(self) -> None:
        """Find the entries in the log, behind what stands before them (``alignment``)."""
        turns, places, largest = list[Turn](), list[_Entry](), 0
        for one in self._entries:
            if one.said is not None:
                is_open = one.may_be_new
                turns.append(Turn(one.said, one.named, largest, is_open, is_open and _is_plain(one.message)))
                places.append(one)
            largest = max(largest, one.named or 0)
        behind = min(one.floor for one in turns if one.is_open) - 1
        for at, line in align(turns, self._connection.execute(_BEHIND, (behind,)), self._names).items():
            places[at].line = line

    def _ids(self) -> set[int]:
        return {line_id for one in self._entries if (line_id := one.line_id or one.named) is not None}

    def find_reworded(self) -> None:
        """Find the lines whose words an editor has changed, which writes a plain text where a turn has a list: between
        what is known before and behind them."""
        before: int | None = None
        run: list[_Entry] = []
        for one in self._entries:
            if one.line_id is not None:
                self._find_between(run, before, one.line_id)
                before, run = one.line_id, []
            elif one.may_be_new and _is_plain(one.message):
                run.append(one)
        self._find_between(run, before, None)

    def _find_between(self, run: list[_Entry], before: int | None, behind: int | None) -> None:
        if not run:
            return
        is_after = before is not None and behind is None
        run = run[:_NEAREST] if is_after else run[-_NEAREST:]
        bounds = (before or 0, behind or _LARGEST, self._chat, 2 * len(run))
        rows = self._connection.execute(_BETWEEN.format("" if is_after else "DESC"), bounds).fetchall()
        there = self._ids()
        left = [one for one in logged_lines(sorted(rows), self._names) if one.line.id not in there]
        found = list[tuple[_Entry, LoggedLine]]()
        for one in run:
            line = next((line for line in left if _is_reworded(one.said, line)), None)
            if line is not None:
                found.append((one, line))
                left = left[left.index(line) + 1 :]
        if before is not None or behind is not None or is_sure([words_of(one.said) for one, _ in found if one.said]):
            for one, line in found:
                one.line = line

    # ── what is new ──────────────────────────────────────────────────────────

    def _split(self) -> tuple[list[_Entry], list[_Entry]]:
        """The entries that named none before and behind the last line of Neko's."""
        own = [one for one in self._entries if one.line_id is not None and (one.line is None or one.line.own)]
        if not own:
            return [], self._nameless
        last = self._entries.index(own[-1])
        earlier = set(self._entries[:last])
        return [one for one in self._nameless if one in earlier], [one for one in self._nameless if one not in earlier]

    def store_earlier(self) -> int:
        """What was said before lines of Neko's gets a chat of its own; it names no line, as that has a larger id than
        those which follow."""
        new = [one.said.line for one in self._split()[0] if one.said and one.line is None]
        if new:
            chat = chats.free_number(self._connection)
            self._connection.execute(schema.ADD_CHAT, (chat,))
            self._brought += [self._stored(line, chat).line.id for line in new]
        return len(new)

    def store_latest(self) -> int:
        """What was said after all that Neko knows goes on in the open chat, in its order: lines that N.E.K.O. has put
        into the log from between take their places anew."""
        latest = list(dropwhile(lambda one: one.line is not None, self._split()[1]))
        may_move = not unfinished.read(self._connection).changes_lines
        looked_at, new = facts.position(self._connection), 0
        for one in latest:
            if one.line is None and one.said is not None:
                one.line = self._stored(one.said.line, self._chat)
                self._brought.append(one.line.line.id)
                new += 1
            elif one.line is not None and may_move and one.line.line.id > looked_at:
                one.line = self._moved(one.line)
        return new

    def _stored(self, line: NewLine, chat: int) -> LoggedLine:
        named = replace(line, speaker=self._names[line.role], chat=chat)
        (stored,) = append_all(self._connection, [named], self._first_id, self._names)
        return LoggedLine(stored.line, own=True, own_status="complete")

    def _moved(self, found: LoggedLine) -> LoggedLine:
        """A row that nothing refers to yet, under a larger id."""
        ((_, *rest),) = self._connection.execute(schema.BY_ID, (found.line.id,)).fetchall()
        self._connection.execute(schema.DELETE, (found.line.id,)).fetchall()
        ((line_id,),) = self._connection.execute(schema.INSERT, (self._first_id, *rest)).fetchall()
        line = replace(found.line, id=line_id)
        index.put(self._connection, [line])
        return replace(found, line=line)

    # ── the window then ──────────────────────────────────────────────────────

    def put_in_missing(self, position: int) -> None:
        """Lines of the open chat that a crash kept from the window take their places."""
        there = self._ids()
        rows: list[Row] = [row for row in self._connection.execute(_BEHIND, (position,)) if row[0] not in there]
        for logged in logged_lines(rows, self._names):
            if not logged.own or logged.line.chat != self._chat or not may_stand(logged):
                continue
            gone = logged.line.replaces
            self._entries = [one for one in self._entries if gone is None or one.line_id != gone]
            behind = (at for at, one in enumerate(self._entries) if (one.line_id or 0) > logged.line.id)
            self._entries.insert(next(behind, len(self._entries)), _Entry(entry_of(logged), logged.line.id))

    def name_lines(self) -> None:
        """Let each entry name its line, as far as the ids grow."""
        largest, ceilings, ceiling = 0, dict[_Entry, int](), _LARGEST
        for one in reversed(self._entries):
            ceilings[one] = ceiling
            ceiling = ceiling if one.is_memo else min(ceiling, one.named or ceiling)
        for one in self._entries:
            if one.line and one.named is None and largest < one.line.line.id < ceilings[one]:
                one.message, one.named = _naming(one.message, one.line.line), one.line.line.id
            largest = max(largest, one.named or 0)

    def cut(self) -> None:
        """Of very many those go that came into the log just now, for a memo that is made in the background."""
        turns = [one for one in self._entries if one.said and not one.is_memo]
        going = {one for one in turns[:-LONGEST] if one.line is not None and one.named is not None}
        self._entries = [one for one in self._entries if one not in going]
        if brought := [*self._brought, *(one.named or 0 for one in going)]:
            self._connection.execute(schema.LOWER_STATE, (BROUGHT_IN, min(brought) - 1))


def _read(messages: Sequence[Any], modified: datetime) -> list[_Entry]:
    """The entries, with when they were said."""
    entries, turns, said = list[_Entry](), list[_Entry](), list[Taken]()
    for one in messages:
        parsed = parse(one)
        entries.append(entry := _Entry(one))
        if parsed is None:
            continue
        line_id = parsed.neko.get("id")
        entry.named = line_id if isinstance(line_id, int) else None
        entry.is_memo, entry.is_nameless = parsed.role == "system", _is_nameless(parsed)
        if _is_said(parsed):
            at = entry_time(parsed)
            is_dated = at is not None and at != UNKNOWN_TIME
            line = NewLine("", "", parsed.role, parsed.text, at if at and is_dated else modified)
            turns.append(entry)
            said.append(Taken(line, is_dated))
    for entry, dated in zip(turns, in_order(said, modified, with_spans=True), strict=True):
        entry.said = dated
    return entries


def _is_reworded(said: Taken | None, logged: LoggedLine) -> bool:
    """What has the very words of a line and is not known to be that one was said again."""
    if said is None or not is_same(said, logged):
        return False
    words, those = words_of(said), (logged.line.role, logged.line.text.strip())
    return words != those and are_alike(words, those)


def _is_plain(entry: Any) -> bool:
    return isinstance(entry["data"].get("content"), str)


def _naming(entry: Any, line: Line) -> Any:
    """The entry as it is, with the id of its line."""
    data = entry["data"]
    others = data.get("additional_kwargs")
    neko = {"id": line.id, "at": utc_text(line.at)}
    return entry | {"data": data | {"additional_kwargs": (others if isinstance(others, dict) else {}) | {"neko": neko}}}
