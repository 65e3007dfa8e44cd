"""One streamed chat completion, from request to the last delta.

The bytes are decoded here (``completion_decoder``) rather than by a client library: that is cheaper than building its
objects for every delta, and no library reads what servers really send.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from neko.errors import (
    ModelError,
    ModelSchemeError,
    ModelStreamBrokenError,
    ModelUnreachableError,
    NekoError,
    ReplyTooLongError,
)
from neko.llm.adaptation import AS_USUAL, Adaptation
from neko.llm.bursts import Bursts
from neko.llm.chat_request import ChatMessage, chat_body
from neko.llm.client import ProviderClient, Timeouts
from neko.llm.completion_decoder import CompletionDecoder, CompletionEnd
from neko.llm.echo import without_echo
from neko.llm.provider_errors import ProviderErrors
from neko.llm.stream_clock import StreamClock
from neko.providers import ModelEndpoint
from neko.types.model_session import Tool

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

_DRAIN_TIMEOUT_S = 0.05
_END_TIMEOUT_S = 3.0
"""Seconds from the reason of the end to the end of the answer, which some servers keep open for ever."""
_LONGEST_REFUSAL = 64 * 1024
_PART = 16 * 1024
"""Bytes that are read in one step of the loop."""
_SCHEME_MAY_BE_WRONG = (ModelUnreachableError, ModelStreamBrokenError)
_LENGTHS = frozenset(("content-length", "transfer-encoding"))
"""Without any of them the end of a body looks the same as a connection that broke."""


class Sink(Protocol):
    """Takes text deltas as they come; ``is_over``: it has ended a good reply where somebody else's turn begins."""

    is_over: bool

    def push(self, text: str) -> bool:
        """Take text; false when ``drain`` should be awaited before more."""
        ...

    async def drain(self) -> None:
        """Wait until more text is welcome; the provider's time does not run meanwhile."""
        ...


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

    ``on_late`` is called once when the model has not begun after a while. What goes wrong is logged, with the
    provider's own sentence but without a word of the talk that it may repeat. Raises ``NekoError``,
    ``ToolsRefusedError`` when the server would answer without ``tools`` only. When the task is cancelled the HTTP
    stream is dropped at once.
    """
    body = chat_body(endpoint, messages, tools, adaptation)
    try:
        return await _ask(client, endpoint, body, sink, timeouts, errors, on_late)
    except ModelError as error:
        said = f", told: {without_echo(error.said, messages)}" if error.said else ""
        level = logging.DEBUG if sink.is_over else logging.WARNING
        logger.log(level, "%s at %s: %s (%s)%s", endpoint.model, endpoint.provider_name, error.code, error, said)
        error.params = {"model": endpoint.model, "provider": endpoint.provider_name, **error.params}
        raise


async def _ask(
    client: ProviderClient,
    endpoint: ModelEndpoint,
    body: Mapping[str, Any],
    sink: Sink,
    timeouts: Timeouts,
    errors: ProviderErrors,
    on_late: Callable[[], object] | None,
) -> CompletionEnd:
    decoder = CompletionDecoder(sink.push, errors, body)
    patience = timeouts.patience(endpoint.base_url, streamed=bool(body.get("stream")))
    clock = StreamClock(patience, timeouts.completion_timeout_s, on_late)
    is_delimited = True
    has_answer = False
    try:
        async with clock, client.post_chat(body) as response:
            has_answer = True
            if response.history and response.request.method != "POST":
                raise errors.redirected(str(response.url))
            if not response.is_success:
                raise await _refusal(response, errors, body)
            is_delimited = not _LENGTHS.isdisjoint(response.headers)
            async with aclosing(response.aiter_bytes()) as chunks:
                try:
                    await _read_stream(chunks, decoder, sink, clock)
                except Exception:
                    decoder.hand_on()  # what came before it
                    raise
    except NekoError:
        raise
    except Exception as error:
        if not decoder.has_ended:
            if clock.is_too_long:
                raise errors.make(ReplyTooLongError, "a stream without an end") from error
            if clock.has_expired:
                raise errors.timeout(clock.allowed_s, has_words=clock.has_words) from error
            found = errors.from_exception(error)
            if not has_answer and type(found) in _SCHEME_MAY_BE_WRONG and (scheme := await client.other_scheme()):
                found = errors.make(ModelSchemeError, type(error).__name__, scheme=scheme)
            raise found from error
    return decoder.finish(is_delimited=is_delimited)


async def _refusal(response: httpx2.Response, errors: ProviderErrors, request: Mapping[str, Any]) -> NekoError:
    """The error that an answer other than 200 stands for."""
    raw = bytearray()
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            raw += chunk
            if len(raw) > _LONGEST_REFUSAL:
                break
    return errors.from_response(response, bytes(raw), request)


async def _read_stream(
    chunks: AsyncIterator[bytes], decoder: CompletionDecoder, sink: Sink, clock: StreamClock
) -> None:
    """Feed the stream to its end; what follows ``[DONE]`` is read so that the connection can be used again."""
    has_begun = has_ended = False
    async for chunk in Bursts(chunks, decoder.hand_on):
        for part in (chunk,) if len(chunk) <= _PART else _parts(chunk):
            if has_ended:
                continue
            clock.alive(len(part))
            decoder.feed(part)
            if part is not chunk or not has_begun:
                decoder.hand_on()
            if decoder.is_sink_full:
                clock.pause()
                await sink.drain()
                decoder.is_sink_full = False
                clock.resume()
            if decoder.has_begun and not has_begun:
                has_begun = True
                clock.thought()
                await _let_first_words_out()
            if decoder.has_text and not clock.has_words:
                clock.words()
            has_ended = decoder.done
            if decoder.has_ended:
                clock.last(_DRAIN_TIMEOUT_S if has_ended else _END_TIMEOUT_S)
            if part is not chunk:
                await asyncio.sleep(0)


def _parts(chunk: bytes) -> Iterator[bytes]:
    """A long chunk in parts, after each of which everybody else gets a turn.

    What was read at once may inflate to a thousand times as much, which ``httpx2`` hands out without waiting between.
    """
    return (chunk[at : at + _PART] for at in range(0, len(chunk), _PART))


async def _let_first_words_out() -> None:
    """One step for the reader of the events and one for who sends them on, before the rest is decoded."""
    for _ in range(2):
        await asyncio.sleep(0)
