"""N.E.K.O.'s memories of characters that lie in folders of their own: after a start what each holds comes into hers.

It is what ``neko memory import`` does with the folder, once for each character that there is; of one in whose folder
N.E.K.O. has written more since, the new lines come at a later start. While it comes whoever
wants to use that memory waits, so that what is said meanwhile stands behind what was said there. The lines come as one
transaction; a process that is killed begins again at its next start, and finds what has come. What was said here before
stays where it is: older lines get a chat of their own (``Importing.begin``). Nothing is written in N.E.K.O.'s folders.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from neko import i18n
from neko.app.characters import Characters
from neko.app.conversations import Conversations
from neko.app.earlier_talk import character_of
from neko.app.faults import fault_of
from neko.app.import_share import Share
from neko.app.imports import take_over
from neko.errors import DiskFullError, NekoError
from neko.faults import StandingFaults
from neko.memory.folder_layout import (
    Note,
    State,
    goes_to,
    in_use,
    is_of_folder,
    keep,
    note_of,
    state_of,
    waiting_for,
)
from neko.memory.folder_notes import note_now
from neko.memory.import_files import Kind, Source, look_into
from neko.memory.service import MemoryService
from neko.memory_errors import NotTakenOverError, TakenOverError
from neko.memory_files import log_name
from neko.sessions.events import ReloadPage
from neko.sessions.manager import SessionManager
from neko.storage import WORKPLACE, is_full
from neko.tasks import TaskOwner, give_memory_back, in_thread, to_the_end
from neko.types.memory import Chats

_AGAIN_S: Final = 20.0
_LONGEST_LOOK_S: Final = 300.0
"""For which a folder is read, and may keep its character's memory shut."""
_WHOLE: Final = 100_000
"""Lines that are stored as one transaction: a minute or two, and some 100 MB."""


