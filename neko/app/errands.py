"""The agent as the conversation of one character sees it (``types.errands``)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from neko.agent import outside
from neko.agent.approvals import Approvals
from neko.agent.messages import AgentTask
from neko.agent.reminders import REMINDERS_FILE, Reminders
from neko.agent.remote_bus import RemoteBus
from neko.agent.service import CHANNELS, Agent
from neko.agent.tasks import Task, TaskState
from neko.agent.untold import UNTOLD_FILE, UntoldResults
from neko.bus import Bus
from neko.storage import OnFault
from neko.tool_errors import AgentError
from neko.types.agent import Decision
from neko.types.errands import ReminderAnswer, Underway

logger = logging.getLogger(__name__)

_STATES: Final[Mapping[object, Literal["queued", "running", "paused", "asking"]]] = {
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


class AgentRecords:
    """What the agent keeps of a character: tasks, audit trail, pictures, reminders, results to be told."""

    def __init__(self, agent: Agent, reminders: Reminders, results: UntoldResults) -> None:
        self._agent = agent
        self._reminders = reminders
        self._results = results

    async def rename(self, old: str, new: str) -> None:
        """All of it follows a character to her ``new`` name. What the disk refuses is told as a fault."""
        self._agent.tasks.rename(old, new)
        await self._reminders.rename(old, new)
        await self._results.rename(old, new)
        await _noted(self._agent.journal.rename(old, new))

    async def forget(self, character: str) -> None:
        """All of it is deleted, for good. What the disk refuses is told as a fault."""
        await self._agent.tasks.forget(character)
        await self._reminders.forget(character)
        await self._results.forget(character)
        await _noted(self._agent.journal.forget(character))


async def _noted(change: Awaitable[None]) -> None:
    try:
        await change
    except AgentError as error:  # the journal has told it
        logger.error("the journal could not be changed: %s", error)


class CharacterErrands:
    """See ``Errands``. ``remote``: the way to an agent in another process, if there is one."""

    def __init__(
        self,
        character: str,
        agent: Agent,
        approvals: Approvals,
        reminders: Reminders,
        results: UntoldResults,
        remote: Callable[[], RemoteBus | None],
    ) -> None:
        self._character = character
        self._agent = agent
        self._results = results
        self._remote = remote
        self._approvals = approvals
        self._reminders = reminders

    def underway(self) -> Sequence[Underway]:
        found = self._agent.tasks.listed(self._character, active=True)
        ours = [_underway(task) for task in found if task.source != "reminder"]
        ours += [_call_underway(call.task) for call in self._agent.calls.listed(self._character)]
        return (*ours, *self._underway_elsewhere()) if self._agent.elsewhere else tuple(ours)

    def _underway_elsewhere(self) -> list[Underway]:
        away = self._agent.elsewhere
        if away is None or not away.online:
            return []
        found = [task for task in away.tasks(self._character) if task.get("status") in ("queued", "running")]
        return [_told_of(task) for task in found]

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
        remote = self._remote()
        if remote and remote.role == "main" and remote.online:
            remote.command({"command": "stop_all", "lanlan_name": self._character})
        return await self._agent.stop_all(self._character)

    def drop(self) -> int:
        return self._agent.calls.stop_all(self._character)

    def decide(self, question_id: str, decision: Decision) -> bool:
        return self._approvals.answer(question_id, decision)

    def about_reminders(self, text: str) -> bool:
        return self._reminders.concern(self._character, text)

    async def remind(self, text: str, *, keep: bool) -> ReminderAnswer | None:
        answer = await self._reminders.obey(self._character, text, keep=keep)
        if answer is None and not self.begins_tasks() and self._reminders.seem_wanted(text):
            return ReminderAnswer("unclear")
        return answer

    def begins_tasks(self) -> bool:
        return self._agent.elsewhere is not None or any(self._agent.switches.allows(name) for name in CHANNELS)

    def outside(self, source: str, text: str, most_tokens: int) -> str:
        return outside.marked(source, text, most_tokens)


def _underway(task: Task) -> Underway:
    return Underway(task.title, _STATES.get(task.state, "running"), task.action)


def _call_underway(task: AgentTask) -> Underway:
    lasts = datetime.now(UTC) - datetime.fromisoformat(task["start_time"])
    return replace(_told_of(task), seconds=max(0.0, lasts.total_seconds()))


def _told_of(task: Mapping[str, Any]) -> Underway:
    """A task as another process tells of it; N.E.K.O. tells nothing of ours."""
    ours, params = task.get("neko"), task.get("params")
    ours, params = ours if isinstance(ours, Mapping) else {}, params if isinstance(params, Mapping) else {}
    title = ours.get("title") or params.get("instruction") or task.get("id")
    state = _STATES.get(ours.get("state", task.get("status")), "running")
    return Underway(str(title), state, str(ours.get("action") or ""))
