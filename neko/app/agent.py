"""Builds the agent: its switches, its hands, and what it works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from neko.agent.agent_file import AgentFile
from neko.agent.approvals import Approvals
from neko.agent.gate import closed_by
from neko.agent.journal import Journal
from neko.agent.mcp.hand import McpHand
from neko.agent.mcp.servers import McpServers
from neko.agent.own_keys import OwnKeys
from neko.agent.plugins.plugins import Plugins
from neko.agent.policies import Policies
from neko.agent.privacy import AgentPrivacy
from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.bus import Bus
from neko.errors import NekoError
from neko.faults import Fault, StandingFaults
from neko.providers.resolution import ModelEndpoint
from neko.types.hands import Hand

JOURNAL_FAULT: Final = "agent_journal"


def build_agent(
    bus: Bus,
    approvals: Approvals,
    file: AgentFile,
    folder: Path,
    hands: Sequence[Hand],
    *,
    endpoint: Callable[[], ModelEndpoint | None],
    language: Callable[[], str],
    faults: StandingFaults,
    own_keys: Callable[[], Iterable[str]],
    privacy: AgentPrivacy,
) -> Agent:
    """``folder`` is the user's, ``endpoint`` where the agent's model is; ``own_keys`` are hidden from every model.
    Without any cost until something is switched on. That tasks cannot be written down stands among the ``faults`` until
    they can."""

    def on_fault(error: NekoError | None) -> None:
        if error is None:
            faults.over(JOURNAL_FAULT)
        else:
            faults.stand(Fault(JOURNAL_FAULT, error))

    policies = Policies(file, {hand.name: hand for hand in hands if isinstance(hand, McpHand)})
    policies.load()
    by_name = {hand.name: hand for hand in hands}
    switches = Switches(file, lambda: closed_by(endpoint()))
    journal = Journal(folder / "agent", on_fault)
    keys = OwnKeys(own_keys)
    return Agent(
        bus, approvals, switches, policies, by_name, journal, language=language, own_keys=keys, privacy=privacy
    )


def follow(switches: Switches, mcp: McpServers, plugins: Plugins) -> None:
    """Tool servers and plug-ins run while the user has them switched on, from now on."""
    tell = switches.on_change

    def changed() -> None:
        tell()
        mcp.use(switches.allows("mcp"))
        plugins.switch(switches.allows("user_plugin"))

    switches.on_change = changed
    mcp.on = switches.allows("mcp")
    mcp.start()
    plugins.switch(switches.allows("user_plugin"))
