"""The calls of tools that a character's model makes in its reply, while they run: no tasks, but shown among them, and
ended by the same command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from neko.agent.messages import AgentTask
from neko.late_dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class RunningCall:
    """``task``: as pages are told of it; whoever makes the call changes it meanwhile."""

    character: str
    task: AgentTask
    end: asyncio.Timeout


class RunningCalls:
    """One for all characters."""

    def __init__(self) -> None:
        self._running: dict[str, RunningCall] = {}

    @asynccontextmanager
    async def during(self, character: str, task: AgentTask) -> AsyncIterator[None]:
        """While a call is made. Raises ``TimeoutError``, with what is within cancelled, when the user ends it."""
        async with asyncio.timeout(None) as end:
            self._running[task["id"]] = RunningCall(character, task, end)
            try:
                yield
            finally:
                self._running.pop(task["id"], None)

    def get(self, task_id: str) -> RunningCall | None:
        return self._running.get(task_id)

    def listed(self, character: str | None = None) -> list[RunningCall]:
        """The newest first."""
        return [one for one in reversed(self._running.values()) if character in (None, one.character)]

    def cancel(self, task_id: str) -> bool:
        """End one now; false when there is none of this id."""
        one = self._running.pop(task_id, None)
        if one is not None:
            one.end.reschedule(asyncio.get_running_loop().time())
        return one is not None

    def stop_all(self, character: str | None = None) -> int:
        """End all, or all of one character; how many there were."""
        return sum(self.cancel(one.task["id"]) for one in self.listed(character))
