"""What N.E.K.O.'s agent server answers on a port of its own, under ``/agent/`` (``contract/agent.md`` §9)."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from starlette.responses import Response

from neko.agent.deduper import KnownTask, same_words
from neko.agent.messages import agent_task
from neko.agent.tasks import StepState, Task, TaskState
from neko.i18n import notice
from neko.types.hands import HandName
from neko.web.endpoint import Call, get, post
from neko.web.errors import json_response
from neko.web.request_language import request_language
from neko.web.routes.agent import character_of, health_of, require
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
    if duplicate := _duplicate(call, character, call.body.instruction):
        return duplicate
    return _begun(await _start(call, character, "computer_use", call.body.instruction))


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
    if duplicate := _duplicate(call, character, call.body.instruction):
        return duplicate
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
    if duplicate := _duplicate(call, character, words):
        return duplicate
    return _begun(await _start(call, character, "user_plugin", words))


async def _start(call: Call[Any, Any, Any], character: str, hand: HandName, words: str) -> Task:
    language = request_language(call.request, call.neko)
    return await call.neko.agent.tasks.start(character, words, hand=hand, source="api", language=language)


def _duplicate(call: Call[Any, Any, Any], character: str, words: str) -> Response | None:
    """409 when the same is being done for this character already."""
    active = call.neko.agent.tasks.listed(character, active=True)
    same = same_words(words, [KnownTask(task.id, task.title, task.instruction) for task in active])
    if same is None:
        return None
    found = notice("agent_duplicate", request_language(call.request, call.neko), {"title": same.title})
    answer = Duplicate(error=found.text, code=found.code, remedy=found.remedy, matched_id=same.id)
    return json_response(answer, 409)


def _begun(task: Task) -> RunBegun:
    told = agent_task(task)
    return RunBegun(task_id=task.id, status=told["status"], start_time=told["start_time"])


ENDPOINTS = (server_health, set_server_flags, capabilities, run_on_computer, run_in_browser, execute_plugin)
