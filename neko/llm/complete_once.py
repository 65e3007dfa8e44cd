"""One question to a chat model and its whole answer, without a conversation around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from neko.errors import (
    ContextTooLongError,
    ModelEmptyReplyError,
    ModelError,
    ModelReplyCutError,
    ReplyTooLongError,
)
from neko.llm.adaptation import Adaptations
from neko.llm.chat_request import ChatMessage
from neko.llm.client import ProviderClient, Timeouts, open_client
from neko.llm.completion import stream_completion
from neko.llm.provider_errors import ProviderErrors
from neko.llm.reply_filter import ReplyFilter
from neko.net import Network
from neko.providers import ModelEndpoint

LONGEST_ANSWER = 100_000
"""Characters of a model's text, thoughts and all: no question of ours has a longer answer."""


@dataclass(frozen=True, slots=True)
class Completion:
    """``latency`` is the time to the first token, in seconds."""

    text: str
    latency: float


async def complete_once(
    network: Network,
    endpoint: ModelEndpoint,
    prompt: str,
    timeouts: Timeouts | None = None,
    adaptations: Adaptations | None = None,
) -> Completion:
    """Ask once, without tries again after a failure; raises ``NekoError``, also when the answer is empty.

    What the model does not take of the request is left out, and remembered in ``adaptations``. An answer that was cut
    at the server's limit of length is one, one without an end is a ``ReplyTooLongError``.
    """
    timeouts = timeouts or Timeouts()
    client = await open_client(network, endpoint, timeouts)
    try:
        question = [{"role": "user", "content": prompt}]
        answer = await _adapted(client, endpoint, question, timeouts, adaptations or Adaptations())
    finally:
        await client.aclose()
    text = answer.text()
    if not text:
        raise _errors(endpoint).make(ModelEmptyReplyError, "an empty reply")
    return Completion(text, (answer.first or answer.started) - answer.started)


async def complete(
    network: Network, endpoint: ModelEndpoint, prompt: str, adaptations: Adaptations | None = None
) -> str:
    """The model's whole answer to ``prompt``; raises ``NekoError``."""
    return (await complete_once(network, endpoint, prompt, adaptations=adaptations)).text


async def _adapted(
    client: ProviderClient,
    endpoint: ModelEndpoint,
    messages: Sequence[ChatMessage],
    timeouts: Timeouts,
    adaptations: Adaptations,
) -> _WholeText:
    """Ask, each time without what was refused the time before."""
    adaptation = adaptations.of(endpoint)
    errors = _errors(endpoint)
    while True:
        answer = _WholeText(errors)
        try:
            await stream_completion(client, endpoint, messages, answer, timeouts, errors, adaptation=adaptation)
        except (ContextTooLongError, ReplyTooLongError):
            raise
        except ModelReplyCutError:
            break
        except ModelError as error:
            adapted = adaptation.after(error, 0)
            if adapted is None:
                raise
            adaptation = adapted
        else:
            break
    adaptations.learn(endpoint, adaptation)
    return answer


def _errors(endpoint: ModelEndpoint) -> ProviderErrors:
    return ProviderErrors.of(endpoint)


class _WholeText:
    """Collects the text of a reply; ``push`` raises ``ReplyTooLongError``."""

    def __init__(self, errors: ProviderErrors) -> None:
        self._errors = errors
        self._left = LONGEST_ANSWER
        self.started = time.monotonic()
        self.first: float | None = None
        self._pieces: list[str] = []
        self._filter = ReplyFilter(self._pieces.clear)

    def push(self, text: str) -> bool:
        if self.first is None:
            self.first = time.monotonic()
        self._left -= len(text)
        if self._left < 0:
            raise self._errors.make(ReplyTooLongError, f"longer than {LONGEST_ANSWER} characters")
        self._pieces.append(self._filter.feed(text))
        return True

    async def drain(self) -> None:
        """Takes everything."""

    def text(self) -> str:
        return ("".join(self._pieces) + self._filter.flush()).strip()
