"""Who is killed before the memo of a chat that was left is made knows of that chat after the restart."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path

import pytest

from neko.memory.service import MemoryService
from neko.memory.timeouts import MemoryTimeouts
from neko.sessions import prompt
from neko.sessions.prompt import Persona
from neko.tasks import TaskOwner
from neko.types.lines import NewLine
from neko.types.memory import MemoryModels
from tests.crash.leaving import SAID
from tests.crash.test_kill_minus_nine import ROOT

ANNA = Persona("Mio", "Anna", "", {}, "en")


async def leave_and_be_killed(folder: Path, then: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.leaving", str(folder), then, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"waits\n"
    process.kill()
    await process.wait()


async def begins_with(memory: MemoryService) -> str:
    """The prompt of a session that begins now."""
    recent = await memory.recent("Mio", with_left=True)
    return prompt.compose(ANNA, recent, datetime.now()).text


@pytest.mark.parametrize("then", ["leaves", "forgets"])
async def test_its_lines_are_in_the_prompt_until_its_memo_is_made_which_nobody_has_to_ask_for(
    tmp_path: Path, then: str
) -> None:
    await leave_and_be_killed(tmp_path, then)
    said = SAID[1:] if then == "forgets" else SAID
    is_to_answer, has_answered = asyncio.Event(), asyncio.Event()

    async def summarise(question: str) -> str:
        await is_to_answer.wait()
        assert all(text in question for text in said)
        has_answered.set()
        return "Lena keeps bees."

    timeouts = MemoryTimeouts(quiet_s=0.0)
    async with TaskOwner("test") as owner, asyncio.timeout(30):
        memory = MemoryService(tmp_path, owner, timeouts=timeouts, models=lambda: MemoryModels(summarise))
        told = await begins_with(memory)
        assert [text for text in SAID if text in told] == list(said)
        await memory.store("Mio", NewLine("s", "t", "user", "Good morning!", datetime.now()))
        await memory.start()
        is_to_answer.set()
        await has_answered.wait()
        while "Lena keeps bees." not in (told := await begins_with(memory)):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
        assert "Good morning!" in told
        assert not any(text in told for text in SAID)
        await memory.aclose()
