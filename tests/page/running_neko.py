"""A Neko on a real port that can be stopped and started again over the same folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from neko.application import Neko
from neko.serve import Listener, listen, serving
from neko.settings import Settings
from neko.types.hearing import HearingEngine
from neko.types.lines import Line, NewLine, Role

NAME = "Mio"

ENDED: set[str] = set()
"""Addresses of those that a test has done with: a page that is still open there asks for its modules in vain."""


class RunningNeko:
    """``neko`` and ``url`` are those of the running server; both change with a restart, the port stays."""

    def __init__(
        self,
        data_dir: Path,
        *,
        environ: Mapping[str, str] | None = None,
        voice: str = "",
        local: bool = False,
        token: str = "",
        hearing: HearingEngine | None = None,
    ) -> None:
        self._data_dir = data_dir
        self.environ = {"LANG": "en_US.UTF-8", **(environ or {})}
        self._voice = voice
        self._local = local
        self._token = token
        self._hearing = hearing
        self._port = 0
        self._stack = AsyncExitStack()
        self.neko: Neko
        self.listener: Listener

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        ENDED.add(self.url)
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        settings = Settings(
            data_dir=self._data_dir,
            port=self._port,
            environ=self.environ,
            find_local_servers=self._local,
            token=self._token,
        )
        self.listener = self._stack.enter_context(listen(settings.host, settings.port))
        self._port = self.listener.port
        ENDED.discard(self.url)
        self.neko = await self._stack.enter_async_context(Neko(settings, hearing=self._hearing))
        await self._stack.enter_async_context(serving(self.neko, self.listener))
        if self._voice:
            await self.neko.config.change({"neko": {"speech": {"engine": self._voice}}})

    async def stop(self) -> None:
        await self._stack.aclose()

    def hang_up(self, code: int = 1012) -> None:
        """Close every page's socket the way a restarting server does."""
        manager = self.neko.conversations.get(NAME)
        assert manager is not None
        manager.close_clients(code, "restart")

    async def lines(self, limit: int = 1000) -> list[Line]:
        return await self.neko.memory.lines(NAME, limit=limit)

    async def remember(self, count: int, *, days: int = 3, **changes: Any) -> None:
        """Fill the log with ``line 1`` … ``line count``, two a turn, over the last ``days`` days."""
        step = timedelta(days=days) / count
        start = datetime.now() - timedelta(days=days)
        lines = []
        for number in range(1, count + 1):
            role: Role = "user" if number % 2 else "assistant"
            turn = f"turn-{(number + 1) // 2}"
            lines.append(NewLine("before", turn, role, f"line {number}", start + step * number, **changes))
        for at in range(0, count, 100):
            await asyncio.gather(*(self.neko.memory.store(NAME, line) for line in lines[at : at + 100]))
