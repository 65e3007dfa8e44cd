"""Putting the export of a memory into one: its lines in steps, then all that it has besides.

Into a memory that has nothing it comes as it was, ids, open chat and recent window included. Into any other come the
lines that it has not (``places``), what was said in the same chat into one chat, and of the rest what is not there
yet; what is there already stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from neko.memory import changes, chats, deletion, facts, index, schema
from neko.memory.brought_in import BROUGHT_IN
from neko.memory.character_memory import CharacterMemory
from neko.memory.export_entries import (
    LARGEST_ID,
    ExportedFact,
    ExportedLine,
    ExportedRecent,
    ExportedSummary,
    exported_fact,
    exported_line,
    exported_recent,
    exported_summary,
    titles,
)
from neko.memory.export_layout import Reader, Section, is_picture
from neko.memory.facts import HAND, NewFact
from neko.memory.line_codec import Names, committed, line_json, logged_lines, message, parsed_row, stamp
from neko.memory.memo import cut_memo_prefix
from neko.memory.memo_edits import MOST_PINNED
from neko.memory.pictures import Pictures
from neko.memory.places import Lines, Places, Plan
from neko.memory.window_entries import line_ids, lines_since
from neko.tasks import in_thread
from neko.types.lines import Line
from neko.types.memory import RecentEntry
from neko.well_formed import bare_words

_ROWS: Final = 2_000
_PAGE: Final = f"SELECT {schema.COLUMNS} FROM {schema.ORIGINAL} WHERE id > ? ORDER BY id LIMIT {_ROWS}"
_INSERT: Final = f"INSERT INTO {schema.ORIGINAL} ({schema.COLUMNS}) VALUES (?, ?, ?, ?)"
_IS_FREE: Final = f"SELECT NOT EXISTS (SELECT 1 FROM {schema.ORIGINAL} WHERE id = ?)"
_CHAT_OF: Final = f"SELECT {schema.CHAT} FROM {schema.ORIGINAL} WHERE id = ?"
_NEWEST: Final = f"SELECT max(timestamp) FROM {schema.ORIGINAL}"
_COUNTS: Final = f"SELECT 1 FROM {schema.ORIGINAL} WHERE id = ? AND {schema.NOT_REPLACED}"
_SUMMARY_IS_FREE: Final = f"SELECT NOT EXISTS (SELECT 1 FROM {schema.COMPRESSED} WHERE id = ?)"
_PUT_SUMMARY: Final = f"INSERT INTO {schema.COMPRESSED} ({schema.COLUMNS}) VALUES (?, ?, ?, ?) RETURNING id"
_FACTS: Final = "SELECT id, subject, attribute, value, valid_from FROM neko_facts"
_FACT_IS_FREE: Final = "SELECT NOT EXISTS (SELECT 1 FROM neko_facts WHERE id = ?)"
_SAID_SINCE: Final = f"SELECT 1 FROM {schema.ORIGINAL} WHERE id > ? AND {schema.IMPORT} <> ? LIMIT 1"
_FILL_TITLE: Final = (
    "INSERT INTO neko_chats (id, title) VALUES (?, ?) "
    "ON CONFLICT (id) DO UPDATE SET title = excluded.title WHERE title = ''"
)


@dataclass(slots=True)
class Export:
    """What an export has: its lines by what they are known by, everything else as it is. ``named`` are the pictures of
    its lines, ``pictures`` those that are in it; ``versions`` are earlier ones of replies."""

    head: Mapping[str, Any]
    lines: Lines = field(default_factory=Lines)
    versions: set[int] = field(default_factory=set)
    chats: list[int] = field(default_factory=list)
    """In the order in which they were left, the last one last."""
    named: set[str] = field(default_factory=set)
    summaries: list[ExportedSummary] = field(default_factory=list)
    recent: list[ExportedRecent] = field(default_factory=list)
    facts: list[ExportedFact] = field(default_factory=list)
    titles: Mapping[int, str] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: set[str] = field(default_factory=set)
    unread: int = 0

    @property
    def is_whole(self) -> bool:
        """Of all chats: one of a single chat says nothing of where a session begins."""
        return "open_chat" in self.head

    @property
    def is_learnt(self) -> bool:
        """Whether facts were looked for in all of its lines, and memos made of those that had been brought in there."""
        last = max(self.lines.ids, default=0)
        return self.is_whole and self.number("facts_through") >= last and BROUGHT_IN not in self.head

    @property
    def has_own_memo(self) -> bool:
        """Whether a session begins with a memo that is none of the summaries."""
        return any(one.role == "system" and not one.summary for one in self.recent)

    @property
    def memo(self) -> str:
        return "\n".join(cut_memo_prefix(one.text) for one in self.recent if one.role == "system")

    def number(self, name: str) -> int:
        """One of the numbers of the head."""
        value = self.head.get(name)
        return value if isinstance(value, int) and 0 <= value < LARGEST_ID else 0


def look_through(reader: Reader, export: Export) -> Iterator[int]:
    """Find out what an export has; how many more lines that is. Blocks."""
    chats_left, chat_entries = dict[int, None](), list[Any]()
    for section, entry in reader.read():
        match section:
            case Section.LINES:
                if (one := exported_line(entry)) is None:
                    export.unread += 1
                    continue
                if one.line.status == "replaced":
                    export.versions.add(len(export.lines.ids))
                export.lines.add(one.id, one.line)
                export.named.update(one.line.pictures)
                chats_left.pop(one.line.chat, None)
                chats_left[one.line.chat] = None
                yield 1
            case Section.SUMMARIES:
                export.summaries += [found] if (found := exported_summary(entry)) else []
            case Section.RECENT:
                export.recent += [shown] if (shown := exported_recent(entry)) else []
            case Section.FACTS:
                export.facts += [fact] if (fact := exported_fact(entry)) else []
            case Section.CHATS:
                chat_entries.append(entry)
            case Section.SETTINGS if isinstance(entry, dict):
                export.settings = {name: values for name, values in entry.items() if isinstance(values, dict)}
            case Section.PICTURES if is_picture(entry):
                export.pictures.add(entry["name"])
    export.chats, export.titles = list(chats_left), titles(chat_entries)
    export.unread += reader.unread


def lines_of(reader: Reader) -> Iterator[ExportedLine]:
    """The lines of an export, as ``look_through`` counts them. Blocks."""
    for section, entry in reader.read():
        if section is not Section.LINES:
            return
        if one := exported_line(entry):
            yield one


def pictures_of(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """The pictures of an export that are what their names say. Blocks."""
    for section, entry in reader.read(with_pictures=True):
        if section is Section.PICTURES and is_picture(entry) and isinstance(entry.get("jpeg"), str):
            try:
                content = base64.b64decode(entry["jpeg"], validate=True)
            except (binascii.Error, ValueError):
                continue
            if content.startswith(b"\xff\xd8") and entry["name"] == f"{sha256(content).hexdigest()}.jpg":
                yield entry["name"], content


@dataclass(slots=True)
class Restored:
    """An import of an export that has begun. ``number`` is its own; ``chats`` says into which chat each chat goes;
    ``moved`` has the ids of lines that have other ones here."""

    number: int
    names: Names
    plan: Plan
    chats: Mapping[int, int]
    last_before: int
    """The largest id before it, which facts have been looked for up to if ``was_learnt``."""
    was_learnt: bool
    pending: int | None
    """What stood in the log as ``BROUGHT_IN`` before it, lowered to those that the window has no room for now."""
    moved: dict[int, int] = field(default_factory=dict)
    summaries: dict[int, int] = field(default_factory=dict)

    def here(self, line_id: int) -> int:
        """The id that a line of the export has here, 0 for one that has none."""
        return self.moved.get(line_id, line_id if self.plan.keeps_ids else 0)

    def all_here(self, ids: Iterable[int]) -> tuple[int, ...]:
        return tuple(found for one in ids if (found := self.here(one)))


class Restoring:
    """Of all characters of one memory. Every method raises ``MemoryStoreError``."""

    def __init__(self, opened: Callable[[str], Awaitable[CharacterMemory]], pictures: Pictures) -> None:
        self._opened = opened
        self._pictures = pictures

    async def places(self, character: str) -> Places:
        """Of the lines that are there, in a few steps a second."""
        log, places, after = (await self._opened(character)).log, Places(), 0
        while page := await log.recall(lambda connection, names, last=after: _page(connection, names, last)):  # type: ignore[misc]
            await in_thread(places.add, logged_lines(*page))
            after = page[0][-1][0]
        return places

    async def pictures(self, character: str) -> set[str]:
        """The names of those that are there."""
        return await self._pictures.names(character)

    async def missing_pictures(self, character: str | None, export: Export) -> set[str]:
        """The pictures of its lines that are neither in it nor with the character."""
        missing = export.named - export.pictures
        return missing - await self._pictures.names(character) if missing and character else missing

    async def begin(self, character: str, export: Export, plan: Plan, number: int = 0) -> Restored:
        """Begin, as a part of the import ``number`` if there is one; what goes on where the log ends is said in the
        open chat."""
        log = (await self._opened(character)).log
        open_chat, speakers = log.chat, await log.recall(lambda _, names: names)

        def work(connection: sqlite3.Connection) -> Restored:
            last = int(connection.execute(schema.LAST_ID).fetchone()[0])
            target = {one: one for one in export.chats} if plan.keeps_ids else {}
            newest = connection.execute(_NEWEST).fetchone()[0]
            if not target:
                target = _chats_of_known(connection, export, plan)
            free = [one for one in export.chats if one not in target]
            if free and (newest is None or (len(export.chats) == 1 and stamp(export.lines.first) > newest)):  # type: ignore[arg-type]
                target[free.pop()] = open_chat
            for chat in free:
                target[chat] = chats.free_number(connection)
                connection.execute(schema.ADD_CHAT, (target[chat],))
            row = connection.execute(schema.GET_STATE, (BROUGHT_IN,)).fetchone()
            pending = int(row[0]) if row else None
            own = number or (changes.begin_import(connection) if plan.new else 0)
            return Restored(own, speakers, plan, target, last, facts.position(connection) >= last, pending)

        return await log.transaction(work)

    async def put(
        self, character: str, restored: Restored, lines: Sequence[ExportedLine], targets: Sequence[int]
    ) -> int:
        """Store the lines that have no target, as one transaction; how many."""
        memory = await self._opened(character)
        if all(targets):
            restored.moved.update(
                (one.id, target)
                for one, target in zip(lines, targets, strict=True)
                if one.id != target or not restored.plan.keeps_ids
            )
            return 0

        def work(connection: sqlite3.Connection, first_id: int) -> list[Line]:
            stored = list(_stored(connection, restored, zip(lines, targets, strict=True), first_id))
            index.put(connection, stored)
            if stored:
                before = min(line.id for line in stored) - 1
                connection.execute(schema.SET_STATE_ONCE, (BROUGHT_IN, before))
            changes.grow(connection, restored.number, len(stored))
            return stored

        there = set(line_ids(lines_since(await memory.window.entries())))
        stored = await memory.window.put_in(work)
        gone = there.difference(line_ids(await memory.window.entries()))
        if pushed_out := [one for one in gone if one <= restored.last_before]:  # what came with this has its own memos
            before = min(pushed_out) - 1
            restored.pending = before if restored.pending is None else min(restored.pending, before)
            lower = (BROUGHT_IN, before)
            await memory.log.transaction(lambda at: at.execute(schema.LOWER_STATE, lower), durable=False)
        return len(stored)

    async def finish(self, character: str, restored: Restored, export: Export) -> tuple[int, int]:
        """Once all lines are there, what it has besides: how many summaries, the memo among them, and facts are new."""
        memory = await self._opened(character)

        def work(connection: sqlite3.Connection) -> tuple[int, int, bool]:
            for chat, title in export.titles.items():
                if restored.plan.keeps_ids or chat in restored.chats:
                    connection.execute(_FILL_TITLE, (restored.chats.get(chat, chat), title[: chats.LONGEST_TITLE]))
            summaries = _put_summaries(connection, restored, export.summaries)
            known = _put_facts(connection, restored, export.facts)
            is_alone = _is_alone(connection, restored)
            if is_alone:
                _facts_go_on(connection, restored, export)
            _note_pending(connection, restored, export)
            return summaries, known, is_alone

        summaries, known, is_alone = await memory.log.transaction(work)
        there = await memory.window.view()
        has_memo = any(entry.role == "system" for entry in there)
        if restored.plan.into_empty and restored.plan.keeps_ids and export.is_whole and is_alone and not has_memo:
            entries = [one.message(one.id, restored.summaries.get(one.summary, 0)) for one in export.recent]
            await memory.window.take_over(entries, export.number("recent_floor"), export.number("open_chat"))
        elif export.memo and not has_memo:
            await memory.window.rewrite([RecentEntry("system", export.memo), *there])
        memory.came()
        return summaries + (export.has_own_memo and not has_memo), known

    async def leave(self, character: str) -> None:
        """It is cut short: what has come stays."""
        (await self._opened(character)).came()

    async def would_come(self, character: str | None, export: Export) -> tuple[int, int]:
        """How many summaries, the memo among them, and facts are new; of a character that is not there all."""
        if character is None:
            return len(export.summaries) + export.has_own_memo, len(export.facts)
        memory = await self._opened(character)

        def read(connection: sqlite3.Connection, _: Names) -> tuple[int, int]:
            summaries, known = _known_summaries(connection), _known_facts(connection)
            new = sum((one.at, one.text) not in summaries for one in export.summaries)
            return new, sum(_fact_key(one.row) not in known for one in export.facts)

        new, known = await memory.log.recall(read)
        has_memo = any(entry.role == "system" for entry in await memory.window.view())
        return new + (export.has_own_memo and not has_memo), known

    async def keep_picture(self, character: str, name: str, content: bytes) -> None:
        """Keep a picture that a line of the character's names, unless it is there."""
        await self._pictures.keep(character, [content])
        self._pictures.stored(character, [name])

    async def wanted_pictures(self, character: str) -> set[str]:
        """Those that lines name and that are not there."""
        named = await (await self._opened(character)).log.named_pictures()
        return named - await self._pictures.names(character)