class TakingOver:
    """``memory`` is the folder, ``chats`` those of the memory in use; ``own_memory`` makes a service over the folder
    that nobody else uses, not started."""

    def __init__(
        self,
        memory: Path,
        owner: TaskOwner,
        characters: Characters,
        conversations: Conversations,
        standing: StandingFaults,
        chats: Chats,
        own_memory: Callable[[], MemoryService],
    ) -> None:
        self._memory = memory
        self._owner = owner
        self._characters = characters
        self._conversations = conversations
        self._standing = standing
        self._chats = chats
        self._own_memory = own_memory
        self._task: asyncio.Task[None] | None = None

    async def begin(self, folders: Sequence[str]) -> None:
        """Take these over, the current character's first, whose memory is shut when this returns; what cannot be now is
        tried again for as long as it takes."""
        if folders:
            whose = {name: await in_thread(goes_to, self._memory, name) for name in folders}
            first = sorted(folders, key=lambda name: whose[name] != self._characters.current)
            self._task = self._owner.spawn(self._run({name: whose[name] for name in first}), name="take memories over")
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """What is being stored is stored; the rest waits for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, folders: Mapping[str, str]) -> None:
        is_first = True
        while left := [
            name for name, whose in folders.items() if not await self._is_done(name, whose, is_first=is_first)
        ]:
            is_first = False
            await asyncio.sleep(_AGAIN_S)
            folders = {name: await in_thread(goes_to, self._memory, name) for name in left}
        await in_thread(give_memory_back)

    async def _is_done(self, name: str, whose: str, *, is_first: bool) -> bool:
        """Take a folder over that is of this character, unless there is none; whether nothing is left to be done."""
        folder = self._memory / name
        names = self._characters.names
        if (character := character_of(whose, names)) not in names:
            return True
        try:
            taken = await self._taken(folder, whose, character, is_first=is_first)
        except (NekoError, OSError) as error:
            self._standing.stand(fault_of(_why(folder, error)))
            return False
        self._standing.file_works(folder)
        if taken is not None:
            self._standing.stand(fault_of(taken))
        return taken is not None or await in_thread(goes_to, self._memory, name) == whose

    async def _taken(self, folder: Path, whose: str, character: str, *, is_first: bool) -> TakenOverError | None:
        """What has come; None for nothing. Her memory is shut before the first look, when nobody has asked for it yet,
        and later only once all is read. Raises ``NekoError``, ``OSError``."""
        async with AsyncExitStack() as stack:
            talk = await self._shut(stack, character) if is_first else None
            workplace = await stack.enter_async_context(self._workplace())
            sources, files = await self._sources(folder, workplace)
            talk = talk if is_first else await self._shut(stack, character)
            if folder.name not in await in_thread(waiting_for, self._memory, whose):
                return None
            before = await in_thread(note_of, self._memory, folder.name)
            if before is None:
                await in_thread(keep, self._memory, folder.name, Note())
            share = await self._stored(_since(sources, before), Share(folder.name, character))
            now = await in_thread(note_now, folder.name, sources, before, files)
            await in_thread(keep, self._memory, folder.name, now)
        damaged = ", ".join(source.name for source in sources if _is_damaged(source))
        if not (share.new or share.facts or damaged):
            return None
        taken = TakenOverError(
            "it has come",
            file=str(self._memory / log_name(character)),
            reason="damaged" if damaged else "whole",
            lines=share.new,
            facts=share.facts,
            damaged=damaged,
        )
        if talk is not None:
            talk.follow_change()
            with suppress(NekoError):
                if len((await self._chats.chats(character)).chats) == 1:  # which the page shows without them
                    talk.tell(lambda language: ReloadPage(i18n.describe(taken, language).text))
        return taken

    async def _shut(self, stack: AsyncExitStack, character: str) -> SessionManager | None:
        """Shut a memory until the end of ``stack``; the talk that goes on, if any does."""
        talk = self._conversations.opened.get(character)
        await stack.enter_async_context(self._characters.set_apart(character))
        return talk

    @asynccontextmanager
    async def _workplace(self) -> AsyncIterator[Path]:
        place = await in_thread(TemporaryDirectory, dir=self._memory, prefix=WORKPLACE)
        try:
            yield Path(place.name)
        finally:
            await to_the_end(in_thread(place.cleanup))

    async def _sources(self, folder: Path, workplace: Path) -> tuple[list[Source], State]:
        """The files of a folder, of which nobody writes any meanwhile, and their state."""
        try:
            async with asyncio.timeout(_LONGEST_LOOK_S):
                before = await in_thread(state_of, folder)
                sources = await in_thread(look_into, [(folder.name, folder)], workplace)
                if await in_thread(state_of, folder) != before:
                    raise in_use(folder)
        except TimeoutError as error:
            why = f"reading takes longer than {_LONGEST_LOOK_S:g} s"
            raise NotTakenOverError(why, file=str(folder), name=folder.name, reason="unreadable", why=why) from error
        return sources, before

    async def _stored(self, sources: Sequence[Source], share: Share) -> Share:
        memory = self._own_memory()
        try:
            await take_over(memory.importing, sources, share, step=_WHOLE)
        finally:
            await to_the_end(memory.aclose())
        return share


def _since(sources: Sequence[Source], before: Note | None) -> list[Source]:
    """What is looked at again: of a folder that has come already the lines."""
    if before is None or before.files is None:
        return list(sources)
    return [replace(one, note=before, memo="") for one in sources if one.kind in (Kind.LOG, Kind.RECENT)]


def _is_damaged(source: Source) -> bool:
    """Whether more was in a file than could be read, once all of that is read."""
    if source.kind is Kind.OTHER:
        is_log = source.name.endswith(".db") and source.why != "empty"
        return is_of_folder(source.name) and (is_log or source.why == "unreadable")
    return source.damaged or source.in_part or (source.kind is Kind.LOG and source.unread > 0)


def _why(folder: Path, error: NekoError | OSError) -> NotTakenOverError:
    if isinstance(error, NotTakenOverError):
        return error
    if isinstance(error, OSError):
        is_out_of_room, why = is_full(error), error.strerror or str(error)
    else:
        is_out_of_room = isinstance(error, DiskFullError) or error.params.get("reason") == "full"
        why = str(error.params.get("why") or error)
    reason = "full" if is_out_of_room else "other"
    return NotTakenOverError(why, file=str(folder), name=folder.name, reason=reason, why=why)
