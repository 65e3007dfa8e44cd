"""One streamed chat completion, from request to the last delta.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming. The bytes are decoded
here rather than by the client library: that is cheaper than building its objects for every
delta, and it tells a stream that ended from one that broke off.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from neko.errors import ModelError, ModelStreamBrokenError
from neko.llm.client import Timeouts
from neko.llm.provider_errors import ProviderErrors
from neko.llm.sse import EventDecoder
from neko.providers import ModelEndpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

ChatMessage = Mapping[str, Any]
"""A message of the chat completions API."""

TEMPERATURE = 1.0
_DRAIN = 0.05
_NOTHING: Mapping[str, Any] = {}
_LONGEST_WHOLE_ANSWER = 8 * 1024 * 1024


class Sink(Protocol):
    """Takes text deltas as they come."""

    def push(self, text: str) -> bool:
        """Take text; false when ``drain`` should be awaited before more."""
        ...

    async def drain(self) -> None:
        """Wait until more text is welcome; the provider's time does not run meanwhile."""
        ...


async def stream_completion(
    client: AsyncOpenAI,
    endpoint: ModelEndpoint,
    messages: Sequence[ChatMessage],
    sink: Sink,
    timeouts: Timeouts,
    errors: ProviderErrors,
) -> None:
    """Ask for a completion and push its text into ``sink``; returns at its proper end.

    Raises ``ModelError``. When the task is cancelled the HTTP stream is dropped at once.
    """
    reader = _Reader(sink, errors)
    clock = _Clock(timeouts)
    try:
        async with clock.deadline, await _request(client, endpoint, messages) as stream:
            content_type = stream.response.headers.get("content-type", "")
            chunks = stream.response.aiter_bytes()
            if content_type.startswith("application/json"):
                await _whole_answer(chunks, reader)
            elif content_type.startswith("text/html"):
                raise errors.make(ModelStreamBrokenError, "a web page instead of a stream")
            else:
                await _read(chunks, reader, sink, clock)
            reader.finish()
    except ModelError:
        raise
    except Exception as error:
        if not clock.deadline.expired():
            raise errors.from_exception(error) from error
        if not reader.done:
            raise errors.timeout(clock.allowed) from error


async def _request(
    client: AsyncOpenAI, endpoint: ModelEndpoint, messages: Sequence[ChatMessage]
) -> AsyncStream[object]:
    """Send the request; returns when the head of the answer is there.

    Not by ``chat.completions.create``, which walks through all messages by their type hints: that
    takes longer than a whole reply once the talk has some length.
    """
    from openai import AsyncStream

    body = {
        "model": endpoint.model,
        "messages": messages,
        "temperature": TEMPERATURE,
        "stream": True,
        **endpoint.extra_body,
    }
    return await client.post(
        "/chat/completions", cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object]
    )


async def _read(chunks: AsyncIterator[bytes], reader: _Reader, sink: Sink, clock: _Clock) -> None:
    """Feed the stream to its end; what follows ``[DONE]`` is read so that the connection can be used again."""
    begun = over = False
    async for chunk in chunks:
        if over:
            continue
        heard = reader.feed(chunk)
        if reader.crowded:
            clock.stop()
            await sink.drain()
            reader.crowded = False
        if heard:
            clock.token()
            if not begun:
                begun = True
                await _let_go_out()
        over = reader.done
        if over:
            clock.last(_DRAIN)


async def _let_go_out() -> None:
    """One step for who listens and one for who sends: the first words leave before the rest is read."""
    for _ in range(2):
        await asyncio.sleep(0)


async def _whole_answer(chunks: AsyncIterator[bytes], reader: _Reader) -> None:
    """A server that does not stream answers with one JSON object."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > _LONGEST_WHOLE_ANSWER:
            raise ValueError("the answer is too long")
    reader.event(bytes(body))
    reader.done = True


class _Clock:
    """The deadline of a stream: first for the first token, then for each next one."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._now = asyncio.get_running_loop().time
        self.allowed = timeouts.first_token
        self.deadline = asyncio.timeout(self.allowed)

    def token(self) -> None:
        self.allowed = self._timeouts.between_tokens
        self.deadline.reschedule(self._now() + self.allowed)

    def stop(self) -> None:
        self.deadline.reschedule(None)

    def last(self, seconds: float) -> None:
        self.deadline.reschedule(self._now() + seconds)


class _Reader:
    """Decodes the stream and hands its text on. ``done``: the provider said that this is all."""

    def __init__(self, sink: Sink, errors: ProviderErrors) -> None:
        self._push = sink.push
        self._errors = errors
        self._decoder = EventDecoder()
        self._finished = False
        self.done = False
        self.crowded = False

    def feed(self, chunk: bytes) -> bool:
        """Take bytes; true when they held any token, a hidden one too."""
        events = self._decoder.feed(chunk)
        for data in events:
            if data == b"[DONE]":
                self.done = True
                break
            self.event(data)
        return bool(events)

    def event(self, data: bytes) -> None:
        chunk = json.loads(data)
        try:
            choices = chunk.get("choices")
            if not choices:
                if chunk.get("error"):
                    raise self._errors.from_stream(chunk["error"])
                return
            choice = choices[0]
            text = (choice.get("delta") or choice.get("message") or _NOTHING).get("content")
            if text and not self._push(text if isinstance(text, str) else _joined(text)):
                self.crowded = True
            if choice.get("finish_reason"):
                self._finished = True
        except (AttributeError, TypeError, LookupError) as error:
            raise self._errors.make(ModelStreamBrokenError, "a chunk of an unknown shape") from error

    def finish(self) -> None:
        """The bytes are over: raises unless the reply had come to its end."""
        for data in self._decoder.flush():
            if data == b"[DONE]":
                self.done = True
            else:
                self.event(data)
        if not (self.done or self._finished):
            raise self._errors.make(ModelStreamBrokenError, "the stream stopped without an end")
        self.done = True


def _joined(parts: Sequence[Mapping[str, Any]]) -> str:
    """Content sent as a list of parts; only the text ones are for the user."""
    return "".join(part.get("text", "") for part in parts if part.get("type", "text") == "text")
