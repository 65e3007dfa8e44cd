"""The memory that a running Neko has: logs and recent windows of all characters in one folder."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from neko.errors import DamagedFileError, MemoryStoreError, NekoError
from neko.language import guess
from neko.memory import memo, review
from neko.memory.line_codec import message, parse
from neko.memory.log import Log
from neko.memory.memo import cut_memo_prefix, memo_text
from neko.memory.paths import log_path, recent_path
from neko.memory.recent import FULL, KEPT, RecentFile, RecentWindow, largest_id, line_ids
from neko.memory.search import search
from neko.memory.sqlite_errors import store_error
from neko.tasks import TaskOwner, in_thread
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import Memory, Recalled, RecentEntry, Summarise

logger = logging.getLogger(__name__)

OnDamage = Callable[[NekoError], None]


@dataclass(frozen=True, slots=True)
class MemoryTimeouts:
    """Seconds. ``lock``: for a file another program holds. ``model``: for a summary or a review
    in all. ``pauses``: before the second and the third call of a model that failed for now.
    ``writer``: for the recent files to be written at the end. ``recent``: from a new line to
    the write of its recent file, so that the lines of a turn are written at once."""

    lock: float = 5.0
    model: float = 90.0
    pauses: tuple[float, ...] = (1.0, 2.0)
    writer: float = 2.0
    recent: float = 0.5


@dataclass(frozen=True, slots=True)
class _Character:
    log: Log
    window: RecentWindow
    writer: asyncio.Task[None]
    folding: asyncio.Lock


class MemoryService(Memory):
    """One log and one recent window per character, opened at first use.

    ``master`` names the user in summaries; ``language`` is the reader's, for texts that do not
    show one. ``on_damage`` hears of files that were set aside or cannot be written, on the loop.
    """

    def __init__(
        self,
        folder: Path,
        owner: TaskOwner,
        master: Callable[[], str] = lambda: "User",
        *,
        language: Callable[[], str] = lambda: "en",
        on_damage: OnDamage | None = None,
        patience: MemoryTimeouts | None = None,
    ) -> None:
        self._folder = folder
        self._owner = owner
        self._master = master
        self._language = language
        self._report = on_damage
        self._patience = patience or MemoryTimeouts()
        self._opening: dict[str, asyncio.Task[_Character | NekoError]] = {}
        self._closed = False

    async def start(self) -> None:
        """Make the folder; raises ``MemoryStoreError``."""
        try:
            await in_thread(self._folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(error.strerror or "", self._folder) from error

    async def aclose(self) -> None:
        """Write what is not written yet and close every file; idempotent."""
        self._closed = True
        opening, self._opening = self._opening, {}
        for task in opening.values():
            await asyncio.wait([task])
            character = None if task.cancelled() else task.result()
            if not isinstance(character, _Character):
                continue
            try:
                async with asyncio.timeout(self._patience.writer):
                    await character.window.flush()
            except (NekoError, TimeoutError) as error:
                logger.error("a recent window was not written at the end: %s", type(error).__name__)
            character.writer.cancel()
            await asyncio.wait([character.writer])
            await character.log.aclose()

    async def store(self, character: str, line: NewLine) -> Stored:
        here = await self._character(character)
        stored = await here.log.append(line)
        here.window.touch()
        return stored

    async def lines(
        self, character: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Line]:
        here = await self._character(character)
        return await here.log.lines(before=before, after=after, limit=max(limit, 0))

    async def recent(self, character: str) -> list[RecentEntry]:
        return await (await self._character(character)).window.view()

    async def search(self, character: str, query: str, *, limit: int = 5, before: int | None = None) -> list[Recalled]:
        return await search((await self._character(character)).log, query, limit, before)

    async def compress(self, character: str, summarise: Summarise | None) -> bool:
        """Without ``summarise`` the memo is the earlier memo and how each folded line began."""
        here = await self._character(character)
        if here.folding.locked():
            return False
        async with here.folding:
            entries = await here.window.entries()
            folded = entries[:-KEPT]
            if len(entries) <= FULL:
                return False
            summary = await self._summary(character, _readable(folded), summarise)
            return summary is not None and await self._fold(here, folded, *summary)

    async def review(self, character: str, correct: Summarise | None) -> bool:
        """The answer counts only while the entries it was made from still stand as they were."""
        here = await self._character(character)
        if correct is None or here.folding.locked():
            return False
        async with here.folding:
            read = await here.window.entries()
            entries = _readable(read)
            if len(entries) < 2 or len(entries) != len(read):
                return False
            language = self._language_of(entries)
            ask = (await in_thread(memo.instructions, language))["review"]
            text = review.numbered(entries, self._names(character))
            try:
                async with asyncio.timeout(self._patience.model):
                    kept = review.corrections(await correct(ask.format(text=text)), entries)
            except (NekoError, TimeoutError) as error:
                logger.warning("a review failed: %s", type(error).__name__)
                return False
            if kept is None:
                return False
            new = [review.rewritten(read[number], words, language) for number, words in kept.items()]
            return new != read and await here.window.swap(read, new)

    async def _summary(
        self, character: str, entries: Sequence[RecentEntry], summarise: Summarise | None
    ) -> tuple[str, str] | None:
        """The summary of the folded entries, and its language."""
        names, language = self._names(character), self._language_of(entries)
        if summarise is None:
            return memo.extract(entries, names), language
        await in_thread(memo.instructions, language)
        try:
            async with asyncio.timeout(self._patience.model):
                text = await memo.summary(memo.transcript(entries, names), language, summarise, self._patience.pauses)
        except TimeoutError:
            logger.warning("a summary took longer than %.0f s", self._patience.model)
            return None
        return (text, language) if text else None

    async def _fold(self, here: _Character, folded: list[Any], summary: str, language: str) -> bool:
        sources = line_ids(folded)
        if not await here.window.swap(
            folded, [message("system", memo_text(summary, language), {"id": max(sources)} if sources else None)]
        ):
            return False
        await here.log.add_summary(str(uuid.uuid4()), summary, datetime.now(), sources)
        return True

    def _names(self, character: str) -> Mapping[str, str]:
        return {"user": self._master(), "assistant": character, "system": "SYSTEM_MESSAGE"}

    def _language_of(self, entries: Sequence[RecentEntry]) -> str:
        return guess("\n".join(entry.text for entry in entries), self._language())

    # ── opening ──────────────────────────────────────────────────────────────

    async def _character(self, name: str) -> _Character:
        if self._closed or self._owner.closed:
            raise store_error(ValueError(), self._folder)
        task = self._opening.get(name)
        if task is None:
            files = log_path(self._folder, name), RecentFile(recent_path(self._folder, name))
            task = self._opening[name] = self._owner.spawn(self._open(*files), name="open a memory")
        character = await asyncio.shield(task)
        if isinstance(character, NekoError):
            if self._opening.get(name) is task:
                del self._opening[name]
            raise character
        return character

    async def _open(self, path: Path, file: RecentFile) -> _Character | NekoError:
        log: Log | None = None
        try:
            entries, signature = await self._read(file)
            log = await Log.open(path, self._damaged, floor=largest_id(entries or []), patience=self._patience.lock)
            window = RecentWindow(file, log, self._damaged, pause=self._patience.recent)
            await window.open(entries, signature)
        except BaseException as error:
            if log is not None:
                await log.aclose()
            if not isinstance(error, NekoError):
                raise
            if isinstance(error, MemoryStoreError):
                return error
            return _unusable(str(error.params.get("why", "")), file.path)
        writer = self._owner.supervise(window.run, name="keep a recent window")
        return _Character(log, window, writer, asyncio.Lock())

    async def _read(self, file: RecentFile) -> tuple[list[Any] | None, Any]:
        try:
            return await in_thread(file.read)
        except DamagedFileError as error:
            self._damaged(error)
        try:
            return await in_thread(file.read_backup), None
        except DamagedFileError as error:
            self._damaged(error)
            return None, None

    def _damaged(self, error: NekoError) -> None:
        if self._report is not None:
            self._report(error)


def _unusable(why: str, path: Path) -> MemoryStoreError:
    return MemoryStoreError("a file of the memory cannot be used", file=str(path), reason="unreadable", why=why)


def _readable(entries: Sequence[Any]) -> list[RecentEntry]:
    result = []
    for entry in entries:
        parsed = parse(entry)
        if parsed is not None and parsed.text.strip():
            text = cut_memo_prefix(parsed.text) if parsed.role == "system" else parsed.text
            result.append(RecentEntry(parsed.role, text))
    return result
