"""``python -m neko`` as a person starts it: a process of its own, followed by its output."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 20.0
"""Seconds for a start on a busy machine."""


@dataclass(slots=True)
class Outcome:
    """How a run ended. ``seconds``: from the signal, or from the start, to the end of the process."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(slots=True)
class Running:
    """A Neko that answers at ``url``. ``printed`` is what its standard output has said so far."""

    process: asyncio.subprocess.Process
    url: str
    printed: str
    stopped: bool = field(default=False)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def logged(self, words: str) -> str:
        """Read the log up to the line with these words."""
        assert self.process.stderr is not None
        seen = ""
        async with asyncio.timeout(TIMEOUT_S):
            while words not in seen:
                line = await self.process.stderr.readline()
                assert line, f"the log ended without {words!r}: {seen}"
                seen += line.decode()
        return seen

    async def stop(self, number: int = signal.SIGTERM) -> Outcome:
        began = time.monotonic()
        self.process.send_signal(number)
        return await self.ended(began)

    async def ended(self, began: float) -> Outcome:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await self.process.communicate()
        self.stopped = True
        assert self.process.returncode is not None
        seconds = time.monotonic() - began
        return Outcome(self.process.returncode, self.printed + out.decode(), err.decode(), seconds)


async def spawn(*arguments: str, **environ: str) -> asyncio.subprocess.Process:
    """Start ``python -m neko``, with nothing of ours in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEKO_", "OPENAI_", "LC_"))}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "neko", *arguments,
        cwd=ROOT,
        env={**clean, "LANG": "C.UTF-8", "NEKO_NO_BROWSER": "1", **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run_to_end(*arguments: str, **environ: str) -> Outcome:
    """For a run that ends by itself."""
    began = time.monotonic()
    process = await spawn(*arguments, **environ)
    return await Running(process, "", "").ended(began)


@asynccontextmanager
async def running(data_dir: Path, *arguments: str, **environ: str) -> AsyncIterator[Running]:
    """A Neko on a free port; killed at the end if it has not been stopped."""
    process = await spawn("--port", "0", "--data-dir", str(data_dir), *arguments, **environ)
    assert process.stdout is not None
    neko = None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://\S+", line)
        assert address, f"no address in {line!r}: {(await process.communicate())[1].decode()}"
        neko = Running(process, address[0], line)
        yield neko
    finally:
        if process.returncode is None:
            process.kill()
        if neko is None or not neko.stopped:
            await process.communicate()
