from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from neko.memory.threads import Threads
from tests.memory.memory_folder import MemoryFolder


@pytest.fixture
async def memory_folder(tmp_path: Path) -> AsyncIterator[MemoryFolder]:
    async with AsyncExitStack() as stack:
        yield MemoryFolder(tmp_path / "memory", stack)


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads()
    yield threads
    await threads.aclose()
