"""A whole Neko whose conversation is a chat session with clocks of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neko.application import Neko
from neko.llm.adaptation import Adaptations
from neko.llm.client import Timeouts
from neko.providers import ModelEndpoint
from neko.serve import listen, serving
from neko.sessions.models.chat import ChatSession
from neko.settings import Settings
from neko.tasks import TaskOwner
from tests.client import client
from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider
from tests.field.talk import CHARACTER, Talk


@dataclass(slots=True)
class Pauses:
    """Takes the place of waiting between requests, and remembers how long it would have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass(slots=True)
class ChatTalk(Talk):
    """``pauses`` are those between requests; ``page`` may be opened anew with ``again``."""

    pauses: Pauses
    again: Callable[[], Any]


@asynccontextmanager
async def chat_talk(
    data_dir: Path,
    provider: HostileProvider,
    *,
    extra_body: dict[str, Any] | None = None,
    base_url: str = "",
    **timeouts: Any,
) -> AsyncIterator[ChatTalk]:
    """A page of a Neko that asks ``provider``; ``timeouts`` are fields of ``Timeouts``."""
    pauses = Pauses()
    adaptations = Adaptations()
    endpoint = ModelEndpoint(
        "conversation", "local", "Local", base_url or provider.base_url, "m", "good", extra_body or {}
    )

    def session(mode: str, owner: TaskOwner) -> ChatSession:
        limits = Timeouts(**{"sleep": pauses, **timeouts})
        return ChatSession(endpoint, None, owner=owner, network=neko.network, timeouts=limits, adaptations=adaptations)

    settings = Settings(data_dir=data_dir, port=0, environ={}, find_local_servers=False)
    with listen(settings.host, settings.port) as listener:
        async with Neko(settings, session_factory=session) as neko, serving(neko, listener):
            await neko.config.change({"neko": {"speech": {"engine": "off"}}})
            address = f"127.0.0.1:{listener.port}"
            server = RunningServer(neko, f"http://{address}", f"ws://{address}")

            @asynccontextmanager
            async def again() -> AsyncIterator[ChatTalk]:
                async with client(server.ws_url, CHARACTER) as page:
                    yield ChatTalk(server, provider, page, pauses, again)

            async with again() as talk:
                yield talk
