"""A scripted OpenAI-compatible provider on a real loopback socket.

It speaks HTTP/1.1 with keep-alive and chunked server-sent events, straight on an asyncio
protocol so that benchmarks measure the client and not this server. Each request takes the
next script of the queue, or ``default`` when the queue is empty::

    async with ScriptedProvider() as provider:
        provider.script(Script(["Hel", "lo"], cut_after=1), Script(["lo there"]))
        ... provider.base_url ...
        await provider.wait_for_requests(2)
        provider.chats[0].json["messages"]

Run as a program it serves replies of twenty deltas until interrupted, and prints its base URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import struct
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

TONE_RATE = 24_000


@dataclass(frozen=True, slots=True)
class Script:
    """How one request is answered. ``*_after`` counts deltas (or sound chunks) sent before it happens.

    ``stall_after`` goes silent until ``provider.release()`` or until the client leaves; ``cut_after``
    drops the connection; ``garbage_after`` sends a chunk that is not JSON; ``error_after`` sends an
    error object in the stream. ``refuse`` drops the connection before any answer. ``status`` other than 200 answers
    with ``body`` (an OpenAI error object by default). ``delay`` is seconds before each delta.
    ``extra_deltas`` are sent as they are after the text, before the end: tool calls (``tool_calls``).
    """

    deltas: Sequence[str] = ("Hello", " from", " the", " scripted", " model", ".")
    delay: float = 0.0
    reasoning: Sequence[str] = ()
    stall_after: int | None = None
    cut_after: int | None = None
    garbage_after: int | None = None
    error_after: int | None = None
    refuse: bool = False
    status: int = 200
    error: Mapping[str, Any] = field(default_factory=lambda: {"message": "scripted failure", "type": "scripted"})
    body: bytes | None = None
    retry_after: str | None = None
    content_type: str | None = None
    finish_reason: str | None = "stop"
    done: bool = True
    extra_deltas: Sequence[Mapping[str, Any]] = ()


def failure(
    status: int, message: str = "scripted failure", *, code: str = "", retry_after: str | None = None
) -> Script:
    """A script that answers with an HTTP error."""
    return Script(status=status, error={"message": message, "code": code or None}, retry_after=retry_after)


def tool_calls(*calls: tuple[str, str, str], text: Sequence[str] = (), pieces: int = 8) -> Script:
    """A script that asks for calls (id, name, arguments), streamed as OpenAI does: ``pieces`` characters at a time."""
    deltas: list[Mapping[str, Any]] = []
    for index, (call_id, name, arguments) in enumerate(calls):
        head = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        deltas.append({"tool_calls": [head]})
        for start in range(0, len(arguments), pieces):
            fragment = {"index": index, "function": {"arguments": arguments[start : start + pieces]}}
            deltas.append({"tool_calls": [fragment]})
    return Script(text, extra_deltas=deltas, finish_reason="tool_calls")


@dataclass(slots=True)
class Request:
    """One request as it came. ``aborted`` is set when the client left before the answer was whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    aborted: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedProvider:
    """See the module. ``models`` is what ``GET /v1/models`` lists."""

    def __init__(self, models: Sequence[str] = ("scripted-1",), *, default: Script | None = None) -> None:
        self.models = list(models)
        self.default = default or Script()
        self.owned_by = "scripted"
        self.requests: list[Request] = []
        self._scripts: deque[Script | Callable[[Request], Script]] = deque()
        self._ahead_scripts: deque[Script | Callable[[Request], Script]] = deque()
        self._model_scripts: deque[Script] = deque()
        self._speech_scripts: deque[Script] = deque()
        self._arrived = asyncio.Condition()
        self._released = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the listening socket and every connection."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.drop()
            await asyncio.gather(*(c.ended.wait() for c in list(self._connections)))
            self._server = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *scripts: Script | Sequence[str] | Callable[[Request], Script]) -> None:
        """Queue answers for coming chat requests; a bare list of deltas is a plain reply, a function reads first what
        it is asked."""
        self._scripts.extend(Script(s) if isinstance(s, Sequence) else s for s in scripts)

    def script_ahead(self, *scripts: Script) -> None:
        """Queue answers for requests that only have the model read ahead: when one comes is a matter of moments."""
        self._ahead_scripts.extend(scripts)

    def script_models(self, *scripts: Script) -> None:
        """Queue answers for ``/v1/models`` (a status, a stall, a ``body``)."""
        self._model_scripts.extend(scripts)

    def script_speech(self, *scripts: Script) -> None:
        """Queue answers for ``/v1/audio/speech``; ``deltas`` is not used, chunks are counted instead."""
        self._speech_scripts.extend(scripts)

    def release(self) -> None:
        """Let every stalled answer go on."""
        self._released.set()

    @property
    def chats(self) -> list[Request]:
        return [r for r in self.requests if r.path.endswith("/chat/completions")]

    @property
    def speeches(self) -> list[Request]:
        return [r for r in self.requests if r.path.endswith("/audio/speech")]

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def wait_for_requests(self, count: int, seconds: float = 15.0) -> Request:
        """Wait until ``count`` chat requests have come; returns the last of them."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.chats) >= count)
        return self.chats[count - 1]

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        self.requests.append(request)
        async with self._arrived:
            self._arrived.notify_all()
        if request.path.endswith("/models"):
            await self._models(connection)
        elif request.path.endswith("/chat/completions"):
            await self._chat(connection, request)
        elif request.path.endswith("/audio/speech"):
            await self._speech(connection, request)
        else:
            connection.answer(404, b'{"error":{"message":"no such path"}}')

    async def _models(self, connection: Connection) -> None:
        script = self._model_scripts.popleft() if self._model_scripts else None
        if script is not None:
            if script.stall_after is not None:
                await self._released.wait()
            if await self._refused(connection, script):
                return
            if script.body is not None:
                connection.answer(200, script.body, {"content-type": script.content_type or "application/json"})
                return
        data = [{"id": model, "object": "model", "owned_by": self.owned_by} for model in self.models]
        connection.answer(200, json.dumps({"object": "list", "data": data}).encode())

    async def _chat(self, connection: Connection, request: Request) -> None:
        scripts = self._ahead_scripts if request.json.get("max_tokens") == 1 else self._scripts
        script = scripts.popleft() if scripts else self.default
        if not isinstance(script, Script):
            script = script(request)
        if await self._refused(connection, script):
            return
        if script.body is not None:
            connection.answer(200, script.body, {"content-type": script.content_type or "application/json"})
            return
        connection.begin(script.content_type or "text/event-stream")
        model = str(request.json.get("model", ""))
        for thought in script.reasoning:
            connection.chunk(_event(model, {"reasoning_content": thought}))
        for count, piece in enumerate((*script.deltas, None)):
            if not await self._may_go_on(connection, script, count) or piece is None:
                break
            connection.chunk(_event(model, {"content": piece}))
            if connection.full:
                await connection.drain()
        if connection.gone:
            return
        for delta in script.extra_deltas:
            connection.chunk(_event(model, delta))
        if script.finish_reason is not None:
            connection.chunk(_event(model, {}, script.finish_reason))
        if script.done:
            connection.chunk(b"data: [DONE]\n\n")
        connection.end()

    async def _may_go_on(self, connection: Connection, script: Script, count: int) -> bool:
        if script.delay:
            await asyncio.sleep(script.delay)
        if count == script.stall_after:
            await self._released.wait()
        if count == script.garbage_after:
            connection.chunk(b'data: {"choices": [{"delta": {"cont\n\n')
        if count == script.error_after:
            connection.chunk(b"data: " + json.dumps({"error": dict(script.error)}).encode() + b"\n\n")
        if count == script.cut_after:
            connection.drop()
        return not connection.gone

    async def _refused(self, connection: Connection, script: Script) -> bool:
        if script.refuse:
            connection.drop()
        elif script.status != 200:
            headers = {"content-type": script.content_type or "application/json"}
            if script.retry_after is not None:
                headers["retry-after"] = script.retry_after
            body = script.body if script.body is not None else json.dumps({"error": dict(script.error)}).encode()
            connection.answer(script.status, body, headers)
        return script.refuse or script.status != 200

    async def _speech(self, connection: Connection, request: Request) -> None:
        """A 440 Hz tone, PCM16 mono 24 kHz, 60 ms a character, in 40 ms chunks."""
        script = self._speech_scripts.popleft() if self._speech_scripts else Script()
        if await self._refused(connection, script):
            return
        connection.begin(script.content_type or "audio/pcm")
        pcm = tone(0.06 * max(1, len(str(request.json.get("input", "")))))
        step = TONE_RATE // 25 * 2
        for count, start in enumerate(range(0, len(pcm), step)):
            if not await self._may_go_on(connection, script, count):
                return
            connection.chunk(pcm[start : start + step])
            if connection.full:
                await connection.drain()
        if not connection.gone:
            connection.end()


def tone(seconds: float, hertz: float = 440.0, rate: int = TONE_RATE) -> bytes:
    """A sine as PCM16 little-endian mono."""
    count = int(seconds * rate)
    step = 2 * math.pi * hertz / rate
    return struct.pack(f"<{count}h", *(int(12_000 * math.sin(step * i)) for i in range(count)))


def _event(model: str, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
    text = json.dumps(chunk, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(chunk)  # as a gateway does that splits an emoji
    return b"data: " + text.encode() + b"\n\n"


_REASONS = {
    200: "OK",
    204: "No Content",
    401: "Unauthorized",
    402: "Payment Required",
    404: "Not Found",
    429: "Too Many Requests",
}


_TLS_HELLO = b"\x16"


class Connection(asyncio.Protocol):
    """One client connection; requests on it are answered one after another."""

    def __init__(self, provider: ScriptedProvider) -> None:
        self._provider = provider
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.ended = asyncio.Event()
        self.gone = False
        self._chunked = True
        self._transport: asyncio.Transport

    @property
    def full(self) -> bool:
        return not self._writable.is_set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._provider._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._provider._connections.discard(self)
        self._writable.set()
        if self._request is not None and not self._request.finished.is_set():
            self._request.aborted.set()
        if self._task is not None:
            self._task.cancel()
        self.ended.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.startswith(_TLS_HELLO):
            self.drop()  # as servers of plain HTTP do: who looks for TLS here need not wait for an answer
        else:
            self._next()

    def _next(self) -> None:
        """Start on the next whole request, when none is being answered."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or self._task is not None:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._request = Request(method, path, headers, bytes(rest[:length]))
        self._buffer = rest[length:]
        self._task = asyncio.get_running_loop().create_task(self._answer(self._request), name="scripted-answer")

    async def _answer(self, request: Request) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._provider.handle(self, request)
        if not self.gone:
            request.finished.set()
            self._task = None
            self._next()

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        fields = {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))}
        lines = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n{lines}\r\n".encode()
        bodiless = self._request is not None and self._request.method == "HEAD"
        self._transport.write(head if bodiless else head + body)

    def begin(self, content_type: str) -> None:
        self.head(200, {"content-type": content_type})

    def head(self, status: int, headers: Mapping[str, str], *, chunked: bool = True) -> None:
        """Begin an answer whose body comes in chunks, or ends with the connection."""
        self._chunked = chunked
        framing = "transfer-encoding: chunked" if chunked else "connection: close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        reason = _REASONS.get(status, "Status")
        self._transport.write(f"HTTP/1.1 {status} {reason}\r\n{lines}{framing}\r\n\r\n".encode())

    def chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        else:
            self.drop()

    async def drain(self) -> None:
        await self._writable.wait()

    def drop(self) -> None:
        """Cut the connection; what was written before still arrives."""
        self.gone = True
        if self._request is not None:
            self._request.finished.set()
        self._transport.close()


async def _serve() -> None:
    words = Script([f"word{number} " for number in range(20)])
    provider = await ScriptedProvider(default=words).start(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    sys.stdout.write(provider.base_url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
