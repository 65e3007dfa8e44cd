"""One question to a chat model and its whole answer, without a conversation around it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from neko.errors import ModelStreamBrokenError
from neko.llm.client import Timeouts, open_client
from neko.llm.completion import stream_completion
from neko.llm.provider_errors import ProviderErrors
from neko.llm.reasoning_filter import ReasoningFilter
from neko.providers import ModelEndpoint


@dataclass(frozen=True, slots=True)
class Completion:
    """``latency`` is the time to the first token, in seconds."""

    text: str
    latency: float


async def complete_once(endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None) -> Completion:
    """Ask once, without tries again; raises ``ModelError``, also when the answer is empty."""
    timeouts = timeouts or Timeouts()
    errors = ProviderErrors(endpoint.model, endpoint.provider_name)
    try:
        client = await open_client(endpoint, timeouts)
    except Exception as error:
        raise errors.from_exception(error) from error
    answer = _Whole()
    async with client:
        await stream_completion(client, endpoint, [{"role": "user", "content": prompt}], answer, timeouts, errors)
    text = answer.text()
    if not text:
        raise errors.make(ModelStreamBrokenError, "an empty reply")
    return Completion(text, (answer.first or answer.started) - answer.started)


async def complete(endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None) -> str:
    """The model's whole answer to ``prompt``; raises ``ModelError``."""
    return (await complete_once(endpoint, prompt, timeouts)).text


class _Whole:
    """Collects the text of a reply."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first: float | None = None
        self._thoughts = ReasoningFilter()
        self._pieces: list[str] = []

    def push(self, text: str) -> bool:
        if self.first is None:
            self.first = time.monotonic()
        self._pieces.append(self._thoughts.feed(text))
        return True

    async def drain(self) -> None:
        """There is always room."""

    def text(self) -> str:
        return ("".join(self._pieces) + self._thoughts.flush()).strip()
