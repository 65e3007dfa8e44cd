"""One streamed chat completion, from request to the last delta.

Protocol: https://platform.openai.com/docs/api-reference/chat-streaming. The bytes are decoded
here rather than by a client library: that is cheaper than building its objects for every
delta, and it tells a stream that ended from one that broke off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from neko.errors import ModelStreamBrokenError, NekoError
from neko.llm.adaptation import AS_USUAL, Adaptation
from neko.llm.chat_request import ChatMessage, chat_body
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.provider_errors import ProviderErrors
from neko.llm.sse import EventDecoder
from neko.llm.stream_clock import StreamClock
from neko.llm.tool_calls import RequestedCall, ToolCallAssembler
from neko.providers import ModelEndpoint
from neko.types.model_session import Tool
from neko.well_formed import load_json

if TYPE_CHECKING:
    import httpx2

_DRAIN_TIMEOUT_S = 0.05
_NOTHING: Mapping[str, Any] = {}
_LONGEST_WHOLE_ANSWER = 8 * 1024 * 1024
_LONGEST_REFUSAL = 64 * 1024


class Sink(Protocol):
    """Takes text deltas as they come."""

    def push(self, text: str) -> bool:
        """Take text; false when ``drain`` should be awaited before more."""
        ...

    async def drain(self) -> None:
        """Wait until more text is welcome; the provider's time does not run meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class CompletionEnd:
    """What a completion held beside its text: the calls it asks for, and the reasoning before them."""

    calls: tuple[RequestedCall, ...] = ()
    reasoning: str = ""


async def stream_completion(
    client: ProviderClient,
    endpoint: ModelEndpoint,
    messages: Sequence[ChatMessage],
    sink: Sink,
    timeouts: Timeouts,
    errors: ProviderErrors,
    tools: Sequence[Tool] = (),
    on_late: Callable[[], object] | None = None,
    adaptation: Adaptation = AS_USUAL,
) -> CompletionEnd:
    """Ask for a completion and push its text into ``sink``; returns at its proper end.

    ``on_late`` is called once when the model has not begun after a while. Raises ``NekoError``,
    ``ToolsRefusedError`` when the server would answer without ``tools`` only. When the task is cancelled the HTTP
    stream is dropped at once.
    """
    decoder = _CompletionDecoder(sink, errors)
    clock = StreamClock(timeouts.patience(endpoint.base_url), timeouts.completion_timeout_s, on_late)
    try:
        body = chat_body(endpoint, messages, tools, adaptation)
        async with clock, client.post_chat(body) as response:
            if response.status_code != 200:
                raise await _refusal(response, errors, body)
            content_type = response.headers.get("content-type", "")
            if content_type.startswith("application/json"):
                await _read_whole(response.aiter_bytes(), decoder, clock)
            elif content_type.startswith("text/html"):
                raise errors.make(ModelStreamBrokenError, "a web page instead of a stream")
            else:
                await _read_stream(response.aiter_bytes(), decoder, sink, clock)
            decoder.finish()
    except NekoError:
        raise
    except Exception as error:
        if not clock.has_expired:
            raise errors.from_exception(error) from error
        if not decoder.done:
            raise errors.timeout(clock.allowed_s, has_words=clock.has_words) from error
    return decoder.end()


async def _refusal(response: httpx2.Response, errors: ProviderErrors, request: Mapping[str, Any]) -> NekoError:
    """The error that an answer other than 200 stands for."""
    raw = bytearray()
    async for chunk in response.aiter_bytes():
        raw += chunk
        if len(raw) > _LONGEST_REFUSAL:
            break
    return errors.from_response(response, bytes(raw), request)


async def _read_stream(
    chunks: AsyncIterator[bytes], decoder: _CompletionDecoder, sink: Sink, clock: StreamClock
) -> None:
    """Feed the stream to its end; what follows ``[DONE]`` is read so that the connection can be used again."""
    has_begun = has_ended = False
    async for chunk in chunks:
        if has_ended:
            continue
        clock.alive(len(chunk))
        has_token = decoder.feed(chunk)
        if decoder.is_sink_full:
            clock.pause()
            await sink.drain()
            decoder.is_sink_full = False
            clock.resume()
        if has_token and not has_begun:
            has_begun = True
            clock.thought()
            await _let_first_words_out()
        if decoder.has_text and not clock.has_words:
            clock.words()
        has_ended = decoder.done
        if has_ended:
            clock.last(_DRAIN_TIMEOUT_S)


async def _let_first_words_out() -> None:
    """One step for the reader of the events and one for who sends them on, before the rest is decoded."""
    for _ in range(2):
        await asyncio.sleep(0)


async def _read_whole(chunks: AsyncIterator[bytes], decoder: _CompletionDecoder, clock: StreamClock) -> None:
    """A server that does not stream answers with one JSON object."""
    body = bytearray()
    async for chunk in chunks:
        clock.alive(len(chunk))
        body += chunk
        if len(body) > _LONGEST_WHOLE_ANSWER:
            raise ValueError("the answer is too long")
    decoder.event(bytes(body))
    decoder.done = True


class _CompletionDecoder:
    """Decodes the stream and hands its text on. ``done``: the provider said that this is all."""

    def __init__(self, sink: Sink, errors: ProviderErrors) -> None:
        self._push = sink.push
        self._errors = errors
        self._decoder = EventDecoder()
        self._calls = ToolCallAssembler()
        self._reasoning: list[str] = []
        self._has_finish_reason = False
        self.done = False
        self.has_text = False
        self.is_sink_full = False

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
        chunk = load_json(data)
        try:
            choices = chunk.get("choices")
            if not choices:
                if chunk.get("error"):
                    raise self._errors.from_answer(chunk["error"])
                return
            choice = choices[0]
            message = choice.get("delta") or choice.get("message") or _NOTHING
            text = message.get("content")
            if text:
                self.has_text = True
                if not self._push(text if isinstance(text, str) else _joined(text)):
                    self.is_sink_full = True
            if len(message) > 1 or not text:
                self._take_rest(message)
            if choice.get("finish_reason"):
                self._has_finish_reason = True
        except (AttributeError, TypeError, LookupError) as error:
            raise self._errors.make(ModelStreamBrokenError, "a chunk of an unknown shape") from error

    def finish(self) -> None:
        """The bytes are over: raises unless the reply had come to its end."""
        for data in self._decoder.flush():
            if data == b"[DONE]":
                self.done = True
            else:
                self.event(data)
        if not (self.done or self._has_finish_reason):
            raise self._errors.make(ModelStreamBrokenError, "the stream stopped without an end")
        self.done = True

    def end(self) -> CompletionEnd:
        """What there was beside text."""
        calls = self._calls.finish()
        return CompletionEnd(calls, "".join(self._reasoning) if calls else "")

    def _take_rest(self, message: Mapping[str, Any]) -> None:
        self._calls.feed(message)
        reasoning = message.get("reasoning_content")
        if isinstance(reasoning, str):
            self._reasoning.append(reasoning)


def _joined(parts: Sequence[Mapping[str, Any]]) -> str:
    """Content sent as a list of parts; only the text ones are for the user."""
    return "".join(part.get("text", "") for part in parts if part.get("type", "text") == "text")
