"""The agent as a page of N.E.K.O. asks for it: its state, its switches, commands (``contract/rest.md`` §7)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from neko.agent.commands import Outcome, perform
from neko.agent.messages import Utterance, agent_task, analyze_request
from neko.agent.remote_bus import RemoteBus
from neko.agent.switches import FLAG_OF
from neko.tool_errors import AgentError
from neko.types.hands import HandName
from neko.web.endpoint import Call, get, post
from neko.web.errors import HTTPError
from neko.web.request_language import request_language
from neko.web.routes.agent_schemas import (
    AgentCommand,
    AgentFlags,
    AgentHealth,
    AgentState,
    Analyzed,
    AnalyzeRequested,
    Availability,
    CommandDone,
    Control,
    Controlled,
    FlagsSet,
    MainFlags,
    ServerHealth,
    Timing,
)

_COMMAND_FAILURES = {
    403: "The agent or the ability is off.",
    404: "There is no such character, or no such task.",
    409: "It cannot be done now: there is no model for it, or the task is not in that state.",
}


@get("/api/agent/health", response=AgentHealth, summary="Whether there is an agent")
async def agent_health(call: Call) -> AgentHealth:
    return AgentHealth(tool=health_of(call))


@get("/api/agent/flags", "/agent/flags", response=AgentFlags, summary="Which abilities of the agent are on")
async def agent_flags(call: Call) -> AgentFlags:
    language = request_language(call.request, call.neko)
    call.neko.agent.switches.look()
    snapshot = call.neko.agent.snapshot(language)
    return AgentFlags(
        agent_flags=snapshot["flags"],
        analyzer_enabled=snapshot["analyzer_enabled"],
        agent_api_gate=snapshot["gate"],
        revision=snapshot["revision"],
        notification=call.neko.agent.switches.notification(language),
    )


@post(
    "/api/agent/flags",
    body=MainFlags,
    response=FlagsSet,
    summary="Switch the agent and its abilities on and off",
    failures={404: "There is no such character.", 409: "The disk refuses."},
)
async def set_flags(call: Call[MainFlags]) -> FlagsSet:
    character_of(call, call.body.lanlan_name)
    wanted, switches = call.body.flags, call.neko.agent.switches
    if remote := elsewhere(call):
        if wanted.agent_enabled is not None:
            remote.command({"command": "set_agent_enabled", "enabled": wanted.agent_enabled})
        return await set_elsewhere(call, remote, wanted.flags())
    if wanted.agent_enabled is not None and wanted.agent_enabled is not switches.master:
        await switches.set_master(wanted.agent_enabled)
    refused = None
    if (flags := wanted.flags()) and wanted.agent_enabled is not False:
        refused = await switches.set_flags(flags, request_language(call.request, call.neko))
    return FlagsSet(agent_flags=switches.flags, notification=refused)


@get("/api/agent/state", "/agent/state", response=AgentState, summary="Everything about the agent")
async def agent_state(call: Call) -> AgentState:
    call.neko.agent.switches.look()
    return AgentState(snapshot=call.neko.agent.snapshot(request_language(call.request, call.neko)))


@post(
    "/api/agent/command",
    "/agent/command",
    body=AgentCommand,
    response=CommandDone,
    invalid_status=400,
    summary="Switch something, or begin, pause, go on with, end or retry a task",
    failures=_COMMAND_FAILURES,
)
async def agent_command(call: Call[AgentCommand]) -> CommandDone:
    began, command = time.perf_counter(), call.body.root
    language, agent = request_language(call.request, call.neko), call.neko.agent
    character = character_of(call, command.lanlan_name)
    wanted = {**command.model_dump(), "lanlan_name": command.lanlan_name}
    task_id = str(wanted.get("task_id"))
    is_known = agent.tasks.get(task_id) is not None or agent.calls.get(task_id) is not None
    is_ours = is_known or wanted["command"] == "refresh_state"
    outcome = Outcome()
    if command.command == "stop_all":
        call.neko.conversations.stop_everything(command.lanlan_name or None)
    if not is_ours and (remote := elsewhere(call)):
        remote.command(wanted)
        await answered(call)
    else:
        outcome = await perform(agent, wanted, character=character, language=language)
    return CommandDone(
        request_id=command.request_id,
        timing=_timing(time.perf_counter() - began, outcome),
        snapshot=agent.snapshot(language),
        notification=outcome.refused,
        task=agent_task(outcome.task) if outcome.task else None,
        ended=outcome.ended,
    )


@post(
    "/api/agent/admin/control",
    "/agent/admin/control",
    body=Control,
    response=Controlled,
    invalid_status=400,
    summary="Switch the agent on or off without its abilities, or end all tasks",
    failures={409: "The agent is in another process, and away or none of ours."},
)
async def control(call: Call[Control]) -> Controlled:
    agent, action = call.neko.agent, call.body.action
    if remote := elsewhere(call):
        under_way = len(agent.snapshot()["active_tasks"]) if action != "enable_analyzer" else 0
        remote.command({"command": "control", "action": action})
        await answered(call)
        return Controlled(ended=under_way, analyzer_enabled=agent.snapshot()["analyzer_enabled"])
    wanted, language = {"command": "control", "action": action}, request_language(call.request, call.neko)
    outcome = await perform(agent, wanted, character=call.neko.characters.current, language=language)
    return Controlled(ended=outcome.ended or 0, analyzer_enabled=agent.switches.master)


@post(
    "/api/agent/internal/analyze_request",
    body=AnalyzeRequested,
    response=Analyzed,
    summary="Look through something that was said for what there is to do",
    failures={404: "There is no such character."},
)
async def request_analysis(call: Call[AnalyzeRequested]) -> Analyzed:
    body, bus = call.body, call.neko.bus
    character = character_of(call, body.lanlan_name)
    said = [Utterance(role=one.role, content=one.content or one.text) for one in body.messages]
    request = analyze_request(character, said, trigger=body.trigger, turn_id=f"posted-{uuid4().hex}")
    bus.session.publish({name: value for name, value in request.items() if name != "event_id"})
    return Analyzed(success=await bus.analyze.request(request))


@get(
    "/api/agent/computer_use/availability",
    "/agent/computer_use/availability",
    response=Availability,
    summary="Whether she could use this computer",
)
async def computer_availability(call: Call) -> Availability:
    return availability(call, "computer_use", "openai")


@get(
    "/api/agent/browser_use/availability",
    "/agent/browser_use/availability",
    response=Availability,
    summary="Whether she could use a browser",
)
async def browser_availability(call: Call) -> Availability:
    return availability(call, "browser_use", "browser-use")


@get(
    "/api/agent/user_plugin/availability",
    "/agent/user_plugin/availability",
    response=Availability,
    summary="Whether she could use any plug-in",
)
async def plugin_availability(call: Call) -> Availability:
    return availability(call, "user_plugin", "")


# ── for the other routes of the agent ───────────────────────────────────────────


def character_of(call: Call[Any, Any, Any], name: str | None) -> str:
    """The character that a call is about, the current one when it names none."""
    if name is not None and name not in call.neko.characters.cards.names:
        raise HTTPError(404, "character", "There is no character of this name.", name=name)
    return name or call.neko.characters.current


def health_of(call: Call[Any, Any, Any]) -> ServerHealth:
    return ServerHealth(instance_id=call.neko.instance_id, agent_flags=call.neko.agent.switches.flags)


def availability(call: Call[Any, Any, Any], hand: HandName, provider: str) -> Availability:
    """What is known now; it is looked after in the background."""
    language, switches = request_language(call.request, call.neko), call.neko.agent.switches
    switches.look(hand)
    gate, known = switches.gate(language), switches.readiness(hand, language)
    endpoint = call.neko.models.endpoint("agent")
    return Availability(
        enabled=switches.allows(hand),
        ready=gate["ready"] and known.ready,
        reasons=[*gate["reasons"], *([known.reason] if not known.ready else [])],
        provider=provider,
        model=endpoint.model if endpoint else "",
    )


def require(call: Call[Any, Any, Any], hand: HandName) -> None:
    """Raises the ``AgentError`` that says why this ability cannot be used: it is off, or has no model."""
    stands = call.neko.agent.snapshot()
    if not stands["analyzer_enabled"]:
        raise AgentError("off", "the agent is off")
    if dict(stands["flags"])[FLAG_OF[hand]] is not True:
        raise AgentError("hand_off", f"{hand} is off")


def elsewhere(call: Call[Any, Any, Any]) -> RemoteBus | None:
    """The way to the agent, if it is in another process; raises ``AgentError`` when that one takes no commands."""
    remote, known = call.neko.remote, call.neko.agent.elsewhere
    if remote is None or known is None:
        return None
    if not known.online:
        raise AgentError("away", "the agent is in another process, which is not there")
    if not known.takes_commands:
        raise AgentError("no_commands", "the agent is not one of ours")
    return remote


async def set_elsewhere(call: Call[Any, Any, Any], remote: RemoteBus, flags: Mapping[str, bool]) -> FlagsSet:
    """Have an agent in another process switch its abilities."""
    for key, value in flags.items():
        remote.command({"command": "set_flag", "key": key, "value": value})
    await answered(call)
    return FlagsSet(agent_flags=call.neko.agent.snapshot()["flags"])


async def answered(call: Call[Any, Any, Any]) -> None:
    """What the agent elsewhere makes of a command is known, or will be told later."""
    if known := call.neko.agent.elsewhere:
        await known.answer()


def _timing(seconds: float, outcome: Outcome) -> Timing:
    total, flags = round(seconds * 1000, 2), outcome.flags_s
    return Timing(
        agent_total_ms=total, set_flags_ms=None if flags is None else round(flags * 1000, 2), main_total_ms=total
    )


ENDPOINTS = (
    agent_health,
    agent_flags,
    set_flags,
    agent_state,
    agent_command,
    control,
    request_analysis,
    computer_availability,
    browser_availability,
    plugin_availability,
)
