"""Real MCP servers, over stdio and HTTP, that end, hang, change and refuse in the middle of what is asked of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from neko.agent import restarts
from neko.agent.mcp import connection
from neko.agent.mcp.config import ROUTER, is_on, router
from neko.agent.mcp.connection import Progress
from neko.agent.mcp.server import STOP_S, Server, ServerState
from neko.agent.mcp.servers import McpServers
from neko.errors import DiskFullError, NekoError
from neko.net import Network
from neko.tasks import TaskOwner
from neko.tool_errors import ToolServerError
from neko.types.agent import Policy, Reply
from tests import scripted_mcp
from tests.agent.conftest import EVERYTHING, everything, node
from tests.agent.plugins.conftest import alive
from tests.http_service import HttpService
from tests.scripted_mcp import tool
from tests.scripted_provider import Connection as HttpConnection
from tests.scripted_provider import Request

TIMEOUT_S = 60.0


@asynccontextmanager
async def connected(
    folder: Path, entry: dict[str, Any], environ: dict[str, str] | None = None
) -> AsyncIterator[Server]:
    """One server, once it is known whether it works."""
    servers = McpServers(folder / "mcp.json", Network(), environ or {})
    servers.load()
    try:
        await servers.put("it", entry)
        found = servers.server("it")
        assert found
        await found.settled(TIMEOUT_S)
        yield found
    finally:
        await servers.aclose()


async def cancel(_message: str, _schema: Any, _url: str) -> Reply:
    return Reply("cancel")


async def call(found: Server, name: str, progress: Progress = lambda *_: None, **arguments: Any) -> str:
    outcome = await found.call(name, arguments, cancel, progress)
    return outcome.text


def processes() -> list[psutil.Process]:
    """The servers that run for this test."""
    children = psutil.Process().children(recursive=True)
    return [one for one in children if one.status() != psutil.STATUS_ZOMBIE and str(EVERYTHING) in one.cmdline()]


async def until(found: Server, state: ServerState) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while found.state is not state:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def free_port() -> int:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    return port


@asynccontextmanager
async def over_http(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The reference server, listening there."""
    process = await asyncio.create_subprocess_exec(
        node(), str(EVERYTHING), "streamableHttp", env={**os.environ, "PORT": str(port)}, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr
        async with asyncio.timeout(TIMEOUT_S):
            while b"listening" not in (await process.stderr.readline()):
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_server_that_dies_in_a_call_is_told_and_is_there_again(tmp_path: Path) -> None:
    async with connected(tmp_path, everything()) as found:
        assert "Echo: a" in await call(found, "echo", message="a")
        started = asyncio.Event()
        running = asyncio.ensure_future(
            call(found, "trigger-long-running-operation", lambda *_: started.set(), duration=30, steps=300)
        )
        await started.wait()
        processes()[0].kill()
        with pytest.raises(ToolServerError) as failed:
            await running
        assert failed.value.code == "tool_server_ended"
        assert "Echo: b" in await call(found, "echo", message="b")
        assert found.error is None
    assert processes() == []


async def test_over_http_a_server_that_dies_in_a_call_is_told_and_found_again_when_it_is_back(tmp_path: Path) -> None:
    port = await free_port()
    async with over_http(port) as process, connected(tmp_path, {"url": f"http://127.0.0.1:{port}/mcp"}) as found:
        assert found.state is ServerState.READY, found.error
        started = asyncio.Event()
        running = asyncio.ensure_future(
            call(found, "trigger-long-running-operation", lambda *_: started.set(), duration=30, steps=300)
        )
        await started.wait()
        process.kill()
        with pytest.raises(NekoError):
            await running
        await process.wait()
        await until(found, ServerState.WAITING)
        with pytest.raises(ToolServerError) as failed:
            await call(found, "echo", message="a")
        assert failed.value.code == "tool_server_unreachable"
        async with over_http(port):
            assert "Echo: b" in await call(found, "echo", message="b")


async def test_a_call_that_hangs_ends_in_its_time_and_the_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SILENCE_S", 0.2)
    script = tmp_path / "script.json"
    entry = scripted_mcp.entry(script, tools=[tool("wait")], do={"wait": "hang"})
    async with connected(tmp_path, entry) as found:
        with pytest.raises(ToolServerError) as failed:
            await call(found, "wait")
        assert failed.value.code == "tool_server_silent"
        assert found.state is ServerState.READY
        await until_it_got(script, "notifications/cancelled", 1)


async def test_a_call_that_nobody_waits_for_any_more_is_cancelled_at_the_server(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    entry = scripted_mcp.entry(script, tools=[tool("wait")], do={"wait": "hang"})
    async with connected(tmp_path, entry) as found:
        running = asyncio.ensure_future(call(found, "wait"))
        await until_it_got(script, "tools/call", 1)
        running.cancel()
        await until_it_got(script, "notifications/cancelled", 1)
        with pytest.raises(asyncio.CancelledError):
            await running


async def until_it_got(script: Path, method: str, count: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while sum(one.get("method") == method for one in scripted_mcp.received(script)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_what_a_server_asks_in_a_call_goes_when_that_is_over(tmp_path: Path) -> None:
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[tool("who")], do={"who": "ask"})
    over: list[str] = []
    asked = asyncio.Event()

    async def ask(message: str, _schema: Any, _url: str) -> Reply:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.append(message)
        raise AssertionError

    async with connected(tmp_path, entry) as found, TaskOwner("test") as owner:
        calling = owner.spawn(found.call("who", {}, ask, lambda *_: None), name="call")
        await asked.wait()
        calling.cancel()
        await asyncio.wait({calling})
        async with asyncio.timeout(TIMEOUT_S):
            while not over:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert over == ["Who are you?"]


@pytest.mark.parametrize("answer", [{}, {"content": [{"type": "weird", "x": 1}]}])
async def test_an_answer_that_is_none_of_the_protocol_is_told_in_a_sentence(tmp_path: Path, answer: Any) -> None:
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[tool("odd")], results={"odd": answer})
    async with connected(tmp_path, entry) as found:
        with pytest.raises(ToolServerError) as failed:
            await found.call("odd", {}, cancel, lambda *_: None)
        assert failed.value.code == "tool_server_form"
        assert "pydantic" not in str(failed.value)
        assert any("none of the protocol" in line.text for line in found.log.lines)


async def test_what_is_known_of_an_answer_is_used_and_what_was_left_out_is_said(tmp_path: Path) -> None:
    answer = {
        "content": [
            {"type": "text", "text": "seven"},
            {"type": "weird\u202e", "x": 1},
            {"type": "image", "data": 7, "mimeType": "image/png"},
            3,
            {"type": "image", "data": "aGFsbG8=", "mimeType": "image/png"},
        ]
    }
    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[tool("odd")], results={"odd": answer})
    async with connected(tmp_path, entry) as found:
        outcome = await found.call("odd", {}, cancel, lambda *_: None)
        first, *notes, last = outcome.text.split("\n")
        assert (first, outcome.failed) == ("seven", False)
        assert last.startswith("(a picture, image/png")
        assert [note.rpartition(": ")[2] for note in notes] == ["weird)", "image)", "?)"]
        assert sum("was left out" in line.text for line in found.log.lines) == 3


async def test_a_server_that_is_switched_off_ends_though_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, value: object) -> None:
        raise DiskFullError(str(path), file=str(path))

    entry = scripted_mcp.entry(tmp_path / "script.json", tools=[tool("one")])
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"s": entry}}), encoding="utf-8")
    servers = McpServers(tmp_path / "mcp.json", Network(), {})
    servers.load()
    servers.on = True
    servers.start()
    try:
        monkeypatch.setattr("neko.agent.mcp.servers.write_json", refuse)
        server = servers.server("s")
        assert server
        await server.settled(TIMEOUT_S)
        with pytest.raises(DiskFullError):
            await servers.set_policy("s", Policy.NEVER, "one")
        assert servers.word(server, server.tools[0]) is Policy.NEVER
        with pytest.raises(DiskFullError):
            await servers.switch("s", on=False)
        assert servers.server("s") is None
        assert servers.entries["s"]["disabled"] is True
    finally:
        await servers.aclose()


