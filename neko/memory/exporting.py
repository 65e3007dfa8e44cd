"""What a memory holds as the entries of an export (``export_entries``), read in steps while she goes on talking."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from neko.errors import DamagedFileError
from neko.memory import facts, schema
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.character_memory import CharacterMemory
from neko.memory.export_entries import Entry, fact_entry, line_entry, recent_entry, summary_entry
from neko.memory.line_codec import Names, Row, logged_lines
from neko.memory.memo import cut_memo_prefix
from neko.memory.pictures import Pictures
from neko.memory.recent import FLOOR
from neko.memory_files import settings_name
from neko.storage import read_json
from neko.tasks import in_thread

_ROWS: Final = 500
"""That are read at once: some milliseconds, for which a recall waits."""
_PAGE: Final = f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > ? ORDER BY id LIMIT {_ROWS}"
_PAGE_OF_CHAT: Final = _PAGE.replace("WHERE", f"WHERE {schema.CHAT} = ? AND", 1)
_FACTS: Final = f"SELECT {facts.COLUMNS} FROM neko_facts ORDER BY id"
_SOURCES: Final = f"SELECT {facts.SOURCE_COLUMNS} FROM neko_fact_sources"
_CHATS: Final = "SELECT id, title FROM neko_chats ORDER BY id"


@dataclass(frozen=True, slots=True)
class Besides:
    """What there is besides the lines; ``recent`` is how the next session begins, of which ``memo`` is the text."""

    summaries: Sequence[Entry]
    recent: Sequence[Entry]
    memo: str
    facts: Sequence[Entry]
    chats: Sequence[Entry]
    settings: Mapping[str, Any]


class Exporting:
    """Of all characters of one memory. Every method raises ``MemoryStoreError``."""

    def __init__(self, opened: Callable[[str], Awaitable[CharacterMemory]], pictures: Pictures) -> None:
        self._opened = opened
        self._pictures = pictures

    async def numbers(self, character: str) -> dict[str, int]:
        """The open chat, up to which line facts have been looked for, up to which none comes into the recent window
        again, and behind which there are some that were brought in and are not learnt from, if there are."""
        log = (await self._opened(character)).log
        pending = await log.state(BROUGHT_IN)
        return {
            "open_chat": log.chat,
            "facts_through": min(await log.facts_position(), await log.last_id()),
            "recent_floor": await log.state(FLOOR) or 0,
            **({} if pending is None else {BROUGHT_IN: pending}),
        }

    async def lines(self, character: str, chat: int | None = None) -> AsyncIterator[list[Entry]]:
        """All lines, or those of one chat, in the order of their ids, earlier versions of replies among them."""
        log, after = (await self._opened(character)).log, 0
        while page := await log.recall(partial(_page, chat=chat, after=after)):
            yield await in_thread(_line_entries, *page)
            after = page[0][-1][0]

    async def besides(self, character: str) -> Besides:
        memory = await self._opened(character)
        entries = await memory.window.entries()
        recent = [found for entry in entries if (found := recent_entry(entry))]
        summaries = await memory.log.recall(lambda connection, _: _summaries(connection))
        known = await memory.log.recall(lambda connection, _: _facts(connection))
        chats = await memory.log.recall(lambda connection, _: _titles(connection))
        path = memory.log.path.with_name(settings_name(character))
        memo = "\n".join(cut_memo_prefix(one["text"]) for one in recent if one["role"] == "system")
        return Besides(summaries, recent, memo, known, chats, await in_thread(_settings, path))

    async def pictures(self, character: str, names: Iterable[str]) -> AsyncIterator[Entry]:
        """Those of these that are there, one after the other."""
        for name in names:
            if content := await self._pictures.read(character, name):
                yield {"name": name, "jpeg": (await in_thread(base64.b64encode, content)).decode()}


def _page(connection: sqlite3.Connection, names: Names, chat: int | None, after: int) -> tuple[list[Row], Names] | None:
    found = (_PAGE, (after,)) if chat is None else (_PAGE_OF_CHAT, (chat, after))
    rows = connection.execute(*found).fetchall()
    return (rows, names) if rows else None


def _line_entries(rows: Sequence[Row], names: Names) -> list[Entry]:
    return [line_entry(logged, row[3]) for logged, row in zip(logged_lines(rows, names), rows, strict=True)]


def _summaries(connection: sqlite3.Connection) -> list[Entry]:
    return [summary_entry(row) for row in connection.execute(f"{schema.SUMMARIES} ORDER BY id")]


def _facts(connection: sqlite3.Connection) -> list[Entry]:
    sources: dict[int, list[tuple[int, int, int]]] = {}
    for source in connection.execute(_SOURCES):
        sources.setdefault(source[0], []).append(source)
    return [fact_entry(row, sources.get(row[0], ())) for row in connection.execute(_FACTS)]


def _titles(connection: sqlite3.Connection) -> list[Entry]:
    return [{"id": number, "title": title} for number, title in connection.execute(_CHATS)]


def _settings(path: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = read_json(path, {}, dict)
    except DamagedFileError:
        return {}
    return found
