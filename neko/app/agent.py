"""Builds the agent: its switches, its hands, and what it works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from neko.agent.agent_file import AgentFile
from neko.agent.approvals import Approvals
from neko.agent.gate import closed_by
from neko.agent.journal import Journal
from neko.agent.mcp.hand import McpHand
from neko.agent.policies import Policies
from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.bus import Bus
from neko.providers.resolution import ModelEndpoint
from neko.types.hands import Hand


def build_agent(
    bus: Bus,
    approvals: Approvals,
    file: AgentFile,
    folder: Path,
    hands: Sequence[Hand],
    *,
    endpoint: Callable[[], ModelEndpoint | None],
    language: Callable[[], str],
) -> Agent:
    """``folder`` is the user's, ``endpoint`` where the agent's model is. Without any cost until something is switched
    on."""
    policies = Policies(file, {hand.name: hand for hand in hands if isinstance(hand, McpHand)})
    policies.load()
    by_name = {hand.name: hand for hand in hands}
    switches = Switches(file, lambda: closed_by(endpoint()))
    return Agent(bus, approvals, switches, policies, by_name, Journal(folder / "agent"), language=language)
