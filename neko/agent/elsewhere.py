"""The agent in another process, as this one knows it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

from neko.agent.messages import FINAL_STATUSES, Snapshot, timestamp
from neko.bus import Message

ANSWER_S: Final = 1.5
MOST_KEPT: Final = 200
"""Tasks of that one that are listed here."""


class Elsewhere:
    """``online``: it is there. ``takes_commands``: it is one of ours; N.E.K.O. takes them at an address of its own."""

    def __init__(self) -> None:
        self.online = False
        self.takes_commands = False
        self._status: Message | None = None
        self._tasks: OrderedDict[str, Message] = OrderedDict()
        self._told = asyncio.Event()
        self._is_back = False

    def came_or_went(self, online: bool) -> None:
        """What it said before counts no more."""
        self.online, self.takes_commands, self._status = online, False, None
        self._is_back = online

    def stands(self, report: Mapping[str, Any]) -> None:
        """How it says that it stands (``agent_status_update``)."""
        status = report["snapshot"]
        tasks = status.get("active_tasks")
        shown = [without_files(task) for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
        self._status = {**status, "active_tasks": shown}
        self.takes_commands = report.get("neko_commands") is True
        self._told.set()

    def does(self, character: str, task: Mapping[str, Any]) -> None:
        """A task of its (``task_update``)."""
        task_id = str(task.get("id"))
        self._tasks[task_id] = {**task, "lanlan_name": character}
        self._tasks.move_to_end(task_id)
        if len(self._tasks) > MOST_KEPT:
            self._tasks.popitem(last=False)
        self._told.set()

    def lost(self, error: str) -> list[Message]:
        """The tasks that nobody does any more, ended by this ``error`` (a sentence for the user): all that are not
        over while it is gone; when it is back, those that its first word of how it stands does not name."""
        if self.online and not (self._is_back and self._status):
            return []
        listed = self._status["active_tasks"] if self.online and self._status else []
        self._is_back = False
        known = {str(task.get("id")) for task in listed}
        gone = [
            task_id
            for task_id, task in self._tasks.items()
            if task.get("status") not in FINAL_STATUSES and task_id not in known
        ]
        for task_id in gone:
            task = {**self._tasks[task_id], "id": task_id, "status": "failed", "end_time": timestamp(), "error": error}
            if isinstance(ours := task.get("neko"), dict):
                task["neko"] = {**ours, "state": "interrupted", "waits_for": "", "action": "", "commands": ["retry"]}
            self._tasks[task_id] = task
        return [self._tasks[task_id] for task_id in gone]

    async def answer(self) -> None:
        """Until it tells anything after a command, or ``ANSWER_S`` seconds."""
        self._told.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._told.wait()

    async def told_of(
        self, task_id: str, timeout_s: float, fits: Callable[[Message], bool] = lambda task: True
    ) -> Message | None:
        """This task as it is told of, once it ``fits``; the last that is known of it when the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while (task := self._tasks.get(task_id)) is None or not fits(task):
                    self._told.clear()
                    await self._told.wait()
        return self._tasks.get(task_id)

    def tasks(self, character: str | None = None) -> list[Message]:
        """Those that it told of, the newest first."""
        return [task for task in reversed(self._tasks.values()) if character in (None, task["lanlan_name"])]

    def over(self, ours: Snapshot) -> Snapshot:
        """Our snapshot with its switches and abilities in the place of ours, and its tasks beside ours."""
        snapshot: Message = {**ours, "server_online": self.online}
        if self.online and self._status:
            for name in ("analyzer_enabled", "flags", "gate", "capabilities"):
                theirs = self._status.get(name)
                snapshot[name] = theirs if isinstance(theirs, type(snapshot[name])) else snapshot[name]
            snapshot["active_tasks"] = [*ours["active_tasks"], *self._status["active_tasks"]]
        return cast(Snapshot, snapshot)


def without_files(task: Mapping[str, Any]) -> Message:
    """A task as it can be shown here: its pictures and files are in the other process."""
    ours = task.get("neko")
    return {**task, "neko": {**ours, "thumbnail": "", "files": []}} if isinstance(ours, dict) else dict(task)
