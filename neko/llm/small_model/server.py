"""The small model's process: started, watched, started again when it dies, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import os
import re
import secrets
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from neko.child_process import open_log, own_environment
from neko.errors import ModelError, ModelLoadingError
from neko.llm.small_model import files
from neko.llm.small_model.files import ModelFile
from neko.providers import ModelEndpoint
from neko.providers.error_body import clean
from neko.small_model_errors import SmallModelDiedError, SmallModelError, SmallModelMemoryError
from neko.tasks import TaskOwner, in_thread, to_the_end

logger = logging.getLogger(__name__)

PROVIDER: Final = "small"
PROVIDER_NAME: Final = "llama.cpp"
PROGRAM: Final = Path(__file__).with_name("llama_server.py")
CONTEXT_TOKENS: Final = 4096
REPLY_TOKENS: Final = 400
"""Small models seldom know when to stop."""

State = Literal["loading", "ready", "failed"]

_ERROR_LINE = re.compile(r"^[\d.]+ E (?:srv|cmn|\s)*\s*[\w<>~]*\s*:\s*(?P<words>.+)$", re.MULTILINE)
"""``0.00.316.343 E llama_model_load: error loading model: …``"""
_NO_MEMORY = re.compile(r"failed to allocate|unable to allocate|cannot allocate|bad_alloc|out of memory", re.IGNORECASE)
_LOG_TAIL: Final = 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for loading, and between a death and the next start; more than ``most_deaths`` within
    ``deaths_within_s`` are too many."""

    loading_timeout_s: float = 600.0
    restart_pause_s: float = 0.5
    most_deaths: int = 3
    deaths_within_s: float = 600.0


class SmallModelServer:
    """One GGUF file, served from the moment this is made until ``aclose``.

    Address and key are known at once and stay, through restarts. ``loads`` waits for the model; ``check`` tells
    whether it can be asked now. ``log`` is where the process writes what went wrong.
    """

    def __init__(self, file: ModelFile, log: Path, owner: TaskOwner, limits: Limits | None = None) -> None:
        self.file = file
        self.state: State = "loading"
        self.error: ModelError | None = None
        self._log = log
        self._limits = limits or Limits()
        self._key = secrets.token_urlsafe(24)
        self._port = _free_port()
        self._began = time.monotonic()
        self._settled = asyncio.Event()
        self._task = owner.spawn(self._serve(), name=f"small model {file.name}")

    @property
    def loading_s(self) -> float:
        """Seconds since the model began to load; 0 when it does not."""
        return time.monotonic() - self._began if self.state == "loading" else 0.0

    def endpoint(self, role: str) -> ModelEndpoint:
        base_url = f"http://127.0.0.1:{self._port}/v1"
        return ModelEndpoint(role, PROVIDER, PROVIDER_NAME, base_url, self.file.name, self._key)

    async def loads(self) -> None:
        """Return when the model answers; raises the ``ModelError`` that keeps it from doing so."""
        await self._settled.wait()
        if self.error:
            raise copy.copy(self.error)

    def check(self) -> None:
        """Raises ``ModelLoadingError`` while the model is loaded, ``SmallModelError`` when it cannot be."""
        if self.error:
            raise copy.copy(self.error)
        if self.state == "loading":
            raise self._named(ModelLoadingError("it is being loaded"))

    async def aclose(self) -> None:
        """End the process; idempotent."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._settled.is_set():
            self._fail(SmallModelError("ended", log=str(self._log)))

    # ── the life of the process ───────────────────────────────────────────────

    async def _serve(self) -> None:
        deaths: deque[float] = deque(maxlen=self._limits.most_deaths + 1)
        try:
            await in_thread(files.check, self.file)
            while True:
                code = await self._run(is_first=not deaths)
                deaths.append(time.monotonic())
                logger.warning("the process of the small model has ended (%s); see %s", code, self._log)
                is_full = len(deaths) > self._limits.most_deaths
                if is_full and deaths[-1] - deaths[0] < self._limits.deaths_within_s:
                    raise SmallModelDiedError(f"{len(deaths)} times", log=str(self._log))
                self.state, self._began = "loading", time.monotonic()
                self._settled.clear()
                await asyncio.sleep(self._limits.restart_pause_s)
        except SmallModelError as error:
            self._fail(error)
        except OSError as error:
            self._fail(SmallModelError(str(error), log=str(self._log)), error.strerror or "")

    async def _run(self, *, is_first: bool) -> int:
        """The exit code of a process that had loaded its model; raises ``SmallModelError`` for one that had not."""
        with await in_thread(open_log, self._log, anew=is_first) as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(PROGRAM)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=own_environment(),
            )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(self._order()).encode() + b"\n")
            async with asyncio.timeout(self._limits.loading_timeout_s):
                is_ready = await process.stdout.readline() == b"ready\n"
            if is_ready:
                self.state = "ready"
                self._settled.set()
            code = await process.wait()
        except TimeoutError:
            raise SmallModelError("still loading", log=str(self._log)) from None
        finally:
            process.stdin.close()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await to_the_end(process.wait())
        if not is_ready:
            raise await in_thread(self._why, code)
        return code

    def _order(self) -> dict[str, object]:
        return {
            "path": str(self.file.path),
            "name": self.file.name,
            "port": self._port,
            "key": self._key,
            "context": CONTEXT_TOKENS,
            "reply": REPLY_TOKENS,
            "parent": os.getpid(),
        }

    def _why(self, code: int) -> ModelError:
        """Why a process has ended before its model was loaded. Blocks."""
        tail = self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        was_killed = os.name == "posix" and code == -signal.SIGKILL  # by the system: nobody else knows of it
        if was_killed or _NO_MEMORY.search(tail):
            needed, free = self.file.size, files.free_memory() or 0
            return SmallModelMemoryError(
                f"exit {code}", needed=files.gigabytes(needed), free=files.gigabytes(free), log=str(self._log)
            )
        error = SmallModelError(f"exit {code}", log=str(self._log))
        found = _ERROR_LINE.search(tail)
        error.said = clean(found["words"] if found else (tail.strip().splitlines() or [""])[-1])
        return error

    def _fail(self, error: ModelError, said: str = "") -> None:
        self.error, self.state = self._named(error), "failed"
        error.said = error.said or clean(said)
        self._settled.set()

    def _named(self, error: ModelError) -> ModelError:
        error.params = {"model": self.file.name, "provider": PROVIDER_NAME, **error.params}
        return error


def _free_port() -> int:
    """A port of this computer that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
