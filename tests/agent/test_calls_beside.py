"""A remark of the user's ends no call of a tool, and withdraws no question: the call goes on beside the talk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neko.sessions.actions import SendText, StopReply
from neko.sessions.events import AgentNotification, AgentTask, ApprovalAsked, ApprovalOver, Event, ReplyText, TurnEnd
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.types.agent import Decision
from tests import scripted_mcp
from tests.agent.conftest import Talk, talking
from tests.page_events import turn, until
from tests.scripted_provider import ScriptedProvider, tool_calls

FOUND = "The ferry to Kobe sails at 9:12."
LOOK = tool_calls(("c1", "boats__look", "{}"))


@dataclass
class Boats:
    """A page, and a tool that has an answer when it is told so; ``policy``: the user's word on it."""

    talk: Talk
    manager: SessionManager
    page: Outbox
    script: Path

    def arrive(self) -> None:
        self.script.with_name("arrived").write_text("", encoding="utf-8")

    async def ask(self) -> None:
        self.manager.handle(SendText("When does the ferry sail?"))

    async def running(self) -> str:
        """The card of the call, once it is being made."""
        seen = await until(self.page, lambda event: isinstance(event, AgentTask) and event.task["status"] == "running")
        assert isinstance(seen[-1], AgentTask)
        return str(seen[-1].task["id"])

    async def over(self) -> dict[str, Any]:
        """How the card ends."""
        seen = await until(self.page, lambda event: isinstance(event, AgentTask) and event.task["status"] != "running")
        assert isinstance(seen[-1], AgentTask)
        return dict(seen[-1].task)

    def told(self, number: int = -1) -> str:
        """All that the model was sent beside the standing prompt."""
        return "\n".join(str(one["content"]) for one in self.talk.provider.chats[number].json["messages"][1:])

    async def cancelled(self) -> bool:
        sent = scripted_mcp.received(self.script)
        return any(one.get("method") == "notifications/cancelled" for one in sent)


@asynccontextmanager
async def boats(
    folder: Path, provider: ScriptedProvider, place: Path, policy: str = "allow", do: str = "wait"
) -> AsyncIterator[Boats]:
    script = place / "script.json"
    look = scripted_mcp.tool("look", "Looks for ferries", readOnlyHint=True, openWorldHint=False)
    entry = scripted_mcp.entry(
        script, tools=[look], do={"look": do}, results={"look": FOUND}, until=str(place / "arrived")
    )
    async with talking(folder, provider, {"boats": {**entry, "neko": {"policy": policy}}}) as talk:
        manager = talk.neko.conversations.get("Mio")
        assert manager is not None
        page = Outbox(wants_audio=False)
        await manager.attach(page)
        yield Boats(talk, manager, page, script)


def said(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyText))


