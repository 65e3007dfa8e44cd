"""Builds the agent: its switches, its hands, and what it works with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neko.agent.agent_file import AgentFile
from neko.agent.approvals import Approvals
from neko.agent.journal import Journal
from neko.agent.policies import Policies
from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.bus import Bus
from neko.types.hands import Hand


def build_agent(bus: Bus, approvals: Approvals, file: AgentFile, folder: Path, hands: Sequence[Hand]) -> Agent:
    """``folder`` is the user's. Without any cost until something is switched on."""
    policies = Policies(file)
    policies.load()
    return Agent(bus, approvals, Switches(), policies, {hand.name: hand for hand in hands}, Journal(folder / "agent"))
