"""What the user wants of the agent, in the words of ``/api/agent/command``; also from a main in another process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from neko.agent.service import Agent
from neko.agent.switches import HAND_OF
from neko.agent.tasks import Source, Task
from neko.tool_errors import AgentError

_TASK_COMMANDS: Final = ("pause", "resume", "cancel")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``refused``: why a switch stayed off. ``flags_s``: seconds that switching took. ``ended``: how many tasks."""

    task: Task | None = None
    refused: str | None = None
    flags_s: float | None = None
    ended: int | None = None


async def perform(agent: Agent, command: Mapping[str, Any], *, character: str, language: str) -> Outcome:
    """Do what is wanted; raises ``NekoError``. ``character``: whom a new task is for."""
    name = command.get("command")
    if name == "set_agent_enabled":
        await agent.switches.set_master(command.get("enabled") is True)
        return Outcome()
    if name == "set_flag" and command.get("key") in HAND_OF:
        began = time.perf_counter()
        refused = await agent.switches.set_flags({str(command["key"]): command.get("value") is True}, language)
        return Outcome(refused=refused, flags_s=time.perf_counter() - began)
    if name == "refresh_state":
        return Outcome()
    if name == "set_privacy":
        agent.privacy.told(command.get("on") is True)
        return Outcome()
    if name == "stop_all":
        whose = command.get("lanlan_name")
        return Outcome(ended=await agent.stop_all(str(whose) if whose else None))
    if name == "control":
        return await _controlled(agent, str(command.get("action")))
    if name == "start":
        return Outcome(task=await _begun(agent, command, character, language))
    if name == "retry":
        await agent.loaded()
        return Outcome(task=await agent.tasks.retry(str(command.get("task_id"))))
    if name == "cancel" and agent.calls.cancel(str(command.get("task_id"))):
        return Outcome()
    if name in _TASK_COMMANDS:
        return Outcome(task=_commanded(agent, str(name), str(command.get("task_id"))))
    raise AgentError("unknown_command", "no such command")


async def _controlled(agent: Agent, action: str) -> Outcome:
    """One of the three actions of ``contract/agent.md`` §6; which abilities are on stays as it is."""
    if action not in ("end_all", "enable_analyzer", "disable_analyzer"):
        raise AgentError("unknown_command", "no such action")
    ended = 0 if action == "enable_analyzer" else await agent.stop_all()
    if action != "end_all":
        await agent.switches.set_master(action == "enable_analyzer", keep_flags=True)
    return Outcome(ended=ended)


async def _begun(agent: Agent, command: Mapping[str, Any], character: str, language: str) -> Task:
    """A main names the task itself, so that it knows it again in what it is told."""
    words, hand = str(command.get("instruction") or ""), command.get("hand")
    source: Source = "api" if command.get("source") == "api" else "page"
    try:
        task_id = str(UUID(str(command["task_id"]))) if command.get("task_id") else ""
    except ValueError:
        raise AgentError("unknown_task", "no id of a task") from None
    return await agent.tasks.start(character, words, hand=hand, source=source, language=language, task_id=task_id)


def _commanded(agent: Agent, name: str, task_id: str) -> Task:
    if agent.tasks.get(task_id) is None:
        raise AgentError("unknown_task", "no such task")
    if not getattr(agent.tasks, name)(task_id):
        raise AgentError("not_now", f"{name} has no effect on it")
    task = agent.tasks.get(task_id)
    assert task is not None
    return task
