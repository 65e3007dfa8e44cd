"""Lines that could not be written to the log: kept in mind, and written in order once the memory works again."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from neko.errors import MemoryStoreError, NekoError
from neko.faults import Fault, StandingFaults
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Stored
from neko.types.memory import ConversationMemory

logger = logging.getLogger(__name__)

MOST_UNKEPT = 1_000
"""Lines. What comes beyond is lost, and refused if it is the user's."""
_TIMEOUT = "timeout"
RETRY_PAUSE_S = 5.0
"""Seconds between two attempts while nothing is said; what is said is a reason to try at once."""


def memory_failed(faults: StandingFaults, character: str, error: NekoError) -> None:
    """The memory of a character could not be used: one standing fault, which says why as well as is known."""
    known = faults.get(_fault_id(character))
    if known is None or error.params.get("why") != _TIMEOUT:
        faults.stand(Fault(_fault_id(character), error, character))


def memory_too_slow() -> NekoError:
    """The memory did not answer in time."""
    return MemoryStoreError("the log did not answer in time", file="", reason="other", why=_TIMEOUT)


def _fault_id(character: str) -> str:
    return f"memory:{character}"


@dataclass(slots=True)
class LineToKeep:
    """A line on its way to the log. ``attempt``: one that was given up waiting for, and may still succeed."""

    line: NewLine
    attempt: asyncio.Task[Stored | NekoError] | None = None


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
        self._keeping: asyncio.Task[None] | None = None

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
        self._hope.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = self._owner.spawn(self._keep(), name="keep lines")
        return None

    async def drain(self, timeout_s: float) -> None:
        """A last attempt: returns when all is kept, or the time is up."""
        self._hope.set()
        if self._keeping and not self._keeping.done():
            await asyncio.wait({self._keeping}, timeout=timeout_s)
        if self._lines:
            logger.error("%s: %d lines still wait to be kept", self._character, len(self._lines))

    async def _keep(self) -> None:
        while self._lines:
            self._hope.clear()
            entry = self._lines[0]
            try:
                stored = await self._attempt(entry)
            except NekoError as error:
                self.failed(error)
                try:
                    async with asyncio.timeout(RETRY_PAUSE_S):
                        await self._hope.wait()
                except TimeoutError:
                    pass
            else:
                self._lines.popleft()
                self._on_kept(entry.line, stored)
        self._faults.over(_fault_id(self._character))

    async def _attempt(self, entry: LineToKeep) -> Stored:
        if entry.attempt is None:
            entry.attempt = self._owner.spawn(self._try(entry.line), name="store a line")
        await asyncio.wait({entry.attempt}, timeout=self._store_timeout_s)
        if not entry.attempt.done():
            raise memory_too_slow()
        attempt, entry.attempt = entry.attempt, None
        outcome = None if attempt.cancelled() else attempt.result()
        if isinstance(outcome, Stored):
            return outcome
        raise outcome or MemoryStoreError("the memory was closed", file="", reason="closed", why="cancelled")

    async def _try(self, line: NewLine) -> Stored | NekoError:
        try:
            return await self._memory.store(self._character, line)
        except NekoError as error:
            return error
