"""Exports with all that a memory holds: what one would bring to a character, and how it comes.

It is read twice: first for which of its lines are there already (``memory/places``), then to store the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from neko.app.import_share import Share, Tell
from neko.memory.export_entries import ExportedLine
from neko.memory.export_layout import Reader
from neko.memory.import_files import Source
from neko.memory.import_rows import Known
from neko.memory.importing import Importing
from neko.memory.places import Places, Plan
from neko.memory.restoring import Export, Restored, lines_of, look_through, pictures_of
from neko.tasks import in_thread

_LOOK = 5_000
_STEP = 500
"""Lines that are stored as one transaction."""


@dataclass(frozen=True, slots=True)
class _Looked:
    export: Export
    plan: Plan


async def what_would_come(
    importing: Importing, source: Source, share: Share, known: Known, *, is_there: bool, tell: Tell
) -> None:
    """Add to the share what the export would bring, with nothing changed; ``known`` has its lines from then on."""
    looked = await _looked(importing, source, share, known, is_there=is_there, tell=tell)
    export, plan, whose = looked.export, looked.plan, share.character if is_there else None
    _count(share, export, plan)
    summaries, facts = await importing.restoring.would_come(whose, export)
    share.summaries += summaries
    share.facts += facts
    missing = await importing.restoring.missing_pictures(whose, export)
    share.missing_pictures += len(missing)
    there = await importing.restoring.pictures(share.character) if is_there else set()
    share.pictures += len((export.named & export.pictures) - there)
    if export.settings:
        settings = settings_for(share.character, source.character, export.settings)
        every = sum(map(len, settings.values()))
        share.settings += await importing.settle(share.character, settings, keep=False) if is_there else every


async def take_over(importing: Importing, source: Source, share: Share, known: Known, tell: Tell) -> None:
    """Import what is new of the export; the share tells at any moment what has come. Raises ``MemoryStoreError``."""
    restoring, character = importing.restoring, share.character
    looked = await _looked(importing, source, share, known, is_there=True, tell=lambda _: tell(0))
    export, plan = looked.export, looked.plan
    restored = await restoring.begin(character, export, plan, share.number)
    share.number = restored.number
    try:
        await _take_lines(importing, restored, source, share, tell)
    except asyncio.CancelledError:
        await restoring.leave(character)
        raise
    summaries, facts = await restoring.finish(character, restored, export)
    share.summaries += summaries
    share.facts += facts
    if export.settings:
        settings = settings_for(character, source.character, export.settings)
        share.settings += await importing.settle(character, settings, number=restored.number)
    wanted, pictures = await restoring.wanted_pictures(character), pictures_of(Reader(source.path))
    share.missing_pictures += len((wanted & export.named) - export.pictures)
    while wanted & export.pictures and (found := await in_thread(next, pictures, None)):
        if found[0] in wanted:
            await restoring.keep_picture(character, *found)
            share.pictures += 1
        tell(0)


async def _take_lines(importing: Importing, restored: Restored, source: Source, share: Share, tell: Tell) -> None:
    done, reader = 0, lines_of(Reader(source.path))
    while lines := await in_thread(_next, reader, _STEP):
        targets = restored.plan.targets[done : done + len(lines)]
        stored = await importing.restoring.put(share.character, restored, lines, targets)
        said = sum(one.line.status != "replaced" for one in lines)
        versions = sum(one.line.status == "replaced" and not target for one, target in zip(lines, targets, strict=True))
        share.versions += versions
        share.lines += said
        share.known += said - max(stored - versions, 0)
        done += len(lines)
        tell(len(lines))


def settings_for(character: str, named: str, settings: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """What a file says of its character, said of ours."""
    return {character if name == named else name: values for name, values in settings.items()}


async def _looked(
    importing: Importing, source: Source, share: Share, known: Known, *, is_there: bool, tell: Tell
) -> _Looked:
    places = await importing.restoring.places(share.character) if is_there else Places()
    export, reader = Export(source.head or {}), Reader(source.path)
    steps = look_through(reader, export)
    while seen := await in_thread(_many, steps, _LOOK):
        tell(seen)
    source.unread, source.damaged = export.unread, not reader.is_whole
    plan = await in_thread(places.plan, export.lines)
    await in_thread(_come, known, export, plan)
    return _Looked(export, plan)


def _many(steps: Iterator[int], size: int) -> int:
    return sum(islice(steps, size))


def _next(entries: Iterator[ExportedLine], size: int) -> list[ExportedLine]:
    return list(islice(entries, size))


def _come(known: Known, export: Export, plan: Plan) -> None:
    for number, target in enumerate(plan.targets):
        if not target and number not in export.versions:
            known.has_come(export.lines.words[number])


def _count(share: Share, export: Export, plan: Plan) -> None:
    versions = sum(not plan.targets[number] for number in export.versions)
    share.versions += versions
    share.lines += len(export.lines.ids) - len(export.versions)
    share.known += len(export.lines.ids) - len(export.versions) - (plan.new - versions)
    share.saw([at for at in (export.lines.first, export.lines.last) if at])