def _page(connection: sqlite3.Connection, names: Names, after: int) -> Any:
    rows = connection.execute(_PAGE, (after,)).fetchall()
    return (rows, names) if rows else None


def _chats_of_known(connection: sqlite3.Connection, export: Export, plan: Plan) -> dict[int, int]:
    """The chats in which the last known line of each chat stands."""
    found = {chat: target for chat, target in zip(export.lines.chats, plan.targets, strict=True) if target}
    return {chat: int(connection.execute(_CHAT_OF, (line,)).fetchone()[0]) for chat, line in found.items()}


def _stored(
    connection: sqlite3.Connection,
    restored: Restored,
    lines: Iterable[tuple[ExportedLine, int]],
    first_id: int,
) -> Iterator[Line]:
    for one, target in lines:
        line = replace(
            one.line,
            speaker=one.line.speaker or restored.names[one.line.role],
            replaces=(restored.here(one.line.replaces) if one.line.replaces else 0) or None,
            recalled=restored.all_here(one.line.recalled),
            chat=restored.chats[one.line.chat],
            imported=restored.number,
        )
        known = target or _sent(connection, line.client_id)
        line_id = known or _free_id(connection, one.id if restored.plan.keeps_ids else 0, first_id)
        if line_id != one.id or not restored.plan.keeps_ids:
            restored.moved[one.id] = line_id
        if known:
            continue
        more = {"own_status": one.own_status} if line.status == "replaced" else {}
        clock = one.clock.isoformat(sep=" ", timespec="microseconds")
        connection.execute(_INSERT, (line_id, line.session_id, line_json(line, one.clock, **more), clock))
        if line.replaces and not restored.plan.into_empty and connection.execute(_COUNTS, (line.replaces,)).fetchone():
            connection.execute(schema.MARK_REPLACED, (line.replaces,))
        yield committed(line_id, line)


