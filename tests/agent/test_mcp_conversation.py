"""A chat model calls tools of real MCP servers in a real conversation, as far as the user lets it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from neko.agent.commands import perform
from neko.agent.mcp.server import ServerState
from neko.sessions.events import AgentTask, ApprovalAsked, ApprovalOver
from neko.tool_errors import AgentError
from neko.types.agent import Decision, Policy, Reply
from tests import scripted_mcp
from tests.agent.conftest import TIMEOUT_S, everything, filesystem, talking
from tests.scripted_mcp import entry, received, tool
from tests.scripted_provider import ScriptedProvider, tool_calls


async def test_a_model_calls_a_tool_once_the_user_has_allowed_it_and_tells_of_the_result(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with talking(data_dir, provider, {"every": everything()}) as talk:
        provider.script(tool_calls(("c1", "every__echo", '{"message": "hello there"}')), ["It said hello."])
        assert await talk.say("Make an echo.", Decision.ONCE) == "It said hello."
        assert "every__echo" in talk.offered()
        (question,) = talk.asked
        assert (question["server"], question["tool"], question["act"]) == ("every", "echo", "read")
        assert json.loads(question["arguments"]) == {"message": "hello there"}
        (result,) = talk.tool_messages()
        assert "Echo: hello there" in result
        assert result.startswith("[From outside, by the tool echo of every.")
        assert [event.outcome for event in talk.events if isinstance(event, ApprovalOver)] == ["once"]
        tasks = [event.task for event in talk.events if isinstance(event, AgentTask)]
        assert [(task["type"], task["status"]) for task in tasks] == [("mcp", "running"), ("mcp", "completed")]
        (row,) = await talk.neko.agent.journal.rows(task=tasks[0]["id"])
        assert (row["place"], row["tool"], row["verdict"], row["outcome"]) == ("every", "echo", "approved", "done")


@pytest.mark.parametrize("answer", [Decision.DENY, None])
async def test_what_the_user_denies_or_does_not_answer_is_not_done(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path, answer: Decision | None
) -> None:
    place = tmp_path / "files"
    place.mkdir()
    async with talking(data_dir, provider, {"files": filesystem(place)}) as talk:
        if answer is None:
            talk.neko.approvals._approval_s = 0.05
        write = json.dumps({"path": str(place / "note.txt"), "content": "x"})
        provider.script(tool_calls(("c1", "files__write_file", write)), ["Then not."])
        assert await talk.say("Write a note.", answer) == "Then not."
        assert not (place / "note.txt").exists()
        assert "nothing was done" in talk.tool_messages()[0]
        assert talk.neko.approvals.pending() == []


async def test_always_is_kept_for_this_tool_as_it_is_and_no_other(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    place = tmp_path / "files"
    place.mkdir()
    (place / "a.txt").write_text("seven", encoding="utf-8")
    read = json.dumps({"path": str(place / "a.txt")})
    async with talking(data_dir, provider, {"files": filesystem(place)}) as talk:
        provider.script(tool_calls(("c1", "files__list_directory", json.dumps({"path": str(place)}))), ["One."])
        await talk.say("What files are there?", Decision.ALWAYS)
        stored = json.loads((data_dir / "config" / "mcp.json").read_text(encoding="utf-8"))
        choice = stored["mcpServers"]["files"]["neko"]["tools"]["list_directory"]
        assert choice["policy"] == Policy.ALLOW
        provider.script(tool_calls(("c1", "files__list_directory", json.dumps({"path": str(place)}))), ["Still one."])
        await talk.say("And now?", Decision.DENY)
        assert len(talk.asked) == 1
        provider.script(tool_calls(("c2", "files__read_text_file", read)), ["Seven."])
        await talk.say("Read it.", Decision.ONCE)
        assert [question["tool"] for question in talk.asked] == ["list_directory", "read_text_file"]
        assert "seven" in talk.tool_messages()[-1]


async def test_the_users_word_on_all_of_mcp_makes_what_they_said_of_a_tool_stricter(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with talking(data_dir, provider, {"every": {**everything(), "neko": {"policy": "allow"}}}) as talk:
        policies = talk.neko.agent.policies
        echo = tool_calls(("c1", "every__echo", '{"message": "hello there"}'))
        for word, asked in ((None, 0), (Policy.ASK, 1)):
            await policies.put({"hands": {"mcp": word}})
            provider.script(echo, ["It said hello."])
            await talk.say("Make an echo.", Decision.ONCE)
            assert len(talk.asked) == asked
        assert not talk.asked[0]["may_remember"]
        await policies.put({"hands": {"mcp": Policy.NEVER}})
        with_tools = [request for request in provider.chats if request.json.get("tools")]
        provider.script(["I cannot."])
        assert await talk.say("Make an echo.", Decision.ONCE) == "I cannot."
        assert [request for request in provider.chats if request.json.get("tools")] == with_tools


async def test_a_tool_that_says_that_it_failed_has_failed_with_its_own_words(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with talking(data_dir, provider, {"every": everything()}) as talk:
        provider.script(tool_calls(("c1", "every__get-sum", '{"a": "x"}')), ["That went wrong."])
        await talk.say("Add.", Decision.ONCE)
        (result,) = talk.tool_messages()
        assert result.startswith("Error: ")
        assert "expected number" in result
        tasks = [event.task for event in talk.events if isinstance(event, AgentTask)]
        assert tasks[-1]["status"] == "failed"
        assert "expected number" in tasks[-1]["error"]


async def test_progress_is_shown_and_the_user_is_asked_what_the_server_wants_to_know(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    def answers(question: dict[str, Any]) -> Decision | Reply:
        if question["kind"] == "approval":
            return Decision.ONCE
        assert question["schema"]["required"] == ["name"]
        return Reply("accept", {"name": "Ann"})

    async with talking(data_dir, provider, {"every": everything()}) as talk:
        duration = '{"duration": 0.3, "steps": 3}'
        provider.script(tool_calls(("c1", "every__trigger-long-running-operation", duration)), ["Done."])
        await talk.say("Take your time.", answers)
        tasks = [event.task for event in talk.events if isinstance(event, AgentTask)]
        assert [task["params"]["progress"] for task in tasks if "progress" in task["params"]] == [1, 2, 3, 3]
        provider.script(tool_calls(("c2", "every__trigger-elicitation-request", "{}")), ["Hello Ann."])
        await talk.say("Ask me.", answers)
        assert talk.asked[-1]["kind"] == "inquiry"
        assert "Name: Ann" in talk.tool_messages()[-1]


async def test_nothing_of_mcp_runs_or_is_offered_but_while_it_is_switched_on(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    async with talking(data_dir, provider, {"paper": entry(script, tools=[tool("note")])}, False) as talk:
        switches, mcp = talk.neko.agent.switches, talk.neko.mcp
        provider.script(["Hi."])
        await talk.say("Hello.")
        assert not any(request.json.get("tools") for request in provider.chats)
        await switches.set_master(True)
        switches.look()
        assert (mcp.server("paper"), received(script)) == (None, [])
        assert await switches.set_flags({"mcp_enabled": True}, "en") is None
        assert switches.flags["mcp_enabled"]
        provider.script(["Hi again."])
        await talk.say("Hello again.")
        talked = next(request for request in provider.chats if "Hello again." in str(request.json["messages"][-1]))
        assert [one["function"]["name"] for one in talked.json["tools"]] == ["paper__note"]
        running = mcp.server("paper")
        assert running is not None
        assert await switches.set_flags({"mcp_enabled": False}, "en") is None
        async with asyncio.timeout(TIMEOUT_S):
            while running.state is not ServerState.OFF:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert mcp.server("paper") is None


async def test_what_cannot_work_is_not_switched_on_and_nothing_of_it_is_left_running(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with talking(data_dir, provider, {"paper": {"command": "no-such-program"}}, False) as talk:
        switches, mcp = talk.neko.agent.switches, talk.neko.mcp
        await switches.set_master(True)
        refused = await switches.set_flags({"mcp_enabled": True}, "en")
        assert refused is not None
        assert "no-such-program" in refused
        assert not switches.flags["mcp_enabled"]
        async with asyncio.timeout(TIMEOUT_S):
            while mcp.server("paper") is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_it_is_switched_on_while_its_servers_are_still_on_their_way(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    (data_dir / "config").mkdir(parents=True)
    stored = {"enabled": True, "flags": {"mcp_enabled": True}}
    (data_dir / "config" / "agent.json").write_text(json.dumps(stored), encoding="utf-8")
    mute = {"command": "sleep", "args": ["1000"]}
    async with talking(data_dir, provider, {"mute": mute}, False) as talk:
        server = talk.neko.mcp.server("mute")
        assert server is not None
        assert server.state in (ServerState.OFF, ServerState.CONNECTING)
        assert await talk.neko.agent.switches.set_flags({"mcp_enabled": True}, "en") is None
        assert talk.neko.agent.switches.flags["mcp_enabled"]


def test_with_no_server_nothing_of_the_sdk_is_loaded(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from neko import Neko, Settings
from pathlib import Path
async def main():
    folder = Path({str(tmp_path / "data")!r})
    async with Neko(Settings(data_dir=folder, environ={{}}, find_local_servers=False)) as neko:
        async for event in neko.chat("Mio", "hello"):
            pass
asyncio.run(main())
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("mcp", "mcp_types", "jsonschema")))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == "[]"


async def test_a_call_that_runs_is_listed_and_can_be_stopped_as_its_card_offers(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    notes = scripted_mcp.entry(script, tools=[scripted_mcp.tool("linger", "Takes long")], do={"linger": "hang"})
    async with talking(data_dir, provider, {"notes": notes}) as talk:
        provider.script(tool_calls(("c1", "notes__linger", "{}")), ["Then not."])
        agent = talk.neko.agent
        tasks: list[Mapping[str, Any]] = []
        listed: list[str] = []
        async with asyncio.timeout(60):
            async for event in talk.neko.chat("Mio", "Linger."):
                if isinstance(event, ApprovalAsked):
                    talk.neko.approvals.answer(event.question["id"], Decision.ONCE)
                if isinstance(event, AgentTask):
                    tasks.append(event.task)
                    if event.task["status"] == "running":
                        command = {"command": "cancel", "task_id": event.task["id"]}
                        listed = [task["id"] for task in agent.snapshot()["active_tasks"]]
                        await perform(agent, command, character="Mio", language="en")
        told = [(task["status"], task["neko"]["commands"]) for task in tasks]
        assert told == [("running", ["cancel"]), ("cancelled", [])]
        assert listed == [tasks[0]["id"]]
        assert agent.snapshot()["active_tasks"] == []
        assert "The user stopped it" in talk.tool_messages()[0]
        (row,) = await agent.journal.rows(task=tasks[0]["id"])
        assert (row["verdict"], row["outcome"]) == ("approved", "cancelled")
        with pytest.raises(AgentError, match="no such task"):
            await perform(agent, {"command": "cancel", "task_id": tasks[0]["id"]}, character="Mio", language="en")
