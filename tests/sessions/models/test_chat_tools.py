"""Function calling in a chat session, over real HTTP with the scripted provider."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from neko.errors import ModelServerError
from neko.llm.client import Timeouts
from neko.llm.tool_calls import MOST_CALLS
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.sessions.models.chat_reply import MOST_STEPS
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    ModelEvent,
    ReplyDone,
    ReplyNotice,
    Respond,
    SessionSetup,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    UserMessage,
)
from tests.scripted_provider import Script, ScriptedProvider, failure, tool_calls

WEATHER = Tool("get_weather", "The weather.", {"type": "object", "properties": {"place": {"type": "string"}}})
SETUP = SessionSetup("Mio", "Sam", "You are Mio.", "en", tools=(WEATHER,))
OSLO = ("call_1", "get_weather", '{"place": "Oslo"}')


async def no_wait(_seconds: float) -> None:
    """Between tries no time passes."""


@dataclass(slots=True)
class ToolTalk:
    """A session with tools and its provider; ``say`` answers every call with ``answer``."""

    session: ChatSession
    provider: ScriptedProvider
    events: AsyncIterator[ModelEvent]
    answer: Callable[[ToolCall], ToolResult] = lambda call: ToolResult(call.call_id, "snow")

    async def until(self, kind: type[ModelEvent]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        async with asyncio.timeout(10):
            while not events or not isinstance(events[-1], kind):
                events.append(await anext(self.events))
        return events

    async def say(self, text: str, reply_id: str = "r", images: tuple[bytes, ...] = ()) -> list[ModelEvent]:
        await self.session.send(UserMessage(reply_id, text, images))
        return await self.follow()

    async def follow(self) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        while not events or not isinstance(events[-1], ReplyDone):
            events += await self.until(ToolCall | ReplyDone)  # type: ignore[arg-type]
            if isinstance(events[-1], ToolCall):
                await self.session.send(self.answer(events[-1]))
        return events

    def sent(self, request: int = -1) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.provider.chats[request].json["messages"]
        return messages


StartTalk = Callable[..., Awaitable[ToolTalk]]


@pytest.fixture
async def start() -> AsyncIterator[StartTalk]:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(ScriptedProvider())
        owner = await stack.enter_async_context(TaskOwner("test"))

        async def opened(*, history_tokens: int = 8000, vision: str = "", setup: SessionSetup = SETUP) -> ToolTalk:
            endpoint = ModelEndpoint("conversation", "custom", "Scripted", provider.base_url, "scripted-1", "key")
            eye = ModelEndpoint("vision", "custom", "Scripted", provider.base_url, vision, "key") if vision else None
            session = ChatSession(
                endpoint,
                eye,
                owner=owner,
                network=Network(),
                timeouts=Timeouts(sleep=no_wait),
                history_tokens=history_tokens,
            )
            stack.push_async_callback(session.aclose)
            await session.open(setup)
            return ToolTalk(session, provider, session.events())

        yield opened


async def test_calls_beyond_what_is_taken_at_once_are_told(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(*(("", "get_weather", '{"place": "Oslo"}') for _ in range(MOST_CALLS + 1))))
    talk.provider.script(Script(["Snow."]))
    events = await talk.say("Weather everywhere?")
    assert len(calls_in(events)) == MOST_CALLS
    [notice] = [event for event in events if isinstance(event, ReplyNotice)]
    assert (notice.code, notice.params) == ("calls_left_out", {"count": MOST_CALLS, "model": "scripted-1"})
    assert text_of(events) == "Snow."


async def test_as_many_calls_as_are_taken_are_no_news(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(*(("", "get_weather", '{"place": "Oslo"}') for _ in range(MOST_CALLS))))
    talk.provider.script(Script(["Snow."]))
    events = await talk.say("Weather everywhere?")
    assert len(calls_in(events)) == MOST_CALLS
    assert not [event for event in events if isinstance(event, ReplyNotice)]


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls_in(events: list[ModelEvent]) -> list[ToolCall]:
    return [event for event in events if isinstance(event, ToolCall)]


def assert_paired(messages: list[dict[str, Any]]) -> None:
    """Every tool message has its call before it, and every call its result."""
    calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert results == calls
    for before, message in pairwise(messages):
        if message["role"] == "tool":
            assert before["role"] == "tool" or "tool_calls" in before


# ── what is sent ────────────────────────────────────────────────────────────────────────


async def test_the_tools_are_offered_in_the_form_of_the_api(start: StartTalk) -> None:
    talk = await start()
    await talk.say("hi")
    [tool] = talk.provider.chats[0].json["tools"]
    assert tool == {
        "type": "function",
        "function": {"name": "get_weather", "description": "The weather.", "parameters": dict(WEATHER.parameters)},
    }


async def test_without_tools_nothing_is_said_of_them(start: StartTalk) -> None:
    talk = await start(setup=SessionSetup("Mio", "Sam", "You are Mio.", "en"))
    await talk.say("hi")
    assert "tools" not in talk.provider.chats[0].json


async def test_the_next_request_carries_the_calls_and_their_results(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO, text=["Let me look."]), ["It ", "snows."])
    events = await talk.say("How is Oslo?")
    assert text_of(events) == "Let me look.\nIt snows."
    assert events[-1] == ReplyDone("r", "complete")
    assert talk.sent()[1:] == [
        {"role": "user", "content": "How is Oslo?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": OSLO[1], "arguments": OSLO[2]}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "snow"},
    ]


async def test_calls_and_results_stay_in_the_history(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO, text=["Let me look."]), ["It snows."])
    await talk.say("How is Oslo?", "a")
    await talk.say("Sure?", "b")
    assert [message["role"] for message in talk.sent()] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert talk.sent()[4]["content"] == "It snows."
    assert_paired(talk.sent())


@pytest.mark.parametrize("finish", ["tool_calls", "stop", "function_call", None])
async def test_calls_count_whatever_the_finish_reason_is(start: StartTalk, finish: str | None) -> None:
    talk = await start()
    whole = {"tool_calls": [{"function": {"name": "get_weather", "arguments": {"place": "Oslo"}}}]}
    talk.provider.script(Script([], extra_deltas=[whole], finish_reason=finish), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert [call.arguments for call in calls_in(events)] == [{"place": "Oslo"}]
    assert text_of(events).strip() == "It snows."


async def test_a_server_that_does_not_stream_may_call_too(start: StartTalk) -> None:
    talk = await start()
    call = {"id": "x", "type": "function", "function": {"name": "get_weather", "arguments": OSLO[2]}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
    talk.provider.script(Script(body=body), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert [event.call_id for event in calls_in(events)] == ["x"]


async def test_an_id_that_a_provider_uses_twice_is_made_unique(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO), tool_calls(OSLO), ["It still snows."])
    events = await talk.say("How is Oslo?")
    first, second = calls_in(events)
    assert first.call_id != second.call_id
    assert_paired(talk.sent())


async def test_a_call_that_comes_whole_keeps_the_reasoning_before_it(start: StartTalk) -> None:
    talk = await start()
    script = tool_calls(OSLO)
    talk.provider.script(
        Script([], reasoning=["I should ", "look."], extra_deltas=script.extra_deltas, finish_reason="tool_calls"),
        ["It snows."],
    )
    assert "look" not in text_of(await talk.say("How is Oslo?"))
    assert talk.sent()[2]["reasoning_content"] == "I should look."


# ── what goes wrong ─────────────────────────────────────────────────────────────────────


async def test_broken_arguments_are_answered_by_the_session_itself(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(("c", "get_weather", '{"place": "Os')), tool_calls(OSLO), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert [call.call_id for call in calls_in(events)] == ["call_1"]
    answer = talk.sent(1)[-1]
    assert answer["role"] == "tool"
    assert "JSON" in answer["content"]


async def test_an_unknown_function_is_answered_by_the_session_itself(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(("c", "open_door", "{}"), OSLO), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert [call.name for call in calls_in(events)] == ["get_weather"]
    assert "open_door" in talk.sent()[3]["content"]
    assert talk.sent()[4]["content"] == "snow"
    assert_paired(talk.sent())


async def test_a_failed_result_is_marked_as_an_error(start: StartTalk) -> None:
    talk = await start()
    talk.answer = lambda call: ToolResult(call.call_id, "no network", failed=True)
    talk.provider.script(tool_calls(OSLO), ["I could not look."])
    await talk.say("How is Oslo?")
    assert talk.sent()[-1]["content"] == "Error: no network"


async def test_a_model_that_never_stops_calling_is_asked_for_its_answer(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(*[tool_calls(OSLO)] * MOST_STEPS, ["Enough: it snows."])
    events = await talk.say("How is Oslo?")
    assert len(calls_in(events)) == MOST_STEPS
    assert "tools" not in talk.provider.chats[-1].json
    assert text_of(events).strip() == "Enough: it snows."
    assert_paired(talk.sent())


async def test_calls_beyond_the_last_step_are_not_made(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(*[tool_calls(OSLO)] * (MOST_STEPS + 1))
    events = await talk.say("How is Oslo?")
    assert len(calls_in(events)) == MOST_STEPS
    assert isinstance(events[-1], ReplyDone)
    assert events[-1].reason == "failed"


@pytest.mark.parametrize(
    "refusal",
    [
        failure(400, "registry.ollama.ai/library/gemma:2b does not support tools"),
        failure(500, "tools param requires --jinja flag"),
        failure(404, "No endpoints found that support tool use."),
        failure(422, "Extra inputs are not permitted: tools"),
    ],
)
async def test_a_server_that_refuses_tools_is_asked_without_from_then_on(start: StartTalk, refusal: Script) -> None:
    talk = await start()
    talk.provider.script(refusal, ["Hello!"], ["Hello again!"])
    events = await talk.say("hi", "a")
    assert text_of(events) == "Hello!"
    await talk.say("hi", "b")
    assert ["tools" in request.json for request in talk.provider.chats] == [True, False, False]


async def test_another_refusal_is_not_taken_for_one_of_tools(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(failure(400, "the terms are not accepted"))
    events = await talk.say("hi", "a")
    assert isinstance(events[-1], ReplyDone)
    assert events[-1].reason == "failed"
    await talk.say("hi", "b")
    assert "tools" in talk.provider.chats[-1].json


async def test_a_model_without_tools_is_not_shown_those_of_another(start: StartTalk) -> None:
    talk = await start(vision="eye-1")
    talk.provider.script(tool_calls(OSLO), ["It snows."])
    await talk.say("How is Oslo?", "a")
    talk.provider.script(failure(400, "eye-1 does not support tools"), ["A cat."])
    events = await talk.say("What is this?", "b", images=(b"\xff\xd8jpeg",))
    assert text_of(events) == "A cat."
    assert {message["role"] for message in talk.sent()} == {"system", "user", "assistant"}
    await talk.say("And Rome?", "c")
    assert "tool" in {message["role"] for message in talk.sent()}


async def test_a_stream_that_breaks_before_its_calls_are_whole_is_tried_again(start: StartTalk) -> None:
    talk = await start()
    broken = Script(["Let me look."], extra_deltas=tool_calls(OSLO).extra_deltas[:2], finish_reason=None, done=False)
    talk.provider.script(broken, tool_calls(OSLO), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert [call.arguments for call in calls_in(events)] == [{"place": "Oslo"}]
    assert text_of(events) == "Let me look.\nIt snows."


async def test_a_failure_after_the_results_is_tried_again_with_them(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO), failure(500), ["It snows."])
    events = await talk.say("How is Oslo?")
    assert len(calls_in(events)) == 1
    assert talk.sent()[-1]["content"] == "snow"
    assert text_of(events).strip() == "It snows."


async def test_a_reply_that_fails_after_its_calls_leaves_a_history_that_can_be_sent(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO), failure(500), failure(500), failure(500))
    end = (await talk.say("How is Oslo?", "a"))[-1]
    assert isinstance(end, ReplyDone)
    assert isinstance(end.error, ModelServerError)
    await talk.say("And now?", "b")
    roles = [message["role"] for message in talk.sent()]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert_paired(talk.sent())


# ── what is kept ────────────────────────────────────────────────────────────────────────


async def test_a_reply_cut_while_it_waits_leaves_no_call_without_a_result(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO, text=["Let me look."]))
    await talk.session.send(UserMessage("a", "How is Oslo?"))
    await talk.until(ToolCall)
    await talk.session.interrupt("a", "Let me look.")
    await talk.until(ReplyDone)
    await talk.say("Never mind.", "b")
    assert talk.sent()[1:] == [
        {"role": "user", "content": "How is Oslo?"},
        {"role": "assistant", "content": "Let me look."},
        {"role": "user", "content": "Never mind."},
    ]


async def test_an_unread_call_of_a_cut_reply_is_never_seen(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO))
    await talk.session.send(UserMessage("a", "How is Oslo?"))
    request = await talk.provider.wait_for_requests(1)
    async with asyncio.timeout(15):
        await request.finished.wait()
        for _ in range(50):
            await asyncio.sleep(0)
    await talk.session.interrupt("a", "")
    assert calls_in(await talk.until(ReplyDone)) == []


async def test_of_a_reply_cut_after_its_calls_they_are_kept_and_the_text_is_cut(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO, text=["Let me look."]), Script(["It snows ", "a lot."], stall_after=2))
    await talk.session.send(UserMessage("a", "How is Oslo?"))
    [*_, call] = await talk.until(ToolCall)
    assert isinstance(call, ToolCall)
    await talk.session.send(ToolResult(call.call_id, "snow"))
    await talk.until(TextDelta)
    await talk.session.interrupt("a", "Let me look.\nIt snows ")
    await talk.until(ReplyDone)
    await talk.say("Thanks.", "b")
    assert_paired(talk.sent())
    assert talk.sent()[4] == {"role": "assistant", "content": "It snows "}


async def test_calls_leave_the_history_together_with_their_results(start: StartTalk) -> None:
    talk = await start(history_tokens=150)
    for number in range(6):
        talk.provider.script(tool_calls(OSLO), [f"It snows, answer {number}."])
        await talk.say(f"Question {number}?", str(number))
        assert_paired(talk.sent())
    assert "Question 0?" not in str(talk.sent())
    assert talk.sent()[1]["role"] == "user"


async def test_a_huge_result_is_cut_and_the_question_stays(start: StartTalk) -> None:
    talk = await start(history_tokens=400)
    talk.answer = lambda call: ToolResult(call.call_id, "snow " * 5000)
    talk.provider.script(*[tool_calls(OSLO)] * 5, ["It snows."])
    await talk.say("How is Oslo?")
    assert talk.sent()[1] == {"role": "user", "content": "How is Oslo?"}
    assert_paired(talk.sent())
    assert len(str(talk.sent())) < 6000
    assert "snow snow" in talk.sent()[-1]["content"]


async def test_a_line_spoken_of_its_own_accord_may_call_tools(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(tool_calls(OSLO), ["It snows in Oslo, by the way."])
    await talk.session.send(Respond("r", "Say how the weather in Oslo is."))
    events = await talk.follow()
    assert text_of(events).strip() == "It snows in Oslo, by the way."
    assert "Say how the weather" in str(talk.sent(1))


# ── context and speaking first ──────────────────────────────────────────────────────────


async def test_a_wish_of_ours_is_asked_once_and_not_remembered(start: StartTalk) -> None:
    talk = await start()
    talk.provider.script(["Welcome home!"])
    await talk.session.send(Respond("r", "Greet Sam."))
    await talk.until(ReplyDone)
    asked = talk.sent()[-1]
    assert asked["role"] == "user"
    assert "Greet Sam." in asked["content"]
    await talk.say("Thanks!", "b")
    assert talk.sent()[1:] == [
        {"role": "user", "content": "…"},
        {"role": "assistant", "content": "Welcome home!"},
        {"role": "user", "content": "Thanks!"},
    ]


async def test_notes_stand_in_the_system_prompt_and_the_oldest_go_first(start: StartTalk) -> None:
    talk = await start(history_tokens=400)
    for number in range(40):
        await talk.session.send(AddContext(f"Note number {number} about the weather."))
    await talk.say("hi")
    [system, _user] = talk.sent()
    assert system["role"] == "system"
    assert system["content"].startswith("You are Mio.")
    assert "Note number 39" in system["content"]
    assert "Note number 0 " not in system["content"]
