"""A real Neko with its HTTP surface on a real socket; no session starts unless a test speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from neko.application import Neko
from neko.serve import HttpServer, listen
from neko.settings import Settings
from neko.tasks import TaskOwner


def started(folder: Path, **settings: Any) -> Neko:
    """A Neko over ``folder``, to be entered; ``settings`` go into ``Settings``."""
    return Neko(Settings(data_dir=folder, **{"environ": {}, "port": 0, "find_local_servers": False, **settings}))


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """``app`` on a real loopback socket; yields a client whose base is its address."""
    with listen("127.0.0.1", 0) as listener:
        server = HttpServer(app, listener)
        async with TaskOwner("server") as owner:
            owner.spawn(server.run(), name="http")
            address = f"http://127.0.0.1:{listener.port}"
            async with httpx2.AsyncClient(base_url=address, trust_env=False, timeout=10) as client:
                yield client
            await server.stop()
