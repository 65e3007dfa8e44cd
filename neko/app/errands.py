"""The agent as the conversation of one character sees it (``types.errands``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from neko.agent import outside
from neko.agent.approvals import Approvals
from neko.agent.reminders import REMINDERS_FILE, Reminders
from neko.agent.service import Agent
from neko.agent.task_list import Tasks
from neko.agent.tasks import Task, TaskState
from neko.agent.untold import UNTOLD_FILE, UntoldResults
from neko.bus import Bus
from neko.storage import OnFault
from neko.types.agent import Decision
from neko.types.errands import ReminderAnswer, Underway

_STATES: Final[Mapping[TaskState, Literal["queued", "paused", "asking"]]] = {
    TaskState.QUEUED: "queued",
    TaskState.PAUSED: "paused",
    TaskState.ASKING: "asking",
}


def waiting_errands(agent: Agent, bus: Bus, on_fault: OnFault) -> tuple[Reminders, UntoldResults]:
    """What waits to be told, in files beside the agent's."""
    folder = agent.journal.folder
    reminders = Reminders(folder / REMINDERS_FILE, bus.agent.publish, on_fault=on_fault)
    agent.tasks.others = reminders
    return reminders, UntoldResults(folder / UNTOLD_FILE, on_fault)


class CharacterErrands:
    """See ``Errands``."""

    def __init__(
        self, character: str, tasks: Tasks, approvals: Approvals, reminders: Reminders, results: UntoldResults
    ) -> None:
        self._character = character
        self._results = results
        self._tasks = tasks
        self._approvals = approvals
        self._reminders = reminders

    def underway(self) -> Sequence[Underway]:
        found = self._tasks.listed(self._character, active=True)
        return tuple(_underway(task) for task in found if task.source != "reminder")

    async def untold(self) -> Sequence[Mapping[str, Any]]:
        return [*self._reminders.untold(self._character), *await self._results.of(self._character)]

    def keep_untold(self, message: Mapping[str, Any]) -> None:
        ours = message.get("neko")
        if not (isinstance(ours, Mapping) and ours.get("kind") == "reminder"):  # which have a file of their own
            self._results.keep(message)

    def told(self, task_ids: Sequence[str]) -> None:
        self._reminders.told(tuple(task_ids))
        self._results.told(task_ids)

    async def stop(self) -> int:
        return await self._tasks.stop_all(self._character)

    def decide(self, question_id: str, decision: Decision) -> bool:
        return self._approvals.answer(question_id, decision)

    def about_reminders(self, text: str) -> bool:
        return self._reminders.concern(self._character, text)

    async def remind(self, text: str, *, keep: bool) -> ReminderAnswer | None:
        return await self._reminders.obey(self._character, text, keep=keep)

    def outside(self, source: str, text: str, most_tokens: int) -> str:
        return outside.marked(source, text, most_tokens)


def _underway(task: Task) -> Underway:
    return Underway(task.title, _STATES.get(task.state, "running"), task.action)