def _sent(connection: sqlite3.Connection, client_id: str | None) -> int:
    found = connection.execute(schema.BY_CLIENT_ID, (client_id,)).fetchone() if client_id else None
    return int(found[0]) if found else 0


def _free_id(connection: sqlite3.Connection, wanted: int, first_id: int) -> int:
    if wanted and connection.execute(_IS_FREE, (wanted,)).fetchone()[0]:
        return wanted
    return max(first_id, 1 + deletion.highest_id(connection))


def _known_summaries(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute(schema.SUMMARIES)
    return {(row[3] or "", parsed_row(row[2] or "").text): row[0] for row in rows}


def _put_summaries(connection: sqlite3.Connection, restored: Restored, found: Sequence[ExportedSummary]) -> int:
    there, new = _known_summaries(connection), 0
    pinned = sum(bool(parsed_row(row[2] or "").neko.get("pinned")) for row in connection.execute(schema.SUMMARIES))
    for one in found:
        known = there.get((one.at, one.text))
        if known is None:
            keeps_pin = one.pinned and pinned < MOST_PINNED
            pinned += keeps_pin
            sources = list(restored.all_here(one.sources))
            neko = {**({"sources": sources} if sources else {}), **({"pinned": True} if keeps_pin else {})}
            wanted = one.id if one.id and connection.execute(_SUMMARY_IS_FREE, (one.id,)).fetchone()[0] else None
            row = (wanted, one.session, json.dumps(message("system", one.text, neko)), one.at or None)
            known = there[one.at, one.text] = int(connection.execute(_PUT_SUMMARY, row).fetchone()[0])
            new += 1
        restored.summaries[one.id] = known
    return new


def _fact_key(row: Sequence[Any]) -> tuple[str, str, str, str]:
    return row[1], row[2], bare_words(row[3]), row[4]


def _known_facts(connection: sqlite3.Connection) -> dict[tuple[str, str, str, str], int]:
    return {_fact_key(row): row[0] for row in connection.execute(_FACTS)}


def _put_facts(connection: sqlite3.Connection, restored: Restored, found: Sequence[ExportedFact]) -> int:
    """Where nothing is known yet they come as they were; else what is true counts beside what is known
    (``facts.keep``)."""
    there, ids, put, new = _known_facts(connection), dict[int, int](), list[tuple[int, ExportedFact]](), 0
    as_it_was = not there
    for one in found:
        known = None if as_it_was else there.get(_fact_key(one.row))
        said = [tuple(restored.here(line) if line != HAND else HAND for line in lines) for lines in one.statements]
        statements = [lines for lines in said if all(line == HAND or _is_line(connection, line) for line in lines)]
        if known is None and statements:
            if as_it_was or one.value("valid_to") is not None:
                wanted = one.value("id")
                free = wanted and connection.execute(_FACT_IS_FREE, (wanted,)).fetchone()[0]
                facts.insert(connection, one.with_values(id=wanted if free else None, superseded_by=None), ())
                known = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
                put.append((known, one))
            else:
                known = _keep(connection, one, statements[0])
            new += 1
            for lines in statements:
                rows = [(known, min(lines), line) for line in lines]
                connection.executemany("INSERT OR IGNORE INTO neko_fact_sources VALUES (?, ?, ?)", rows)
            if restored.number and one.by_hand:
                connection.execute(schema.SET_STATE, (f"{changes.FACT_OF_IMPORT}{known}", restored.number))
        if known is not None:
            ids[one.value("id")] = known
    for known, one in put:
        by = one.value("superseded_by") or 0
        closed_by = (-restored.here(-by) if by < 0 else ids.get(by, 0)) or None  # a line has a minus before its id
        connection.execute("UPDATE neko_facts SET superseded_by = ? WHERE id = ?", (closed_by, known))
    return new


def _keep(connection: sqlite3.Connection, one: ExportedFact, lines: tuple[int, ...]) -> int:
    since, recorded = (datetime.fromisoformat(one.value(name)) for name in ("valid_from", "recorded_at"))
    fact = NewFact(one.value("subject"), one.value("attribute"), one.value("value"), since, lines)
    row, is_new = facts.keep(connection, fact, recorded)
    if is_new and one.value("pinned"):
        connection.execute("UPDATE neko_facts SET pinned = 1 WHERE id = ?", (row,))
    return row


def _is_line(connection: sqlite3.Connection, line: int) -> bool:
    return bool(line) and not connection.execute(_IS_FREE, (line,)).fetchone()[0]


def _is_alone(connection: sqlite3.Connection, restored: Restored) -> bool:
    """Whether nothing but this import has come since it began."""
    values = (restored.last_before, restored.number)
    return connection.execute(_SAID_SINCE, values).fetchone() is None


def _facts_go_on(connection: sqlite3.Connection, restored: Restored, export: Export) -> None:
    """Where facts have been looked for in all lines, here and there, it is not done again: what was forgotten does not
    come back. No further than to the last line, as the next one may get the id of one that was deleted there."""
    (last,) = connection.execute(schema.LAST_ID).fetchone()
    if restored.plan.into_empty and restored.plan.keeps_ids:
        connection.execute(schema.SET_STATE, (facts.POSITION, min(export.number("facts_through"), last)))
    elif restored.was_learnt and export.is_learnt:
        connection.execute(schema.SET_STATE, (facts.POSITION, last))


def _note_pending(connection: sqlite3.Connection, restored: Restored, export: Export) -> None:
    """What was learnt from where it comes from has its memos and facts with it."""
    pending = restored.pending
    if restored.plan.into_empty and restored.plan.keeps_ids and BROUGHT_IN in export.head:
        pending = export.number(BROUGHT_IN)
    elif not export.is_learnt and not (restored.plan.into_empty and export.is_whole):
        return
    connection.execute(schema.DROP_STATE, (BROUGHT_IN,))
    if pending is not None:
        connection.execute(schema.SET_STATE, (BROUGHT_IN, pending))
