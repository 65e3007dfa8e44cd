"""The whole talk with a character as one document, made page by page from the log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Literal

from neko.types.lines import Line
from neko.types.memory import ConversationLog, InChats

Form = Literal["markdown", "json"]

_PAGE = 500


async def exported(
    memory: ConversationLog, character: str, form: Form, chat: int | InChats = InChats.ALL
) -> AsyncIterator[str]:
    """The document in pieces, oldest line first. Lines that were replaced are not in it."""
    write = _markdown if form == "markdown" else _json
    async for piece in write(character, _lines(memory, character, chat)):
        yield piece


async def _lines(memory: ConversationLog, character: str, chat: int | InChats) -> AsyncIterator[Line]:
    last = 0
    while page := await memory.lines(character, after=last, limit=_PAGE, chat=chat):
        for line in page:
            yield line
        last = page[-1].id


async def _markdown(character: str, lines: AsyncIterator[Line]) -> AsyncIterator[str]:
    yield f"# {character}\n"
    day = None
    async for line in lines:
        if line.at.date() != day:
            day = line.at.date()
            yield f"\n## {day.isoformat()}\n"
        pictures = f"\n\n[{line.images} 🖼]" if line.images else ""
        yield f"\n**{line.speaker}** {line.at:%H:%M}\n\n{line.text}{pictures}\n"


async def _json(character: str, lines: AsyncIterator[Line]) -> AsyncIterator[str]:
    yield f'{{"character": {json.dumps(character, ensure_ascii=False)}, "lines": ['
    separator = "\n"
    async for line in lines:
        values = {
            "id": line.id,
            "chat": line.chat,
            "at": line.at.astimezone().isoformat(timespec="seconds"),
            "role": line.role,
            "speaker": line.speaker,
            "text": line.text,
            "status": line.status,
            "images": line.images,
        }
        yield separator + json.dumps(values, ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"
