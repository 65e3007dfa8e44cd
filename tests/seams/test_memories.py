"""Both memories behave as the seam promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.memory.service import MemoryService, MemoryTimeouts
from neko.tasks import TaskOwner
from neko.types.memory import Memory
from tests.scripted_memory import ScriptedMemory
from tests.seams.memory import MemoryBehaviour


class TestMemoryService(MemoryBehaviour):
    @pytest.fixture
    async def memory(self, tmp_path: Path) -> AsyncIterator[Memory]:
        async with TaskOwner("test") as owner:
            memory = MemoryService(tmp_path, owner, patience=MemoryTimeouts(pauses=(0.0, 0.0)))
            await memory.start()
            yield memory
            await memory.aclose()


class TestScriptedMemory(MemoryBehaviour):
    @pytest.fixture
    def memory(self) -> Memory:
        return ScriptedMemory()
