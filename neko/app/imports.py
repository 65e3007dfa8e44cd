"""Imports into the memories of characters: what some files would bring, then the import, which can be cut short and
taken back. The page and the command line do it by the same functions."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Final

from neko.app import whole_imports
from neko.app.import_share import Share, Tell, tell_nobody
from neko.app.whole_imports import settings_for
from neko.errors import NekoError
from neko.memory.import_files import Kind, Source, look_into, named_sources
from neko.memory.import_rows import Known, Precision, Summary, Taken
from neko.memory.importing import Importing, Target
from neko.storage import WORKPLACE
from neko.tasks import TaskOwner, in_thread, to_the_end
from neko.types.lines import NewLine
from neko.well_formed import bare_words

logger = logging.getLogger(__name__)

_STEP: Final = 500
"""Lines that are stored as one transaction, a fraction of a second; between two of them it can be cut short."""
_LOOK: Final = 5_000
_KEPT_S: Final = 1_800.0
"""For which files that were sent wait to be imported."""


class State(Enum):
    """``READING``: what would come is being found out. ``READY``: it is known. ``CANCELLED``: a part came."""

    READING = "reading"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    TAKING_BACK = "taking_back"
    TAKEN_BACK = "taken_back"
    FAILED = "failed"


_AT_WORK: Final = (State.RUNNING, State.TAKING_BACK)
_AHEAD: Final = (State.READING, State.READY)


async def what_would_come(
    importing: Importing,
    sources: Sequence[Source],
    into: Callable[[str], str],
    exists: Callable[[str], bool],
    tell: Tell = tell_nobody,
) -> list[Share]:
    """The shares that bring something, with nothing changed. ``into`` says where the lines of a file's character go."""
    shares = []
    for named, files in named_sources(sources).items():
        share = Share(named, into(named))
        there = exists(share.character)
        known = await _known(importing, share, files, is_there=there)
        counted = set[object]()
        for source in files:
            if source.head is not None:
                await whole_imports.what_would_come(importing, source, share, known, is_there=there, tell=tell)
                continue
            for step in _steps(source, known, _LOOK):
                found = await in_thread(step)
                if not found:
                    break
                _count(share, found)
                tell(len(found))
            await _count_besides(importing, source, share, counted, is_there=there)
        if share.brings_anything:
            shares.append(share)
    return shares


async def _count_besides(
    importing: Importing, source: Source, share: Share, counted: set[object], *, is_there: bool
) -> None:
    """What a file that is no export of all would bring besides lines, without what is ``counted`` already: the same may
    stand in files of two layouts."""

    def is_new(what: object) -> bool:
        fresh = what not in counted
        counted.add(what)
        return fresh

    summaries = [one for one in await in_thread(source.summaries) if is_new((one.text, one.at))]
    memo = _memo(source, share) if source.memo and is_new(Kind.RECENT) else None
    facts = [one for one in source.facts if is_new((one.subject, one.attribute, bare_words(one.value)))]
    every = settings_for(share.character, source.character, source.settings)
    settings = {
        name: {key: value for key, value in values.items() if is_new((name, key))} for name, values in every.items()
    }
    if not is_there:
        share.summaries += len(summaries) + (memo is not None)
        share.settings += sum(map(len, settings.values()))
        share.facts += len(facts)
        return
    share.summaries += await importing.summarise(share.character, summaries, memo, keep=False)
    share.settings += await importing.settle(share.character, settings, keep=False) if settings else 0
    share.facts += await importing.know(share.character, facts, keep=False)


def _memo(source: Source, share: Share) -> Summary | None:
    return Summary("", source.memo, share.last or datetime.now()) if source.memo else None


