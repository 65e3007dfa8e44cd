"""A real Neko with its HTTP surface on a real socket; no session starts unless a test speaks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets
from starlette.types import ASGIApp

from neko.application import Neko
from neko.settings import Settings
from neko.tasks import TaskOwner


def started(folder: Path, **settings: Any) -> Neko:
    """A Neko over ``folder``, to be entered; ``settings`` go into ``Settings``."""
    return Neko(Settings(data_dir=folder, **{"environ": {}, "port": 0, "find_local_servers": False, **settings}))


class _OnSocket(Config):
    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self.accesslog = None
        self._listener = listener

    def create_sockets(self) -> Sockets:
        return Sockets([], [self._listener], [])


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """``app`` on a real loopback socket; yields a client whose base is its address."""
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with TaskOwner("server") as owner:
            server = owner.spawn(serve(app, _OnSocket(listener), shutdown_trigger=stop.wait), name="http")  # type: ignore[arg-type]
            try:
                async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=10) as client:
                    yield client
            finally:
                stop.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(3):
                        await server
