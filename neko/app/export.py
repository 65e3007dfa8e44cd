"""The whole talk with a character as one document, made page by page from the log: as JSON with all that memory holds,
so that it can come back as it was (``memory/export_layout``); as Markdown to be read (``memory/markdown_talk``)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from neko.memory.export_layout import Section, Writer
from neko.memory.markdown_talk import Written
from neko.tasks import in_thread
from neko.types.lines import Line
from neko.types.memory import InChats

if TYPE_CHECKING:
    from neko.memory.service import MemoryService

Form = Literal["markdown", "json"]

_PAGE = 500
_MOST_CHANGES = 10_000


async def exported(
    memory: MemoryService, character: str, form: Form, chat: int | InChats = InChats.ALL
) -> AsyncIterator[str]:
    """The document in pieces, oldest line first. What does not belong to one chat is in that of all chats only; earlier
    versions of replies, and what is no line, memo or fact, are in JSON only."""
    write = _markdown if form == "markdown" else _json
    async for piece in write(memory, character, chat):
        yield piece


async def _json(memory: MemoryService, character: str, chat: int | InChats) -> AsyncIterator[str]:
    exporting, writer = memory.exporting, Writer()
    every = chat is InChats.ALL
    yield writer.head(character, await exporting.numbers(character) if every else {})
    pictures: dict[str, None] = {}
    async for page in exporting.lines(character, None if isinstance(chat, InChats) else chat):
        pictures.update((name, None) for entry in page for name in entry.get("pictures", ()))
        yield await in_thread(writer.entries, page)
    if every:
        besides = await exporting.besides(character)
        for section, entries in (
            (Section.SUMMARIES, besides.summaries),
            (Section.RECENT, besides.recent),
            (Section.FACTS, besides.facts),
            (Section.CHATS, besides.chats),
        ):
            if section is Section.FACTS:
                yield writer.value(Section.MEMO, besides.memo)
            yield writer.begin(section) + await in_thread(writer.entries, entries)
        yield writer.value(Section.SETTINGS, besides.settings)
        changes = await memory.changes(character, _MOST_CHANGES)
        listed = [{"at": one.at.isoformat(), "kind": one.kind.value, "lines": one.lines} for one in changes]
        yield writer.begin(Section.CHANGES) + writer.entries(listed)
    yield writer.begin(Section.PICTURES)
    async for entry in exporting.pictures(character, pictures):
        yield await in_thread(writer.entries, [entry])
    yield writer.end()


async def _markdown(memory: MemoryService, character: str, chat: int | InChats) -> AsyncIterator[str]:
    written = Written(character)
    memo, facts, changes = "", [], []
    if chat is InChats.ALL:
        memo = "\n".join(entry.text for entry in await memory.recent(character) if entry.role == "system")
        facts = await (await memory.fact_book(character)).history()
        changes = await memory.changes(character, _MOST_CHANGES)
    yield written.head(memo, facts, changes)
    async for page in _pages(memory, character, chat):
        yield "".join(written.line(line) for line in page)


async def _pages(memory: MemoryService, character: str, chat: int | InChats) -> AsyncIterator[list[Line]]:
    last = 0
    while page := await memory.lines(character, after=last, limit=_PAGE, chat=chat):
        yield page
        last = page[-1].id
