"""What the agent reports, in an order that makes sense: a task's end, then what came of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from neko.agent.messages import FINAL_STATUSES
from neko.bus import CAPACITY, Encoded, OrderedQueue, decode, encode

MAX_HELD: Final = 100
"""Results that wait for the end of their tasks."""


class TaskReports:
    """Publishes on an ordered queue; holds a ``task_result`` back until the final ``task_update`` of its task.

    A result waits at most ``result_timeout_s`` seconds, and at most ``MAX_HELD`` wait: a further one
    is published at once. ``close`` publishes what is held; call it before the bus is closed.
    """

    def __init__(self, queue: OrderedQueue, result_timeout_s: float = 1.0) -> None:
        self._queue = queue
        self._result_timeout_s = result_timeout_s
        self._unfinished: OrderedDict[str, None] = OrderedDict()
        self._held: dict[str, _HeldResults] = {}

    def publish(self, report: Mapping[str, Any]) -> bool:
        """As ``OrderedQueue.publish``; true as well for a result that waits for its task."""
        encoded = encode(report)
        task_id = str(report.get("task_id"))
        if report["event_type"] == "task_result" and task_id in self._unfinished and self._has_room():
            self._hold(task_id, encoded)
            return True
        published = self._queue.publish(report)
        if report["event_type"] == "task_update":
            self._follow(report.get("task"))
        return published

    def close(self) -> None:
        """Publish every result that is held."""
        for task_id in list(self._held):
            self._release(task_id)

    def _has_room(self) -> bool:
        return sum(len(held.results) for held in self._held.values()) < MAX_HELD

    def _follow(self, task: object) -> None:
        """Keep in mind which tasks are unfinished, the last 1000 of them."""
        if not isinstance(task, Mapping):
            return
        task_id = str(task.get("id"))
        if task.get("status") in FINAL_STATUSES:
            self._unfinished.pop(task_id, None)
            self._release(task_id)
        else:
            self._unfinished[task_id] = None
            if len(self._unfinished) > CAPACITY:
                self._unfinished.popitem(last=False)

    def _hold(self, task_id: str, encoded: Encoded) -> None:
        if task_id not in self._held:
            loop = asyncio.get_running_loop()
            self._held[task_id] = _HeldResults(loop.call_later(self._result_timeout_s, self._release, task_id))
        self._held[task_id].results.append(encoded)

    def _release(self, task_id: str) -> None:
        held = self._held.pop(task_id, None)
        if held is None:
            return
        held.timer.cancel()
        for encoded in held.results:
            self._queue.publish(decode(encoded))


@dataclass(frozen=True, slots=True)
class _HeldResults:
    """Results of one task, as they were published; ``timer`` releases them."""

    timer: asyncio.TimerHandle
    results: list[Encoded] = field(default_factory=list)
