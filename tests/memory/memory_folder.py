"""A memory folder that can be opened again and again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from neko.errors import NekoError
from neko.memory.line_codec import Names
from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner, in_thread
from neko.types.embedding import Embedders
from neko.types.lines import NewLine, Role
from neko.types.memory import MemoryModels

MIO = "Mio"
START = datetime(2026, 2, 22, 10, 0)
NAMES: Names = {"user": "Anna", "assistant": MIO, "system": "SYSTEM_MESSAGE"}
TIMEOUTS = MemoryTimeouts(lock_timeout_s=0.05, recall_timeout_s=5.0, room_s=0.0, quiet_s=3600.0)


class MemoryFolder:
    """``reports`` holds what was reported as damaged; ``news`` has it too, and files that can be written again."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.reports: list[NekoError] = []
        self.news: asyncio.Queue[NekoError | Path] = asyncio.Queue()
        self._stack = stack
        folder.mkdir()

    @property
    def log(self) -> Path:
        return self.folder / "time_indexed_Mio"

    @property
    def recent(self) -> Path:
        return self.folder / "recent_Mio.json"

    async def open(
        self,
        *,
        claim: Callable[[], None] = lambda: None,
        embedders: Embedders | None = None,
        models: Callable[[], MemoryModels] = MemoryModels,
        **timeouts: float,
    ) -> MemoryService:
        """``claim``, ``embedders``, ``models``: as ``MemoryService`` has it. ``timeouts``: fields of ``MemoryTimeouts``
        to set otherwise."""
        owner = await self._stack.enter_async_context(TaskOwner("test"))
        memory = MemoryService(
            self.folder,
            owner,
            lambda: "Anna",
            on_damage=self._report,
            on_written=self.news.put_nowait,
            claim=claim,
            timeouts=replace(TIMEOUTS, **timeouts),
            embedders=embedders,
            models=models,
        )
        await memory.start()
        self._stack.push_async_callback(memory.aclose)
        return memory

    def _report(self, error: NekoError) -> None:
        self.reports.append(error)
        self.news.put_nowait(error)

    async def talked(self, *texts: str) -> list[int]:
        """Open, store the texts in turn, close."""
        memory = await self.open()
        ids = [await say(memory, text, "assistant" if number % 2 else "user") for number, text in enumerate(texts)]
        await memory.aclose()
        return ids

    def sql(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Run a statement on the log as another program would."""
        with closing(sqlite3.connect(self.log)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()

    def entries(self) -> list[Any]:
        """What stands in the recent file."""
        entries: list[Any] = json.loads(self.recent.read_text(encoding="utf-8"))
        return entries


def new_line(text: str, role: Role = "user", **values: Any) -> NewLine:
    filled: dict[str, Any] = {"session_id": "s1", "turn_id": "t1", "role": role, "text": text, "at": START}
    return NewLine(**filled | values)


async def say(memory: MemoryService, text: str, role: Role = "user", **values: Any) -> int:
    return (await memory.store(MIO, new_line(text, role, **values))).line.id


async def texts(memory: MemoryService) -> list[str]:
    return [line.text for line in await memory.lines(MIO)]


async def window(memory: MemoryService) -> list[str]:
    return [entry.text for entry in await memory.recent(MIO)]


async def until_window(memory: MemoryService, fits: Callable[[list[str]], bool], character: str = MIO) -> None:
    """Wait for the work in the background to bring the recent window there."""
    async with asyncio.timeout(30):
        while not fits([entry.text for entry in await memory.recent(character)]):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)


async def until_learnt(memory: MemoryService, character: str = MIO) -> None:
    async with asyncio.timeout(30):
        while await memory.learning(character):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)


async def until_indexed(folder: MemoryFolder, count: int) -> None:
    """Wait for the work in the background to have so many lines in the index."""
    async with asyncio.timeout(30):
        while await in_thread(folder.sql, "SELECT count(*) FROM neko_words") != [(count,)]:
            pass
