"""The calls of tools that a character's model makes in its reply, while they run: no tasks, but shown among them, and
ended by the same command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from neko.agent.messages import AgentTask


class Shown(Enum):
    """What the user sees of a call."""

    QUESTION = "question"
    """Whether it may be made, if anything."""
    CARD = "card"


@dataclass(slots=True, eq=False)
class RunningCall:
    """``task``: as pages are told of it; whoever makes the call changes it meanwhile."""

    character: str
    task: AgentTask
    end: asyncio.Timeout
    shown: Shown = Shown.QUESTION


class RunningCalls:
    """One for all characters."""

    def __init__(self) -> None:
        self._running: dict[str, RunningCall] = {}

    @asynccontextmanager
    async def during(self, character: str, task: AgentTask) -> AsyncIterator[None]:
        """While a call is asked for and made. Raises ``TimeoutError``, with what is within cancelled, when the user
        ends it."""
        async with asyncio.timeout(None) as end:
            self._running[task["id"]] = RunningCall(character, task, end)
            try:
                yield
            finally:
                self._running.pop(task["id"], None)

    def show(self, task_id: str) -> None:
        """There is a card for it from now on."""
        if one := self._running.get(task_id):
            one.shown = Shown.CARD

    def get(self, task_id: str) -> RunningCall | None:
        """One that has a card."""
        one = self._running.get(task_id)
        return one if one and one.shown is Shown.CARD else None

    def listed(self, character: str | None = None) -> list[RunningCall]:
        """Those that have a card, the newest first."""
        return [one for one in self._of(character) if one.shown is Shown.CARD]

    def _of(self, character: str | None) -> list[RunningCall]:
        return [one for one in reversed(self._running.values()) if character in (None, one.character)]

    def cancel(self, task_id: str) -> bool:
        """End one now; false when there is none of this id."""
        one = self._running.pop(task_id, None)
        if one is not None:
            one.end.reschedule(asyncio.get_running_loop().time())
        return one is not None

    def stop_all(self, character: str | None = None) -> int:
        """End all, or all of one character; how many there were."""
        return sum(self.cancel(one.task["id"]) for one in self._of(character))
