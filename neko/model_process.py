"""A model on this computer, or another library that may fall, in a process of its own, which answers one request at a
time.

The process starts with the first request or ``start``, and ends when nothing was asked for a while, which gives the
memory back. It is sent one line of JSON, its order, and answers ``{"ready": true}`` once its model is loaded, or
``{"error": …}`` and ends. Then each request gets one answer, which the caller reads. The end of its input is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from neko.child_process import open_log, own_environment
from neko.errors import NekoError
from neko.tasks import TaskOwner, in_thread, is_cancelled, to_the_end

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LAST_BREATH_S: Final = 2.0
"""From the end of its output to that of the process."""


class Fault(Enum):
    """Why there is no answer. After ``BROKEN`` the process is not started again, ``NOT_STARTED`` may be tried anew."""

    CLOSED = "closed"
    BUSY = "busy"
    NOT_STARTED = "not started"
    BROKEN = "broken"
    SILENT = "silent"
    UNREADABLE = "unreadable"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for loading, for one answer, and without any request until the process ends. ``most_waiting`` requests
    may wait; after ``most_deaths`` answers in a row that failed the process is not started again."""

    loading_s: float = 60.0
    answer_s: float = 60.0
    idle_s: float = 600.0
    most_waiting: int = 1_000
    most_deaths: int = 3


@dataclass(frozen=True, slots=True)
class Program:
    """``arguments`` of this Python; ``root``: from where it may import besides; ``environ`` is added to ours.
    ``longest_line``: bytes of a line that it may answer with."""

    arguments: tuple[str, ...]
    order: Mapping[str, Any]
    root: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    longest_line: int = 1 << 16


@dataclass(slots=True)
class _Job:
    """``is_wanted``: somebody waits for it."""

    is_wanted: bool = True


class ModelProcess:
    """``program`` says what to run, and raises a ``NekoError`` where nothing can be. ``error`` makes the error that
    the callers get out of a fault and what is known of it. ``log`` is where the process writes what went wrong."""

    def __init__(
        self,
        name: str,
        program: Callable[[], Awaitable[Program]],
        log: Path,
        limits: Limits,
        error: Callable[[Fault, str], NekoError],
    ) -> None:
        self._name = name
        self._program = program
        self._log = log
        self._limits = limits
        self._error = error
        self._owner = TaskOwner(name)
        self._answering = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._broken: NekoError | None = None
        self._waiting = 0
        self._deaths = 0
        self._idle: asyncio.TimerHandle | None = None

    @property
    def id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended by itself."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process and load the model."""
        await self._queued(self._running)

    async def ask(
        self,
        request: bytes,
        read: Callable[[asyncio.StreamReader], Awaitable[T]],
        is_last: Callable[[T], bool] = lambda _: False,
    ) -> T:
        """What ``read`` makes of the answer; it raises ``EOFError`` where there is no more of it, ``ValueError`` where
        it is none. When the caller is cancelled the answer is read to its end all the same: the next one is the next
        request's. After one that ``is_last`` the process is ended, and the next request starts another."""

        async def exchange() -> T:
            answer = await self._exchange(await self._running(), request, read)
            if is_last(answer):
                await self._end()
            return answer

        return await self._queued(exchange)

    @property
    def is_closed(self) -> bool:
        return self._owner.closed

    async def aclose(self) -> None:
        """End the process; idempotent."""
        self._forget_idle()
        await self._owner.aclose()
        await self._end()

    # ── one at a time ─────────────────────────────────────────────────────────

    async def _queued(self, work: Callable[[], Awaitable[T]]) -> T:
        if self._owner.closed:
            raise self._error(Fault.CLOSED, "closed")
        if self._waiting >= self._limits.most_waiting:
            raise self._error(Fault.BUSY, f"{self._waiting} wait")
        self._waiting += 1
        job = _Job()
        task = self._owner.spawn(self._work(job, work), name="request")
        task.add_done_callback(self._worked)
        try:
            done = await asyncio.shield(task)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise self._error(Fault.CLOSED, "closed") from None
        finally:
            job.is_wanted = False
        if isinstance(done, NekoError):
            raise copy.copy(done)
        assert done is not None
        return done

    def _worked(self, _task: object) -> None:
        self._waiting -= 1

    async def _work(self, job: _Job, work: Callable[[], Awaitable[T]]) -> T | NekoError | None:
        """What it gives or why it failed; None when nobody waits for it any more."""
        async with self._answering:
            if not job.is_wanted:
                return None
            self._forget_idle()
            try:
                return await work()
            except NekoError as error:
                return error
            except OSError as error:
                return self._error(Fault.NOT_STARTED, error.strerror or type(error).__name__)
            finally:
                if not self._owner.closed:
                    self._idle = asyncio.get_running_loop().call_later(self._limits.idle_s, self._let_go)

    async def _exchange(
        self,
        process: asyncio.subprocess.Process,
        request: bytes,
        read: Callable[[asyncio.StreamReader], Awaitable[T]],
    ) -> T:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._limits.answer_s):
                with contextlib.suppress(ConnectionError):  # what it still had to say is read first
                    process.stdin.write(request)
                    await process.stdin.drain()
                answer = await read(process.stdout)
        except TimeoutError:
            raise await self._failed(Fault.SILENT, "no answer in time") from None
        except ValueError as error:
            raise await self._failed(Fault.UNREADABLE, "no answer of the process") from error
        except (EOFError, ConnectionError) as error:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_BREATH_S):
                    await process.wait()
            raise await self._failed(Fault.ENDED, f"exit {process.returncode}") from error
        except asyncio.CancelledError:
            await to_the_end(self._end())
            raise
        self._deaths = 0
        return answer

    async def _failed(self, fault: Fault, said: str) -> NekoError:
        """The process gave no answer, and gives none any more."""
        await self._end()
        self._deaths += 1
        logger.warning("%s: the process failed (%s: %s); see %s", self._name, fault.value, said, self._log)
        if self._deaths >= self._limits.most_deaths:
            self._broken = self._error(Fault.BROKEN, said)
            return self._broken
        return self._error(fault, said)

    # ── the life of the process ───────────────────────────────────────────────

    async def _running(self) -> asyncio.subprocess.Process:
        """The process with its model loaded."""
        if self._broken is not None:
            raise self._broken
        if self._process is not None and self.is_running:
            return self._process
        await self._end()
        try:
            return await self._start(await self._program())
        except BaseException:
            await to_the_end(self._end())
            raise

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        with await in_thread(open_log, self._log) as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", *program.arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**own_environment(program.root), **program.environ},
                limit=program.longest_line,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(program.order).encode() + b"\n")
        try:
            async with asyncio.timeout(self._limits.loading_s):
                line = await process.stdout.readline()
        except TimeoutError:
            raise self._error(Fault.NOT_STARTED, "still loading") from None
        answer = json.loads(line) if line else {"error": f"exit {await process.wait()}"}
        if "error" in answer:
            self._broken = self._error(Fault.BROKEN, str(answer["error"]))
            raise self._broken
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await to_the_end(process.wait())

    def _let_go(self) -> None:
        self._idle = None
        if not self._waiting and not self._owner.closed:
            self._owner.spawn(self._end_idle(), name="idle")

    async def _end_idle(self) -> None:
        async with self._answering:
            if self._idle is None and not self._waiting:
                await self._end()

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


async def read_line(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The JSON object of the next line. Raises ``EOFError``, ``ValueError``."""
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("no object")  # what it wrote is wrong, not its type
    return answer
