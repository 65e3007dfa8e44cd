"""Builds the bus to an agent, or a main, in another process, where ``NEKO_BUS=zmq`` asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from neko import i18n
from neko.agent.approvals import Approvals
from neko.agent.commands import perform
from neko.agent.elsewhere import Elsewhere, without_files
from neko.agent.messages import task_result
from neko.agent.remote.address import Address, Channel
from neko.agent.remote_bus import RemoteBus
from neko.agent.service import Agent
from neko.bus import Bus, Message
from neko.bus_errors import RemoteBusError
from neko.errors import NekoError
from neko.faults import Fault, StandingFaults
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import BUS, BUS_HOST, BUS_KEYS, BUS_PORTS, BUS_ROLE
from neko.tool_errors import AgentError

logger = logging.getLogger(__name__)

FAULT = "remote_bus"


def remote_bus(
    environ: Mapping[str, str],
    bus: Bus,
    approvals: Approvals,
    standing: StandingFaults,
    agent: Agent,
    *,
    character: Callable[[], str],
    language: Callable[[], str],
) -> RemoteBus | None:
    """Not started yet; None when the agent is in this process. ``character``: whom a task is for that names none."""
    in_force = SettingsInForce({}, environ)
    if in_force.get(BUS) != "zmq":
        return None
    address = Address(
        "agent" if in_force.get(BUS_ROLE) == "agent" else "main",
        in_force.get(BUS_HOST),
        {Channel(name): in_force.get(setting) for name, setting in BUS_PORTS.items()},
        in_force.get(BUS_KEYS),
    )
    elsewhere = Elsewhere()
    if address.role == "main":
        agent.elsewhere = elsewhere

    def fault(error: RemoteBusError | None) -> None:
        if error is None:
            standing.over(FAULT)
        else:
            standing.stand(Fault(FAULT, error))

    def online(is_online: bool) -> None:
        """A main that has just come knows nothing of its agent yet; pages of one learn that its agent came or went."""
        elsewhere.came_or_went(is_online)
        if is_online or address.role == "main":
            agent.tell()

    def report(told: Message) -> Message:
        if told["event_type"] == "agent_status_update":
            is_new = not elsewhere.takes_commands
            elsewhere.stands(told)
            lost()
            if is_new:
                tell_privacy(remote, agent)
            return {**told, "snapshot": agent.snapshot(language())}
        told = {**told, "task": without_files(told["task"])}
        elsewhere.does(str(told.get("lanlan_name")), told["task"])
        return told

    def lost() -> None:
        if address.role == "main":
            tell_lost(bus, elsewhere, language())

    async def command(wanted: Message) -> None:
        name = wanted.get("lanlan_name")
        whose = name if isinstance(name, str) else character()
        try:
            await perform(agent, wanted, character=whose, language=language())
        except NekoError as error:
            logger.warning("what the main wanted was not done: %s", error)
            agent.tell()

    remote = RemoteBus(
        bus,
        approvals,
        address,
        on_fault=fault,
        on_online=online,
        on_report=report,
        on_command=command,
        on_lost=lost,
    )
    return remote


def tell_lost(bus: Bus, elsewhere: Elsewhere, language: str) -> None:
    """Tell of the tasks that went with the agent's process."""
    notice = i18n.describe(AgentError("lost", "the agent in the other process is gone"), language)
    error = f"{notice.whole} {notice.remedy}"
    for task in elsewhere.lost(error):
        whose, title = task["lanlan_name"], str((task.get("neko") or {}).get("title") or "")
        bus.agent.publish({"event_type": "task_update", "lanlan_name": whose, "task": task})
        words, channel = f"{title}: {error}" if title else error, task.get("type", "mcp")
        bus.agent.publish(task_result(whose, channel, success=False, summary=words, task_id=task["id"], error=error))


def tell_privacy(remote: RemoteBus | None, agent: Agent) -> None:
    """Have an agent of ours elsewhere keep to the privacy switch of this process, as it stands now."""
    if remote is not None and agent.elsewhere is not None and agent.elsewhere.takes_commands:
        remote.command({"command": "set_privacy", "on": agent.privacy.on_here}, surely=True)