async def test_other_tools_are_known_as_soon_as_the_server_says_so(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    entry = scripted_mcp.entry(script, tools=[tool("one")], then=[tool("two"), tool("three")], do={"one": "change"})
    async with connected(tmp_path, entry) as found:
        await call(found, "one")
        async with asyncio.timeout(TIMEOUT_S):
            while [one.name for one in found.tools] != ["two", "three"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_server_that_cannot_stay_is_tried_again_and_a_program_that_is_missing_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "FIRST_PAUSE_S", 0.01)
    count = tmp_path / "count"
    script = f"echo began >> {count}; echo no token >&2; exit 3"
    async with connected(tmp_path, {"command": "sh", "args": ["-c", script]}) as found:
        async with asyncio.timeout(TIMEOUT_S):
            while not count.exists() or len(count.read_text().splitlines()) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await until(found, ServerState.WAITING)
        assert found.error
        assert (found.error.code, found.error.said) == ("tool_server_ended", "no token")
    async with connected(tmp_path / "other", {"command": str(tmp_path / "missing")}) as found:
        assert found.state is ServerState.FAILED
        with pytest.raises(ToolServerError):
            await call(found, "anything")


@pytest.mark.parametrize(("status", "state"), [(401, ServerState.FAILED), (503, ServerState.WAITING)])
async def test_a_key_that_is_refused_is_not_tried_again_and_another_fault_is(
    tmp_path: Path, status: int, state: ServerState
) -> None:
    async def refuse(_service: HttpService, connected_to: HttpConnection, _request: Request) -> None:
        connected_to.answer(status, b"")

    async with HttpService(refuse) as service:
        entry = {"url": f"{service.url}/mcp", "headers": {"Authorization": "Bearer ${WORK_TOKEN}"}}
        async with connected(tmp_path, entry, {"WORK_TOKEN": "tok-12345678"}) as found:
            assert found.state is state
            assert found.error
            assert found.error.params["status"] == status
        assert service.requests[0].headers["authorization"] == "Bearer tok-12345678"
        assert "tok-12345678" not in (tmp_path / "mcp.json").read_text()


async def test_the_router_is_there_with_its_token_from_the_settings_which_stands_in_no_file(tmp_path: Path) -> None:
    async def refuse(_service: HttpService, connected_to: HttpConnection, _request: Request) -> None:
        connected_to.answer(503, b"")

    async with HttpService(refuse) as service:
        token = ""
        servers = McpServers(tmp_path / "mcp.json", Network(), {}, router=lambda: router(token, service.url))
        servers.load()
        servers.start()
        try:
            assert not servers.entries
            token = "router-token-1"
            await servers.follow()
            found = servers.server(ROUTER)
            assert found
            await until(found, ServerState.WAITING)
            assert service.requests[0].path == "/mcp"
            assert service.requests[0].headers["authorization"] == "Bearer router-token-1"
            await servers.set_policy(ROUTER, Policy.NEVER)
            await servers.switch(ROUTER, on=False)
            assert servers.server(ROUTER) is None
            assert token not in (tmp_path / "mcp.json").read_text()
            await servers.switch(ROUTER, on=True)
            assert servers.server(ROUTER)
            token = ""
            await servers.follow()
            assert not servers.entries
        finally:
            await servers.aclose()


async def test_the_tools_of_the_router_are_had_at_its_address_and_called(tmp_path: Path) -> None:
    port = await free_port()
    address = f"http://127.0.0.1:{port}"
    servers = McpServers(tmp_path / "mcp.json", Network(), {}, router=lambda: router("router-token-1", address))
    servers.load()
    async with over_http(port):
        servers.start()
        try:
            found = servers.server(ROUTER)
            assert found
            await until(found, ServerState.READY)
            assert "Echo: a" in await call(found, "echo", message="a")
        finally:
            await servers.aclose()


async def test_no_key_of_a_server_is_in_its_log_or_in_what_it_answers(tmp_path: Path) -> None:
    secret = "sk-secret-value-123"
    entry = everything()
    entry["env"] = {"WORK_KEY": secret}
    async with connected(tmp_path, entry) as found:
        told = await call(found, "get-env")
        assert "WORK_KEY" in told
        assert secret not in told
        found.log.add("server", f"using {secret} now")
        assert all(secret not in line.text for line in found.log.lines)
        assert "OPENAI_API_KEY" not in told  # what is ours is not given to it


def child_of(script: Path) -> int:
    """What the scripted server has started last."""
    return int(script.with_name(script.name + ".child").read_text(encoding="utf-8"))


async def gone(process_id: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while alive(process_id):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("child", [["sleep", "1000"], ["setsid", "sleep", "1000"]], ids=["near", "far"])
async def test_what_a_server_has_started_goes_when_it_ends_by_itself_is_killed_or_stopped(
    tmp_path: Path, child: list[str]
) -> None:
    script = tmp_path / "script.json"
    tools, does = [tool("look"), tool("end")], {"end": "die"}
    async with connected(tmp_path, scripted_mcp.entry(script, tools=tools, do=does, child=child)) as found:
        first = child_of(script)
        with pytest.raises(ToolServerError) as failed:
            await call(found, "end")  # told at once, though the child has its output open
        assert failed.value.code == "tool_server_ended"
        await gone(first)

        assert await call(found, "look") == "done"
        second = child_of(script)
        assert second != first
        parent = psutil.Process(second).parent()
        assert parent
        parent.kill()
        await gone(second)

        async with asyncio.timeout(TIMEOUT_S):
            while child_of(script) == second:  # it may take a moment until the loss is noticed
                with suppress(ToolServerError):
                    await call(found, "look")
        third = child_of(script)
        assert third != second
    await gone(third)


async def test_a_server_that_never_answers_keeps_nobody_up_at_the_end(tmp_path: Path) -> None:
    servers = McpServers(tmp_path / "mcp.json", Network(), {})
    servers.load()
    await servers.put("mute", {"command": "sleep", "args": ["1000"]})
    found = servers.server("mute")
    assert found
    while not [one for one in psutil.Process().children() if one.name() == "sleep"]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    async with asyncio.timeout(STOP_S):
        await servers.aclose()
    assert not [one for one in psutil.Process().children() if one.name() == "sleep"]


async def test_a_server_that_is_deaf_in_a_call_is_killed_after_the_grace_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STDIN_S", 0.05)
    monkeypatch.setattr(connection, "SIGNAL_S", 0.05)
    script = tmp_path / "script.json"
    servers = McpServers(tmp_path / "mcp.json", Network(), {})
    servers.load()
    await servers.put("it", scripted_mcp.entry(script, tools=[tool("wait")], do={"wait": "deaf"}))
    found = servers.server("it")
    assert found
    running = asyncio.ensure_future(call(found, "wait"))
    await until_it_got(script, "tools/call", 1)
    async with asyncio.timeout(STOP_S):  # the SDK by itself takes 4 s
        await servers.aclose()
    with pytest.raises(ToolServerError):
        await running
    assert not [one for one in psutil.Process().children() if str(script) in one.cmdline()]


async def test_what_a_server_has_started_goes_when_we_are_killed(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
from neko.agent.mcp.process_group import guarded
deaf = "trap '' TERM; sleep 1000 & echo $!; wait"
group = subprocess.Popen(["sh", "-c", deaf], stdin=subprocess.PIPE, start_new_session=True)
with guarded(group.pid):
    print(group.pid, flush=True)
    time.sleep(1000)
"""
    us = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert us.stdout
    theirs = [int(await us.stdout.readline()) for _ in range(2)]
    us.kill()
    await us.wait()
    try:
        for one in theirs:
            await gone(one)
    finally:
        for one in theirs:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


@pytest.mark.parametrize(
    "content",
    [
        '{"mcpServers": {"it": {"command": "/usr/bin/',
        '{"mcpServers": {"it": {"command": "cat", "args" BROKEN: ["x"]}}}',
        '{"mcpServers": {"it": {"command": "cat",}}}',
    ],
)
async def test_of_a_damaged_file_nothing_runs_until_it_is_switched_on_again(tmp_path: Path, content: str) -> None:
    path, faults = tmp_path / "mcp.json", list[Any]()
    path.write_text(content, encoding="utf-8")
    for starts in range(2):
        servers = McpServers(path, Network(), {}, on_fault=faults.append)
        servers.load()
        assert len(faults) == 1, starts
        servers.start()
        assert servers.server("it") is None
        assert all(entry["disabled"] for entry in servers.entries.values())
        await servers.aclose()


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"args": "srv.py u"}, "args"),
        ({"args": [["x"]]}, "args.0"),
        ({"env": {"B": None}}, "env.B"),
        ({"env": ["A=b"]}, "env"),
        ({"command": ["cat"]}, "command"),
        ({"cwd": 1}, "cwd"),
    ],
)
async def test_an_entry_that_holds_what_it_cannot_is_not_started_with_the_rest_of_it(
    tmp_path: Path, entry: dict[str, Any], key: str
) -> None:
    servers = McpServers(tmp_path / "mcp.json", Network(), {})
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"it": {"command": "cat", **entry}}}))
    servers.load()
    servers.start()
    error = servers.error("it")
    assert servers.server("it") is None
    assert error
    assert (error.code, error.params["key"]) == ("tool_server_kind", key)
    await servers.aclose()


def test_what_is_neither_yes_nor_no_leaves_a_server_off() -> None:
    assert is_on({"command": "x"})
    assert is_on({"command": "x", "disabled": False, "enabled": True})
    assert not any(
        is_on({"command": "x", **word}) for word in ({"disabled": "true"}, {"enabled": "no"}, {"enabled": 0})
    )


@pytest.mark.parametrize("content", [{"mcpServers": [1, 2]}, {"mcpServers": {"it": "cat"}}])
def test_what_is_no_table_of_servers_is_told(tmp_path: Path, content: Any) -> None:
    (tmp_path / "mcp.json").write_text(json.dumps(content))
    faults: list[Any] = []
    servers = McpServers(tmp_path / "mcp.json", Network(), {}, on_fault=faults.append)
    servers.load()
    assert [fault.code for fault in faults] == ["value_unusable"]
