"""Lines that could not be written to the log: kept in mind, and written in order once the memory works again.

What waits is kept beside the log meanwhile, as far as that can be written, and comes first the next time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neko.errors import MemorySlowError, MemoryStoreError, NekoError
from neko.faults import Fault, StandingFaults
from neko.tasks import TaskOwner
from neko.types.lines import Line, NewLine, Stored
from neko.types.memory import ConversationMemory, InChats

logger = logging.getLogger(__name__)

MOST_UNKEPT = 1_000
"""Lines. What comes beyond is lost, and refused if it is the user's."""
RETRY_PAUSE_S = 5.0
"""Seconds between two attempts while nothing is said; what is said is a reason to try at once."""


def memory_failed(faults: StandingFaults, character: str, error: NekoError) -> None:
    """The memory of a character could not be used: one standing fault, which says why as well as is known."""
    known = faults.get(_fault_id(character))
    if known is None or not isinstance(error, MemorySlowError):
        faults.stand(Fault(_fault_id(character), error, character))


def began_without_memory(faults: StandingFaults, character: str, error: NekoError) -> None:
    """A session began without what was said before, for that took too long: told until one begins with it, as that
    lines can be written makes it no better."""
    faults.stand(Fault(f"{_fault_id(character)} late", error, character))


def began_with_memory(faults: StandingFaults, character: str) -> None:
    """A session knows what was said before."""
    faults.over(f"{_fault_id(character)} late")


def memory_too_slow() -> NekoError:
    """The memory did not answer in time."""
    return MemorySlowError("the log did not answer in time", file="", reason="slow")


def _fault_id(character: str) -> str:
    return f"memory:{character}"


@dataclass(slots=True)
class LineToKeep:
    """A line on its way to the log. ``attempt``: one that was given up waiting for, and may still succeed.

    ``is_from_before``: it waited already when the program ended, and may have been written at its very end.
    """

    line: NewLine
    attempt: asyncio.Task[Stored | NekoError] | None = None
    is_from_before: bool = False


class UnkeptLines:
    """Writes lines one at a time. Once one fails, those after it wait behind it without being tried.

    ``on_kept`` gets each line that was kept later than it was said.
    """

    def __init__(
        self,
        character: str,
        memory: ConversationMemory,
        owner: TaskOwner,
        faults: StandingFaults,
        store_timeout_s: float,
        on_kept: Callable[[NewLine, Stored], None],
    ) -> None:
        self._character = character
        self._memory = memory
        self._owner = owner
        self._faults = faults
        self._store_timeout_s = store_timeout_s
        self._on_kept = on_kept
        self._lines: deque[LineToKeep] = deque()
        self._hope = asyncio.Event()
        self._given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping: asyncio.Task[None] | None = None
        self._beside: list[NewLine] = []
        """What is kept beside the log."""
        self._writing_beside = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def lines(self) -> list[NewLine]:
        """What waits, in the order of the talk."""
        return [entry.line for entry in self._lines]

    def holds(self, client_id: str) -> bool:
        """Does a message with this id wait to be kept?"""
        return any(entry.line.client_id == client_id for entry in self._lines)

    @property
    def fault(self) -> NekoError | None:
        """Why the memory cannot be used just now."""
        fault = self._faults.get(_fault_id(self._character))
        return fault.error if fault else None

    def failed(self, error: NekoError) -> None:
        """The memory could not be used: told until it can."""
        memory_failed(self._faults, self._character, error)

    async def load(self) -> None:
        """Take in what waited when the program ended the last time."""
        lines = await self._memory.unkept(self._character)
        if lines:
            self._beside = lines
            self._lines.extendleft(LineToKeep(line, is_from_before=True) for line in reversed(lines))
            self._keep_soon()

    async def store(self, line: NewLine) -> Stored | None:
        """Write a line; None when that has to wait. Raises ``NekoError`` when so many wait that it is lost."""
        entry = LineToKeep(line)
        if self.fault is None and not self._lines:
            try:
                stored = await self._attempt(entry)
            except NekoError as error:
                logger.warning("%s: a line could not be written: %s", self._character, error)
                self.failed(error)
            else:
                return stored
        if len(self._lines) >= MOST_UNKEPT:
            raise self.fault or MemoryStoreError("too many lines wait to be written", file="", reason="other")
        self._lines.append(entry)
        self._keep_soon()
        return None

    def _keep_soon(self) -> None:
        self._hope.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = self._owner.spawn(self._keep(), name="keep lines")

    def give_up(self) -> None:
        """Wait for the memory no longer: what it has not taken by now, and what comes, waits."""
        if not self._given_up.done():
            self._given_up.set_result(None)

    async def drain(self, timeout_s: float) -> None:
        """Returns when all is kept, or the time is up."""
        self._hope.set()
        if self._keeping and not self._keeping.done():
            await asyncio.wait({self._keeping}, timeout=timeout_s)

    async def keep_beside(self) -> None:
        """The end: keep beside the log what it has not taken."""
        if not self._lines:
            return
        if error := await self._write_beside():
            logger.error("%s: %d lines are lost: %s", self._character, len(self._lines), error)
        else:
            logger.warning(
                "%s: %d lines could not be written to the log; they are kept beside it and written next time",
                self._character,
                len(self._lines),
            )

    async def _write_beside(self) -> NekoError | None:
        """Have beside the log what waits, and nothing else; why that cannot be."""
        async with self._writing_beside:
            lines = self.lines
            if lines != self._beside:
                try:
                    await self._memory.keep_unkept(self._character, lines)
                except NekoError as error:
                    return error
                self._beside = lines
        return None

    async def _keep(self) -> None:
        while self._lines:
            self._hope.clear()
            entry = self._lines[0]
            try:
                stored = await self._attempt(entry)
            except NekoError as error:
                self.failed(error)
                await self._write_beside()
                try:
                    async with asyncio.timeout(RETRY_PAUSE_S):
                        await self._hope.wait()
                except TimeoutError:
                    pass
            else:
                self._lines.popleft()
                self._on_kept(entry.line, stored)
                # Within the loop, as lines may come while this waits.
                if not self._lines and (left := await self._write_beside()):
                    logger.warning("%s: what was kept beside the log stays there: %s", self._character, left)
        self._faults.over(_fault_id(self._character))

    async def _attempt(self, entry: LineToKeep) -> Stored:
        if entry.attempt is None:
            entry.attempt = self._owner.spawn(self._try(entry), name="store a line")
        ends: set[asyncio.Future[Any]] = {entry.attempt, self._given_up}
        await asyncio.wait(ends, timeout=self._store_timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not entry.attempt.done():
            raise memory_too_slow()
        attempt, entry.attempt = entry.attempt, None
        outcome = None if attempt.cancelled() else attempt.result()
        if isinstance(outcome, Stored):
            return outcome
        raise outcome or MemoryStoreError("the memory was closed", file="", reason="closed", why="cancelled")

    async def _try(self, entry: LineToKeep) -> Stored | NekoError:
        try:
            if entry.is_from_before and (known := await self._written(entry.line)):
                return Stored(known, fresh=False)
            return await self._memory.store(self._character, entry.line)
        except NekoError as error:
            return error

    async def _written(self, line: NewLine) -> Line | None:
        """A line that the log has taken after all, when the program was ending."""
        lines = await self._memory.lines(self._character, limit=MOST_UNKEPT, chat=InChats.ALL)
        same = (line.session_id, line.turn_id, line.role, line.text)
        return next((one for one in lines if (one.session_id, one.turn_id, one.role, one.text) == same), None)
