"""One question to a chat model and its whole answer, without a conversation around it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from neko.errors import ModelStreamBrokenError
from neko.llm.client import Timeouts, open_client
from neko.llm.completion import stream_completion
from neko.llm.provider_errors import ProviderErrors
from neko.llm.reply_filter import ReplyFilter
from neko.net import Network
from neko.providers import ModelEndpoint


@dataclass(frozen=True, slots=True)
class Completion:
    """``latency`` is the time to the first token, in seconds."""

    text: str
    latency: float


async def complete_once(
    network: Network, endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None
) -> Completion:
    """Ask once, without tries again; raises ``NekoError``, also when the answer is empty."""
    timeouts = timeouts or Timeouts()
    errors = ProviderErrors(endpoint.model, endpoint.provider_name)
    answer = _WholeText()
    client = await open_client(network, endpoint, timeouts)
    try:
        await stream_completion(client, endpoint, [{"role": "user", "content": prompt}], answer, timeouts, errors)
    finally:
        await client.aclose()
    text = answer.text()
    if not text:
        raise errors.make(ModelStreamBrokenError, "an empty reply")
    return Completion(text, (answer.first or answer.started) - answer.started)


async def complete(network: Network, endpoint: ModelEndpoint, prompt: str, timeouts: Timeouts | None = None) -> str:
    """The model's whole answer to ``prompt``; raises ``NekoError``."""
    return (await complete_once(network, endpoint, prompt, timeouts)).text


class _WholeText:
    """Collects the text of a reply."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first: float | None = None
        self._pieces: list[str] = []
        self._filter = ReplyFilter(self._pieces.clear)

    def push(self, text: str) -> bool:
        if self.first is None:
            self.first = time.monotonic()
        self._pieces.append(self._filter.feed(text))
        return True

    async def drain(self) -> None:
        """Takes everything."""

    def text(self) -> str:
        return ("".join(self._pieces) + self._filter.flush()).strip()
