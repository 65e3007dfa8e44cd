"""Builds the bus to an agent, or a main, in another process, where ``NEKO_BUS=zmq`` asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neko.agent.approvals import Approvals
from neko.agent.messages import Snapshot, agent_status_update
from neko.agent.remote.address import Address, Channel
from neko.agent.remote_bus import RemoteBus
from neko.bus import Bus
from neko.bus_errors import RemoteBusError
from neko.faults import Fault, StandingFaults
from neko.settings.in_force import SettingsInForce
from neko.settings.registry import BUS, BUS_HOST, BUS_KEYS, BUS_PORTS, BUS_ROLE

FAULT = "remote_bus"


def remote_bus(
    environ: Mapping[str, str],
    bus: Bus,
    approvals: Approvals,
    standing: StandingFaults,
    *,
    snapshot: Callable[[], Snapshot],
) -> RemoteBus | None:
    """Not started yet; None when the agent is in this process. ``snapshot`` is the state of our agent."""
    in_force = SettingsInForce({}, environ)
    if in_force.get(BUS) != "zmq":
        return None
    address = Address(
        "agent" if in_force.get(BUS_ROLE) == "agent" else "main",
        in_force.get(BUS_HOST),
        {Channel(name): in_force.get(setting) for name, setting in BUS_PORTS.items()},
        in_force.get(BUS_KEYS),
    )

    def fault(error: RemoteBusError | None) -> None:
        if error is None:
            standing.over(FAULT)
        else:
            standing.stand(Fault(FAULT, error))

    def online(is_online: bool) -> None:
        """A main that has just come knows nothing of its agent yet."""
        if is_online and address.role == "agent":
            bus.agent.publish(agent_status_update(snapshot()))

    return RemoteBus(bus, approvals, address, on_fault=fault, on_online=online)
