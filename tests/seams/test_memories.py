"""Both memories behave as the seam promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.tasks import TaskOwner
from tests.scripted_memory import ScriptedMemory
from tests.seams.memory import (
    ChatsBehaviour,
    ConversationLogBehaviour,
    Memory,
    RecallBehaviour,
)
from tests.seams.memory_administration import MemoryAdministrationBehaviour


class TestMemoryService(ConversationLogBehaviour, ChatsBehaviour, RecallBehaviour, MemoryAdministrationBehaviour):
    @pytest.fixture
    async def memory(self, tmp_path: Path) -> AsyncIterator[Memory]:
        async with TaskOwner("test") as owner:
            timeouts = MemoryTimeouts(recall_timeout_s=5.0)
            memory = MemoryService(tmp_path, owner, timeouts=timeouts)
            await memory.start()
            yield memory
            await memory.aclose()


class TestScriptedMemory(ConversationLogBehaviour, ChatsBehaviour, RecallBehaviour, MemoryAdministrationBehaviour):
    @pytest.fixture
    def memory(self) -> Memory:
        return ScriptedMemory()
