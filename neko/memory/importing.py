"""Taking over what was said elsewhere into the memory of a character, and taking it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from neko.errors import DamagedFileError
from neko.memory import changes, chats, facts, schema
from neko.memory.character_memory import CharacterMemory
from neko.memory.facts import HAND, NewFact
from neko.memory.import_files import GivenFact
from neko.memory.import_rows import Known, Summary, dated
from neko.memory.line_codec import Names, Row, message, stamp
from neko.memory.restoring import Restoring
from neko.memory_files import settings_name
from neko.storage import read_json, write_json
from neko.tasks import in_thread
from neko.types.lines import NewLine
from neko.types.memory import RecentEntry
from neko.well_formed import bare_words

_ROWS: Final = 2_000
"""That are read at once: some ten milliseconds, for which a recall waits."""
_PAGE: Final = f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > ? ORDER BY id LIMIT {_ROWS}"
_NEWEST: Final = f"SELECT max(timestamp) FROM {schema.ORIGINAL}"
_OF_SESSION: Final = f"SELECT id FROM {schema.ORIGINAL} WHERE session_id = ? ORDER BY id"
_NOTE: Final = "imported setting "
_NOTES: Final = "SELECT name FROM neko_state WHERE name GLOB ? AND value = ?"
_FORGET_NOTES: Final = "DELETE FROM neko_state WHERE name GLOB ? AND value = ?"
_SUMMARY_THERE: Final = f"SELECT 1 FROM {schema.COMPRESSED} WHERE timestamp = ? AND instr(message, ?)"


@dataclass(frozen=True, slots=True)
class Target:
    """An import that has begun: its number, and into which chat the lines of each chat go."""

    number: int
    chats: Mapping[int, int]


class Importing:
    """Of all characters of one memory. Every method raises ``MemoryStoreError``."""

    def __init__(self, opened: Callable[[str], Awaitable[CharacterMemory]], restoring: Restoring) -> None:
        """``restoring``: for exports with all that a memory holds."""
        self._opened = opened
        self.restoring = restoring

    async def known(self, character: str, known: Known) -> Known:
        """With what is there already."""
        log, after = (await self._opened(character)).log, 0
        while rows := await log.recall(partial(_page, after=after)):
            await in_thread(_add, known, rows)
            after = rows[-1][0]
        return known

    async def begin(self, character: str, of_chats: Sequence[int], first: datetime, number: int = 0) -> Target:
        """Begin an import of lines of these chats, of which the oldest was said at ``first``, or go on with ``number``.

        What goes on where the log ends is said in the open chat; older lines get chats of their own.
        """
        log = (await self._opened(character)).log
        open_chat = log.chat

        def work(connection: sqlite3.Connection) -> Target:
            newest = connection.execute(_NEWEST).fetchone()[0]
            goes_on = newest is None or (len(of_chats) == 1 and stamp(first) >= newest)
            target = {of_chats[-1]: open_chat} if of_chats and goes_on else {}
            for chat in of_chats:
                if chat not in target:
                    target[chat] = chats.free_number(connection)
                    connection.execute(schema.ADD_CHAT, (target[chat],))
            return Target(number or changes.begin_import(connection), target)

        return await log.transaction(work)

    async def take(self, character: str, lines: Sequence[NewLine], chat: int) -> int:
        """Store lines that carry the number of their import, as one transaction; how many were not there."""
        memory = await self._opened(character)
        stored = await memory.bring_in(lines, chat)
        return sum(one.fresh for one in stored)

    async def summarise(
        self, character: str, found: Sequence[Summary], memo: Summary | None, *, keep: bool = True
    ) -> int:
        """Keep summaries that are not there yet; how many that is. ``memo``: what a new session begins with, unless
        there is something like it. ``keep`` says whether they are written."""
        memory = await self._opened(character)
        entries = await memory.window.view() if memo else []
        if any(entry.role == "system" for entry in entries):
            memo = None
        if memo:
            found = [*found, memo]

        if not keep:
            return await memory.log.recall(lambda connection, _: sum(not _is_there(connection, one) for one in found))

        def work(connection: sqlite3.Connection) -> int:
            return sum(_add_summary(connection, one) for one in found)

        new = await memory.log.transaction(work) if found else 0
        if memo:
            await memory.window.rewrite([RecentEntry("system", memo.text), *entries])
        return new

    async def settle(
        self, character: str, settings: Mapping[str, Mapping[str, Any]], *, keep: bool = True, number: int = 0
    ) -> int:
        """Lay the settings that N.E.K.O. extracted over the file of the character's own; how many are new. What is
        there already stays. ``keep`` says whether they are written; those go when import ``number`` is taken back."""
        log = (await self._opened(character)).log
        path = log.path.with_name(settings_name(character))
        new = await in_thread(_merge_settings, path, settings, keep)
        if keep and number:
            notes = [(_note(character, *one), number) for one in new]

            def work(connection: sqlite3.Connection) -> None:
                connection.executemany(schema.SET_STATE, notes)

            await log.transaction(work)
        return len(new)

    async def know(self, character: str, given: Sequence[GivenFact], *, keep: bool = True, number: int = 0) -> int:
        """Keep facts that the user gave by hand elsewhere; how many are new. Those go when import ``number`` is taken
        back."""
        log = (await self._opened(character)).log

        def work(connection: sqlite3.Connection) -> int:
            new = [one for one in given if not _is_known(connection, one)]
            for one in new if keep else ():
                fact = NewFact(one.subject, one.attribute, one.value, one.since, (HAND,))
                row, _ = facts.keep(connection, fact, datetime.now())
                connection.execute("UPDATE neko_facts SET pinned = ? WHERE id = ?", (one.pinned, row))
                if number:
                    connection.execute(schema.SET_STATE, (f"{changes.FACT_OF_IMPORT}{row}", number))
            return len(new)

        return await log.transaction(work) if given else 0

    async def lines_of(self, character: str, number: int) -> list[int]:
        """The ids of the lines of an import that are there."""
        log = (await self._opened(character)).log
        return await log.recall(
            lambda connection, _: [row[0] for row in connection.execute(schema.IMPORTED, (number,))]
        )

    async def taken_back(self, character: str, number: int) -> None:
        """The lines of an import have been deleted: its settings go, too, as far as they are still the same."""
        log = (await self._opened(character)).log
        of_import = (f"{_NOTE}*", number)
        notes = await log.recall(lambda connection, _: {row[0] for row in connection.execute(_NOTES, of_import)})
        if notes:
            await in_thread(_drop_settings, log.path.with_name(settings_name(character)), character, notes)

        def work(connection: sqlite3.Connection) -> None:
            of_facts = (f"{changes.FACT_OF_IMPORT}*", number)
            facts.remove(
                connection, [int(row[0][len(changes.FACT_OF_IMPORT) :]) for row in connection.execute(_NOTES, of_facts)]
            )
            connection.execute(_FORGET_NOTES, of_facts)
            connection.execute(_FORGET_NOTES, of_import)
            changes.take_back(connection, number)

        await log.transaction(work)


def _is_known(connection: sqlite3.Connection, one: GivenFact) -> bool:
    there = facts.of_attribute(connection, one.subject, one.attribute)
    return any(bare_words(value) == bare_words(one.value) for _, value, *_ in there)


def _page(connection: sqlite3.Connection, _: Names, after: int) -> list[Row]:
    return connection.execute(_PAGE, (after,)).fetchall()


def _add(known: Known, rows: Sequence[tuple[Any, ...]]) -> None:
    for one in dated(rows, datetime.now()):
        known.add(one)


def _is_there(connection: sqlite3.Connection, one: Summary) -> bool:
    found = connection.execute(_SUMMARY_THERE, (_stamp(one), json.dumps(one.text)[1:-1])).fetchone()
    return found is not None


def _stamp(one: Summary) -> str:
    return one.at.isoformat(sep=" ", timespec="microseconds")


def _add_summary(connection: sqlite3.Connection, one: Summary) -> bool:
    if _is_there(connection, one):
        return False
    sources = [row[0] for row in connection.execute(_OF_SESSION, (one.session,))] if one.session else []
    raw = json.dumps(message("system", one.text, {"sources": sources} if sources else None))
    connection.execute(schema.INSERT_SUMMARY, (one.session, raw, _stamp(one)))
    return True


def _merge_settings(path: Path, settings: Mapping[str, Mapping[str, Any]], keep: bool) -> list[tuple[str, str, Any]]:
    """Those that are new: of whom, what, its value."""
    there = _read_settings(path)
    new: list[tuple[str, str, Any]] = []
    for name, values in settings.items():
        mine = there.setdefault(name, {}) if isinstance(there.get(name, {}), dict) else {}
        for key, value in values.items():
            if key not in mine:
                mine[key] = value
                new.append((name, key, value))
    if new and keep:
        write_json(path, there)
    return new


def _drop_settings(path: Path, character: str, notes: Collection[str]) -> None:
    there = _read_settings(path)
    left = {
        name: {key: value for key, value in values.items() if _note(character, name, key, value) not in notes}
        if isinstance(values, dict)
        else values
        for name, values in there.items()
    }
    if left != there:
        write_json(path, {name: values for name, values in left.items() if values or not there[name]})


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_json(path, {}, dict)
    except DamagedFileError:
        return {}
    return found


def _note(character: str, name: str, key: str, value: Any) -> str:
    """What a setting that came is known by again; none of its words, and the same after a renaming."""
    whole = json.dumps([name == character, key, value], sort_keys=True)
    return _NOTE + blake2b(whole.encode(), digest_size=16).hexdigest()
