"""What came of tasks is told by her: once, in the next free moment, in whatever way she talks."""

from __future__ import annotations

from typing import Any

from neko.agent.messages import AgentTask, task_result, task_update, timestamp
from neko.app import Neko
from neko.errors import ModelUnreachableError
from neko.sessions.actions import SendText, StopReply
from neko.sessions.agent_reports import AgentReports
from neko.sessions.events import (
    AgentNotification,
    Event,
    ReplyText,
    SessionFailed,
    SpeechEnded,
    StateChanged,
    TurnAbandoned,
    TurnEnd,
)
from neko.sessions.manager import SessionManager
from neko.sessions.outbox import Outbox
from neko.types.errands import Report
from tests.page_events import text_of, turn, until
from tests.scripted_provider import Script, ScriptedProvider, failure
from tests.scripted_session import SpokenTurn
from tests.sessions.speech_conversation import SpeechConversation, in_call


async def rest(outbox: Outbox) -> list[Event]:
    return await until(outbox, lambda event: event == StateChanged("idle"))


def result(neko: Neko, summary: str = "The train leaves at 9:12.", **options: Any) -> None:
    options = {"success": True, "task_id": "t1", **options}
    neko.bus.agent.publish(task_result("Mio", "browser_use", summary=summary, **options))


def asked(provider: ScriptedProvider, number: int = -1) -> str:
    """The last message of a request, and what stands beside it."""
    messages = provider.chats[number].json["messages"]
    return "\n".join(str(message["content"]) for message in messages[1:])


async def test_a_result_is_told_in_a_turn_of_its_own_when_nothing_else_goes_on(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["Your train leaves at 9:12!"]))
    result(neko, detail="The train to Kyoto leaves at 9:12 from platform 3.")
    seen = await until(page, TurnEnd)
    assert AgentNotification("The train leaves at 9:12.", "completed", "t1") in seen
    assert text_of(seen) == "Your train leaves at 9:12!"
    told = asked(provider)
    assert "platform 3" in told
    assert "From outside" in told
    said = (await neko.memory.lines("Mio"))[-1]
    assert said.text == "Your train leaves at 9:12!"
    assert said.turn_id
    assert neko.agent.heard_outside.counts("Mio")


async def test_a_result_waits_for_the_end_of_a_reply_and_is_told_once(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["so ", "far"], stall_after=1), Script(["And it is done."]), Script(["Fine."]))
    manager.handle(SendText("hello"))
    await until(page, ReplyText)
    result(neko)
    await until(page, AgentNotification)
    provider.release()
    assert await turn(page) == "far"
    assert await turn(page) == "And it is done."
    result(neko)  # the same again
    manager.handle(SendText("thanks"))
    assert await turn(page) == "Fine."
    await rest(page)
    assert len(provider.chats) == 3
    assert "9:12" not in provider.chats[2].json["messages"][-1]["content"]


async def test_who_speaks_first_hears_it_with_the_answer_and_not_again(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["hi"], stall_after=0), Script(["Four. And the train leaves at 9:12."]))
    manager.handle(SendText("hello"))
    await provider.wait_for_requests(1)
    result(neko, detail="x" * 1000)
    await until(page, AgentNotification)
    manager.handle(SendText("what is two and two?"))
    await turn(page)
    assert await turn(page) == "Four. And the train leaves at 9:12."
    await rest(page)
    assert "9:12" in asked(provider)
    assert "x" * 300 in asked(provider)
    assert "x" * 301 not in asked(provider)
    assert len(provider.chats) == 2


async def test_several_are_told_together(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["hm"], stall_after=0), Script(["Both are done."]))
    manager.handle(SendText("hello"))
    await provider.wait_for_requests(1)
    result(neko, "The train leaves at 9:12.", task_id="t1")
    result(neko, "The table is booked.", task_id="t2", success=False, error="no free table")
    await until(page, lambda event: isinstance(event, AgentNotification) and event.status == "failed")
    provider.release()
    await turn(page)
    assert await turn(page) == "Both are done."
    told = asked(provider)
    assert "9:12" in told
    assert "no free table" in told


async def test_the_same_words_from_another_channel_are_not_told_again(
    neko: Neko, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["At 9:12!"]))
    result(neko)
    await turn(page)
    result(neko, "the train leaves at 9:12", task_id="t2")
    neko.bus.agent.publish(
        {"event_type": "proactive_message", "lanlan_name": "Mio", "text": "The train leaves at 9:12."}
    )
    result(neko, "Something else came of it.", task_id="t3")
    await turn(page)
    assert "train leaves" not in asked(provider)
    assert len(provider.chats) == 2


async def test_a_task_that_was_cancelled_is_not_told(neko: Neko, page: Outbox, provider: ScriptedProvider) -> None:
    task = AgentTask(id="t1", status="cancelled", type="browser_use", start_time=timestamp())
    neko.bus.agent.publish(task_update("Mio", task))
    result(neko, "It was cancelled.", success=False)
    result(neko, "The table is booked.", task_id="t2")
    await turn(page)
    assert len(provider.chats) == 1
    assert "cancelled" not in asked(provider)


