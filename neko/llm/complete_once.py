"""Single questions to a chat model and their whole answers, without a conversation around them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neko.errors import ContextTooLongError, ModelEmptyReplyError, ModelError, ModelReplyCutError, ReplyTooLongError
from neko.llm.adaptation import Adaptation, Adaptations
from neko.llm.chat_request import ChatMessage, estimate
from neko.llm.client import ProviderClient, Timeouts, open_client
from neko.llm.reply_sink import ReplySink
from neko.llm.speaker_labels import SpeakerLabels
from neko.llm.tries import Tries
from neko.net import Network
from neko.providers import ModelEndpoint


@dataclass(frozen=True, slots=True)
class Completion:
    """``latency`` is the time to the first token, in seconds."""

    text: str
    latency: float


class SingleQuestions:
    """Asks a model one question after the other, with the patience of a conversation (``tries``).

    What the model does not take of the request is left out, and remembered in ``adaptations``. ``most_tokens``: what a
    question may hold; a model that is known to take less is not asked more than that.
    """

    def __init__(
        self,
        network: Network,
        endpoint: ModelEndpoint,
        timeouts: Timeouts | None = None,
        adaptations: Adaptations | None = None,
        *,
        most_tokens: int | None = None,
    ) -> None:
        self._network = network
        self._endpoint = endpoint
        self._timeouts = timeouts or Timeouts()
        self._tries = Tries(endpoint, self._timeouts, adaptations or Adaptations())
        self._most_tokens = most_tokens

    async def ask(self, prompt: str | Sequence[Mapping[str, Any]]) -> Completion:
        """The answer; one that was cut at the server's limit of length is one.

        Raises ``NekoError``, also when the answer is empty or has no end: ``ContextTooLongError`` when the question is
        too long, and a shorter one may be asked. ``prompt`` is text, or parts of a message.
        """
        self._tries.begin()
        client = await open_client(self._network, self._endpoint, self._timeouts)
        try:
            return await self._answer(client, [{"role": "user", "content": prompt}])
        finally:
            await client.aclose()

    async def _answer(self, client: ProviderClient, messages: Sequence[ChatMessage]) -> Completion:
        tries, tokens = self._tries, estimate(messages)
        while True:
            self._check_length(tokens)
            text = _WholeText()
            sink = _TimedSink(text, "", SpeakerLabels(), opened=tries.adaptation.opens_thoughts)
            try:
                await tries.ask(client, messages, sink)
            except ModelReplyCutError as error:
                if isinstance(error, ReplyTooLongError):
                    raise tries.failed(error) from error
                if not tries.make_room(error, tokens, text.length, _can_be_shorter):
                    tries.was_cut()
                    return self._completion(text, sink)
            except ModelError as error:
                if not tries.adapt(error, tokens, _can_be_shorter):
                    await self._timeouts.sleep(tries.pause_s(error))
            else:
                tries.answered()
                return self._completion(text, sink)

    def _check_length(self, tokens: int) -> None:
        limits = [limit for limit in (self._most_tokens, self._tries.adaptation.most_tokens) if limit is not None]
        if limits and tokens > min(limits):
            raise self._tries.errors.make(ContextTooLongError, f"{tokens} tokens, {min(limits)} at most")

    def _completion(self, text: _WholeText, sink: _TimedSink) -> Completion:
        words = text.text.strip()
        if not words:
            raise self._tries.failed(self._tries.errors.make(ModelEmptyReplyError, "an empty reply"))
        return Completion(words, (sink.first or sink.started) - sink.started)


async def complete_once(
    network: Network,
    endpoint: ModelEndpoint,
    prompt: str,
    timeouts: Timeouts | None = None,
    adaptations: Adaptations | None = None,
) -> Completion:
    """Ask once, without tries again after a failure; raises ``NekoError`` as ``SingleQuestions.ask`` does."""
    timeouts = replace(timeouts or Timeouts(), back_off_s=(), loading_timeout_s=0.0)
    return await SingleQuestions(network, endpoint, timeouts, adaptations).ask(prompt)


def _can_be_shorter(_adapted: Adaptation) -> bool:
    """Whoever asks may ask for less: told by ``ContextTooLongError``."""
    return True


class _TimedSink(ReplySink):
    """Notes when the first token came, be it a thought's."""

    def __init__(self, text: _WholeText, begun: str, labels: SpeakerLabels, *, opened: bool) -> None:
        super().__init__(text, begun, labels, opened=opened)
        self.started = time.monotonic()
        self.first: float | None = None

    def push(self, text: str) -> bool:
        if self.first is None:
            self.first = time.monotonic()
        return super().push(text)


class _WholeText:
    """Collects the text of a reply."""

    def __init__(self) -> None:
        self.text = ""
        self.length = 0

    def push(self, text: str) -> bool:
        self.text += text
        self.length = len(self.text)
        return True

    def withdraw(self, length: int) -> None:
        self.text = self.text[:length]
        self.length = len(self.text)

    async def drain(self) -> None:
        """Takes everything."""
