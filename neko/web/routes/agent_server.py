"""What N.E.K.O.'s agent server answers on a port of its own, under ``/agent/`` (``contract/agent.md`` §9)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from starlette.responses import Response

from neko.agent.deduper import KnownTask, same_words
from neko.agent.elsewhere import ANSWER_S
from neko.agent.messages import FINAL_STATUSES, agent_task
from neko.agent.remote_bus import RemoteBus
from neko.agent.tasks import StepState, Task, TaskState
from neko.i18n import notice
from neko.tool_errors import AgentError
from neko.types.hands import HandName
from neko.web.endpoint import Call, get, post
from neko.web.errors import json_response
from neko.web.request_language import request_language
from neko.web.routes.agent import character_of, elsewhere, health_of, require, set_elsewhere
from neko.web.routes.agent_schemas import (
    BrowserRun,
    ComputerRun,
    Duplicate,
    FlagsSet,
    McpCapabilities,
    McpCapability,
    PluginRun,
    RunBegun,
    RunDone,
    RunResult,
    ServerFlags,
    ServerHealth,
)

BROWSER_S: Final = 300.0
"""Seconds that who asked for a run in a browser waits; it is ended then."""
_FAILURES: Final = {
    403: "The agent or the ability is off.",
    404: "There is no such character.",
    409: "It cannot be used now, or the same is being done already.",
}


@get("/agent/health", response=ServerHealth, summary="The agent's own word that it is there")
async def server_health(call: Call) -> ServerHealth:
    return health_of(call)


@post("/agent/flags", body=ServerFlags, response=FlagsSet, summary="Switch abilities on and off", failures=_FAILURES)
async def set_server_flags(call: Call[ServerFlags]) -> FlagsSet:
    if remote := elsewhere(call):
        return await set_elsewhere(call, remote, call.body.flags())
    switches = call.neko.agent.switches
    refused = await switches.set_flags(call.body.flags(), request_language(call.request, call.neko))
    return FlagsSet(agent_flags=switches.flags, notification=refused)


@get("/agent/capabilities", response=McpCapabilities, summary="The tools of the MCP servers")
async def capabilities(call: Call) -> McpCapabilities:
    return McpCapabilities(
        capabilities={
            f"{server.config.name}.{tool.name}": McpCapability(
                title=tool.title, description=tool.description, input_schema=dict(tool.parameters)
            )
            for server, tool in call.neko.mcp.tools()
        }
    )


@post(
    "/agent/computer_use/run",
    body=ComputerRun,
    response=RunBegun,
    invalid_status=400,
    summary="Begin a task on this computer",
    failures=_FAILURES,
)
async def run_on_computer(call: Call[ComputerRun]) -> RunBegun | Response:
    character = character_of(call, call.body.lanlan_name)
    require(call, "computer_use")
    return await _begun(call, character, "computer_use", call.body.instruction)


@post(
    "/agent/browser_use/run",
    body=BrowserRun,
    response=RunDone,
    invalid_status=400,
    summary="Do a task in a browser, and wait for its end",
    failures=_FAILURES,
)
async def run_in_browser(call: Call[BrowserRun]) -> RunDone | Response:
    character = character_of(call, call.body.lanlan_name)
    require(call, "browser_use")
    if duplicate := await _duplicate(call, character, "browser_use", call.body.instruction):
        return duplicate
    if remote := elsewhere(call):
        return await _done_elsewhere(call, remote, character, call.body.instruction)
    tasks = call.neko.agent.tasks
    task = await _start(call, character, "browser_use", call.body.instruction)
    try:
        async with asyncio.timeout(BROWSER_S):
            await tasks.wait(task.id)
    except TimeoutError:
        tasks.cancel(task.id)
    done = tasks.get(task.id) or task
    result = RunResult(
        success=done.state is TaskState.COMPLETED,
        result=done.result,
        error=done.error,
        done=done.is_over,
        steps=sum(step.state is StepState.DONE for step in done.steps),
    )
    return RunDone(task_id=task.id, result=result)


@post(
    "/agent/plugin/execute",
    body=PluginRun,
    response=RunBegun,
    invalid_status=400,
    summary="Begin a task with a plug-in",
    failures=_FAILURES,
)
async def execute_plugin(call: Call[PluginRun]) -> RunBegun | Response:
    character = character_of(call, call.body.lanlan_name)
    require(call, "user_plugin")
    entry = f"the entry {call.body.entry_id} of the plug-in" if call.body.entry_id else "the plug-in"
    words = f"Use {entry} {call.body.plugin_id} with {json.dumps(call.body.args, ensure_ascii=False)}."
    return await _begun(call, character, "user_plugin", words)


async def _start(call: Call[Any, Any, Any], character: str, hand: HandName, words: str) -> Task:
    language = request_language(call.request, call.neko)
    return await call.neko.agent.tasks.start(character, words, hand=hand, source="api", language=language)


async def _duplicate(call: Call[Any, Any, Any], character: str, hand: HandName, words: str) -> Response | None:
    """409 when the same is being done for this character already."""
    agent, language = call.neko.agent, request_language(call.request, call.neko)
    if agent.elsewhere is None:
        same = await agent.doing(character, words, hand, language)
    else:
        same = same_words(words, [_known(task) for task in agent.elsewhere.tasks(character) if not _is_over(task)])
    if same is None:
        return None
    found = notice("agent_duplicate", language, {"title": same.title})
    answer = Duplicate(error=found.text, code=found.code, remedy=found.remedy, matched_id=same.id)
    return json_response(answer, 409)


async def _begun(call: Call[Any, Any, Any], character: str, hand: HandName, words: str) -> RunBegun | Response:
    if duplicate := await _duplicate(call, character, hand, words):
        return duplicate
    if remote := elsewhere(call):
        told = await _begun_elsewhere(call, remote, character, hand, words)
    else:
        told = dict(agent_task(await _start(call, character, hand, words)))
    return RunBegun(task_id=told["id"], status=told["status"], start_time=told["start_time"])


# ── an agent in another process ─────────────────────────────────────────────────


async def _begun_elsewhere(
    call: Call[Any, Any, Any], remote: RemoteBus, character: str, hand: HandName, words: str
) -> dict[str, Any]:
    """The task as that one tells of it; raises ``AgentError`` when it does not begin it."""
    known, task_id = call.neko.agent.elsewhere, str(uuid4())
    assert known is not None
    wanted = {"command": "start", "task_id": task_id, "instruction": words, "hand": hand, "source": "api"}
    remote.command({**wanted, "lanlan_name": character})
    told = await known.told_of(task_id, ANSWER_S, lambda task: "start_time" in task)
    if told is None:
        raise AgentError("not_begun", "the agent in the other process began nothing")
    return told


async def _done_elsewhere(call: Call[Any, Any, Any], remote: RemoteBus, character: str, words: str) -> RunDone:
    task = await _begun_elsewhere(call, remote, character, "browser_use", words)
    known = call.neko.agent.elsewhere
    assert known is not None
    done = await known.told_of(task["id"], BROWSER_S, _is_over) or task
    if not _is_over(done):
        remote.command({"command": "cancel", "task_id": task["id"]})
    ours = done.get("neko")
    details = ours if isinstance(ours, dict) else {}
    steps = details.get("steps")
    result = RunResult(
        success=details.get("state", done.get("status")) == TaskState.COMPLETED,
        result=str(details.get("result") or ""),
        error=str(done.get("error") or ""),
        done=_is_over(done),
        steps=sum(one.get("state") == StepState.DONE for one in steps) if isinstance(steps, list) else 0,
    )
    return RunDone(task_id=task["id"], result=result)


def _is_over(task: Mapping[str, Any]) -> bool:
    return task.get("status") in FINAL_STATUSES


def _known(task: Mapping[str, Any]) -> KnownTask:
    params, ours = task.get("params"), task.get("neko")
    words = str(params.get("instruction") or "") if isinstance(params, dict) else ""
    title = str(ours.get("title") or words) if isinstance(ours, dict) else words
    return KnownTask(str(task["id"]), title, words)


ENDPOINTS = (server_health, set_server_flags, capabilities, run_on_computer, run_in_browser, execute_plugin)