async def test_a_remark_is_answered_while_the_call_goes_on_and_its_result_is_told_once(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    async with boats(data_dir, provider, tmp_path) as here:
        provider.script(LOOK, ["Still looking."], ["It sails at 9:12."])
        await here.ask()
        card = await here.running()
        here.manager.handle(SendText("how is it going?"))
        await until(here.page, TurnEnd)  # of the reply that made the call
        assert await turn(here.page) == "Still looking."
        assert "look: under way" in here.told()
        assert "broken off" not in here.told()
        assert not await here.cancelled()
        here.arrive()
        seen = await until(here.page, TurnEnd)
        assert said(seen) == "It sails at 9:12."
        assert [event.task["status"] for event in seen if isinstance(event, AgentTask)] == ["completed"]
        assert AgentNotification(f"look: {FOUND}", "completed", card) in seen
        assert here.told().count(FOUND) == 1
        assert "From outside, by the agent" in here.told()
        assert here.talk.neko.agent.heard_outside.counts("Mio")
        (row,) = await here.talk.neko.agent.journal.rows(task=card)
        assert (row["verdict"], row["outcome"]) == ("allowed", "done")
        assert here.talk.neko.agent.snapshot()["active_tasks"] == []


async def test_a_question_stays_open_beside_the_answer_and_its_yes_counts(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    async with boats(data_dir, provider, tmp_path, "ask") as here:
        provider.script(LOOK, ["I may only look if you allow it."], ["It sails at 9:12."])
        await here.ask()
        seen = await until(here.page, ApprovalAsked)
        assert isinstance(seen[-1], ApprovalAsked)
        question = str(seen[-1].question["id"])
        here.manager.handle(SendText("hm"))
        await until(here.page, TurnEnd)
        assert await turn(here.page) == "I may only look if you allow it."
        assert "look: waits for an answer" in here.told()
        assert [one["id"] for one in here.talk.neko.approvals.pending()] == [question]
        assert "Shall I" in await turn(here.page), "it is asked again, so that a yes may answer it"
        assert here.talk.neko.approvals.answer(question, Decision.ONCE)
        here.arrive()
        assert await turn(here.page) == "It sails at 9:12."
        (row,) = await here.talk.neko.agent.journal.rows()
        assert (row["verdict"], row["outcome"]) == ("approved", "done")


@pytest.mark.parametrize("answer", [Decision.DENY, None])
async def test_a_question_that_got_no_yes_beside_the_answer_leaves_no_card_and_no_act(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path, answer: Decision | None
) -> None:
    async with boats(data_dir, provider, tmp_path, "ask") as here:
        provider.script(LOOK, ["Well."])
        await here.ask()
        seen = await until(here.page, ApprovalAsked)
        assert isinstance(seen[-1], ApprovalAsked)
        here.manager.handle(SendText("hm"))
        await until(here.page, lambda event: isinstance(event, AgentTask) and event.task["neko"]["state"] == "asking")
        approvals = here.talk.neko.approvals
        if answer:
            assert approvals.answer(seen[-1].question["id"], answer)
        else:
            approvals._pending[seen[-1].question["id"]].answered.cancel()
        assert (await here.over())["status"] == "cancelled"
        assert scripted_mcp.calls(here.script) == []
        (row,) = await here.talk.neko.agent.journal.rows()
        assert row["verdict"] == ("denied" if answer else "withdrawn")


@pytest.mark.parametrize("words", ["Stop!", "never mind"])
async def test_who_does_not_want_it_any_more_ends_it(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path, words: str
) -> None:
    async with boats(data_dir, provider, tmp_path, do="hang") as here:
        provider.script(LOOK, ["Still looking."])
        await here.ask()
        card = await here.running()
        here.manager.handle(SendText("and?"))
        await until(here.page, TurnEnd)
        assert await turn(here.page) == "Still looking."
        here.manager.handle(SendText(words))
        assert await turn(here.page) == "Stopped."
        assert len(provider.chats) == 2
        (row,) = await here.talk.neko.agent.journal.rows(task=card)
        assert (row["verdict"], row["outcome"]) == ("allowed", "cancelled")
        assert here.talk.neko.agent.calls.listed() == []


async def test_the_button_ends_the_call_and_the_next_reply_does_not_claim_it(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    async with boats(data_dir, provider, tmp_path, do="hang") as here:
        provider.script(LOOK, ["It was broken off."])
        await here.ask()
        await here.running()
        here.manager.handle(StopReply())
        assert (await here.over())["status"] == "cancelled"
        here.manager.handle(SendText("and?"))
        await until(here.page, ReplyText)
        assert "were broken off when" in here.told()
        assert "boats__look" in here.told()


async def test_a_question_goes_with_a_reply_that_is_stopped(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    async with boats(data_dir, provider, tmp_path, "ask") as here:
        provider.script(LOOK)
        await here.ask()
        seen = await until(here.page, ApprovalAsked)
        assert isinstance(seen[-1], ApprovalAsked)
        here.manager.handle(StopReply())
        await until(here.page, ApprovalOver)
        assert not here.talk.neko.approvals.answer(seen[-1].question["id"], Decision.ONCE)
        assert scripted_mcp.calls(here.script) == []
        (row,) = await here.talk.neko.agent.journal.rows()
        assert (row["verdict"], row["tool"], row["outcome"]) == ("withdrawn", "look", "")


async def test_no_more_than_some_go_on_beside_the_talk(
    data_dir: Path, provider: ScriptedProvider, tmp_path: Path
) -> None:
    async with boats(data_dir, provider, tmp_path, do="hang") as here:
        many = [(f"c{at}", "boats__look", json.dumps({"text": str(at)})) for at in range(6)]
        provider.script(tool_calls(*many), ["Four are under way."])
        await here.ask()
        for _ in many:
            await here.running()
        here.manager.handle(SendText("how is it going?"))
        await until(here.page, TurnEnd)
        assert await turn(here.page) == "Four are under way."
        assert "were broken off when" in here.told()
        assert len(here.talk.neko.agent.calls.listed("Mio")) == 4
        assert await asyncio.wait_for(here.talk.neko.agent.stop_all("Mio"), 30) == 4
