"""A conversation, a request with tools and a stop, against a real model behind a real server.

The model is tiny and English, and takes no tools: what is asked of it is that words come, not that they are wise.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from neko.app import Neko
from neko.llm import model_catalogue
from neko.llm.discovery import find_local_servers
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.events import Event, LineStored, ReplyText, TurnEnd
from neko.sessions.models.chat import ChatSession
from neko.settings import Settings
from neko.tasks import TaskOwner
from neko.types.model_session import (
    ModelEvent,
    ReplyDone,
    ReplyStarted,
    SessionSetup,
    TextDelta,
    Tool,
    ToolCall,
    UserMessage,
)
from tests.real.conftest import RealModel

REPLY_TIMEOUT_S = 300.0
"""On two busy cores the model makes about six tokens a second."""

STOP_TIMEOUT_S = 5.0
NAME = "Mio"
WEATHER = Tool(
    "get_weather", "The weather at a place.", {"type": "object", "properties": {"place": {"type": "string"}}}
)


def endpoint(real_model: RealModel, model: str) -> ModelEndpoint:
    return ModelEndpoint("conversation", "custom", "llama.cpp", real_model.base_url, model, "")


@pytest.fixture
async def model_name(real_model: RealModel) -> str:
    [name, *_] = await model_catalogue.list_models(Network(), real_model.base_url, "")
    return name


# ── a conversation through Neko ─────────────────────────────────────────────────────────


@pytest.fixture
async def neko(real_model: RealModel, model_name: str, tmp_path: Path) -> AsyncIterator[Neko]:
    environ = {
        "LANG": "en",
        "NEKO_ASSIST_API_KEY_OPENAI": "sk-none",
        "NEKO_OPENAI_BASE_URL": real_model.base_url,
        "NEKO_CONVERSATION_MODEL": model_name,
        "NEKO_LOCAL_ONLY": "1",
    }
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        yield whole


def words_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReplyText))


async def test_a_conversation_of_two_turns(neko: Neko, figures: Callable[[str], None]) -> None:
    lines: list[tuple[str, str]] = []
    for text in ("Hello! What is the capital of France?", "Tell me about cats."):
        began, first, events = time.monotonic(), 0.0, list[Event]()
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            async for event in neko.chat(NAME, text):
                events.append(event)
                if isinstance(event, ReplyText) and not first:
                    first = time.monotonic() - began
        deltas = sum(isinstance(event, ReplyText) for event in events)
        whole = time.monotonic() - began
        figures(f"first words {first:.2f} s, {deltas} deltas in {whole:.1f} s, {deltas / whole:.1f} a second")
        assert words_of(events).strip()
        assert isinstance(events[-1], TurnEnd)
        lines += [(event.line.role, event.line.status) for event in events if isinstance(event, LineStored)]
    assert lines == [("user", "complete"), ("assistant", "complete")] * 2
    assert {entry["host"] for entry in neko.network.snapshot()["hosts"]} == {neko_host(neko)}


def neko_host(neko: Neko) -> str:
    return neko.settings.environ["NEKO_OPENAI_BASE_URL"].removeprefix("http://").removesuffix("/v1")


# ── discovery, tools, stop ──────────────────────────────────────────────────────────────


async def test_the_server_is_found_and_tested(real_model: RealModel, model_name: str) -> None:
    network = Network(local_only=True)
    [server] = await find_local_servers(network, {}, 10.0, ports=[("x", real_model.port)])
    assert (server.name, server.base_url, server.models) == ("llama.cpp", real_model.base_url, (model_name,))
    result = await model_catalogue.test(network, real_model.base_url, "", model_name)
    assert result.ok, result.error
    assert result.reply


class Session:
    """An opened chat session with the real model."""

    def __init__(self, session: ChatSession) -> None:
        self.session = session
        self.events = session.events()

    async def until(self, kind: type[ModelEvent]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            while not events or not isinstance(events[-1], kind):
                events.append(await anext(self.events))
        return events


@pytest.fixture
async def session(real_model: RealModel, model_name: str) -> AsyncIterator[Session]:
    async with TaskOwner("test") as owner:
        chat = ChatSession(endpoint(real_model, model_name), None, owner=owner, network=Network(local_only=True))
        await chat.open(SessionSetup(NAME, "Sam", "You are Mio, a friendly cat.", "en", tools=(WEATHER,)))
        yield Session(chat)
        await chat.aclose()


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_a_server_that_ignores_tools_still_answers(session: Session, figures: Callable[[str], None]) -> None:
    began = time.monotonic()
    await session.session.send(UserMessage("a", "What is the weather in Oslo?"))
    events = await session.until(ReplyDone)
    figures(f"with tools: {len(events) - 2} deltas in {time.monotonic() - began:.1f} s")
    assert events[-1] == ReplyDone("a", "complete")
    assert text_of(events).strip()
    assert not [event for event in events if isinstance(event, ToolCall)]


async def test_a_stop_in_mid_reply_ends_it_at_once_and_the_next_question_is_answered(
    session: Session, figures: Callable[[str], None]
) -> None:
    await session.session.send(UserMessage("a", "Count from one to one hundred in words."))
    text = text_of(await session.until(TextDelta))
    began = time.monotonic()
    await session.session.interrupt("a", text)
    async with asyncio.timeout(STOP_TIMEOUT_S):
        assert (await session.until(ReplyDone))[-1] == ReplyDone("a", "interrupted")
    stopped = time.monotonic() - began
    await session.session.send(UserMessage("b", "Say hello."))
    events = await session.until(TextDelta)
    figures(f"stop {stopped * 1000:.1f} ms, first words of the next reply {time.monotonic() - began:.2f} s later")
    assert events[0] == ReplyStarted("b")
    await session.session.interrupt("b", text_of(events))
    await session.until(ReplyDone)
