"""A real server that is still loading, a context that is full, a reply without an end, a stop in mid-reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from neko.llm import reply_sink
from neko.llm.adaptation import Adaptations
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.model_session import ModelEvent, ReplyDone, ReplyNotice, Retrying, SessionSetup, TextDelta, UserMessage
from tests.real.conftest import RealModel, served

REPLY_TIMEOUT_S = 300.0
CONTEXT = 512
TURNS = 10
Figures = Callable[[str], None]


class RealChat:
    """A chat session with a real model."""

    def __init__(self, session: ChatSession, model: RealModel) -> None:
        self.session = session
        self.model = model
        self._events = session.events()

    async def say(self, text: str, reply_id: str) -> list[ModelEvent]:
        await self.session.send(UserMessage(reply_id, text))
        return await self.until(ReplyDone)

    async def until(self, kind: type[ModelEvent]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            while not events or not isinstance(events[-1], kind):
                events.append(await anext(self._events))
        return events

    async def is_working(self) -> bool:
        """Whether the server is computing anything."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            slots = (await http.get(f"http://127.0.0.1:{self.model.port}/slots", timeout=60)).json()
        return any(slot["is_processing"] for slot in slots)


@asynccontextmanager
async def talking(
    model: RealModel, adaptations: Adaptations | None = None, extra_body: dict[str, Any] | None = None
) -> AsyncIterator[RealChat]:
    endpoint = ModelEndpoint("conversation", "custom", "llama.cpp", model.base_url, "m", "", extra_body or {})
    async with TaskOwner("test") as owner:
        network = Network(local_only=True)
        chat = ChatSession(endpoint, None, owner=owner, network=network, adaptations=adaptations)
        await chat.open(SessionSetup("Mio", "Sam", "You are Mio, a friendly cat. You like tea.", "en"))
        yield RealChat(chat, model)
        await chat.aclose()


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def told(events: list[ModelEvent]) -> list[str]:
    return [event.code for event in events if isinstance(event, ReplyNotice)]


async def test_a_talk_that_begins_while_the_server_loads_is_answered(figures: Figures) -> None:
    with served(ready=False) as model:
        async with talking(model) as talk:
            began = time.monotonic()
            events = await talk.say("Say hello.", "a")
            figures(f"asked while it loads: answered after {time.monotonic() - began:.1f} s, told {told(events)}")
    assert events[-1] == ReplyDone("a", "complete") or told(events)[-1:] == ["model_reply_cut"]
    assert text_of(events).strip()
    assert told(events)[0] == "model_waited_for"
    assert not [event for event in events if isinstance(event, Retrying)]


@pytest.fixture(scope="module")
def narrow_model() -> Iterator[RealModel]:
    with served("--context", str(CONTEXT), "--longest", "24") as model:
        yield model


async def test_a_full_context_never_fails_a_turn(narrow_model: RealModel, figures: Figures) -> None:
    adaptations = Adaptations()
    question = "My cat sat on the warm wooden windowsill and watched the rain fall on the old garden wall. " * 3
    async with talking(narrow_model, adaptations) as talk:
        seconds = []
        for number in range(TURNS):
            began = time.monotonic()
            events = await talk.say(f"Number {number}: {question}", str(number))
            seconds.append(time.monotonic() - began)
            assert events[-1] == ReplyDone(str(number), "complete")
            assert text_of(events).strip()
    endpoint = ModelEndpoint("conversation", "custom", "llama.cpp", narrow_model.base_url, "m", "")
    most = adaptations.of(endpoint).most_tokens
    figures(f"context of {CONTEXT} tokens, {TURNS} turns: {max(seconds):.1f} s at most, {most} tokens kept")
    assert most is not None
    assert most < CONTEXT


async def test_a_reply_without_an_end_is_ended(
    real_model: RealModel, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply_sink, "LONGEST_REPLY", 400)
    extra = {"ignore_eos": True, "n_predict": -1, "max_tokens": -1}
    async with talking(real_model, extra_body=extra) as talk:
        began = time.monotonic()
        events = await talk.say("Tell me a story.", "a")
        ended = time.monotonic() - began
        await until_idle(talk)
        free = time.monotonic() - began - ended
        length = len(text_of(events))
        figures(f"endless reply: cut after {length} characters, {ended:.1f} s; free {free * 1000:.0f} ms later")
    assert events[-1] == ReplyDone("a", "complete")
    assert 300 < len(text_of(events)) <= 400
    assert told(events) == ["reply_too_long"]


async def test_a_stop_in_mid_reply_frees_the_server(real_model: RealModel, figures: Figures) -> None:
    extra = {"ignore_eos": True, "n_predict": -1, "max_tokens": -1}
    async with talking(real_model, extra_body=extra) as talk:
        await talk.session.send(UserMessage("a", "Count from one to one hundred in words."))
        text = text_of(await talk.until(TextDelta))
        assert await talk.is_working()
        began = time.monotonic()
        await talk.session.interrupt("a", text)
        assert (await talk.until(ReplyDone))[-1] == ReplyDone("a", "interrupted")
        stopped = time.monotonic() - began
        await until_idle(talk)
        figures(f"stop {stopped * 1000:.1f} ms, server free after {(time.monotonic() - began) * 1000:.0f} ms")


async def until_idle(talk: RealChat) -> None:
    async with asyncio.timeout(30):
        while await talk.is_working():  # noqa: ASYNC110 (the server tells nobody)
            await asyncio.sleep(0.02)
