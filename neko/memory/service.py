"""The memory that a running Neko has: logs and recent windows of all characters in one folder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from neko.errors import ConfigError, MemoryStoreError, NekoError, RecallTimeoutError
from neko.memory import browse, index, reserve, reviewed, unkept_file
from neko.memory.background import BackgroundWork
from neko.memory.brought_in import BroughtIn
from neko.memory.browsing import Browsing
from neko.memory.character_files import remove_beside
from neko.memory.character_memory import CharacterMemory
from neko.memory.chats import rename
from neko.memory.compression import Models
from neko.memory.exporting import Exporting
from neko.memory.fact_book import FactBook
from neko.memory.foreground import Foreground
from neko.memory.importing import Importing
from neko.memory.index import find
from neko.memory.keeping import Keeping
from neko.memory.left_over import LeftOver
from neko.memory.line_codec import Names
from neko.memory.log import Log
from neko.memory.meaning import Meaning, NoEmbedders, Progress
from neko.memory.memo_edits import MemoEdits
from neko.memory.open_questions import open_questions
from neko.memory.paths import log_path, recent_path, unkept_path
from neko.memory.pictures import Pictures
from neko.memory.recent import RecentWindow
from neko.memory.recent_file import RecentFile
from neko.memory.restoring import Restoring
from neko.memory.running_time import OutOfTimeError, RunningTime, begun_within
from neko.memory.search import Query, search
from neko.memory.sqlite_errors import ConnectionClosedError, store_error
from neko.memory.threads import Threads
from neko.memory.timeouts import MemoryTimeouts
from neko.memory.undo import Removed, Undo
from neko.memory.upkeep import Upkeep
from neko.memory.window_entries import largest_id
from neko.memory.words import sought
from neko.memory.write_pace import WritePace
from neko.memory_errors import saving
from neko.storage import log_fault, make_folder
from neko.tasks import TaskOwner, in_thread, together
from neko.types.embedding import Embedders
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import (
    ChatList,
    ConversationMemory,
    Evidence,
    Fact,
    InChats,
    MemoryModels,
    RecentEntry,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LayerSizes:
    """How many entries, lines, summaries and lines in the index a memory holds, by the layers of ``contract/memory.md``
    §1."""

    recent: int
    original: int
    compressed: int
    semantic: int


OnDamage = Callable[[NekoError], None]


class MemoryService(ConversationMemory, Browsing, Keeping):
    """One log and one recent window per character, opened at first use.

    ``master`` is the user's name; ``language`` is the reader's, for texts that do not show one.
    ``on_damage`` is called on the loop for a file that was set aside or cannot be written, and for
    a memo that a model will not make; ``on_written`` for a file that can be again, or has a new memo.
    ``claim``: see ``Log.open``. ``knows`` is whether there is a character of a name: the files of no other are opened,
    so that a late call leaves nothing behind of one that is gone. Lines are found by their meaning too where
    ``embedders`` give one. ``models`` are asked about what was brought in from elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        owner: TaskOwner,
        master: Callable[[], str] = lambda: "User",
        *,
        language: Callable[[], str] = lambda: "en",
        on_damage: OnDamage | None = None,
        on_written: Callable[[Path], None] = lambda _: None,
        claim: Callable[[], None] = lambda: None,
        knows: Callable[[str], bool] = lambda _: True,
        timeouts: MemoryTimeouts | None = None,
        embedders: Embedders | None = None,
        models: Models = MemoryModels,
    ) -> None:
        self._folder = folder
        self._owner = owner
        self._master = master
        self._language = language
        self._report = on_damage
        self._on_written = on_written
        self._claim = claim
        self._knows = knows
        self._timeouts = timeouts or MemoryTimeouts()
        self._embedders = embedders
        self._models = models
        self.foreground = Foreground(self._timeouts.room_s, self._timeouts.longest_room_s)
        self._pictures = Pictures(folder)
        self._undo: Undo[str, Removed] = Undo()
        self._threads = Threads()
        self._pace = WritePace(self._timeouts.write_delay_s)
        self._background = BackgroundWork(owner)
        quiet_s, again_s = self._timeouts.quiet_s, self._timeouts.learn_again_s
        self._brought_in = BroughtIn(self._learn_brought_in, quiet_s=quiet_s, again_s=again_s)
        self._opening: dict[str, asyncio.Task[CharacterMemory | NekoError]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, asyncio.Future[None]] = {}
        self._upkeep = Upkeep(self._logs, self._timeouts, self._damaged, on_written)
        self._said = BroughtIn(self._settle_said, quiet_s=self._timeouts.silence_s, again_s=again_s)
        self._left_over = LeftOver(
            folder,
            self._timeouts,
            may_be_opened=lambda name: knows(name) and not self._is_in_use(name),
            opened=self._opened,
            ended=self._kept_in_order,
            close=self.close,
        )
        self._queues: list[asyncio.Task[None]] = []
        self._closed = False
        self.importing = Importing(self._opened, Restoring(self._opened, self._pictures))
        self.exporting = Exporting(self._opened, self._pictures)
        self.memo_edits = MemoEdits(self._opened)

    async def start(self) -> None:
        """Make the folder; raises ``MemoryStoreError``."""
        try:
            await in_thread(make_folder, self._folder)
            await in_thread(reserve.make, self._folder)
        except OSError as error:
            raise MemoryStoreError(
                "the folder of the memory cannot be made",
                file=str(self._folder),
                reason="unreadable",
                why=error.strerror or "",
            ) from error
        self._owner.supervise(self._upkeep.run, name="look after memories")
        self._queues = [
            self._owner.supervise(self._brought_in.run, name="learn from what was brought in"),
            self._owner.supervise(self._said.run, name="settle what was said elsewhere"),
            self._owner.supervise(self._left_over.run, name="take up what was left over"),
        ]

    async def back_up(self) -> list[Path]:
        """``Upkeep.once``."""
        return await self._upkeep.once()

    def _logs(self) -> Iterator[tuple[str, Log]]:
        return ((name, memory.log) for name in self._opening if (memory := self._open_now(name)))

    async def aclose(self) -> None:
        """Write what is not written yet and close every file; idempotent."""
        self._closed = True
        self._undo.clear()
        for queue in self._queues:
            queue.cancel()
        if self._queues:
            await asyncio.wait(self._queues, timeout=self._timeouts.close_timeout_s)
        opening, self._opening = self._opening, {}
        await together(*(self._finish(character, task) for character, task in opening.items()))
        if self._closing:
            await asyncio.wait(self._closing.values())
        await self._threads.aclose()

    async def store(self, character: str, line: NewLine) -> Stored:
        memory = await self._opened(character)
        await memory.window.stored()
        with self.foreground.busy():
            stored = await memory.log.append(line)
        self._pictures.stored(character, line.pictures)
        memory.window.touch()
        memory.meaning.touch()
        return stored

    async def store_said(self, character: str, lines: Sequence[NewLine]) -> list[Stored]:
        """Store lines of a talk that is going on elsewhere, as one transaction; each takes its place in the recent
        window. When nothing more is said for a while they are settled, if nobody has asked for that."""
        memory = await self._opened(character)
        await memory.window.stored()
        with self.foreground.busy():
            stored = await memory.log.append_all(lines)
        memory.window.touch()
        memory.meaning.touch()
        self._said.touch(character)
        return stored

    async def store_many(self, character: str, lines: Sequence[NewLine]) -> list[Stored]:
        """Store lines that were said elsewhere, as one transaction (``RecentWindow.store``); they are learnt from in
        the background, once no more come."""
        memory = await self._opened(character)
        with self.foreground.busy():
            return await memory.bring_in(lines)

    async def of_clients(self, character: str, client_ids: Sequence[str]) -> list[Line]:
        """The lines that were stored with these ids of their sender's."""
        return await (await self._opened(character)).log.of_clients(client_ids)

    async def layer_sizes(self, character: str) -> LayerSizes:
        memory = await self._opened(character)
        original, compressed, semantic = await memory.log.sizes()
        return LayerSizes(len(await memory.window.entries()), original, compressed, semantic)

    async def delete(self, character: str, ids: Sequence[int], *, may_be_undone: bool = False) -> list[int]:
        memory = await self._opened(character)
        rows = await memory.log.rows(ids) if may_be_undone else []
        gone, pictures = await memory.delete(ids)
        if rows:
            contents = [await self._pictures.read(character, name) for name in pictures]
            self._undo.keep(character, Removed(rows, [one for one in contents if one is not None], gone.facts))
        await self._pictures.forget(character, pictures)
        if gone.ids:
            await memory.deleted(gone.ids)
        return gone.ids

    async def clear(self, character: str) -> int:
        memory = await self._opened(character)
        self._undo.take(character)
        lines = await memory.clear()
        await self._clear_beside(character, memory)
        return lines

    async def _clear_beside(self, character: str, memory: CharacterMemory) -> None:
        try:
            await in_thread(remove_beside, self._folder, character)
        except OSError as error:
            raise store_error(error, Path(error.filename or self._folder)) from error
        await self._pictures.keep_only(character, ())
        await memory.cleared()

    async def restore(self, character: str) -> list[Line]:
        with self._undo.taken(character) as removed:
            if removed is None:
                return []
            names = await self._pictures.keep(character, removed.pictures) if removed.pictures else ()
            memory = await self._opened(character)
            lines = await memory.restore(removed.rows, removed.facts)
        memory.meaning.touch(anew=True)
        self._pictures.stored(character, names)
        return lines

    async def correct(self, character: str, line_id: int, text: str) -> Line | None:
        memory = await self._opened(character)
        line = await memory.correct(line_id, text)
        memory.meaning.touch(anew=True)
        return line

    async def keep_pictures(self, character: str, pictures: Sequence[bytes]) -> tuple[str, ...]:
        return await self._pictures.keep(character, pictures)

    async def picture(self, character: str, name: str) -> bytes | None:
        return await self._pictures.read(character, name)

    async def versions(self, character: str, line_id: int) -> list[Line]:
        return await (await self._opened(character)).log.versions(line_id)

    async def choose_version(self, character: str, line_id: int) -> Line | None:
        memory = await self._opened(character)
        line = await memory.log.choose(line_id)
        memory.window.touch()
        memory.meaning.touch()
        return line

    async def keep_unkept(self, character: str, lines: Sequence[NewLine]) -> None:
        path = unkept_path(self._folder, character)
        try:
            await in_thread(unkept_file.write, path, tuple(lines))
        except (ConfigError, OSError) as error:
            raise MemoryStoreError(
                "what waits for the log cannot be kept beside it", file=str(path), reason="other", why=str(error)
            ) from error

    async def unkept(self, character: str) -> list[NewLine]:
        return await in_thread(unkept_file.read, unkept_path(self._folder, character), log_fault)

    async def lines(
        self,
        character: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        chat: int | InChats = InChats.OPEN,
    ) -> list[Line]:
        log = (await self._opened(character)).log
        wanted = {InChats.OPEN: log.chat, InChats.ALL: None}[chat] if isinstance(chat, InChats) else chat
        return await log.lines(before=before, after=after, limit=max(limit, 0), chat=wanted)

    async def chats(self, character: str) -> ChatList:
        return await (await self._opened(character)).log.chats()

    async def open_chat(self, character: str) -> int:
        return (await self._opened(character)).log.chat

    async def change_chat(self, character: str, chat: int | None) -> int | None:
        return await (await self._opened(character)).window.change_chat(chat)

    @saving()
    async def rename_chat(self, character: str, chat: int, title: str) -> bool:
        return await (await self._opened(character)).log.transaction(lambda connection: rename(connection, chat, title))

    async def delete_chat(self, character: str, chat: int) -> list[int]:
        log = (await self._opened(character)).log
        if ids := await log.line_ids(chat):
            return await self.delete(character, ids)
        await self.rename_chat(character, chat, "")
        return []

    async def recent(self, character: str, *, with_left: bool = False) -> list[RecentEntry]:
        memory = await self._opened(character)
        entries = await self.memo_edits.with_pinned(character, await memory.window.view(with_left=with_left))
        if any(entry.left or entry.role == "system" for entry in entries):
            return await memory.log.recall(lambda connection, _: browse.with_outside(connection, entries))
        return entries

    async def rebuild_index(self, character: str) -> int:
        """``Log.rebuild_index``."""
        return await (await self._opened(character)).log.rebuild_index()

    async def rewrite_recent(self, character: str, entries: Sequence[RecentEntry]) -> None:
        """Replace what the next session begins with (``RecentWindow.rewrite``)."""
        memory = await self._opened(character)
        await memory.window.rewrite(entries)
        await memory.log.transaction(reviewed.forget)

    async def recall(
        self,
        character: str,
        query: str,
        *,
        limit: int = 5,
        before: int | None = None,
        context: Sequence[str] = (),
        now: datetime | None = None,
        within: tuple[datetime, datetime] | None = None,
        timeout_s: float | None = None,
        is_search: bool = False,
    ) -> list[Evidence]:
        """``Recall.recall``; ``timeout_s``: for somebody who has more time than a turn. ``is_search``: somebody looks
        for it, so that what most lines hold is found too, and a log that is not whole in the index is waited for."""
        own_s = self._timeouts.recall_timeout_s if timeout_s is None else timeout_s
        longest_s = timeout_s or max(own_s, self._timeouts.longest_recall_s)
        try:
            async with asyncio.timeout(longest_s):  # the turn waits for it anyway, with its first line
                memory = await self._opened(character)
            log = memory.log
            if limit <= 0:
                return []
            end = log.newest + 1 if before is None else min(before, log.newest + 1)
            with self.foreground.busy():
                near = await memory.meaning.near(query, self._timeouts.question_s(timeout_s))
                wanted = Query(query, limit, end, now or datetime.now(), context, near, within, is_search)
                running = RunningTime(own_s, longest_s)
                async with begun_within(own_s + self._timeouts.turn_s(self._threads.ahead), running):
                    return await log.search(partial(search, query=wanted), own_s / 2 if is_search else 0, running)
        except (TimeoutError, OutOfTimeError) as error:
            logger.warning("%s: a recall was stopped after %g s", character, own_s)
            file = str(log_path(self._folder, character))
            said = f"a recall took longer than {own_s:g} s"
            raise RecallTimeoutError(said, file=file, reason="slow", seconds=own_s) from error

    async def find(self, character: str, text: str, *, limit: int = 50, before: int | None = None) -> list[Line]:
        words = sought(text)
        if not words or limit <= 0:
            return []
        timeout_s = self._timeouts.find_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                log = (await self._opened(character)).log
                end = log.newest + 1 if before is None else min(before, log.newest + 1)
                with self.foreground.busy():
                    return await log.search(partial(find, words=words, limit=limit, end=end), timeout_s / 2)
        except TimeoutError as error:
            raise RecallTimeoutError(
                f"a search took longer than {timeout_s:g} s",
                file=str(log_path(self._folder, character)),
                reason="slow",
                seconds=timeout_s,
            ) from error

    def embedder_changed(self) -> None:
        """Another embedder may be in force."""
        for memory in filter(None, map(self._open_now, self._opening)):
            memory.meaning.pause(False)
            memory.meaning.touch()

    async def meaning(self, character: str) -> Progress:
        """How many of the character's lines are found by their meaning."""
        return await (await self._opened(character)).meaning.progress()

    async def pause_embedding(self, character: str, *, on: bool) -> None:
        """Embed none of the character's lines until further notice, or until the files are closed; or go on."""
        (await self._opened(character)).meaning.pause(on)

    async def indexing(self, character: str) -> tuple[int, int] | None:
        """How far an old or a mended log has been taken into the index, in ids; None when all of it is."""
        log = (await self._opened(character)).log
        if log.is_indexed:
            return None
        done, last = await log.recall(lambda connection, _: index.reached(connection))
        return (done, last) if done < last else None

    async def embedded(self, character: str) -> None:
        """Return when every line that can be is found by its meaning."""
        await (await self._opened(character)).meaning.settled()

    async def facts(self, character: str, *, at: datetime | None = None) -> list[Fact]:
        return await (await self._opened(character)).log.facts(at)

    async def open_questions(self, character: str) -> list[Line]:
        return await (await self._opened(character)).log.recall(open_questions)

    async def fact_book(self, character: str) -> FactBook:
        """What the character knows of people, to be looked through and changed by hand."""
        return (await self._opened(character)).facts

    async def close(self, character: str) -> None:
        """``MemoryAdministration.close``; calls that are still running may raise ``MemoryStoreError``."""
        self._brought_in.drop(character)
        self._said.drop(character)
        opening = self._opening.get(character)
        self._undo.take(character)
        if opening is not None and not self._owner.closed:
            del self._opening[character]
            self._closing[character] = self._owner.spawn(self._finish(character, opening), name="close a memory")
        if closing := self._closing.get(character):
            await asyncio.wait([closing])
            if self._closing.get(character) is closing:
                del self._closing[character]

    @contextmanager
    def hold(self, character: str) -> Iterator[None]:
        held = self._held[character] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._held[character]
            held.set_result(None)

    def _is_in_use(self, name: str) -> bool:
        return name in self._opening

    def _open_now(self, name: str) -> CharacterMemory | None:
        opening = self._opening.get(name)
        memory = opening.result() if opening and opening.done() and not opening.cancelled() else None
        return memory if isinstance(memory, CharacterMemory) else None

    # ── opening and closing ──────────────────────────────────────────────────

    async def _opened(self, name: str) -> CharacterMemory:
        if self._closed or self._owner.closed:
            raise store_error(ConnectionClosedError(), self._folder)
        self._left_over.used(name)
        task = self._opening.get(name)
        if task is None:
            if not self._knows(name):
                raise store_error(ConnectionClosedError("no character has this name"), log_path(self._folder, name))
            path, file = log_path(self._folder, name), RecentFile(recent_path(self._folder, name))
            earlier = [one for one in (self._closing.get(name), self._held.get(name)) if one is not None]
            opening = self._open(name, path, file, earlier)
            task = self._opening[name] = self._owner.spawn(opening, name="open a memory")
        if not task.done():
            await asyncio.wait([task])
        if task.cancelled():
            raise store_error(ConnectionClosedError(), self._folder)
        if isinstance(memory := task.result(), NekoError):
            if self._opening.get(name) is task:
                del self._opening[name]
            raise memory
        return memory

    async def _open(
        self, name: str, path: Path, file: RecentFile, earlier: Sequence[asyncio.Future[None]]
    ) -> CharacterMemory | NekoError:
        """Open the files once those of before are closed, and nobody holds them."""
        if earlier:
            await asyncio.wait(earlier)
        log: Log | None = None
        names = partial(self._names, name)
        try:
            entries, signature = await self._read(file)
            log = await Log.open(
                path,
                self._threads,
                names,
                lambda error: self._damaged_log(name, error),
                claim=self._claim,
                floor=largest_id(entries or []),
                lock_timeout_s=self._timeouts.lock_timeout_s,
                read_timeout_s=self._timeouts.read_timeout_s,
            )
            window = RecentWindow(file, log, self._damaged, self._on_written, self._pace)
            await window.open(entries, signature)
            meaning = Meaning(log, self._embedders or NoEmbedders(), self.foreground, self._timeouts)
            tasks = [
                self._owner.supervise(meaning.run, name="embed lines"),
                self._owner.supervise(window.run, name="write a recent window"),
                self._owner.supervise(log.fold_in, name="empty the WAL of a log"),
            ]
            self._background.submit(name, "index", log.prepare_recall)
            if log.file.was_left_open:
                self._background.submit(name, "check", log.file.check)
        except BaseException as error:
            if log is not None:
                await log.aclose()
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, NekoError):
                logger.exception("%s: a memory could not be opened", name)
                return store_error(error, path)
            return error
        memory = CharacterMemory(
            log,
            window,
            meaning,
            tasks,
            names,
            self._language,
            self._timeouts,
            self._damaged,
            self._on_written,
            partial(self._brought_in.touch, name),
        )
        await self._end_unfinished(name, memory)
        await self._go_on_learning(name, memory)
        return memory

    async def _go_on_learning(self, name: str, memory: CharacterMemory) -> None:
        """A failure is logged: what is left is done the next time."""
        try:
            if await memory.brought_in() or await memory.settling.left_waits():
                self._brought_in.touch(name)
        except NekoError as error:
            logger.warning("%s: whether there is something to learn is not known: %s", name, error)

    async def _end_unfinished(self, name: str, memory: CharacterMemory) -> None:
        """A failure is logged: what is left is done the next time."""
        try:
            begun = await memory.end_unfinished()
            if begun.clear:
                await self._clear_beside(name, memory)
            if begun.forget:
                waiting = {picture for line in await self.unkept(name) for picture in line.pictures}
                await self._pictures.keep_only(name, waiting | await memory.log.named_pictures())
                await memory.deleted(begun.forget)
        except NekoError as error:
            logger.warning("%s: what was begun could not be ended: %s", name, error)

    async def _finish(self, character: str, opening: asyncio.Task[CharacterMemory | NekoError]) -> None:
        try:
            await self._background.cancel(character, timeout_s=self._timeouts.close_timeout_s)
        finally:
            await asyncio.wait([opening])
            memory = None if opening.cancelled() or opening.exception() else opening.result()
            if isinstance(memory, CharacterMemory):
                await memory.aclose()

    async def _read(self, file: RecentFile) -> tuple[list[Any] | None, Any]:
        entries, signature, damages = await in_thread(file.read_at_start)
        for error in damages:
            self._damaged(error)
        return entries, signature

    def _names(self, character: str) -> Names:
        return {"user": self._master(), "assistant": character, "system": "SYSTEM_MESSAGE"}

    def _damaged_log(self, name: str, error: NekoError) -> None:
        """The new log has no index yet."""
        self._damaged(error)
        self._background.submit(name, "index", lambda: self._index(name))

    async def _index(self, name: str) -> None:
        await (await self._opened(name)).log.prepare_recall()

    def _damaged(self, error: NekoError) -> None:
        if self._report is not None:
            self._report(error)
