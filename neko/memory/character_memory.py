"""What one character remembers, while its files are open."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from neko.errors import NekoError
from neko.memory import changes, deletion, facts, kept_copies, learning, memo, schema, unfinished
from neko.memory.brought_in import BROUGHT_IN, Step
from neko.memory.deletion import Deleted
from neko.memory.fact_book import FactBook
from neko.memory.facts import Earlier, NewFact
from neko.memory.line_codec import Names, Row
from neko.memory.log import Log
from neko.memory.meaning import Meaning
from neko.memory.recent import RecentWindow
from neko.memory.settling import Settling
from neko.memory.timeouts import MemoryTimeouts
from neko.memory.undo import Undo
from neko.memory.unfinished import Kind, Unfinished
from neko.memory.window_entries import line_ids, lines_since
from neko.memory.words import holds
from neko.memory_errors import forgetting, saving
from neko.tasks import in_thread
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import ChangeKind, Memo, MemoryModels, RecentEntry, Summarise

logger = logging.getLogger(__name__)

_BATCHES_OF_A_MODEL: Final = 3
"""That a model is asked of at one time."""
_BATCHES_OF_RULES: Final = 10
_BY_MODEL: Final = 320
"""Lines before the newest of which a model is asked, some twenty times: nobody has asked for what that costs."""
_REFUSALS: Final = 3
"""Times that a model gives no answer for what was brought in."""


class CharacterMemory:
    """The log and the recent window of one character. Every method raises ``MemoryStoreError``.

    ``tasks`` run the window and empty the WAL; ``names`` are those of the speakers; ``language``
    is the reader's, for texts that do not show one. ``on_fault`` is told of a model that will not make
    a memo, ``on_renewed`` the file of the window that has a new one, ``on_brought_in`` that there is something to learn
    from.
    """

    def __init__(
        self,
        log: Log,
        window: RecentWindow,
        meaning: Meaning,
        tasks: Sequence[asyncio.Task[None]],
        names: Callable[[], Names],
        language: Callable[[], str],
        timeouts: MemoryTimeouts,
        on_fault: Callable[[NekoError], None],
        on_renewed: Callable[[Path], None],
        on_brought_in: Callable[[], None],
    ) -> None:
        self.log = log
        self.window = window
        self.meaning = meaning
        self.facts = FactBook(log)
        self._tasks = tasks
        self._names = names
        self._language = language
        self._timeouts = timeouts
        self._on_brought_in = on_brought_in
        self._learning = asyncio.Lock()
        self._refusals = 0
        self._edits = 0
        """How often words were taken away: what was found in them before counts no more."""
        self._corrected: Undo[int, tuple[str, Earlier]] = Undo()
        """The former words of lines, and what was known because of them."""
        self._changing = asyncio.Lock()
        """Held while a memo and the summary of the same words are kept, or deleted."""
        self.settling = Settling(log, window, names, language, timeouts, self._changing, on_fault, on_renewed)

    async def restore(self, rows: Sequence[Row], known: Earlier) -> list[Line]:
        """Put deleted rows of the log back, and what was known because of them; the lines of the talk among them."""
        async with self._changing, self._unfinished(Kind.PLACE_ANEW, [row[0] for row in rows]):
            lines = await self.log.restore(rows, known)
            await self.window.put_back(lines)
            return [logged.line for logged in lines]

    @forgetting()
    async def delete(self, ids: Sequence[int]) -> tuple[Deleted, set[str]]:
        """``ConversationLog.delete``: what went, and the pictures that no line names any more.

        The window goes first: until the log has done it, nothing is deleted. Once the pictures are gone too,
        ``deleted`` has to be called.
        """
        async with self._changing:
            lines = await self.log.with_earlier(ids)
            if not lines:
                return Deleted([], Earlier()), set()
            self._edits += 1
            every = [logged.line.id for logged in lines]
            await self.log.transaction(lambda connection: unfinished.note(connection, Kind.FORGET, every))
            try:
                await self.window.forget(lines)
            except NekoError:
                with suppress(NekoError):
                    await self.deleted(every)
                raise
            said = {logged.line.text for logged in lines}.difference(("",))
            await in_thread(kept_copies.forget, self.log.path, said.__contains__)
            gone = await self.log.delete(every)
            pictures = {name for logged in lines for name in logged.line.pictures}
            return gone, pictures - await self.log.named_pictures() if pictures else pictures

    @forgetting()
    async def forget_beside(self, words: Sequence[str]) -> bool:
        """Forget the summaries, facts, titles of chats and entries of the window that hold all of these words
        (``words.sought``), whatever lines they are from, and what there is of them in ``kept_copies``; whether there
        were any here."""

        def is_meant(text: str) -> bool:
            return holds(text, words)

        async with self._changing:
            self._edits += 1
            await in_thread(kept_copies.forget, self.log.path, is_meant)
            in_window = await self.window.leave_out(is_meant)
            in_log = await self.log.recall(lambda connection, _: deletion.beside(connection, is_meant))
            if in_log:
                await self.log.without_traces(lambda connection: deletion.delete_beside(connection, is_meant))
            return in_window or bool(in_log)

    async def deleted(self, ids: Sequence[int]) -> None:
        """Nothing is left to be done of a deletion of these lines."""
        await self.log.transaction(lambda connection: unfinished.done(connection, Kind.FORGET, ids))

    @saving()
    async def correct(self, line_id: int, text: str) -> Line | None:
        """``ConversationLog.correct``."""
        async with self._changing:
            lines = [one for one in await self.log.with_earlier([line_id]) if one.line.id == line_id]
            former = lines[0].line.text if lines else ""
            self._edits += 1
            async with self._unfinished(Kind.PLACE_ANEW, [line.line.id for line in lines]):
                await self.window.forget(lines)
                corrected = None
                try:
                    corrected = await self.log.correct(line_id, text)
                finally:
                    lines = lines if corrected is None else [corrected[0]]
                    await self.window.put_back([one for one in lines if one.line.status != "replaced"])
            if corrected is None:
                return None
            await self._know_anew(corrected[0].line, former, corrected[1])
            return corrected[0].line

    async def _know_anew(self, line: Line, former: str, known: Earlier) -> None:
        """What the rules find in a corrected line; what was known of it before when it has those words again."""
        undone = self._corrected.take(line.id)
        if undone and undone[0] == line.text:
            await self.log.transaction(lambda connection: facts.put_back(connection, undone[1]))
            return
        if known.rows:
            self._corrected.keep(line.id, (former, known))
        if line.id <= await self.log.facts_position():
            master = self._names()["user"]
            await self.log.record_facts(await in_thread(learning.by_rule, [line], self._language(), master))

    @forgetting()
    async def clear(self) -> int:
        """Empty the log and the window; how many lines that was. Once what stands beside them is gone too, ``cleared``
        has to be called."""

        def work(connection: sqlite3.Connection) -> int:
            cleared = deletion.clear(connection)
            changes.note(connection, ChangeKind.FORGOTTEN, cleared)
            unfinished.note(connection, Kind.CLEAR)
            return cleared

        async with self._changing:
            self._edits += 1
            lines = await self.log.without_traces(work)
            await self.window.clear()
        self.facts.clear()
        self._corrected.clear()
        self.meaning.forget()
        return lines

    async def cleared(self) -> None:
        """Nothing is left to be done of a clearing."""
        await self.log.transaction(lambda connection: unfinished.done(connection, Kind.CLEAR))

    async def end_unfinished(self) -> Unfinished:
        """Do in log and window what a crash has interrupted, if there is any: what that is."""
        begun = self.log.unfinished
        if begun.clear:
            await self.window.clear()
        if begun.place_anew:
            lines = [one for one in await self.log.with_earlier(begun.place_anew) if one.line.id in begun.place_anew]
            async with self._changing, self._unfinished(Kind.PLACE_ANEW, begun.place_anew):
                await self.window.forget(lines)
                await self.window.put_back([one for one in lines if one.line.status != "replaced"])
        if begun.fold:
            await self.settling.end_interrupted()
        if begun.forget:
            await self.delete(begun.forget)
        return begun

    @asynccontextmanager
    async def _unfinished(self, kind: Kind, ids: Sequence[int]) -> AsyncIterator[None]:
        """What is done inside is done again at the next start if its end is not reached."""
        await self.log.transaction(lambda connection: unfinished.note(connection, kind, ids))
        yield
        await self.log.transaction(lambda connection: unfinished.done(connection, kind, ids))

    async def rewrite_memo(self, memo: Memo, text: str) -> None:
        """``MemoryBrowsing.rewrite_memo``."""
        async with self._changing:
            await self.log.rewrite_memo(memo.id, text)
            await self.window.replace_memo(memo.id, memo.text, text)

    async def learn(self, ask: Summarise | None) -> int:
        """``MemoryAdministration.learn``; 0 at once while it runs already.

        A model is asked of the lines of a few batches at most, and of the rest the next time; of what lies far behind
        the newest line it is not asked at all, there the rules look. When it fails nothing has been looked at; when it
        cannot be understood the rules find what they can.
        """
        if self._learning.locked():
            return 0
        async with self._learning:
            through = await self.log.last_id()
            if ask is None:
                return await self._learn(None, through)
            new = await self._learn(None, through - _BY_MODEL)
            return new + await self._learn(ask, through, _BATCHES_OF_A_MODEL)

    async def _learn(self, ask: Summarise | None, through: int, most: int | None = None) -> int:
        """Look at the lines up to this one, in at most so many batches; how many facts are new."""
        new, batches, size = 0, 0, learning.BATCH if ask else learning.BATCH_BY_RULE
        position = await self.log.facts_position()
        while position < through and (most is None or batches < most):
            if not (page := await self.log.page(after=position, before=through + 1, limit=size)):
                await self.log.record_facts([], through)
                break
            lines, edits = [logged.line for logged in page if logged.line.role != "system"], self._edits
            try:
                found = await self._found(lines, ask) if lines else []
            except NekoError as error:
                logger.warning("facts were not learnt: %s", error.code)
                break
            if edits != self._edits:
                continue
            position = page[-1].line.id
            new += await self.log.record_facts(found, position)
            batches += 1
        return new

    async def bring_in(self, lines: Sequence[NewLine], chat: int | None = None) -> list[Stored]:
        """``RecentWindow.store``, and that there is something to learn from is noted: also of lines that the
        window has no room for now, and no memo was made of."""
        there = line_ids(lines_since(await self.window.entries()))
        stored = await self.window.store(lines, chat)
        if fresh := [one.line.id for one in stored if one.fresh]:
            pushed_out = set(there).difference(line_ids(await self.window.entries()))
            before = (BROUGHT_IN, min([*fresh, *pushed_out]) - 1)
            await self.log.transaction(lambda at: at.execute(schema.LOWER_STATE, before), durable=False)
            self._on_brought_in()
        self.meaning.touch()
        return stored

    def came(self) -> None:
        """What was brought in some other way, and noted so, is all there."""
        self.meaning.touch(anew=True)
        self._on_brought_in()

    async def brought_in(self) -> tuple[int, int] | None:
        """How far what was brought in has been learnt from, in ids: half of it facts, half memos. None when there is
        nothing."""
        since = await self.log.state(BROUGHT_IN)
        if since is None:
            return None
        last = await self.log.last_id()
        return min((await self.log.facts_position() + since) // 2, last), last

    async def learn_brought_in(self, models: MemoryModels) -> Step:
        """A part of what there is to do for what was brought in: facts, then memos; of the newest lines by a model, of
        those before them by the rules. A model that gives no answer is asked a few times, then the rules look."""
        since, through = await self.log.state(BROUGHT_IN), await self.log.last_id()
        if since is None:
            return Step.DONE
        ask = models.learn if self._refusals < _REFUSALS else None
        position = await self.log.facts_position()
        begun = position if position < through else since
        is_far = ask is not None and begun < through - _BY_MODEL
        by, end = (None, through - _BY_MODEL) if is_far else (ask, through)
        if position < through:
            async with self._learning:
                await self._learn(by, end, _BATCHES_OF_A_MODEL if by else _BATCHES_OF_RULES)
            is_on = position < await self.log.facts_position()
        else:
            reached = await self.settling.sum_up(since, end, models.summarise if by else None)
            is_on = reached is not None
            if reached is not None:
                await self.log.transaction(partial(_summed_up, reached), durable=False)
        self._refusals = 0 if is_on else self._refusals + 1
        if not is_on:
            return Step.LATER
        return Step.MORE if by is None else Step.SOON

    async def _found(self, lines: Sequence[Line], ask: Summarise | None) -> list[NewFact]:
        language = self.settling.language_of([RecentEntry(line.role, line.text) for line in lines])
        master = self._names()["user"]
        if ask is not None:
            instructions = await in_thread(memo.instructions, language)
            found = await learning.by_model(lines, await self.log.facts(), instructions, ask, master)
            if found is not None:
                return found
        return await in_thread(learning.by_rule, lines, language, master)

    async def aclose(self) -> None:
        """Write what is not written yet and close the files; a failure is logged."""
        self.facts.clear()
        self._corrected.clear()
        try:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=self._timeouts.close_timeout_s)
            async with asyncio.timeout(self._timeouts.close_timeout_s):
                await self.window.flush()
        except (NekoError, TimeoutError) as error:
            logger.error("a recent window was not written at the end: %s", type(error).__name__)
        finally:
            await self.log.aclose()


def _summed_up(reached: int, connection: sqlite3.Connection) -> None:
    (last,) = connection.execute(schema.LAST_ID).fetchone()
    if reached < last:
        connection.execute(schema.SET_STATE, (BROUGHT_IN, reached))
    else:
        connection.execute(schema.DROP_STATE, (BROUGHT_IN,))
