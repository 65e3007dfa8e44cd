"""Summaries that are forgotten, merged and pinned by hand, with a way back for half a minute.

Nothing but the summary goes: the lines that it was made of stay, and so do later summaries that were made of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from neko.memory import browse, changes, deletion, left_lines, reviewed, schema
from neko.memory.character_memory import CharacterMemory
from neko.memory.line_codec import Message, Row, message, parsed_row
from neko.memory.log import LARGEST
from neko.memory.undo import Undo
from neko.memory.window_entries import is_memo
from neko.memory_errors import forgetting
from neko.types.memory import ChangeKind, Memo, RecentEntry

MOST_PINNED: Final = 4
"""Each stands in every prompt."""
_ROW: Final = f"SELECT {schema.COLUMNS} FROM {schema.COMPRESSED} WHERE id = ?"
_PINNED: Final = f"SELECT {schema.COLUMNS} FROM {schema.COMPRESSED} WHERE instr(message, '\"pinned\"') ORDER BY id"
_PUT_BACK: Final = f"INSERT OR REPLACE INTO {schema.COMPRESSED} ({schema.COLUMNS}) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class _Before:
    """Rows as they stood, and the entries that were the memo of the window."""

    rows: Sequence[Row]
    memo: Sequence[Message]


class MemoEdits:
    """Of all characters of one memory. Every method raises ``MemoryStoreError``."""

    def __init__(self, opened: Callable[[str], Awaitable[CharacterMemory]]) -> None:
        self._opened = opened
        self._undo: Undo[str, _Before] = Undo()

    @forgetting()
    async def forget(self, character: str, memo_id: int) -> bool:
        """Delete a summary, also where a new session begins with it; false for an unknown id."""
        memory = await self._opened(character)
        rows = await self._rows(memory, [memo_id])
        if not rows:
            return False
        before = _Before(rows, await _memo_of(memory))
        forgotten = parsed_row(rows[0][2] or "")

        def work(connection: sqlite3.Connection) -> None:
            _delete(connection, memo_id, ChangeKind.SUMMARY_FORGOTTEN)
            left_lines.forget_memo(connection, forgotten.sources)

        await memory.log.without_traces(work)
        await memory.window.replace_memo(memo_id, forgotten.text, None)
        self._undo.keep(character, before)
        return True

    async def merge(self, character: str, into: int, other: int, text: str) -> Memo | None:
        """Let one summary say what two said, with the sources of both; None for an unknown id."""
        memory = await self._opened(character)
        rows = await self._rows(memory, [into, other])
        if len(rows) != 2 or into == other:
            return None
        before = _Before(rows, await _memo_of(memory))
        old = {row[0]: parsed_row(row[2] or "") for row in rows}
        sources = sorted({*old[into].sources, *old[other].sources})
        raw = json.dumps(message("system", text, {**old[into].neko, "sources": sources}))

        def work(connection: sqlite3.Connection) -> Memo | None:
            connection.execute(f"UPDATE {schema.COMPRESSED} SET message = ? WHERE id = ?", (raw, into))
            _delete(connection, other, ChangeKind.SUMMARIES_MERGED)
            return browse.memo(connection, into)

        merged = await memory.log.without_traces(work)
        for one in (into, other):
            await memory.window.replace_memo(one, old[one].text, text)
        self._undo.keep(character, before)
        return merged

    async def undo(self, character: str) -> bool:
        """Take back the last of these, unless it is half a minute ago."""
        with self._undo.taken(character) as before:
            if before is None:
                return False
            memory = await self._opened(character)

            def work(connection: sqlite3.Connection) -> None:
                connection.executemany(_PUT_BACK, before.rows)
                changes.note(connection, ChangeKind.RESTORED, len(before.rows))

            await memory.log.without_traces(work)
            await memory.window.swap(await _memo_of(memory), before.memo)
        return True

    async def pin(self, character: str, memo_id: int, *, on: bool) -> Memo | None:
        """Let a summary stand in every memo, or no longer; None for an unknown id, or when there are too many."""
        log = (await self._opened(character)).log

        def work(connection: sqlite3.Connection) -> Memo | None:
            row = connection.execute(_ROW, (min(memo_id, LARGEST),)).fetchone()
            if row is None or (on and len(connection.execute(_PINNED).fetchall()) >= MOST_PINNED):
                return None
            parsed = parsed_row(row[2] or "")
            neko = {key: value for key, value in parsed.neko.items() if key != "pinned"} | (
                {"pinned": True} if on else {}
            )
            raw = json.dumps(message("system", parsed.text, neko))
            connection.execute(f"UPDATE {schema.COMPRESSED} SET message = ? WHERE id = ?", (raw, row[0]))
            changes.note(connection, ChangeKind.SUMMARY_PINNED if on else ChangeKind.SUMMARY_UNPINNED, 1)
            return browse.memo(connection, row[0])

        return await log.transaction(work)

    async def with_pinned(self, character: str, entries: Sequence[RecentEntry]) -> list[RecentEntry]:
        """A recent window whose memo also says what is pinned."""
        log = (await self._opened(character)).log
        rows = await log.recall(lambda connection, _: connection.execute(_PINNED).fetchall())
        pinned = [parsed_row(row[2] or "").text for row in rows]
        memo = next((entry for entry in entries if entry.role == "system"), None)
        missing = [text for text in pinned if memo is None or text not in memo.text]
        if not missing:
            return list(entries)
        whole = "\n".join([*missing, *([memo.text] if memo else [])])
        reach = memo.id if memo else 0
        return [RecentEntry("system", whole, reach), *(entry for entry in entries if entry.role != "system")]

    async def _rows(self, memory: CharacterMemory, ids: Sequence[int]) -> list[Row]:
        def read(connection: sqlite3.Connection, _: object) -> list[Row]:
            return [row for one in ids for row in connection.execute(_ROW, (min(one, LARGEST),)).fetchall()]

        return await memory.log.recall(read)


async def _memo_of(memory: CharacterMemory) -> list[Message]:
    return list(takewhile(is_memo, await memory.window.entries()))


def _delete(connection: sqlite3.Connection, memo_id: int, kind: ChangeKind) -> None:
    connection.execute(schema.DELETE_SUMMARY, (memo_id,))
    reviewed.forget(connection)
    deletion.leave_untidy(connection)
    changes.note(connection, kind, 1)
