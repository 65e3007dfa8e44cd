"""What the user wants of the agent, in the words of ``/api/agent/command``; also from a main in another process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from neko.agent.service import Agent
from neko.agent.switches import HAND_OF
from neko.agent.tasks import Task
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
    if name == "stop_all":
        whose = command.get("lanlan_name")
        return Outcome(ended=await agent.tasks.stop_all(str(whose) if whose else None))
    if name == "start":
        words, hand = str(command.get("instruction") or ""), command.get("hand")
        return Outcome(task=await agent.tasks.start(character, words, hand=hand, source="page", language=language))
    if name == "retry":
        await agent.loaded()
        return Outcome(task=await agent.tasks.retry(str(command.get("task_id"))))
    if name in _TASK_COMMANDS:
        return Outcome(task=_commanded(agent, str(name), str(command.get("task_id"))))
    raise AgentError("unknown_command", "no such command")


def _commanded(agent: Agent, name: str, task_id: str) -> Task:
    if agent.tasks.get(task_id) is None:
        raise AgentError("unknown_task", "no such task")
    if not getattr(agent.tasks, name)(task_id):
        raise AgentError("not_now", f"{name} has no effect on it")
    task = agent.tasks.get(task_id)
    assert task is not None
    return task
