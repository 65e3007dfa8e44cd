"""One message to Neko and all that a user gets from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2

from neko.tasks import in_thread
from tests.client import Client, Frame, client, is_turn_end
from tests.conftest import RunningServer
from tests.field.hostile_provider import HostileProvider

CHARACTER = "Mio"


@dataclass(slots=True)
class Outcome:
    """``text``: the reply as the page has it at the end. ``kept``: the reply's line in the log, None if there is none.

    ``told``: the ``status`` frames. ``requests``: how many chats the provider got.
    """

    text: str = ""
    kept: Frame | None = None
    told: list[Frame] = field(default_factory=list)
    requests: int = 0
    frames: list[Frame] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        return [str(status["code"]) for status in self.told]

    @property
    def is_complete(self) -> bool:
        return self.kept is not None and self.kept["status"] == "complete"


@dataclass(slots=True)
class Talk:
    """An open page, its model being ``provider``."""

    server: RunningServer
    provider: HostileProvider
    page: Client

    async def say(self, text: str = "Hello there", *, images: int = 0) -> Outcome:
        """Say something and take in everything to the end of the turn."""
        before = len(self.provider.chats)
        for _ in range(images):
            await self.page.send("stream_data", input_type="screen", data=_JPEG)
        await self.page.say(text)
        outcome = Outcome(frames=await self.page.until(is_turn_end))
        outcome.frames += await self.page.quiet()
        for frame in outcome.frames:
            _take(outcome, frame)
        outcome.requests = len(self.provider.chats) - before
        return outcome

    async def history(self) -> list[dict[str, Any]]:
        """The lines that the server has kept."""
        async with httpx2.AsyncClient(base_url=self.server.url, trust_env=False) as http:
            answer = await http.get(f"/api/history/{CHARACTER}")
            assert answer.status_code == 200, answer.text
            lines: list[dict[str, Any]] = answer.json()["lines"]
            return lines


def _take(outcome: Outcome, frame: Frame) -> None:
    match frame["type"]:
        case "gemini_response":
            outcome.text = frame["text"] if frame["isNewMessage"] else outcome.text + frame["text"]
        case "status":
            outcome.told.append(frame)
        case "neko_line" if frame["line"]["role"] == "assistant":
            outcome.kept = frame["line"]


@asynccontextmanager
async def talking(server: RunningServer, provider: HostileProvider, model: str = "m") -> AsyncIterator[Talk]:
    """Choose ``provider`` as a local model server, as the settings page does, and open a page."""
    choice = {"provider": "local", "base_url": provider.base_url, "model": model, "api_key": "good"}
    made = partial(httpx2.AsyncClient, base_url=server.url, trust_env=False)
    async with await in_thread(made) as http:  # the first one takes long to make
        answer = await http.post("/api/models/use", json=choice)
        assert answer.status_code == 200, answer.text
    async with client(server.ws_url, CHARACTER) as page:
        yield Talk(server, provider, page)


_JPEG = "data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////2Q=="


def told(outcome: Outcome) -> list[str]:
    """What was said of the model: a busy machine may also be slow to remember."""
    return [code for code in outcome.codes if code != "recall_timeout"]
