"""A server of files that keeps its connections as badly as it is told."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field

from tests.scripted_provider import Connection, Request, ScriptedProvider


@dataclass(slots=True)
class Answer:
    """``cut``: the connection breaks after so many bytes. ``hold``: after so many it waits for ``go_on``.
    ``whole``: the beginning is sent though the rest was asked for. ``content``: in place of the file."""

    status: int = 0
    cut: int | None = None
    hold: int | None = None
    whole: bool = False
    content: bytes | None = None
    refuse: bool = False
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    holding: asyncio.Event = field(default_factory=asyncio.Event)


class FileServer(ScriptedProvider):
    """Gives ``files`` by path; the next request is answered by the next of ``answers``, without one as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.answers: deque[Answer] = deque()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ranges(self) -> list[str]:
        """What part was asked for, request by request."""
        return [request.headers.get("range", "") for request in self.requests]

    async def handle(self, connection: Connection, request: Request) -> None:
        self.requests.append(request)
        answer = self.answers.popleft() if self.answers else Answer()
        content = self.files.get(request.path)
        if answer.refuse:
            connection.drop()
            return
        if content is None or answer.status:
            connection.answer(answer.status or 404, b"no such file")
            return
        content = answer.content if answer.content is not None else content
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        start = int(asked[1]) if asked and not answer.whole else 0
        rest = content[start:]
        connection.head(206 if start else 200, {"content-length": str(len(rest))}, chunked=False)
        for stop in (answer.cut, answer.hold):
            if stop is not None:
                connection.chunk(rest[:stop])
                rest = rest[stop:]
        if answer.hold is not None:
            answer.holding.set()
            await answer.go_on.wait()
        if answer.cut is None and not connection.gone:
            connection.chunk(rest)
        connection.drop()
