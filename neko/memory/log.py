"""The verbatim log of one character: one SQLite file, the truth about what was said.

WAL with ``synchronous=FULL``, so that a committed line survives a power cut. ``log_file`` keeps the file open, and
mends it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from neko.errors import NekoError
from neko.memory import (
    browse,
    changes,
    chats,
    deletion,
    facts,
    index,
    left_lines,
    only_in_window,
    reviewed,
    schema,
    unfinished,
    versions,
)
from neko.memory.appending import Appended, append_all
from neko.memory.deletion import Deleted
from neko.memory.facts import Earlier, NewFact
from neko.memory.line_codec import (
    LoggedLine,
    Names,
    Row,
    as_said,
    logged_lines,
    message,
    stamp,
    with_text,
)
from neko.memory.log_file import LogFile, OnDamage
from neko.memory.paths import backups_of
from neko.memory.running_time import RunningTime
from neko.memory.search import rehearse
from neko.memory.sqlite_errors import store_error
from neko.memory.threads import Threads, Work
from neko.memory.unfinished import Kind
from neko.tasks import in_thread
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import ChangeKind, ChatList, Fact
from neko.well_formed import well_formed

logger = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST: Final = 2**63 - 1
"""The largest integer of SQLite."""
WINDOW_POSITION: Final = "recent"
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 10.0
_REHEARSAL_S: Final = 5.0
_SHORT: Final = 1_000
"""Lines of a log that is searched in a few milliseconds, for which a write may wait."""


class Log:
    """Open with ``Log.open``. Every method raises ``MemoryStoreError`` when the file cannot be used."""

    def __init__(
        self,
        path: Path,
        threads: Threads,
        names: Callable[[], Names],
        on_damage: OnDamage,
        claim: Callable[[], None],
        floor: int,
        lock_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self.path = path
        self.file = LogFile(path, threads, self, on_damage, claim, lock_timeout_s, read_timeout_s)
        self._names = names
        self._newest = floor
        self._chat = 0
        self._indexing = asyncio.Lock()
        self._is_indexed = False
        self.unfinished = unfinished.NOTHING
        self._is_to_fold_in = asyncio.Event()
        self._is_rid = asyncio.Event()
        self._appended = Appended()
        self._window_position: int | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        threads: Threads,
        names: Callable[[], Names],
        on_damage: OnDamage,
        *,
        claim: Callable[[], None] = lambda: None,
        floor: int = 0,
        lock_timeout_s: float = 5.0,
        read_timeout_s: float = 10.0,
    ) -> Self:
        """Open or make the file; a damaged one is set aside, reported and replaced by a new one with what can be read.

        ``names``: of the speakers, for lines that do not name theirs. ``claim`` is called, in a thread,
        before a file that has gone is written anew: it raises ``DataFolderError`` when somebody else has
        the folder now. ``floor``: ids of an empty log start above it. ``lock_timeout_s``: for a lock
        that another program holds. ``read_timeout_s``: for any one read but a recall.
        """
        log = cls(path, threads, names, on_damage, claim, floor, lock_timeout_s, read_timeout_s)
        await log.file.open()
        return log

    async def aclose(self) -> None:
        """Close the connections, which folds the WAL into the file; idempotent."""
        await self.file.aclose(self._write_position if self._window_position is not None else None)

    # ── writing ──────────────────────────────────────────────────────────────

    async def append(self, line: NewLine) -> Stored:
        """Commit one line, and with it the end of the reply it replaces."""
        return (await self.append_all([line]))[0]

    async def append_all(self, lines: Sequence[NewLine], chat: int | None = None) -> list[Stored]:
        """``append`` for several lines, as one transaction: into the open chat, or this one."""
        names, chat = self._names(), self._chat if chat is None else chat
        position = self._window_position

        def work(connection: sqlite3.Connection) -> list[Stored]:
            named = [replace(line, speaker=line.speaker or names[line.role], chat=chat) for line in lines]
            if position is not None:
                _execute(connection, schema.SET_STATE, (WINDOW_POSITION, position))
            return append_all(connection, named, self._newest + 1, names)

        stored = await self.file.transaction(work)
        self._window_position = None if self._window_position == position else self._window_position
        self._appended.add(self._newest, stored)
        self._newest = max([self._newest, *(one.line.id for one in stored)])
        return stored

    def saw(self, line_id: int) -> None:
        """There is a line of this id now."""
        self._newest = max(self._newest, line_id)

    async def take_in(self, entries: Sequence[Any], position: int, modified: datetime) -> only_in_window.TakenIn:
        """``only_in_window.take_in``."""
        names, first = self._names(), self._newest + 1
        taken = await self.transaction(
            lambda connection: only_in_window.take_in(connection, entries, names, first, position, modified)
        )
        self.saw(taken.newest)
        return taken

    async def choose(self, line_id: int) -> Line | None:
        """``versions.choose``."""
        names = self._names()

        def work(connection: sqlite3.Connection) -> Line | None:
            chosen = versions.choose(connection, names, line_id, self._newest + 1)
            index.put(connection, [chosen] if chosen else [])
            return chosen

        line = await self.transaction(work)
        if line is not None:
            self._newest = max(self._newest, line.id)
        return line

    async def delete(self, ids: Sequence[int]) -> Deleted:
        """Delete lines, the summaries that may hold their words and the facts that rest on them.

        They are gone from the file, from its WAL once nobody reads (``fold_in``), and are no longer recalled.
        """

        def work(connection: sqlite3.Connection) -> Deleted:
            deleted = deletion.delete(connection, ids)
            changes.note(connection, ChangeKind.FORGOTTEN, len(deleted.ids))
            return deleted

        return await self.without_traces(work)

    async def correct(self, line_id: int, text: str) -> tuple[LoggedLine, Earlier] | None:
        """Give a line other words under its id, without the summaries that may hold the old ones and the facts that
        rested on them, which are told; None when it cannot be."""

        names = self._names()

        def work(connection: sqlite3.Connection) -> tuple[LoggedLine, Earlier] | None:
            for found, session, raw, said_at in _execute(connection, schema.BY_ID, (min(line_id, LARGEST),)):
                row = (found, session, with_text(raw or "", text), said_at)
                if row[2] is not None:
                    known = deletion.delete(connection, [found]).facts
                    _execute(connection, schema.INSERT_AGAIN, row)
                    changes.note(connection, ChangeKind.CORRECTED, 1)
                    (corrected,) = logged_lines([row], names)
                    index.put(connection, [corrected.line])
                    return corrected, known
            return None

        return await self.without_traces(work)

    async def rewrite_memo(self, memo_id: int, text: str) -> None:
        """``browse.rewrite_memo``."""

        def work(connection: sqlite3.Connection) -> None:
            browse.rewrite_memo(connection, min(memo_id, LARGEST), text)
            reviewed.forget(connection)
            deletion.leave_untidy(connection)
            changes.note(connection, ChangeKind.SUMMARY, 1)

        await self.without_traces(work)

    async def without_traces(self, work: Work[T]) -> T:
        """A transaction that takes words away, and then what it leaves of them in the file and in the WAL."""
        result = await self.transaction(work)
        await self.file.give_up_copy()
        try:
            await in_thread(deletion.forget_copies, self.path)
        except OSError as error:
            raise store_error(error, backups_of(self.path)) from error
        if not await self._folded_in():
            self._is_rid.clear()
            self._is_to_fold_in.set()
        return result

    async def change_chat(self, number: int | None, *, even_empty: bool = False) -> int | None:
        """``chats.change``: lines that are stored from now on go there."""
        chat = await self.transaction(lambda connection: chats.change(connection, number, even_empty=even_empty))
        self._chat = self._chat if chat is None else chat
        return chat

    async def rows(self, ids: Sequence[int]) -> list[Row]:
        """The rows with these ids, and those of earlier versions of replies among them, as they stand."""
        return await self._read(lambda connection: deletion.rows(connection, ids))

    async def restore(self, rows: Sequence[Row], known: Earlier) -> list[LoggedLine]:
        """Put deleted rows back under their ids, with what was known because of them; the lines of the talk among
        them, oldest first."""
        lines = logged_lines(rows, self._names())

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(schema.INSERT_AGAIN, rows)
            index.put(connection, (logged.line for logged in lines))
            facts.put_back(connection, known)
            changes.note(connection, ChangeKind.RESTORED, len(rows))

        await self.transaction(work)
        return [logged for logged in lines if logged.line.status != "replaced"]

    async def fold_in(self) -> None:
        """Rid the file and the WAL of what was deleted: at first of what a crash left, then after each deletion.

        Somebody who reads keeps it from being emptied: it is tried again until that is over.
        """
        while True:
            self._is_to_fold_in.clear()
            pause_s = _FIRST_PAUSE_S
            while not await self._folded_in():
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self._is_rid.set()
            await self._is_to_fold_in.wait()

    async def rid_of_deleted(self) -> None:
        """Wait until ``fold_in`` has nothing to do."""
        await self._is_rid.wait()

    async def _folded_in(self) -> bool:
        try:
            return await self.file.fold_in(lambda connection: deletion.tidy(connection, self.path))
        except NekoError as error:
            logger.info("the WAL of a log cannot be emptied yet: %s", error)
            return False

    async def add_summary(
        self, session_id: str, text: str, at: datetime, sources: Sequence[int], *, folds: bool = False
    ) -> int:
        """Keep a summary together with the ids of the lines it was made from; its id. ``folds``: it is to take their
        place in the window (``unfinished``)."""
        row = (session_id, json.dumps(message("system", text, {"sources": list(sources)})), stamp(at))

        def work(connection: sqlite3.Connection) -> int:
            summary = int(_execute(connection, schema.INSERT_SUMMARY, row)[0][0])
            if folds:
                unfinished.note(connection, Kind.FOLD, [summary])
            return summary

        return await self.transaction(work)

    async def folded(self, summaries: Sequence[int]) -> None:
        """The window has these summaries now."""
        await self.transaction(lambda connection: unfinished.done(connection, Kind.FOLD, summaries), durable=False)

    async def drop_summary(self, summary: int) -> None:
        """Take back a summary that was kept a moment ago, words and all."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(schema.DELETE_SUMMARY, (summary,))
            unfinished.done(connection, Kind.FOLD, [summary])
            deletion.leave_untidy(connection)

        await self.without_traces(work)

    async def with_earlier(self, ids: Sequence[int]) -> list[LoggedLine]:
        """The lines with these ids and the earlier versions of replies among them, oldest first."""
        names = self._names()
        return await self._read(lambda connection: deletion.with_earlier(connection, ids, names))

    async def of_clients(self, client_ids: Sequence[str]) -> list[Line]:
        """The lines that came with these ids of their sender's, as far as there are any."""
        names = self._names()

        def read(connection: sqlite3.Connection) -> list[Line]:
            rows = [row for one in client_ids for row in _execute(connection, schema.BY_CLIENT_ID, (well_formed(one),))]
            return [logged.line for logged in logged_lines(rows, names)]

        return await self._read(read)

    async def sizes(self) -> tuple[int, int, int]:
        """How many rows there are of lines, of summaries, and of lines in the index."""
        statement = schema.SIZES
        return await self.recall(lambda connection, _: tuple(_execute(connection, statement)[0]))

    async def named_pictures(self) -> set[str]:
        """The pictures that lines refer to."""
        rows = await self._read(lambda connection: _execute(connection, schema.NAMED_PICTURES))
        return {row[0] for row in rows if isinstance(row[0], str)}

    async def last_summary_before(self, line_id: int) -> deletion.Summary | None:
        """The newest summary that was made of lines before this one only."""
        return await self._read(lambda connection: deletion.last_summary_before(connection, line_id))

    async def facts(self, at: datetime | None = None) -> list[Fact]:
        """``Facts.facts``."""
        return await self._read(lambda connection: facts.facts(connection, at))

    async def facts_position(self) -> int:
        """Up to which line facts have been looked for."""
        return await self._read(facts.position)

    async def record_facts(self, found: Sequence[NewFact], position: int | None = None) -> int:
        """``facts.record``."""
        now = datetime.now()
        return await self.transaction(lambda connection: facts.record(connection, found, now, position))

    def set_window_position(self, line_id: int) -> None:
        """Remember up to which line the recent file has been written: with the next line, or at the end, if the log's
        file is open then.

        Not worth a transaction of its own: what a crash loses of it the recent file itself tells.
        """
        self._window_position = line_id

    def _write_position(self, connection: sqlite3.Connection) -> None:
        connection.execute(schema.SET_STATE, (WINDOW_POSITION, self._window_position))

    async def transaction(self, work: Work[T], *, durable: bool = True) -> T:
        """``LogFile.transaction``. What changes lines has to be ``durable``."""
        if durable:
            self._appended.forget()
        return await self.file.transaction(work, durable=durable)

    # ── reading ──────────────────────────────────────────────────────────────

    async def lines(self, *, before: int | None, after: int | None, limit: int, chat: int | None = None) -> list[Line]:
        """A page of lines, oldest first, as ``ConversationLog.lines`` promises; None for ``chat`` is all of them."""
        return [logged.line for logged in await self.page(before=before, after=after, limit=limit, chat=chat)]

    async def versions(self, line_id: int) -> list[Line]:
        """``versions.versions``."""
        names = self._names()
        return await self._read(lambda connection: versions.versions(connection, names, min(line_id, LARGEST)))

    async def page(
        self, *, before: int | None = None, after: int | None = None, limit: int = -1, chat: int | None = None
    ) -> list[LoggedLine]:
        """The same with what the recent window needs besides; a negative ``limit`` is none."""
        names = self._names()
        end = LARGEST if before is None else min(before, LARGEST)
        bounds = [end, min(limit, LARGEST)] if after is None else [min(after, LARGEST), end, min(limit, LARGEST)]
        if chat is None:
            statement = schema.BEFORE if after is None else schema.AFTER
        else:
            statement = schema.BEFORE_IN_CHAT if after is None else schema.AFTER_IN_CHAT
            bounds = [min(chat, LARGEST), *bounds]

        def read(connection: sqlite3.Connection) -> list[LoggedLine]:
            rows = _execute(connection, statement, bounds)
            return as_said(logged_lines(rows[::-1] if after is None else rows, names))

        return await self._read(read)

    async def since(self, line_id: int) -> list[LoggedLine]:
        """All lines of Neko's behind this one, oldest first; those of others may be among them."""
        known = self._appended.after(line_id)
        return await self.page(after=line_id) if known is None else known

    @property
    def chat(self) -> int:
        """The open chat."""
        return self._chat

    async def chats(self) -> ChatList:
        """``Chats.chats``."""
        names = self._names()
        return await self._read(lambda connection: chats.listed(connection, names))

    async def line_ids(self, chat: int) -> list[int]:
        """The ids of all lines of a chat."""
        return await self._read(lambda connection: chats.line_ids(connection, chat))

    async def left(self, since: int, most: int) -> list[LoggedLine]:
        """``left_lines.waiting``, besides the open chat."""
        names, chat = self._names(), self._chat
        return await self._read(lambda connection: left_lines.waiting(connection, names, chat, since, most))

    @property
    def newest(self) -> int:
        """The largest id that this program has seen, without asking the file."""
        return self._newest

    async def last_id(self) -> int:
        """The id of the newest line, 0 in an empty log."""
        return await self._read(_last_id)

    async def state(self, name: str) -> int | None:
        """What ``schema.SET_STATE`` was last given for this name."""
        rows = await self._read(lambda connection: _execute(connection, schema.GET_STATE, (name,)))
        return int(rows[0][0]) if rows else None

    async def last_foreign_id(self) -> int:
        """The id of the newest line that N.E.K.O. wrote, 0 when there is none."""
        rows = await self._read(lambda connection: _execute(connection, schema.LAST_FOREIGN_ID))
        return int(rows[0][0]) if rows else 0

    @property
    def is_indexed(self) -> bool:
        """Until all of an old log, or of one that was damaged, is in the index, recall finds what is there."""
        return self._is_indexed and not self._indexing.locked()

    async def prepare_recall(self) -> None:
        """Bring the index up to the log, in steps between which new lines get their turn, and load what a search uses.

        Until then recall knows of the lines that are in it. Who asks for it meanwhile waits for that.
        """
        async with self._indexing:
            await in_thread(import_module, "numpy")
            await self._catch_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(_REHEARSAL_S):
                await self.recall(rehearse)

    async def rebuild_index(self) -> int:
        """Make the index anew from the lines; how many there are in it."""
        async with self._indexing:
            await self.transaction(index.make)
            await self._catch_up()
        return (await self.sizes())[2]

    async def _catch_up(self) -> None:
        names = self._names()
        while await self.transaction(lambda connection: index.catch_up(connection, names), durable=False):
            pass
        self._is_indexed = True

    async def recall(
        self,
        work: Callable[[sqlite3.Connection, Names], T],
        running_time: RunningTime | None = None,
        *,
        is_short: bool = False,
    ) -> T:
        """Run a long read on a connection of its own, with the names of the speakers.

        The caller brings the deadline (``LogFile.recall``).
        """
        names = self._names()
        return await self.file.recall(lambda connection: work(connection, names), running_time, is_short=is_short)

    async def search(
        self,
        work: Callable[[sqlite3.Connection, Names], list[T]],
        index_timeout_s: float,
        running_time: RunningTime | None = None,
    ) -> list[T]:
        """``recall`` in the whole index; when that is not there after ``index_timeout_s``, in what there is of it.

        The search itself may be what meets damage, after which the index is made anew.
        """
        was_indexed, is_short = self.is_indexed, running_time is not None and self._newest < _SHORT
        found = await self.recall(work, running_time, is_short=is_short)
        if was_indexed and self.is_indexed:
            return found
        if index_timeout_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(index_timeout_s):
                    await self.prepare_recall()
            found = await self.recall(work, running_time)
        if not self.is_indexed:
            logger.warning("%s: a search found %d lines; the index does not hold all yet", self.path, len(found))
        return found

    async def _read(self, work: Work[T]) -> T:
        return await self.file.read(work)

    # ── opening ──────────────────────────────────────────────────────────────

    def found(self, connection: sqlite3.Connection, *, is_new: bool) -> None:
        """``log_file.Owner``."""
        if is_new:
            self.unfinished = unfinished.read(connection)
            self._chat = chats.open_chat(connection)
        self._newest = max(self._newest, deletion.highest_id(connection))

    def opened(self) -> None:
        """``log_file.Owner``."""
        self._appended.forget()
        self._is_indexed = False


def _last_id(connection: sqlite3.Connection) -> int:
    return int(_execute(connection, schema.LAST_ID)[0][0])


def _execute(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    return connection.execute(statement, parameters).fetchall()
