"""The small model that `make model` installs: loaded by Neko, talked with, dead and back again, gone with her.

What is asked of it is that words come, not that they are wise.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from neko.app import Neko
from neko.llm.small_model.server import PROGRAM, REPLY_TOKENS
from neko.sessions.events import ReplyText, TurnEnd
from neko.settings import Settings
from neko.small_model_errors import SmallModelError
from tests.real.conftest import ROOT

REPLY_TIMEOUT_S = 600.0
"""On two busy cores the model makes about six tokens a second."""
LOADING_TIMEOUT_S = 120.0
NAME = "Mio"
MODEL = "SmolLM2-135M-Instruct.Q4_1"

Figures = Callable[[str], None]


@pytest.fixture
async def neko(tmp_path: Path) -> AsyncIterator[Neko]:
    environ = {"LANG": "en", "NEKO_LOCAL_ONLY": "1"}
    async with Neko(Settings(data_dir=tmp_path, environ=environ, find_local_servers=False)) as whole:
        yield whole


def process() -> psutil.Process:
    """That of the model."""
    [child] = [one for one in psutil.Process().children() if str(PROGRAM) in one.cmdline()]
    return child


async def choose(neko: Neko) -> None:
    async with asyncio.timeout(LOADING_TIMEOUT_S):
        file = await neko.models.small.load(MODEL)
    await neko.config.change({"neko": {"small_model": True, "small_model_file": file.setting}})


async def say(neko: Neko, text: str, *, most: int | None = None) -> str:
    """Her words, at least so many deltas of them."""
    words: list[str] = []
    async with asyncio.timeout(REPLY_TIMEOUT_S):
        async for event in neko.chat(NAME, text):
            if isinstance(event, ReplyText):
                words.append(event.text)
            elif isinstance(event, TurnEnd):
                break
            if most is not None and len(words) >= most:
                break
    return "".join(words).strip()


async def test_it_is_loaded_answers_and_stays_within_its_length(neko: Neko, figures: Figures) -> None:
    began = time.monotonic()
    await choose(neko)
    loaded = time.monotonic() - began
    assert neko.models.label.model == MODEL
    began = time.monotonic()
    words = await say(neko, "Hello! Tell me about cats.")
    whole = time.monotonic() - began
    memory = process().memory_info().rss / 1e6
    figures(f"loaded in {loaded:.1f} s; {len(words)} characters in {whole:.1f} s; its process holds {memory:.0f} MB")
    assert words
    assert len(words) < REPLY_TOKENS * 10
    assert {entry["host"].rpartition(":")[0] for entry in neko.network.snapshot()["hosts"]} == {"127.0.0.1"}


async def test_it_is_back_after_it_died_and_ends_with_her(neko: Neko, figures: Figures) -> None:
    await choose(neko)
    os.kill(process().pid, signal.SIGKILL)
    began = time.monotonic()
    assert await say(neko, "Hello!", most=3)
    figures(f"three words {time.monotonic() - began:.1f} s after it died")
    child = process()
    await neko.models.small.aclose()
    assert not child.is_running()


async def test_a_file_that_is_cut_is_refused_in_llama_cpps_words(neko: Neko, tmp_path: Path) -> None:
    (whole,) = (file for file in (await neko.models.small.available()).files if file.name == MODEL)
    cut = tmp_path / "models" / "cut.gguf"
    cut.parent.mkdir(exist_ok=True)
    cut.write_bytes(whole.path.read_bytes()[: whole.size // 2])
    with pytest.raises(SmallModelError) as caught:
        await neko.models.small.load("cut")
    assert "corrupted or incomplete" in caught.value.said
    log = (tmp_path / "logs" / "small_model.log").read_text()
    assert "corrupted or incomplete" in log


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends when it has loaded")
async def test_it_ends_when_she_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from neko.app import Neko
from neko.settings import Settings
from tests.real.conftest import ROOT

async def main():
    async with Neko(Settings(data_dir=Path({str(tmp_path)!r}), environ={{}}, find_local_servers=False)) as neko:
        await neko.config.change({{"neko": {{"small_model": True}}}})
        print("begun", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    try:
        async with asyncio.timeout(LOADING_TIMEOUT_S):
            assert await parent.stdout.readline() == b"begun\n"
            while not (children := psutil.Process(parent.pid).children()):  # noqa: ASYNC110  # another process
                await asyncio.sleep(0.01)
            parent.kill()
            while children[0].is_running() and children[0].status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        if parent.returncode is None:
            parent.kill()
        await parent.wait()
