"""The whole talk with a character as one document, made page by page from the log, with what was made of it: the memo
and what is known of people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from neko.types.lines import Line
from neko.types.memory import Fact, InChats

if TYPE_CHECKING:
    from neko.memory.service import MemoryService

Form = Literal["markdown", "json"]

_PAGE = 500


async def exported(
    memory: MemoryService, character: str, form: Form, chat: int | InChats = InChats.ALL
) -> AsyncIterator[str]:
    """The document in pieces, oldest line first. Lines that were replaced are not in it; memo and facts are in that of
    all chats."""
    write = _markdown if form == "markdown" else _json
    made = await _made_of_it(memory, character) if chat is InChats.ALL else _Made()
    async for piece in write(character, _lines(memory, character, chat), made):
        yield piece


@dataclass(frozen=True, slots=True)
class _Made:
    """What memory has made of the lines."""

    memo: str = ""
    facts: Sequence[Fact] = ()


async def _made_of_it(memory: MemoryService, character: str) -> _Made:
    memo = "\n".join(entry.text for entry in await memory.recent(character) if entry.role == "system")
    return _Made(memo, await (await memory.fact_book(character)).history())


async def _lines(memory: MemoryService, character: str, chat: int | InChats) -> AsyncIterator[Line]:
    last = 0
    while page := await memory.lines(character, after=last, limit=_PAGE, chat=chat):
        for line in page:
            yield line
        last = page[-1].id


async def _markdown(character: str, lines: AsyncIterator[Line], made: _Made) -> AsyncIterator[str]:
    yield f"# {character}\n"
    if made.memo:
        yield f"\n> {made.memo.replace(chr(10), chr(10) + '> ')}\n"
    if made.facts:
        yield "\n" + "".join(f"* {_told(fact)}\n" for fact in made.facts)
    day = None
    async for line in lines:
        if line.at.date() != day:
            day = line.at.date()
            yield f"\n## {day.isoformat()}\n"
        pictures = f"\n\n[{line.images} 🖼]" if line.images else ""
        yield f"\n**{line.speaker}** {line.at:%H:%M}\n\n{line.text}{pictures}\n"


def _told(fact: Fact) -> str:
    until = fact.valid_to.date().isoformat() if fact.valid_to else ""
    return f"**{fact.subject}**, {fact.attribute}: {fact.value} ({fact.valid_from.date().isoformat()} – {until})"


async def _json(character: str, lines: AsyncIterator[Line], made: _Made) -> AsyncIterator[str]:
    yield f'{{"character": {json.dumps(character, ensure_ascii=False)}, "lines": ['
    separator = "\n"
    async for line in lines:
        values = {
            "id": line.id,
            "chat": line.chat,
            "at": _moment(line.at),
            "role": line.role,
            "speaker": line.speaker,
            "text": line.text,
            "status": line.status,
            "images": line.images,
        }
        yield separator + json.dumps(values, ensure_ascii=False)
        separator = ",\n"
    facts = ",\n".join(json.dumps(_values(fact), ensure_ascii=False) for fact in made.facts)
    yield f'\n],\n"memo": {json.dumps(made.memo, ensure_ascii=False)},\n"facts": [\n{facts}\n]}}\n'


def _values(fact: Fact) -> dict[str, object]:
    return {
        "subject": fact.subject,
        "attribute": fact.attribute,
        "value": fact.value,
        "since": _moment(fact.valid_from),
        "until": _moment(fact.valid_to) if fact.valid_to else None,
        "recorded": _moment(fact.recorded_at),
        "by_hand": fact.by_hand,
        "pinned": fact.pinned,
        "lines": list(fact.sources),
    }


def _moment(at: datetime) -> str:
    return at.astimezone().isoformat(timespec="seconds")
