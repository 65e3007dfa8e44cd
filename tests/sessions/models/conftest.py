"""A chat session with the scripted provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from neko.llm.client import Timeouts
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.chat import ChatSession
from neko.tasks import TaskOwner
from neko.types.model_session import (
    ModelEvent,
    ReplyDone,
    Retrying,
    SessionSetup,
    TextDelta,
    UserMessage,
)
from tests.scripted_provider import ScriptedProvider

SETUP = SessionSetup("Mio", "Sam", "You are Mio.", "en")


class Waits:
    """Takes the place of waiting between tries, and remembers how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self.go.wait()


class ScriptedChat:
    """A session with its provider."""

    def __init__(self, session: ChatSession, provider: ScriptedProvider, owner: TaskOwner, waits: Waits) -> None:
        self.session = session
        self.provider = provider
        self.owner = owner
        self.waits = waits
        self.events = session.events()

    async def say(self, text: str, reply_id: str = "r", **more: object) -> list[ModelEvent]:
        """Send and collect to the end of the reply."""
        await self.session.send(UserMessage(reply_id, text, **more))  # type: ignore[arg-type]
        return await self.until(lambda event: isinstance(event, ReplyDone) and event.reply_id == reply_id)

    async def until(self, wanted: Callable[[ModelEvent], bool]) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        async with asyncio.timeout(10):
            while not events or not wanted(events[-1]):
                events.append(await anext(self.events))
        return events

    def sent(self, count: int = -1) -> list[dict[str, object]]:
        messages: list[dict[str, object]] = self.provider.chats[count].json["messages"]
        return messages


Start = Callable[..., Awaitable[ScriptedChat]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Opens a talk; keyword arguments go to ``Timeouts``, ``vision`` and ``endpoint`` to the session."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(ScriptedProvider())
        owner = await stack.enter_async_context(TaskOwner("test"))
        network = Network()

        async def opened(
            *,
            base_url: str = "",
            vision: ModelEndpoint | None = None,
            extra_body: dict[str, object] | None = None,
            history_tokens: int = 8000,
            **timeouts: object,
        ) -> ScriptedChat:
            waits = Waits()
            endpoint = ModelEndpoint(
                "conversation", "custom", "Scripted", base_url or provider.base_url, "scripted-1", "sk-secret",
                extra_body or {},
            )  # fmt: skip
            limits = Timeouts(**timeouts, sleep=waits)  # type: ignore[arg-type]
            session = ChatSession(
                endpoint, vision, owner=owner, network=network, timeouts=limits, history_tokens=history_tokens
            )
            stack.push_async_callback(session.aclose)
            await session.open(SETUP)
            return ScriptedChat(session, provider, owner, waits)

        yield opened


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def end_of(events: list[ModelEvent]) -> ReplyDone:
    assert isinstance(events[-1], ReplyDone)
    return events[-1]


def retries_of(events: list[ModelEvent]) -> list[Retrying]:
    return [event for event in events if isinstance(event, Retrying)]
