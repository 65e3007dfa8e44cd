from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.memory.memory_folder import MemoryFolder


@pytest.fixture
async def memory_folder(tmp_path: Path) -> AsyncIterator[MemoryFolder]:
    async with AsyncExitStack() as stack:
        yield MemoryFolder(tmp_path / "memory", stack)