async def take_over(
    importing: Importing, sources: Sequence[Source], share: Share, tell: Tell = tell_nobody, *, step: int | None = None
) -> None:
    """Import what is new of one share; ``share`` tells at any moment what has come. ``step``: lines of one file that
    are stored as one transaction, if not as many as usual. Raises ``MemoryStoreError``."""
    files = [source for source in sources if source.kind is not Kind.OTHER and source.character == share.named]
    known, target = await _known(importing, share, files, is_there=True), None
    first, share.lines, share.known, share.versions, share.pictures, share.missing_pictures = share.first, 0, 0, 0, 0, 0
    share.settings, share.summaries, share.facts = 0, 0, 0
    for source in files:
        if source.head is not None:
            await whole_imports.take_over(importing, source, share, known, tell)
            continue
        for following in _steps(source, known, step or _STEP):
            found = await in_thread(following)
            if not found:
                break
            new = [one for one, is_new in found if is_new]
            if new and target is None:
                of_chats = dict.fromkeys([chat for one in files for chat in await in_thread(_chats_of, one)])
                target = await importing.begin(share.character, [*of_chats], first or new[0].line.at, share.number)
                share.number = target.number
            stored = await _store(importing, share.character, target, new) if target else 0
            share.lines += len(found)
            share.known += len(found) - stored
            tell(len(found))
        summaries = await in_thread(source.summaries)
        share.summaries += await importing.summarise(share.character, summaries, _memo(source, share))
    for source in files:
        if source.settings:
            settings = settings_for(share.character, source.character, source.settings)
            share.settings += await importing.settle(share.character, settings, number=share.number)
        if source.facts:
            share.facts += await importing.know(share.character, source.facts, number=share.number)


async def _known(importing: Importing, share: Share, files: Sequence[Source], *, is_there: bool) -> Known:
    """What the files that are no exports of all can find there."""
    known = await in_thread(_nothing_known, files)
    is_needed = is_there and any(source.head is None for source in files)
    return await importing.known(share.character, known) if is_needed else known


def _nothing_known(files: Sequence[Source]) -> Known:
    windows = (one for source in files if source.kind is Kind.RECENT or source.window for one in source.taken())
    return Known({Precision.SECOND, *(source.precision for source in files)}, windows)


async def _store(importing: Importing, character: str, target: Target, new: Sequence[Taken]) -> int:
    by_chat: dict[int, list[NewLine]] = {}
    for one in new:
        by_chat.setdefault(target.chats[one.chat], []).append(replace(one.line, imported=target.number))
    return sum([await importing.take(character, lines, chat) for chat, lines in by_chat.items()])


def _steps(source: Source, known: Known, size: int) -> Iterator[Callable[[], list[tuple[Taken, bool]]]]:
    lines = known.new(source.taken())
    while True:
        yield lambda: list(islice(lines, size))


def _chats_of(source: Source) -> list[int]:
    """In the order in which they were left, the last one last."""
    chats = dict[int, None]()
    for one in source.taken():
        chats.pop(one.chat, None)
        chats[one.chat] = None
    return list(chats)


def _count(share: Share, found: Sequence[tuple[Taken, bool]]) -> None:
    share.lines += len(found)
    share.known += sum(not is_new for _, is_new in found)
    share.saw([one.line.at for one, _ in found])


@dataclass(slots=True)
class Import:
    """One import from its ``files`` to its end. ``done`` of ``total`` lines; 0 in total while it is being read.
    ``into`` are characters by what the files call them."""

    state: State = State.READING
    files: Sequence[tuple[str, Path]] = ()
    sources: Sequence[Source] = ()
    shares: list[Share] = field(default_factory=list)
    into: Mapping[str, str] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    error: NekoError | None = None
    is_cut: bool = False

    @property
    def is_at_work(self) -> bool:
        return self.state in _AT_WORK

    def tell(self, lines: int) -> None:
        """So many more lines are done. Raises ``CancelledError`` when that is to be all."""
        self.done += lines
        if self.is_cut:
            raise asyncio.CancelledError


Forget = Callable[[str, Sequence[int]], Awaitable[object]]
"""Deletes lines of a character."""


