"""Plug-ins written into a folder of the test, and the real processes they run in."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from neko.agent.plugins.plugin import Plugin
from neko.agent.plugins.plugins import Plugins
from neko.agent.plugins.process import Limits

TIMEOUT_S = 30.0
"""Long enough for a busy machine."""

HEADER = """
from neko.plugin import *
"""


class Shelf:
    """A folder of plug-ins, and what they had published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.published: list[Mapping[str, Any]] = []
        self.limits = Limits()
        self.is_private = False

    def put(self, plugin_id: str, code: str, toml: str = "", *, header: str = HEADER, more: str = "") -> Path:
        """A plug-in whose class is called ``P``, in a module ``code.py``. ``more``: lines of ``[plugin]``."""
        place = self.folder / plugin_id
        place.mkdir(parents=True, exist_ok=True)
        manifest = toml or f'[plugin]\nid = "{plugin_id}"\nentry = "code_of_{plugin_id}:P"\n{more}'
        (place / "plugin.toml").write_text(manifest, encoding="utf-8")
        code = header + textwrap.dedent(code)
        (place / f"code_of_{plugin_id}.py").write_text(code, encoding="utf-8")
        return place

    @asynccontextmanager
    async def plugins(self) -> AsyncIterator[Plugins]:
        """All of them, switched on and asked what they have."""
        plugins = Plugins(
            lambda: [self.folder],
            self.folder,
            self.published.append,
            lambda: "Mio",
            lambda: self.limits,
            is_private=lambda: self.is_private,
        )
        plugins.on = True
        try:
            await plugins.learn()
            yield plugins
        finally:
            await plugins.aclose()

    @asynccontextmanager
    async def only(self, plugin_id: str) -> AsyncIterator[Plugin]:
        async with self.plugins() as plugins:
            yield plugins.get(plugin_id)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "plugins")


async def until(holds: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not holds():  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.01)


async def raises(work: Awaitable[Any], kind: type[BaseException]) -> Any:
    with pytest.raises(kind) as caught:
        await work
    return caught.value


def alive(process_id: int) -> bool:
    """Is there such a process, which has not ended?"""
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
