"""Builds the agent: its switches, its hands, and what it works with."""

from __future__ import annotations

from neko.agent.service import Agent
from neko.agent.switches import Switches
from neko.bus import Bus


def build_agent(bus: Bus) -> Agent:
    """Without any cost until something is switched on."""
    return Agent(bus, Switches(), {})
