"""The agent's state, in the form a page expects; the same snapshots are pushed to it."""

from __future__ import annotations

from neko.agent.messages import Flags, Gate, Snapshot
from neko.web.endpoint import Call, get
from neko.web.schemas import Schema, Success


class AgentHealth(Schema):
    status: str


class AgentFlags(Success):
    agent_flags: Flags
    analyzer_enabled: bool
    agent_api_gate: Gate
    revision: int
    notification: str | None = None


class AgentState(Success):
    snapshot: Snapshot


@get("/api/agent/health", response=AgentHealth, status=502, summary="502: there is no agent to ask")
async def agent_health(call: Call) -> AgentHealth:
    return AgentHealth(status="down")


@get("/api/agent/flags", response=AgentFlags, summary="Which abilities of the agent are on")
async def agent_flags(call: Call) -> AgentFlags:
    snapshot = call.neko.agent.snapshot()
    return AgentFlags(
        agent_flags=snapshot["flags"],
        analyzer_enabled=snapshot["analyzer_enabled"],
        agent_api_gate=snapshot["gate"],
        revision=snapshot["revision"],
    )


@get("/api/agent/state", response=AgentState, summary="Everything about the agent")
async def agent_state(call: Call) -> AgentState:
    return AgentState(snapshot=call.neko.agent.snapshot())


ENDPOINTS = (agent_health, agent_flags, agent_state)
