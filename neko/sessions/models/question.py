"""One question to a chat model and its whole answer, without a conversation around it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from neko.errors import ModelStreamBroken
from neko.providers import ModelEndpoint
from neko.sessions.models.client import Timeouts, open_client
from neko.sessions.models.completion import stream_completion
from neko.sessions.models.faults import Faults
from neko.sessions.models.thinking import ThoughtFilter


@dataclass(frozen=True, slots=True)
class Answer:
    """``latency`` is the time to the first token, in seconds."""

    text: str
    latency: float


async def ask(endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None) -> Answer:
    """Ask once, without tries again; raises ``ModelError``, also when the answer is empty."""
    timeouts = timeouts or Timeouts()
    faults = Faults(endpoint.model, endpoint.provider_name)
    try:
        client = await open_client(endpoint, timeouts)
    except Exception as error:
        raise faults.from_exception(error) from error
    answer = _Whole()
    async with client:
        await stream_completion(client, endpoint, [{"role": "user", "content": prompt}], answer, timeouts, faults)
    text = answer.text()
    if not text:
        raise faults.make(ModelStreamBroken, "an empty reply")
    return Answer(text, (answer.first or answer.started) - answer.started)


class _Whole:
    """Collects the text of a reply."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first: float | None = None
        self._thoughts = ThoughtFilter()
        self._pieces: list[str] = []

    def push(self, text: str) -> bool:
        if self.first is None:
            self.first = time.monotonic()
        self._pieces.append(self._thoughts.feed(text))
        return True

    async def room(self) -> None:
        """There is always room."""

    def text(self) -> str:
        return ("".join(self._pieces) + self._thoughts.flush()).strip()