class Imports:
    """``neko.imports``: one at a time; another one takes the place of one that has not begun, or is over.

    Whoever changes what it does holds ``_changing``, and finds it at rest or ends it first.
    """

    def __init__(
        self,
        importing: Importing,
        owner: TaskOwner,
        folder: Path,
        exists: Callable[[str], bool],
        place: Callable[[str], str],
        forget: Forget,
    ) -> None:
        """``folder`` gets the files while they are needed; ``place`` says which character goes by a name."""
        self._importing = importing
        self._owner = owner
        self._folder = folder
        self._exists = exists
        self._place = place
        self._forget = forget
        self._workplace: tempfile.TemporaryDirectory[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._receiving = asyncio.Lock()
        self._changing = asyncio.Lock()
        self.current: Import | None = None

    @property
    def is_busy(self) -> bool:
        """Whether files are being received, or lines stored or deleted."""
        return self._receiving.locked() or (self.current is not None and self.current.is_at_work)

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[Path]:
        """A folder for the files of a new import, busy until they are there; those of the one before are gone."""
        async with self._receiving:
            await self.aclose()
            self._workplace = await in_thread(tempfile.TemporaryDirectory, dir=self._folder, prefix=WORKPLACE)
            yield Path(self._workplace.name)

    async def look(self, files: Sequence[tuple[str, Path]], default: str) -> None:
        """Find out what files that were received would bring; what names no character goes to ``default``."""
        async with self._changing:
            current = Import(files=files, into={"": default})
            await self._replace(current, self._look)

    async def aim(self, into: Mapping[str, str]) -> bool:
        """Let the lines of what the files call so go to another character, whatever else was asked for just before;
        false when it has begun, is over, or there is none."""
        async with self._changing:
            before = self.current
            if before is None or before.state not in _AHEAD:
                return False
            current = Import(files=before.files, sources=before.sources, into={**before.into, **into})
            await self._replace(current, self._look)
            return True

    async def begin(self) -> bool:
        """Import what was looked at, of which the characters have to be there; false when there is none."""
        async with self._changing:
            current = self.current
            if current is None or current.state is not State.READY:
                return False
            current.state, current.done = State.RUNNING, 0
            await self._replace(current, self._run)
            return True

    async def take_back(self, character: str, number: int) -> bool:
        """Delete the lines of an import; false when one is at work."""
        async with self._changing:
            if self.current and self.current.is_at_work:
                return False
            current = Import(State.TAKING_BACK, shares=[Share(character, character, number=number)])
            await self._replace(current, self._return)
            return True

    async def cancel(self) -> None:
        """Cut it short after the lines that are being stored; what came stays until it is taken back."""
        async with self._changing:
            await self._end()

    async def discard(self) -> None:
        """Forget the import, and its files once they are there."""
        async with self._receiving:
            await self.aclose()

    async def give_up(self, character: str) -> None:
        """Forget an import that has not begun and would bring something to this character, and its files."""
        async with self._changing:
            current = self.current
            if current is None or current.state not in _AHEAD:
                return
            if current.state is State.READING or any(share.character == character for share in current.shares):
                await self._drop()

    async def aclose(self) -> None:
        """Forget the import, and its files."""
        async with self._changing:
            await self._drop()

    async def _drop(self) -> None:
        await self._end()
        if self._timer:
            self._timer.cancel()
        self.current = None
        await self._drop_files()

    async def _drop_files(self) -> None:
        workplace, self._workplace = self._workplace, None
        if workplace:
            await in_thread(workplace.cleanup)

    async def _end(self) -> None:
        if self.current and self._task and not self._task.done():
            self.current.is_cut = True
            await asyncio.wait([self._task])

    async def _replace(self, current: Import, work: Callable[[Import], Coroutine[object, object, None]]) -> None:
        await self._end()
        if self._timer:
            self._timer.cancel()
        self.current = current
        self._task = self._owner.spawn(self._guarded(current, work), name="import")

    async def _guarded(self, current: Import, work: Callable[[Import], Coroutine[object, object, None]]) -> None:
        try:
            await work(current)
        except asyncio.CancelledError:
            current.state = State.CANCELLED
            if not current.is_cut:
                raise
        except NekoError as error:
            logger.warning("an import failed: %s", error.code)
            current.state, current.error = State.FAILED, error
        except Exception:
            logger.exception("an import failed")
            current.state, current.error = State.FAILED, NekoError()
        finally:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_KEPT_S, lambda: self._owner.spawn(self.discard(), name="end an import"))

    async def _look(self, current: Import) -> None:
        if self._workplace is not None and not current.sources:
            current.sources = await in_thread(look_into, current.files, Path(self._workplace.name))
        current.shares = await what_would_come(
            self._importing,
            current.sources,
            lambda named: current.into.get(named) or self._place(named),
            self._exists,
            current.tell,
        )
        current.total = sum(share.lines + share.versions for share in current.shares)
        current.state = State.READY

    async def _run(self, current: Import) -> None:
        try:
            for share in current.shares:
                await take_over(self._importing, current.sources, share, current.tell)
        finally:
            await to_the_end(self._drop_files())
        current.state = State.DONE

    async def _return(self, current: Import) -> None:
        character, number = current.shares[0].character, current.shares[0].number
        ids = await self._importing.lines_of(character, number)
        current.total = len(ids)
        for at in range(0, len(ids), _LOOK):
            await self._forget(character, ids[at : at + _LOOK])
            current.tell(len(ids[at : at + _LOOK]))
        await self._importing.taken_back(character, number)
        current.state = State.TAKEN_BACK
