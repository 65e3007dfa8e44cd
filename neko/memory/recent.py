"""The recent window: what was said last, as a JSON file that people may read and edit.

The file follows the log. Whatever the log holds beyond the window's position (an id) is
added to it, whether that line was stored a moment ago or just before a crash; so there is one
way in, and storing a line never waits for this file. A change made to the file by hand wins.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from neko.errors import (
    ConfigError,
    DamagedFileError,
    MemoryStoreError,
    NekoError,
    UnreadEntriesError,
)
from neko.language import guess
from neko.memory import only_in_window, schema
from neko.memory.facts import Earlier
from neko.memory.line_codec import (
    LoggedLine,
    Message,
    entry_time,
    message,
    parse,
    rows_of,
)
from neko.memory.log import WINDOW_POSITION, Log
from neko.memory.memo import cut_memo_prefix, memo_text
from neko.memory.recent_file import RecentFile, Signature
from neko.memory.window_entries import (
    entry_of,
    is_memo,
    largest_id,
    line_id_of,
    line_ids,
    lines_since,
    may_hold,
    may_stand,
    without,
)
from neko.memory.write_pace import WritePace
from neko.memory_errors import LinesPutBackError
from neko.tasks import in_thread
from neko.types.lines import UNKNOWN_TIME, Line, NewLine, Stored
from neko.types.memory import RecentEntry

logger = logging.getLogger(__name__)

UNCOMPRESSED = 9
"""How many entries stay as they were said when the older ones are replaced by the memo."""
LARGEST_WINDOW = 10
"""How many entries the window may hold before it is worth compressing."""
FLOOR = "recent floor"
"""The name of the state that says up to which line none comes into the window again, as one was left out by hand."""
_MOST_PLACES = 5
"""How many entries that cannot be read are told by their number."""
_MOST_LEFT = 1_000
"""Lines of chats that were left."""
_LINES_AGAIN = 100
"""How many lines come back into the window at most when the memo that told of them is dropped, or its file is lost."""


class RecentWindow:
    """The window of one character, written by ``run`` after each ``touch``, at the ``pace`` of all of them."""

    def __init__(
        self,
        file: RecentFile,
        log: Log,
        on_damage: Callable[[NekoError], None],
        on_written: Callable[[Path], None],
        pace: WritePace,
    ) -> None:
        self._pace = pace
        self._file = file
        self._log = log
        self._on_damage = on_damage
        self._on_written = on_written
        self._entries: list[Any] = []
        self._left: list[Any] = []
        self._signature: Signature | None = None
        self._position = 0
        self._position_on_disk = 0
        self._floor = 0
        self._dirty = False
        self._has_unread = False
        self._is_to_take_in = False
        """Whether the window may have what the log lacks, of which nothing may be cut."""
        self._is_refused = False
        self._writing = False
        self._writes = 0
        self._merging = asyncio.Lock()
        self._flushing = asyncio.Lock()
        self._touched = asyncio.Event()

    @property
    def path(self) -> Path:
        return self._file.path

    async def open(self, entries: list[Any] | None, signature: Signature | None) -> None:
        """Take over what the file held; without a file the window is made anew from the log.

        Entries without a signature are those of a backup, which lacks the newest lines.
        """
        last = await self._log.last_id()
        in_log, self._floor = await self._log.state(WINDOW_POSITION), await self._log.state(FLOOR) or 0
        self._tell_unread(entries or [])
        if entries is None:
            self._entries = await self._end_of_chat(_LINES_AGAIN)
            self._position, self._dirty = last, bool(self._entries)
        else:
            self._entries, self._signature = entries, signature
            last = await self._with_lost(entries, last)
            self._position = await self._initial_position(entries, last, in_log, is_backup=signature is None)
            _drop_ids_beyond(entries, self._position)
            if not self._log.unfinished.clear:
                await self._take_in()
            if await self._is_of_another_chat():  # a crash came between the change of chat and this file
                await self._turn_to_chat()
        self._position_on_disk = self._position
        reach = max(self._floor, largest_id([entry for entry in self._entries if is_memo(entry)]))
        self._left = [entry_of(one) for one in await self._log.left(reach, _MOST_LEFT) if may_stand(one)]
        self.touch()

    async def _with_lost(self, entries: list[Any], last: int) -> int:
        """Put back the last lines, when the window has them and the log has not, and tell; the id of the last one then.

        The log's WAL was damaged, of which SQLite says nothing, or an older log was put back.
        """
        lost = [entry for entry in entries if (line_id_of(entry) or 0) > last > 0]
        rows = rows_of(lost, self._log.chat)
        if not rows or self._log.unfinished.changes_lines:
            return last
        await self._log.restore(rows, Earlier())
        logger.error("%d lines of %s were lost and are put back", len(rows), self._log.path)
        self._on_damage(LinesPutBackError("the last lines were lost", file=str(self._log.path), lines=len(rows)))
        return await self._log.last_id()

    def touch(self) -> None:
        """The log may have grown: bring the file up to date soon."""
        self._touched.set()

    async def run(self) -> None:
        """Write the file whenever it has fallen behind, for ever. A failure is reported, and its end."""
        failing = False
        while True:
            await self._touched.wait()
            await self._pace.wait()
            self._touched.clear()
            try:
                await self.flush()
            except NekoError as error:
                logger.error("the recent window could not be written: %s", type(error).__name__)
                if isinstance(error.__cause__, ConfigError):  # a fault of the log is told by who writes lines
                    self._on_damage(error.__cause__)
                    failing = True
            else:
                if failing:
                    self._on_written(self._file.path)
                failing = False

    async def entries(self) -> list[Any]:
        """The window as message dicts, up to the newest committed line. Not to be changed."""
        async with self._merging:
            await self._merge()
            return list(self._entries)

    async def view(self, *, with_left: bool = False) -> list[RecentEntry]:
        """The window as ``ConversationLog.recent`` promises it."""
        memo: list[str] = []
        reach = 0
        turns: list[RecentEntry] = []
        entries, left = await self.entries(), self._left if with_left else []
        for number, entry in enumerate([*left, *entries]):
            parsed = parse(entry)
            if parsed is None or not parsed.text.strip():
                continue
            if parsed.role == "system":
                memo.append(cut_memo_prefix(parsed.text))
                reach = max(reach, line_id_of(entry) or 0)
            else:
                at, is_left = entry_time(parsed), number < len(left)
                known_at = None if at == UNKNOWN_TIME else at
                turns.append(RecentEntry(parsed.role, parsed.text, line_id_of(entry) or 0, known_at, is_left))
        return ([RecentEntry("system", "\n".join(memo), reach)] if memo else []) + turns

    @property
    def left(self) -> list[Any]:
        """Lines that no memo was made of when their chat was left for another (``left_lines``); not to be changed."""
        return list(self._left)

    async def swap(self, read: Sequence[Any], new: Sequence[Message], left: Sequence[Any] = ()) -> bool:
        """Put ``new`` in the place of ``read``, the first entries as they were, and of these that were ``left``; keep
        what follows.

        False, and nothing is changed, when those entries are no longer there as they were.
        """
        async with self._merging:
            await self._merge()
            if (
                self._is_to_take_in
                or self._entries[: len(read)] != list(read)
                or not all(one in self._left for one in left)
            ):
                return False
            self._entries[: len(read)] = new
            self._left = [one for one in self._left if one not in left]
            self._dirty = True
        await self.flush()
        return True

    async def store(self, lines: Sequence[NewLine], chat: int | None = None) -> list[Stored]:
        """Store lines that were said elsewhere, as one transaction: in the open chat, or this one. The window is then
        the memo and the end of the chat, however many they are; lines that are older than what was said here stay out
        of it."""
        async with self._merging:
            await self._merge()
            last = await self._log.page(limit=1, chat=self._log.chat)
            stored = await self._log.append_all(lines, chat)
            fresh = [one.line for one in stored if one.fresh]
            if fresh:
                self._position = self._log.newest
                here = chat in (None, self._log.chat)
                if here and (not last or max(line.at for line in fresh) >= last[0].line.at):
                    await self._turn_to_chat()
                self._dirty = True
        self.touch()
        return stored

    async def put_in(self, work: Callable[[sqlite3.Connection, int], list[Line]]) -> list[Line]:
        """Let lines that were said elsewhere be written, some before what was said here: ``work`` gets the smallest new
        id, and tells them. Of those that are newer than all that was said in the open chat the window shows the last.
        """
        await self.flush()

        def whole(connection: sqlite3.Connection) -> list[Line]:
            lines = work(connection, self._log.newest + 1)
            position = max(self._log.newest, *(line.id for line in lines)) if lines else self._log.newest
            connection.execute(schema.SET_STATE, (WINDOW_POSITION, position))
            return lines

        async with self._merging:
            await self._merge()
            last = await self._log.page(limit=1, chat=self._log.chat)
            lines = await self._log.transaction(whole)
            for line in lines:
                self._log.saw(line.id)
            self._position = self._log.newest
            here = [line.at for line in lines if line.chat == self._log.chat]
            if here and (not last or max(here) >= last[0].line.at):
                await self._turn_to_chat()
        return lines

    async def take_over(self, entries: Sequence[Message], floor: int, chat: int) -> None:
        """Be what the window of the log was that this one was made of, in the same chat; no line up to ``floor`` comes
        back."""
        async with self._merging:
            await self._merge()
            await self._log.change_chat(chat, even_empty=True)
            await self._log.transaction(lambda connection: connection.execute(schema.SET_STATE, (FLOOR, floor)))
            self._entries, self._left, self._floor, self._dirty = list(entries), [], floor, True
        await self.flush()

    async def rewrite(self, entries: Sequence[RecentEntry]) -> None:
        """Put other entries in the place of all; those that stand there already keep what is known of them.

        What is left out, and lines before it, do not come back, from the log or from the backup of the file.
        """
        async with self._merging:
            await self._merge()
            there = {(parsed.role, parsed.text): entry for entry in self._entries if (parsed := parse(entry))}
            kept = [there.get((one.role, one.text)) or _by_hand(one) for one in entries]
            left_out = set(line_ids([*self._left, *self._entries])).difference(line_ids(kept))
            self._floor = max([self._floor, *left_out])
            row = (FLOOR, self._floor)
            await self._log.transaction(lambda connection: connection.execute(schema.SET_STATE, row))
            self._entries, self._left, self._dirty = kept, [], True
        await self.flush()
        await in_thread(self._file.forget_backup)

    async def change_chat(self, number: int | None) -> int | None:
        """``Log.change_chat``, and the window is that of the open chat: the memo, and what was said there last."""
        async with self._merging:
            await self._merge()
            before = self._log.chat
            chat = await self._log.change_chat(number)
            if self._log.chat != before:
                left = [one for one in lines_since(self._entries) if line_id_of(one) is not None]
                self._left = [*self._left, *left][-_MOST_LEFT:]
                await self._turn_to_chat()
        await self.flush()
        return chat

    async def _turn_to_chat(self) -> None:
        """What N.E.K.O. wrote before there was a log stands nowhere else: it stays until it is in the memo. What was
        left of this chat when it was open before is there again."""
        memo = [entry for entry in self._entries if is_memo(entry)]
        turns = [entry for entry in self._entries if not is_memo(entry)]
        before = takewhile(lambda entry: line_id_of(entry) is None, turns)
        end, left = await self._end_of_chat(), self._left
        if left:
            since = await self._log.page(after=min(line_ids(left)) - 1, limit=_MOST_LEFT, chat=self._log.chat)
            of_chat = {logged.line.id for logged in since}
            self._left = [one for one in left if line_id_of(one) not in of_chat]
            there = set(line_ids(end))
            end = [one for one in left if line_id_of(one) in of_chat - there] + end
        self._entries = [*memo, *before, *end]
        self._dirty = True

    async def _end_of_chat(self, most: int = UNCOMPRESSED) -> list[Message]:
        page = await self._log.page(limit=most, chat=self._log.chat)
        return [entry_of(logged) for logged in page if may_stand(logged) and logged.line.id > self._floor]

    async def _is_of_another_chat(self) -> bool:
        """The last entry that is a line tells."""
        newest = max(line_ids([entry for entry in self._entries if not is_memo(entry)]), default=None)
        if newest is None:
            return False
        line = await self._log.page(after=newest - 1, before=newest + 1)
        return bool(line) and line[0].line.chat != self._log.chat

    async def forget(self, lines: Sequence[LoggedLine]) -> None:
        """Leave out these lines, which are about to be deleted, in the file and in its backup.

        A memo that may hold their words gives way to the one before it and the lines of the open chat since, at most
        ``_LINES_AGAIN`` of them, from which the next memo is made; as many of other chats wait for it as left ones do.
        """
        async with self._merging:
            await self._merge()
            memos = [entry for entry in self._entries if is_memo(entry)]
            turns = [entry for entry in self._entries if not is_memo(entry)]
            kept, found = without(turns, lines)
            self._left = without(self._left, lines)[0]
            if any(may_hold(memo, lines, found) for memo in memos):
                memos = await self._before_memo(memos, kept, lines)
            self._dirty = self._dirty or memos + kept != self._entries
            self._entries = memos + kept
        await self.flush()
        await in_thread(self._file.forget_backup)

    async def leave_out(self, unwanted: Callable[[str], bool]) -> bool:
        """Leave out entries with such texts, memos too, in the file and in its backup; whether there were any."""
        async with self._merging:
            await self._merge()
            kept = [one for one in self._entries if not ((parsed := parse(one)) and unwanted(parsed.text))]
            self._left = [one for one in self._left if not ((parsed := parse(one)) and unwanted(parsed.text))]
            changed = len(kept) != len(self._entries)
            self._entries, self._dirty = kept, self._dirty or changed
        await self.flush()
        await in_thread(self._file.forget_backup)
        return changed

    async def clear(self) -> None:
        """Leave nothing, nor a backup of what was there."""
        async with self._merging:
            await self._merge()
            self._entries, self._left, self._dirty = [], [], True
        await self.flush()
        await in_thread(self._file.forget_backup)

    async def put_back(self, lines: Sequence[LoggedLine]) -> None:
        """Lines that were deleted are in the log again: those of the open chat after the memo take their places."""
        async with self._merging:
            await self._merge()
            reach = max(self._floor, largest_id([entry for entry in self._entries if is_memo(entry)]))
            for logged in lines:
                if logged.line.id > reach and logged.line.chat == self._log.chat and may_stand(logged):
                    later = (at for at, entry in enumerate(self._entries) if (line_id_of(entry) or 0) > logged.line.id)
                    self._entries.insert(next(later, len(self._entries)), entry_of(logged))
                    self._dirty = True
        await self.flush()

    async def replace_memo(self, summary: int, old: str, new: str | None) -> None:
        """Give the memo other words, or take it out for None, in the file and in its backup: if it is of this summary,
        or has its old words."""
        async with self._merging:
            await self._merge()
            for entry in list(self._entries):
                parsed = parse(entry)
                if not parsed or parsed.role != "system":
                    continue
                if parsed.neko.get("summary") == summary or cut_memo_prefix(parsed.text) == old:
                    at = self._entries.index(entry)
                    memo = [] if new is None else [message("system", memo_text(new, guess(new, "en")), parsed.neko)]
                    self._entries[at : at + 1] = memo
                    self._dirty = True
        await self.flush()
        await in_thread(self._file.forget_backup)

    async def _before_memo(self, memos: list[Any], turns: list[Any], lines: Sequence[LoggedLine]) -> list[Any]:
        """What stands instead of these memos once the lines are gone."""
        ids = {logged.line.id for logged in lines}
        reach = largest_id(memos) or min(line_ids(turns), default=self._position + 1) - 1
        earlier = await self._log.last_summary_before(min(ids))
        after = earlier.reach or 0 if earlier else 0
        lowest = max(after, self._floor)
        known = ids.union(line_ids(turns), line_ids(self._left))

        async def since(chat: int | None) -> list[LoggedLine]:
            page = await self._log.page(before=reach + 1, limit=_LINES_AGAIN, chat=chat)
            return [one for one in page if lowest < one.line.id and one.line.id not in known and may_stand(one)]

        missing = await since(self._log.chat)
        elsewhere = [entry_of(one) for one in await since(None) if one.line.chat != self._log.chat]
        self._left = [*elsewhere, *self._left][-_MOST_LEFT:]
        there = {
            (parsed.role, parsed.text) for entry in turns if (parsed := parse(entry)) and line_id_of(entry) is None
        }
        again = [entry_of(one) for one in missing if (one.line.role, one.line.text) not in there]
        if earlier is None:
            return again
        text = memo_text(earlier.text, guess(earlier.text, "en"))
        return [message("system", text, {"id": after}), *again]

    async def flush(self) -> None:
        """Write what has not been written; raises ``MemoryStoreError``."""
        async with self._flushing:
            async with self._merging:
                await self._merge()
                if not self._dirty:
                    return
                self._dirty, self._writing = False, True
                self._writes += 1
                position, entries = self._position, list(self._entries)
            try:
                self._signature = await in_thread(self._file.write, self._writes, entries)
            except BaseException:
                self._dirty = True
                raise
            finally:
                self._writing = False
            self._position_on_disk = position
            self._log.set_window_position(position)

    async def _merge(self) -> None:
        if not self._writing and await in_thread(self._file.signature) != self._signature:
            await self._reread()
        if self._is_to_take_in:
            await self._take_in()
        for logged in await self._log.since(self._position):
            self._position = logged.line.id
            if not logged.own or not may_stand(logged) or logged.line.chat != self._log.chat:
                continue
            if logged.line.replaces is not None:
                self._entries = [entry for entry in self._entries if line_id_of(entry) != logged.line.replaces]
            self._entries.append(entry_of(logged))
            self._dirty = True

    async def _reread(self) -> None:
        """The file was changed by someone else: take it as it is, then add what it cannot know."""
        try:
            entries, self._signature = await in_thread(self._file.read)
        except DamagedFileError as error:
            self._on_damage(error)
            entries, self._signature = None, None
        if entries is None:
            self._dirty = True
            return
        self._tell_unread(entries)
        _drop_ids_beyond(entries, self._log.newest)
        self._entries, self._dirty = entries, False
        self._position = max([self._position_on_disk, *(line_id_of(entry) or 0 for entry in entries)])
        self._is_to_take_in = True

    async def stored(self) -> None:
        """What only the window has comes into the log, if it could not before and can now: ahead of what is said."""
        if self._is_to_take_in:
            await self.entries()

    async def _take_in(self) -> None:
        """What only the window has comes into the log as well (``only_in_window``). When it cannot, that is told, and
        tried again whenever the window is asked for."""
        self._is_to_take_in = only_in_window.are_there(self._entries)
        if not self._is_to_take_in:
            return
        modified = datetime.fromtimestamp(self._signature[0] / 1e9) if self._signature else datetime.now()
        try:
            taken = await self._log.take_in(self._entries, self._position, modified)
        except MemoryStoreError as error:
            logger.warning("%s: what only the window has could not be stored: %s", self._file.path, error)
            if not self._is_refused:
                self._on_damage(error)
            self._is_refused = True
            return
        if self._is_refused:
            self._on_written(self._log.path)
        self._is_to_take_in = self._is_refused = False
        self._dirty = self._dirty or taken.entries != self._entries
        self._entries, self._position = taken.entries, taken.newest
        if taken.new:
            logger.info("%s: %d lines stood in the window alone and are in the log now", self._log.path, taken.new)

    def _tell_unread(self, entries: Sequence[Any]) -> None:
        places = [number for number, entry in enumerate(entries, 1) if parse(entry) is None]
        if places:
            told = ", ".join(map(str, places[:_MOST_PLACES])) + (", …" if len(places) > _MOST_PLACES else "")
            self._on_damage(UnreadEntriesError("entries cannot be read", file=str(self._file.path), places=told))
        elif self._has_unread:
            self._on_written(self._file.path)
        self._has_unread = bool(places)

    async def _initial_position(self, entries: list[Any], last: int, in_log: int | None, *, is_backup: bool) -> int:
        in_file = largest_id(entries)
        if in_log is None and not in_file:
            return await self._log.last_foreign_id()
        position = in_file if is_backup and in_file else max(in_file, in_log or 0)
        return min(position, last) if last else position


def _by_hand(entry: RecentEntry) -> Message:
    return message(entry.role, entry.text, None if entry.role == "system" else only_in_window.BY_HAND)


def _drop_ids_beyond(entries: list[Any], last: int) -> None:
    """Ids of another log (an older one was put back) must not be taken for ours."""
    for entry in entries:
        if (line_id_of(entry) or 0) > last:
            del entry["data"]["additional_kwargs"]["neko"]
