"""A provider that misbehaves as real ones do: every byte, header and close of an answer is the test's.

The shapes of its answers are those of public trouble reports; a test names the report it plays by its id.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.scripted_provider import Connection, Request, ScriptedProvider

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Raw:
    """One HTTP answer: ``pieces`` go out one by one, chunked.

    ``content_type`` None: there is no such header. ``cut``: the connection drops after the last piece, without the
    proper end of the body; ``refuse``: before there is any answer. ``chunked`` false: the body has no end but
    that of the connection. ``before(n)`` is awaited before piece ``n``, counted from 0.
    """

    pieces: Sequence[bytes] = ()
    status: int = 200
    content_type: str | None = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    refuse: bool = False
    chunked: bool = True
    before: Callable[[int], Awaitable[None]] | None = None


Answer = Raw | Callable[[Request], Raw | Awaitable[Raw]]
"""An answer, or what makes one from the request."""


class HostileProvider(ScriptedProvider):
    """Answers the next chat with the next of ``answers``; the last one stays for all that follow.

    ``model_list``, ``speech``, ``transcription`` and ``embeddings`` answer ``…/models``, ``…/audio/speech``,
    ``…/audio/transcriptions`` and ``…/embeddings`` likewise when they are set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self.model_list: Answer | None = None
        self.speech: Answer | None = None
        self.transcription: Answer | None = None
        self.embeddings: Answer | None = None
        self.proxied: list[str] = []
        """Targets for which this was taken for a proxy."""

    async def handle(self, connection: Connection, request: Request) -> None:
        if request.method == "CONNECT" or "://" in request.path:
            self.proxied.append(request.path)
        answer = self._answer_to(request)
        if answer is None:
            await super().handle(connection, request)
            return
        self.requests.append(request)
        async with self._arrived:
            self._arrived.notify_all()
        if callable(answer):
            made = answer(request)
            answer = made if isinstance(made, Raw) else await made
        await _send(connection, answer)

    def _answer_to(self, request: Request) -> Answer | None:
        path = request.path.partition("?")[0]
        if path.endswith("/models"):
            return self.model_list
        if path.endswith("/audio/speech"):
            return self.speech
        if path.endswith("/audio/transcriptions"):
            return self.transcription
        if path.endswith("/embeddings"):
            return self.embeddings
        if path.endswith("/chat/completions") and self.answers:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return None


async def _send(connection: Connection, answer: Raw) -> None:
    if answer.refuse:
        connection.drop()
        return
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["content-type"] = answer.content_type
    connection.head(answer.status, headers, chunked=answer.chunked)
    for number, piece in enumerate(answer.pieces):
        if answer.before is not None:
            await answer.before(number)
        if connection.gone:
            return
        if piece:
            connection.chunk(piece)
        if connection.full:
            await connection.drain()
    if answer.cut:
        connection.drop()
    elif not connection.gone:
        connection.end()


# ── what answers are made of ────────────────────────────────────────────────────────────


def event(data: Any) -> bytes:
    """A server-sent event; what is no string is written as JSON."""
    return b"data: " + (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)).encode() + b"\n\n"


def chunk(delta: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def deltas(*texts: str) -> list[bytes]:
    return [event(chunk({"content": text})) for text in texts]


def reply(*texts: str, finish: Any = "stop") -> Raw:
    """A good stream of these deltas."""
    return Raw([*deltas(*texts), event(chunk({}, finish)), DONE])


def spelled(text: str, size: int = 1) -> list[str]:
    """``text`` in pieces of ``size`` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def completion(text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A whole answer, not streamed."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def problem(message: str, code: Any = None, kind: str = "invalid_request_error", param: str | None = None) -> Any:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def whole(body: Any, status: int = 200, content_type: str | None = "application/json", **headers: str) -> Raw:
    """An answer in one piece: JSON, or bytes and strings as they are. ``_`` in a header's name stands for ``-``."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Raw([data], status, content_type, {name.replace("_", "-"): value for name, value in headers.items()})
