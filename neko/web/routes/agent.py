"""The agent is not there yet; its calls say that everything is off, in the form a page expects."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from neko.web.endpoint import Call, get
from neko.web.schemas import Schema, Success

_REASON = "This Neko has no agent."


class AgentHealth(Schema):
    status: str


class Flags(Schema):
    mcp_enabled: bool = False
    computer_use_enabled: bool = False
    browser_use_enabled: bool = False
    user_plugin_enabled: bool = False


class Gate(Schema):
    ready: bool = False
    reasons: list[str] = Field(default_factory=lambda: [_REASON])


class Capability(Schema):
    ready: bool = False
    reason: str = _REASON


class AgentFlags(Success):
    agent_flags: Flags = Field(default_factory=Flags)
    analyzer_enabled: bool = False
    agent_api_gate: Gate = Field(default_factory=Gate)
    revision: int
    notification: str | None = None


class Capabilities(Schema):
    computer_use: Capability = Field(default_factory=Capability)
    mcp: Capability = Field(default_factory=Capability)
    browser_use: Capability = Field(default_factory=Capability)
    user_plugin: Capability = Field(default_factory=Capability)


class Snapshot(Schema):
    """A page drops a snapshot whose ``revision`` is not greater than the last one it saw."""

    revision: int
    server_online: bool = False
    analyzer_enabled: bool = False
    flags: Flags = Field(default_factory=Flags)
    gate: Gate = Field(default_factory=Gate)
    capabilities: Capabilities = Field(default_factory=Capabilities)
    active_tasks: list[dict[str, Any]] = Field(default_factory=list)
    updated_at: str


class AgentState(Success):
    snapshot: Snapshot


@get("/api/agent/health", response=AgentHealth, status=502, summary="502: there is no agent to ask")
async def agent_health(call: Call) -> AgentHealth:
    return AgentHealth(status="down")


@get("/api/agent/flags", response=AgentFlags, summary="Which abilities of the agent are on")
async def agent_flags(call: Call) -> AgentFlags:
    return AgentFlags(revision=_revision())


@get("/api/agent/state", response=AgentState, summary="Everything about the agent")
async def agent_state(call: Call) -> AgentState:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return AgentState(snapshot=Snapshot(revision=_revision(), updated_at=now))


def _revision() -> int:
    """Microseconds of the wall clock: it grows over restarts too, and a JavaScript number holds it."""
    return time.time_ns() // 1000


ENDPOINTS = (agent_health, agent_flags, agent_state)
