"""A small web site on this machine that remembers what it was asked, and can keep silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: "GET", "/path", its query or form."""

    method: str
    path: str
    fields: dict[str, str]
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


SILENCE = Page(status=0)
"""No answer, ever."""


class Site:
    """``pages``: by path, what is answered or what makes it. ``hung_up``: paths whose askers went away unanswered."""

    def __init__(self) -> None:
        self.pages: dict[str, Page | Callable[[Asked], Page]] = {}
        self.asked: list[Asked] = []
        self.hung_up: list[str] = []
        self.arrived = asyncio.Event()
        self._served: set[asyncio.Task[None]] = set()

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked if asked.path != "/favicon.ico"]

    async def until_asked(self, path: str) -> None:
        async with asyncio.timeout(20):
            while path not in self.paths:
                self.arrived.clear()
                await self.arrived.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._served):
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        task.add_done_callback(self._served.discard)
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        fields = {name: values[0] for name, values in parse_qs(parts.query or body.decode("latin-1")).items()}
        asked = Asked(method, parts.path, fields, headers.get("cookie", ""))
        self.asked.append(asked)
        self.arrived.set()
        page = self.pages.get(parts.path, Page("Not found", 404))
        page = page if isinstance(page, Page) else page(asked)
        if page is SILENCE:
            await reader.read()
            self.hung_up.append(parts.path)
            self.arrived.set()
            return
        content = page.body.encode()
        sent = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Connection": "close",
            **page.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"HTTP/1.1 {page.status} -\r\n{lines}\r\n".encode("latin-1") + content)
        await writer.drain()
