"""The routes of MCP servers: added, tried, switched, read and forgotten, and no secret comes out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.agent.permission import Permit, Wanted
from neko.application import Neko
from neko.tasks import TaskOwner
from neko.types.agent import Act, Approval, Decision, Policy
from tests import scripted_mcp
from tests.scripted_mcp import tool

TOKEN = "sk-very-secret-token-1234"


@pytest.fixture
async def notes(neko: Neko, client: httpx2.AsyncClient, tmp_path: Path) -> Path:
    """The script of a server called ``paper/notes`` that is on and connected."""
    neko.mcp.use(True)
    script = tmp_path / "script.json"
    entry = scripted_mcp.entry(script, tools=[tool("write"), tool("look", readOnlyHint=True, openWorldHint=False)])
    entry["env"] = {"PAPER_TOKEN": TOKEN}
    answer = await client.put("/api/mcp/servers/paper/notes", json={"entry": entry})
    assert answer.status_code == 200, answer.text
    await connected(neko, "paper/notes")
    return script


async def connected(neko: Neko, name: str) -> None:
    server = neko.mcp.server(name)
    assert server
    await server.settled(60)


async def listed(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = (await client.get("/api/mcp/servers")).json()
    return {server["name"]: server for server in answer["servers"]}


async def test_a_server_is_listed_with_its_tools_and_without_its_secrets(
    client: httpx2.AsyncClient, neko: Neko, notes: Path, data_dir: Path
) -> None:
    answer = await client.get("/api/mcp/servers")
    assert TOKEN not in answer.text
    server = (await listed(client))["paper/notes"]
    assert (server["state"], server["version"], server["problem"]) == ("ready", "scripted 1", None)
    assert [(one["name"], one["act"], one["policy"]) for one in server["tools"]] == [
        ("write", "destructive", "ask"),
        ("look", "read", "ask"),
    ]
    assert json.loads((data_dir / "config" / "mcp.json").read_text(encoding="utf-8"))["mcpServers"]["paper/notes"][
        "env"
    ]
    availability = (await client.get("/api/agent/mcp/availability")).json()
    assert availability == {"ready": True, "capabilities_count": 2, "reasons": []}
    neko.mcp.use(on=False)
    async with asyncio.timeout(10):
        while availability["ready"]:
            availability = (await client.get("/api/agent/mcp/availability")).json()
    assert "switched off" in availability["reasons"][0]


async def test_what_was_shown_masked_comes_back_and_is_kept(
    client: httpx2.AsyncClient, neko: Neko, notes: Path
) -> None:
    entry = (await listed(client))["paper/notes"]["entry"]
    entry["env"]["MORE"] = "plain"
    assert (await client.put("/api/mcp/servers/paper/notes", json={"entry": entry})).status_code == 200
    assert neko.mcp.entries["paper/notes"]["env"] == {"PAPER_TOKEN": TOKEN, "MORE": "plain"}
    entry["env"]["PAPER_TOKEN"] = entry["env"]["PAPER_TOKEN"] + "x"
    answer = await client.put("/api/mcp/servers/paper/notes", json={"entry": entry})
    assert (answer.status_code, answer.json()["code"]) == (409, "tool_server_masked")


async def test_its_log_is_what_it_wrote_and_what_became_of_it(
    client: httpx2.AsyncClient, neko: Neko, notes: Path
) -> None:
    lines = (await client.get("/api/mcp/servers/paper/notes/log")).json()["lines"]
    assert {"server", "neko"} == {line["source"] for line in lines}
    assert any("scripted server is here" in line["text"] for line in lines)
    assert (await client.get("/api/mcp/servers/nobody/log")).status_code == 404


async def test_a_server_that_is_off_has_no_process_and_no_tools_and_can_be_tried(
    client: httpx2.AsyncClient, neko: Neko, notes: Path
) -> None:
    assert (await client.post("/api/mcp/servers/paper/notes/switch", json={"on": False})).status_code == 200
    assert neko.mcp.server("paper/notes") is None
    server = (await listed(client))["paper/notes"]
    assert (server["on"], server["state"], server["tools"]) == (False, "off", [])
    tried = (await client.post("/api/mcp/servers/paper/notes/test")).json()
    assert (tried["works"], tried["tools"], tried["problem"]) == (True, ["write", "look"], None)
    assert neko.mcp.server("paper/notes") is None
    assert (await client.post("/api/mcp/servers/paper/notes/switch", json={"on": True})).status_code == 200
    await connected(neko, "paper/notes")
    assert (await listed(client))["paper/notes"]["state"] == "ready"
    assert (await client.delete("/api/mcp/servers/paper/notes")).status_code == 200
    assert await listed(client) == {}


async def test_a_word_on_a_tool_and_on_a_server_is_kept(client: httpx2.AsyncClient, neko: Neko, notes: Path) -> None:
    path = "/api/mcp/servers/paper/notes/policy"
    await client.put(path, json={"policy": "never", "tool": "write"})
    await client.put(path, json={"policy": "allow"})
    server = (await listed(client))["paper/notes"]
    assert server["policy"] == "allow"
    assert [(one["policy"], one["chosen"]) for one in server["tools"]] == [("never", "never"), ("allow", None)]
    await client.put(path, json={"policy": "allow", "tool": "write"})
    tools = (await listed(client))["paper/notes"]["tools"]
    assert (tools[0]["act"], tools[0]["policy"]) == ("destructive", "ask")
    await client.put(path, json={"policy": "allow", "act": "write", "tool": "write"})
    tools = (await listed(client))["paper/notes"]["tools"]
    assert (tools[0]["act"], tools[0]["policy"]) == ("write", "allow")
    await client.put(path, json={"policy": None, "tool": "write"})
    await client.put(path, json={"policy": None})
    assert [one["policy"] for one in (await listed(client))["paper/notes"]["tools"]] == ["ask", "ask"]
    assert "neko" not in neko.mcp.entries["paper/notes"]


async def test_what_cannot_be_used_is_refused_or_told_with_a_remedy(client: httpx2.AsyncClient, neko: Neko) -> None:
    for entry, code in (
        ({}, "tool_server_no_address"),
        ({"url": "ftp://x"}, "tool_server_bad_address"),
        ({"url": "https://x/sse", "type": "sse"}, "tool_server_transport"),
        ({"command": "x", "env": {"A": "${input:key}"}}, "tool_server_input"),
        ({"command": "x", "env": {"A": "${NO_SUCH_VARIABLE}"}}, "tool_server_variable"),
    ):
        answer = await client.put("/api/mcp/servers/odd", json={"entry": entry})
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    neko.mcp.use(True)
    await client.put("/api/mcp/servers/none", json={"entry": {"command": "no-such-program"}})
    await connected(neko, "none")
    server = (await listed(client))["none"]
    assert server["state"] == "failed"
    assert server["problem"]["code"] == "tool_server_no_command"
    assert "no-such-program" in server["problem"]["error"]
    assert server["problem"]["remedy"]


async def test_servers_that_are_pasted_are_off_until_somebody_switches_them_on(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    text = """{ // of another program
      "servers": {"one": {"type": "stdio", "command": "npx", "args": ["x", "--token", "xyzzy-secret-1"],
        "env": {"GREETING": "xyzzy-secret-2"}}, "two": {"url": "https://example.com/mcp"}},
    }"""
    seen = (await client.post("/api/mcp/import/preview", json={"text": text})).json()["servers"]
    assert [(one["name"], one["place"], one["known"]) for one in seen] == [
        ("one", "GREETING=… npx x --token …", False),
        ("two", "https://example.com/mcp", False),
    ]
    assert [one["problem"] for one in seen] == [None, None]
    asks = '{"servers": {"one": {"command": "npx", "args": ["${input:key}"]}}}'
    (found,) = (await client.post("/api/mcp/import/preview", json={"text": asks})).json()["servers"]
    assert found["problem"]["code"] == "tool_server_input"
    assert await listed(client) == {}
    answer = (await client.post("/api/mcp/import", json={"text": text})).json()
    assert answer["names"] == ["one", "two"]
    assert [(one["on"], one["place"]) for one in (await listed(client)).values()] == [
        (False, "GREETING=… npx x --token …"),
        (False, "https://example.com/mcp"),
    ]
    assert neko.mcp.server("one") is None
    seen = (await client.post("/api/mcp/import/preview", json={"text": text})).json()["servers"]
    assert [one["known"] for one in seen] == [True, True]
    answer = await client.post("/api/mcp/import", json={"text": "hello"})
    assert (answer.status_code, answer.json()["code"]) == (409, "tool_server_no_servers")


async def test_a_question_is_answered_by_who_knows_its_id_and_by_nobody_else(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    approval = Approval("Mio", "paper", "write", "", "{}", Act.WRITE)
    async with TaskOwner("test") as owner:
        asking = owner.spawn(neko.approvals.ask(approval), name="ask")
        while not neko.approvals.pending():
            await client.get("/health")
        (question,) = neko.approvals.pending()
        assert (await client.post("/api/agent/approvals/guess", json={"decision": "once"})).status_code == 404
        wrong = await client.post(f"/api/agent/approvals/{question['id']}", json={"decision": "accept"})
        assert wrong.status_code == 404
        right = await client.post(f"/api/agent/approvals/{question['id']}", json={"decision": "once"})
        assert right.status_code == 200
        assert await asking is Decision.ONCE


@pytest.mark.parametrize(("changed", "is_asked"), [("write", True), (None, True), ("look", False)])
async def test_what_was_approved_until_the_next_start_is_asked_for_again_after_another_word(
    neko: Neko, client: httpx2.AsyncClient, changed: str | None, is_asked: bool
) -> None:
    async def keep() -> None: ...

    entry = {"command": "cat", "disabled": True}
    assert (await client.put("/api/mcp/servers/paper", json={"entry": entry})).status_code == 200
    approval = Approval("Mio", "paper", "write", "", "{}", Act.WRITE)
    wanted, permission = Wanted(approval, Policy.ASK_ONCE, "write", keep), neko.agent.permission
    async with TaskOwner("test") as owner:
        asking = owner.spawn(permission.ask(wanted), name="ask")
        while not neko.approvals.pending():
            await client.get("/health")
        neko.approvals.answer(neko.approvals.pending()[0]["id"], Decision.ONCE)
        assert await asking is Permit.APPROVED
    assert permission.unasked(wanted) is Permit.ALLOWED
    for policy in ("ask", "ask_once"):
        word = {"policy": policy, "tool": changed}
        assert (await client.put("/api/mcp/servers/paper/policy", json=word)).status_code == 200
    assert (permission.unasked(wanted) is None) is is_asked
