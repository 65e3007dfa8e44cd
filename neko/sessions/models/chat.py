"""A model session over any OpenAI-compatible chat completions API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from neko.errors import ModelError, ModelRateLimitedError, ModelStreamBrokenError
from neko.llm.client import Timeouts, connect_ahead, open_client
from neko.llm.completion import ChatMessage, stream_completion
from neko.llm.continuation import ContinuationJoiner, continuation_request
from neko.llm.provider_errors import ProviderErrors
from neko.llm.reasoning_filter import ReasoningFilter
from neko.providers import ModelEndpoint
from neko.sessions.models.history import History, with_pictures
from neko.sessions.models.reply_runner import CLOSING, Reply, ReplyRunner
from neko.tasks import TaskOwner, in_thread
from neko.types.model_session import (
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    SessionSetup,
    UserImage,
    UserMessage,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HISTORY_TOKENS = 8_000


class ChatSession:
    """Talks with ``endpoint``; a message with pictures goes to ``vision`` (by default the same model).

    A live ``UserImage`` waits for the next message and is replaced by a newer one.
    """

    def __init__(
        self,
        endpoint: ModelEndpoint,
        vision: ModelEndpoint | None,
        *,
        owner: TaskOwner,
        timeouts: Timeouts | None = None,
        history_tokens: int = HISTORY_TOKENS,
    ) -> None:
        self.label = ModelLabel(endpoint.model, endpoint.provider_name)
        self.capabilities = ModelCapabilities(image_input=True)
        self._endpoint = endpoint
        self._vision = vision or endpoint
        self._owner = owner
        self._timeouts = timeouts or Timeouts()
        self._history = History(history_tokens)
        self._replies = ReplyRunner(owner, self.label, self._history.reply)
        self._clients: dict[tuple[str, str], AsyncOpenAI] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._live_picture: bytes | None = None

    async def open(self, setup: SessionSetup) -> None:
        """Make the client; the server is not asked anything, so it may be down."""
        self._history.instructions = setup.instructions
        client = await self._client(self._endpoint)
        self._connecting = self._owner.spawn(
            connect_ahead(client, self._timeouts.connect), name=f"connect to {self.label.provider}"
        )

    async def send(self, item: ModelInput) -> None:
        """See ``ModelSession``; raises ``RuntimeError`` once the session is closed."""
        if self._replies.closed:
            raise RuntimeError("the session is closed")
        if isinstance(item, UserImage):
            self._live_picture = item.jpeg
        elif isinstance(item, UserMessage):
            self._replies.supersede()
            if item.again:
                self._history.forget_last()
            live, self._live_picture = self._live_picture, None
            images = (*item.images, live) if live else item.images
            self._history.user(item.id, item.text, len(images))
            messages = self._history.request(item.context)
            produce = partial(self._show, messages, images) if images else partial(self._say, self._endpoint, messages)
            self._replies.start(item.id, produce)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        self._replies.interrupt(reply_id, text)

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._replies.events()

    async def aclose(self) -> None:
        await self._replies.aclose()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting], timeout=CLOSING)
        clients, self._clients = self._clients, {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                for client in clients.values():
                    await client.close()

    async def _client(self, endpoint: ModelEndpoint) -> AsyncOpenAI:
        """One client a server and key; the vision model mostly shares it."""
        key = (endpoint.base_url, endpoint.api_key)
        client = self._clients.get(key)
        if client is None:
            try:
                client = await open_client(endpoint, self._timeouts)
            except Exception as error:
                raise _errors(endpoint).from_exception(error) from error
            client = self._clients.setdefault(key, client)
        return client

    async def _show(self, messages: Sequence[ChatMessage], images: Sequence[bytes], reply: Reply) -> None:
        """The reply to a message with pictures."""
        await self._say(self._vision, await in_thread(with_pictures, messages, images), reply)

    async def _say(self, endpoint: ModelEndpoint, messages: Sequence[ChatMessage], reply: Reply) -> None:
        """The whole reply, with up to as many further tries as there are waits."""
        waits = self._timeouts.back_off
        for attempt in range(1, len(waits) + 2):
            try:
                await self._attempt(endpoint, messages, reply)
                break
            except ModelError as error:
                if error.permanent or attempt > len(waits):
                    raise
                delay = self._delay(error, waits[attempt - 1])
                reply.retrying(error, attempt + 1, delay)
            await self._timeouts.sleep(delay)
        if not reply.started:
            raise _errors(endpoint).make(ModelStreamBrokenError, "an empty reply")

    def _delay(self, error: ModelError, wait: float) -> float:
        """The wait before the next try; raises the error when the provider wants too long a one."""
        if not isinstance(error, ModelRateLimitedError) or "seconds" not in error.params:
            return wait
        wish = float(error.params["seconds"])
        if wish > self._timeouts.longest_wait:
            raise error
        return wish

    async def _attempt(self, endpoint: ModelEndpoint, messages: Sequence[ChatMessage], reply: Reply) -> None:
        said = reply.text
        client = await self._client(endpoint)
        request = continuation_request(messages, said) if said else messages
        sink = _ReplyText(reply, said)
        await stream_completion(client, endpoint, request, sink, self._timeouts, _errors(endpoint))
        sink.flush()


class _ReplyText:
    """From the model's deltas to the reader's: thoughts left out, a continuation joined to what was said."""

    __slots__ = ("_reply", "_seam", "_thoughts", "drain")

    def __init__(self, reply: Reply, said: str) -> None:
        self._reply = reply
        self._thoughts = ReasoningFilter(begun=bool(said))
        self._seam = ContinuationJoiner(said) if said else None
        self.drain = reply.drain

    def push(self, text: str) -> bool:
        text = self._thoughts.feed(text)
        if self._seam is not None:
            text = self._seam.feed(text)
        return not text or self._reply.push(text)

    def flush(self) -> None:
        """The stream came to its end: hand on what was held back."""
        rest = self._thoughts.flush()
        if self._seam is not None:
            rest = self._seam.feed(rest) + self._seam.flush()
        if rest:
            self._reply.push(rest)


def _errors(endpoint: ModelEndpoint) -> ProviderErrors:
    return ProviderErrors(endpoint.model, endpoint.provider_name)