async def test_a_report_of_which_nothing_was_said_is_told_with_the_next_words(
    neko: Neko, manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(Script(["never"], stall_after=0), Script(["Here it is."]))
    result(neko)
    await provider.wait_for_requests(1)
    manager.handle(StopReply())
    await turn(page)
    await rest(page)
    assert len(provider.chats) == 1
    manager.handle(SendText("sorry, what was it?"))
    assert await turn(page) == "Here it is."
    assert "9:12" in asked(provider)


async def test_what_the_model_cannot_tell_is_told_without_it(
    neko: Neko, page: Outbox, provider: ScriptedProvider
) -> None:
    provider.script(failure(401))
    result(neko, success=False, error="The site did not answer")
    await turn(page)
    assert "The site did not answer" in await turn(page)


async def test_what_happened_while_nobody_was_there_is_told_to_who_comes(
    neko: Neko, manager: SessionManager, provider: ScriptedProvider
) -> None:
    reader = Outbox(wants_audio=False)
    with manager.tap(reader):
        result(neko)
        await until(reader, AgentNotification)
    assert not provider.chats
    outbox = Outbox(wants_audio=False)
    await manager.attach(outbox)
    await turn(outbox)
    assert "9:12" in asked(provider)


async def test_a_model_with_a_voice_of_its_own_tells_it_aloud(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["It leaves ", "at 9:12."]))
    talk.manager.hear_agent(task_result("Mio", "mcp", success=True, summary="The train leaves at 9:12.", task_id="t1"))
    events = await talk.until(SpeechEnded)
    assert text_of(events) == "It leaves at 9:12."
    assert len(talk.sessions[0].requests) == 1


async def test_what_nobody_heard_because_the_user_spoke_is_told_again(talk: SpeechConversation) -> None:
    await in_call(talk, SpokenTurn(deltas=["It leaves ", "at 9:12."], stall_after=0), SpokenTurn())
    talk.manager.hear_agent(task_result("Mio", "mcp", success=True, summary="The train leaves at 9:12.", task_id="t1"))
    await talk.until(lambda event: event == StateChanged("thinking"))
    talk.speak()
    await talk.until(SpeechEnded)
    talk.sessions[0].script(SpokenTurn(deltas=["It leaves at 9:12."]))
    events = await talk.until(SpeechEnded)
    assert text_of(events) == "It leaves at 9:12."


async def test_the_model_of_a_talk_without_tasks_reads_nothing_of_them(
    manager: SessionManager, page: Outbox, provider: ScriptedProvider
) -> None:
    manager.handle(SendText("hello"))
    await turn(page)
    assert [message["role"] for message in provider.chats[0].json["messages"]].count("user") == 1
    assert "From outside" not in str(provider.chats[0].json)


async def test_why_it_failed_is_said_once(neko: Neko, page: Outbox, provider: ScriptedProvider) -> None:
    provider.script(failure(401))
    result(neko, "Find a train: the site did not answer", success=False, error="The site did not answer.")
    await turn(page)
    assert (await turn(page)).casefold().count("the site did not answer") == 1


async def test_without_a_session_it_is_tried_once_and_told_when_there_is_one(talk: SpeechConversation) -> None:
    talk.fail = ModelUnreachableError("down", model="m", provider="p")
    talk.turns = [SpokenTurn(deltas=["Hi. ", "It leaves at 9:12."])]
    talk.manager.hear_agent(task_result("Mio", "mcp", success=True, summary="The train leaves at 9:12.", task_id="t1"))
    await talk.until(TurnAbandoned)
    await talk.until(lambda event: event == StateChanged("idle"))
    assert not any(isinstance(event, TurnAbandoned | SessionFailed) for event in await talk.waiting())
    talk.fail = None
    talk.manager.handle(SendText("hello"))
    events = await talk.until(SpeechEnded)
    assert "9:12" in text_of(events)
    assert talk.sessions[0].requests == []


def test_what_the_model_has_told_by_a_call_of_its_own_is_not_told_again() -> None:
    reports = AgentReports()
    reports.model_saw("[From outside] Found: The train leaves at 9:12, platform 3. [End]")
    assert not reports.add(Report("t1", "completed", "the train leaves at 9:12 platform 3"), 0.0)
    assert reports.add(Report("t2", "completed", "The table is booked for eight."), 0.0)


def test_what_is_tried_again_and_fails_again_is_told_again() -> None:
    reports = AgentReports()
    for number in range(2):
        assert reports.add(Report(f"t{number}", "failed", "The site did not answer."), 0.0)
        reports.take("turn")
        assert reports.turn_ended("turn", told=True, now=0.0) == (f"t{number}",)
