"""From a word in a conversation to a task, in a whole Neko: with what is off at no cost, and no turn waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from neko.agent.mcp import hand
from neko.agent.tasks import Task, TaskState
from neko.app.task_requests import FAULT
from neko.tasks import TaskOwner
from neko.types.agent import Policy
from tests import scripted_mcp
from tests.agent.conftest import TIMEOUT_S, Talk, talking
from tests.agent.scripted_thoughts import call, decided, told
from tests.scripted_hand import ScriptedHand
from tests.scripted_provider import Script, ScriptedProvider, failure

PEEK = scripted_mcp.tool("peek", "Look at the notes", readOnlyHint=True, openWorldHint=False)
FROM_NOTES = decided("what is in my notes?", ("mcp", "Read the notes."), title="Notes")
WISH = "Could you look up the weather in Paris?"
PLAN = decided("look up the weather in paris", ("browser_use", "Look up the weather in Paris."), title="Weather")
LOOK, DONE = call("look", text="Paris"), call("done", answer="It is 12 degrees.")
REACHED = call("judge", why="It is seen.", reached="yes")


@asynccontextmanager
async def able(folder: Path, provider: ScriptedProvider, *, on: bool = True) -> AsyncIterator[Talk]:
    """A Neko with a hand in place of a browser."""
    async with talking(folder, provider, {}) as talk:
        agent = talk.neko.agent
        cast("dict[str, Any]", agent.hands)["browser_use"] = ScriptedHand()
        if on:
            await agent.switches.set_master(True)
            assert await agent.switches.set_flags({"browser_use_enabled": True}, "en") is None
        yield talk


@asynccontextmanager
async def with_servers(folder: Path, provider: ScriptedProvider, **servers: Any) -> AsyncIterator[Talk]:
    """A Neko that has just been started, with MCP switched on before."""
    kept = folder / "config" / "agent.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"enabled": True, "flags": {"mcp_enabled": True}}), encoding="utf-8")
    async with talking(folder, provider, servers, False) as talk:
        yield talk


async def over(talk: Talk, requests: int) -> Task:
    """The only task, once the model was asked so often and the task is over."""
    await talk.provider.wait_for_requests(requests)
    tasks = talk.neko.agent.tasks
    if tasks._bodies:
        await asyncio.wait(tasks._bodies.values(), timeout=20)
    [task] = tasks.listed()
    return task


async def looked_at(talk: Talk) -> None:
    """Every turn so far was looked at."""
    for _ in range(20):  # over the bus
        await asyncio.sleep(0)
    if working := talk.neko._requests._intake._working:
        await asyncio.wait(working.values(), timeout=20)


async def test_what_is_asked_for_in_a_talk_is_planned_done_and_judged(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider) as talk:
        provider.script(["I will look."], PLAN, LOOK, DONE, REACHED)
        assert await talk.say(WISH) == "I will look."
        task = await over(talk, 5)
        assert (task.state, task.title, task.source, task.result) == (
            *(TaskState.COMPLETED, "Weather", "conversation", "It is 12 degrees."),
        )
        assert task.instruction == WISH
        assert f'LATEST_USER_REQUEST: "{WISH}"' in told(provider, 1)
        assert "I will look." in told(provider, 1)
        assert WISH in told(provider, 2)
        assert "It is 12 degrees." in told(provider, 4)


async def test_what_a_server_is_wanted_for_that_is_being_connected_waits_for_it(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    notes = scripted_mcp.entry(tmp_path / "script.json", tools=[PEEK], results={"peek": "Buy milk."}, after=str(here))
    async with with_servers(data_dir, provider, notes=notes) as talk:
        provider.script(["I will look."], FROM_NOTES, call("notes__peek"), call("done", answer="Milk."), REACHED)
        await talk.say("What is in my notes?")
        tasks = talk.neko.agent.tasks
        async with asyncio.timeout(TIMEOUT_S):
            while [task.action for task in tasks.listed()] != ["Waiting for notes to connect…"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "being connected now, whose tools are not known yet: notes" in told(provider, 1)
        await talk.neko.mcp.set_policy("notes", Policy.ALLOW)
        here.touch()
        task = await over(talk, 5)
        assert (task.state, task.result) == (TaskState.COMPLETED, "Milk.")
        task = await over(talk, 5)
        assert (task.state, task.result) == (TaskState.COMPLETED, "Milk.")


async def test_what_a_server_is_wanted_for_that_does_not_come_fails_with_the_reason(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand, "CONNECTING_S", 0.2)
    notes = scripted_mcp.entry(tmp_path / "script.json", tools=[PEEK], after=str(tmp_path / "never"))
    async with with_servers(data_dir, provider, notes=notes) as talk:
        no_other_way = call("decide", why="nothing else", task=False, words="")
        provider.script(["I will look."], FROM_NOTES, no_other_way)
        await talk.say("What is in my notes?")
        task = await over(talk, 3)
        assert task.state is TaskState.FAILED
        assert "notes is still being connected" in task.error


async def test_what_a_server_is_wanted_for_that_does_not_work_is_told_to_be_impossible(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with with_servers(data_dir, provider, notes={"command": "no-such-program-at-all"}) as talk:
        server = talk.neko.mcp.server("notes")
        assert server
        await server.settled(TIMEOUT_S)
        reports: list[Any] = []
        talk.neko._requests._intake._report = reports.append
        provider.script(["I will look."], FROM_NOTES)
        await talk.say("What is in my notes?")
        await provider.wait_for_requests(2)
        await looked_at(talk)
        assert "Servers that do not work now: notes" in told(provider, 1)
        [report] = reports
        assert not report["success"]
        assert "no-such-program-at-all" in report["error_message"]


async def test_a_step_whose_goal_is_not_reached_is_done_in_another_way_once(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider) as talk:
        not_reached = call("judge", why="No temperature is seen.", reached="no")
        another = decided("", ("browser_use", "Look it up elsewhere."))
        provider.script(["I will look."], PLAN, DONE, not_reached, another, DONE, REACHED)
        await talk.say(WISH)
        task = await over(talk, 7)
        assert (task.state, [step.title for step in task.steps]) == (
            *(TaskState.COMPLETED, ["Look up the weather in Paris.", "Look it up elsewhere."]),
        )
        assert "No temperature is seen." in told(provider, 4)


async def test_while_everything_is_off_a_turn_costs_no_question_and_nobody_listens(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider, on=False) as talk:
        provider.script(["I cannot."])
        await talk.say(WISH)
        await looked_at(talk)
        assert len(provider.chats) == 1
        assert "session:agent" not in talk.neko.bus.snapshot()["waiting"]


async def test_the_talk_goes_on_while_a_turn_is_looked_at_and_stop_ends_that_too(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider) as talk:
        provider.script(["I will look."], Script(stall_after=0))
        await talk.say(WISH)
        await provider.wait_for_requests(2)
        provider.script(["Yes?"])
        assert await talk.say("Mio?") == "Yes?"
        await talk.neko.agent.tasks.stop_all("Mio")
        await provider.chats[1].aborted.wait()
        assert talk.neko.agent.tasks.listed() == []


async def test_that_the_agent_s_model_cannot_be_asked_stands_until_it_can(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider) as talk:
        provider.script(["I will look."], failure(401, "Incorrect API key provided"))
        await talk.say(WISH)
        await provider.wait_for_requests(2)
        await looked_at(talk)
        assert [fault.error.code for fault in talk.neko.faults.all() if fault.id == FAULT] == ["model_refused_key"]
        provider.script(["Hello!"], call("decide", why="small talk", task=False, words=""))
        await talk.say("Hello!")
        await provider.wait_for_requests(4)
        await looked_at(talk)
        assert FAULT not in [fault.id for fault in talk.neko.faults.all()]


async def test_what_the_character_s_own_model_called_is_told_to_the_planner(
    data_dir: Path, provider: ScriptedProvider
) -> None:
    async with able(data_dir, provider) as talk:
        talk.neko.bus.session.publish(
            {"event_type": "tool_call", "lanlan_name": "Mio", "turn_id": "t", "name": "weather", "arguments": "{}"}
        )
        provider.script(["It is 12 degrees."], call("decide", why="done", task=False, words=""))
        await talk.say(WISH)
        await provider.wait_for_requests(2)
        assert "weather {}" in told(provider, 1)


async def test_words_that_cut_a_reply_short_belong_to_the_next_turn(data_dir: Path, provider: ScriptedProvider) -> None:
    async with talking(data_dir, provider, {}) as talk:
        heard: list[str] = []
        ends = asyncio.Event()

        def note(fact: dict[str, Any]) -> None:
            heard.append(fact["text"] if fact["event_type"] == "line" else "END")
            if heard.count("END") == 2:
                ends.set()

        talk.neko.bus.session.subscribe(note, name="test", only=("line", "turn_end"))
        provider.script(Script(("Let me", " see"), stall_after=1), ["Hello!"])
        async with TaskOwner("test") as owner:
            first = owner.spawn(talk.say(WISH), name="first")
            await provider.wait_for_requests(1)
            await Talk(talk.neko, provider).say("Mio?")
            await first
        async with asyncio.timeout(20):
            await ends.wait()
        first_end = heard.index("END")
        assert heard.index(WISH) < first_end < heard.index("Mio?")
        assert heard[-2:] == ["Hello!", "END"]
