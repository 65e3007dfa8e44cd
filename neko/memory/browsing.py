"""The part of a memory that looks through what is stored, and sets a memo or a review right."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Final

from neko.memory import browse, changes, index
from neko.memory.character_memory import CharacterMemory
from neko.memory.line_codec import Row
from neko.memory.log import LARGEST
from neko.memory.words import sought
from neko.types.lines import Line
from neko.types.memory import Change, Day, Layer, Memo, MemoryBrowsing

MOST_WORDS: Final = 16
"""Of a search."""


class Browsing(MemoryBrowsing):
    """Whoever has the files of characters open looks through them so."""

    @abstractmethod
    async def _opened(self, name: str) -> CharacterMemory: ...

    async def days(self, character: str) -> list[Day]:
        return await (await self._opened(character)).log.recall(lambda connection, _: browse.days(connection))

    async def day(self, character: str, day: date, *, after: int = 0, limit: int = 100) -> list[Line]:
        log = (await self._opened(character)).log
        return await log.recall(partial(browse.of_day, day=day, after=after, limit=max(limit, 0)))

    async def named_lines(self, character: str, ids: Sequence[int]) -> list[Line]:
        log, wanted = (await self._opened(character)).log, set(ids)
        return [one.line for one in await log.with_earlier(sorted(wanted)) if one.line.id in wanted]

    async def every_line(self, character: str, text: str) -> list[int]:
        """``index.every_line`` for the words of a text; none for one without a word."""
        log, words = (await self._opened(character)).log, sought(text)
        return await log.recall(lambda connection, _: index.every_line(connection, words)) if words else []

    async def forget_beside(self, character: str, text: str) -> bool:
        """``CharacterMemory.forget_beside`` for the words of a text."""
        memory, words = await self._opened(character), sought(text)
        return bool(words) and await memory.forget_beside(words)

    async def memos(self, character: str, text: str = "", *, before: int | None = None, limit: int = 50) -> list[Memo]:
        log, words = (await self._opened(character)).log, text.split()[:MOST_WORDS]
        end = LARGEST if before is None else min(before, LARGEST)
        return await log.recall(lambda connection, _: browse.memos(connection, words, before=end, limit=limit))

    async def rewrite_memo(self, character: str, memo_id: int, text: str) -> Memo | None:
        memory = await self._opened(character)
        memo = await memory.log.recall(lambda connection, _: browse.memo(connection, min(memo_id, LARGEST)))
        if memo is None:
            return None
        await memory.rewrite_memo(memo, text)
        return replace(memo, text=text)

    async def changes(self, character: str, limit: int = 200) -> list[Change]:
        log = (await self._opened(character)).log
        return await log.recall(lambda connection, _: changes.last(connection, limit))

    async def rid_of_deleted(self, character: str, timeout_s: float = 10.0) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await (await self._opened(character)).log.rid_of_deleted()
        except TimeoutError:
            return False
        return True

    async def can_undo_review(self, character: str) -> bool:
        return await (await self._opened(character)).settling.can_undo_review()

    async def timeframe(self, character: str, layer: Layer, start: datetime, end: datetime, limit: int) -> list[Row]:
        """``browse.timeframe``."""
        log = (await self._opened(character)).log
        return await log.recall(lambda connection, _: browse.timeframe(connection, layer, start, end, limit))

    async def undo_review(self, character: str) -> bool:
        return await (await self._opened(character)).settling.undo_review()
