"""Speech to text on this computer: a model in a process of its own (``worker``), one utterance at a time.

The process starts with the first utterance or ``prewarm`` and ends when nobody has spoken for a while, which gives
the memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from neko.audio.hearing.buffered import BufferedRecognition
from neko.audio.hearing.models import LocalModel
from neko.child_process import open_log, own_environment
from neko.errors import HearingError
from neko.hearing_errors import HearingBusyError, HearingModelError, HearingSilentError, HearingUnreadableError
from neko.tasks import TaskOwner, in_thread, is_cancelled, to_the_end
from neko.types.hearing import Heard, HearingCapabilities, HearingHints

logger = logging.getLogger(__name__)

_ROOT: Final = Path(__file__).parents[3]
_ONE_NUMPY_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1"}
"""Its threads spin for a while after each product, which doubles the time that the model's own threads take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for loading, for one utterance, and without any until the process ends; ``most_waiting`` utterances
    and partial results may wait; after ``most_deaths`` in a row the process is not started again."""

    loading_s: float = 120.0
    utterance_s: float = 60.0
    idle_s: float = 600.0
    most_waiting: int = 6
    most_deaths: int = 3


@dataclass(slots=True)
class _Job:
    """``request`` None only starts the process. ``is_wanted``: somebody waits for it."""

    request: bytes | None
    is_wanted: bool = True


class LocalHearing:
    """Hears with ``model``. ``language`` (BCP 47) is the one that the user chose; without it the model finds out, and
    an utterance's hint helps. ``log`` is where the process writes what went wrong."""

    def __init__(self, model: LocalModel, log: Path, language: str = "", limits: Limits | None = None) -> None:
        self._model = model
        self._log = log
        self._language = language
        self._limits = limits or Limits()
        self._owner = TaskOwner("hearing")
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._failure: HearingModelError | None = None
        self._waiting = 0
        self._deaths = 0
        self._idle: asyncio.TimerHandle | None = None
        longest = self._limits.loading_s + self._limits.utterance_s
        self.capabilities = HearingCapabilities(model.title, local=True, languages=model.languages, deadline_s=longest)

    @property
    def process_id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended by itself."""
        return self._process is not None and self._process.returncode is None

    async def prewarm(self) -> None:
        """Start the process and load the model. Raises ``HearingError``."""
        await self._ask(None)

    def begin(self, utterance_id: str, hints: HearingHints) -> BufferedRecognition:
        """See ``HearingEngine``."""
        return BufferedRecognition(self.capabilities, utterance_id, hints, self._transcribe)

    async def aclose(self) -> None:
        """End the process; idempotent."""
        self._forget_idle()
        await self._owner.aclose()
        await self._end()

    async def _transcribe(self, pcm: bytes, hints: HearingHints) -> Heard:
        head = {
            "size": len(pcm),
            "hint": hints.language,
            "language": self._language,
            "vocabulary": list(hints.vocabulary),
        }
        answer = await self._ask(json.dumps(head).encode() + b"\n" + pcm)
        return Heard("", final=True, **answer)

    # ── one at a time ─────────────────────────────────────────────────────────

    async def _ask(self, request: bytes | None) -> dict[str, Any]:
        """The process's answer to ``request``; without one it is only started. When the caller is cancelled, what is
        being recognised is brought to its end all the same: the next answer is the next request's."""
        if self._owner.closed:
            raise HearingError("the recogniser is closed", **self._who)
        if self._waiting >= self._limits.most_waiting:
            raise HearingBusyError(f"{self._waiting} wait", **self._who)
        self._waiting += 1
        job = _Job(request)
        work = self._owner.spawn(self._answer(job), name="utterance")
        work.add_done_callback(self._answered)
        try:
            answer = await asyncio.shield(work)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise HearingError("the recogniser was closed", **self._who) from None
        finally:
            job.is_wanted = False
        if isinstance(answer, HearingError):
            raise copy.copy(answer)
        return answer

    def _answered(self, _work: object) -> None:
        self._waiting -= 1

    async def _answer(self, job: _Job) -> dict[str, Any] | HearingError:
        async with self._turn:
            if not job.is_wanted:
                return {}
            self._forget_idle()
            try:
                process = await self._running()
                return await self._exchange(process, job.request) if job.request is not None else {}
            except HearingError as error:
                return error
            except OSError as error:
                return self._broken(error.strerror or type(error).__name__)
            finally:
                if not self._owner.closed:
                    self._idle = asyncio.get_running_loop().call_later(self._limits.idle_s, self._let_go)

    async def _exchange(self, process: asyncio.subprocess.Process, request: bytes) -> dict[str, Any] | HearingError:
        assert process.stdin is not None
        assert process.stdout is not None
        answer: dict[str, Any] | None = None
        try:
            async with asyncio.timeout(self._limits.utterance_s):
                with contextlib.suppress(ConnectionError):
                    process.stdin.write(request)
                    await process.stdin.drain()
                if line := await process.stdout.readline():
                    answer = json.loads(line)
        except ValueError:
            await self._end()
            return HearingUnreadableError("no answer of the process", **self._who)
        except TimeoutError:
            await self._end()
            return HearingSilentError("no words in time", **self._who)
        except asyncio.CancelledError:
            await to_the_end(self._end())
            raise
        if answer is None:
            code = await process.wait()
            await self._end()
            self._deaths += 1
            logger.warning("the process that hears has ended (%s); see %s", code, self._log)
            if self._deaths >= self._limits.most_deaths:
                self._failure = self._broken(f"exit {code}")
                return self._failure
            return HearingError(f"its process ended with {code}", **self._who)
        self._deaths = 0
        if "error" in answer:
            error = HearingError("the model failed", **self._who)
            error.said = str(answer["error"])
            return error
        return answer

    # ── the life of the process ───────────────────────────────────────────────

    async def _running(self) -> asyncio.subprocess.Process:
        """The process with its model loaded; raises ``HearingModelError`` when that cannot be."""
        if self._failure is not None:
            raise self._failure
        if self._process is not None and self.is_running:
            return self._process
        await self._end()
        try:
            await self._start()
        except BaseException:
            await to_the_end(self._end())
            raise
        assert self._process is not None
        return self._process

    async def _start(self) -> None:
        with await in_thread(open_log, self._log) as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "neko.audio.hearing.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=own_environment(_ROOT) | _ONE_NUMPY_THREAD,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(self._model.order).encode() + b"\n")
        try:
            async with asyncio.timeout(self._limits.loading_s):
                line = await process.stdout.readline()
        except TimeoutError:
            raise self._broken("still loading") from None
        answer = json.loads(line) if line else {"error": f"exit {await process.wait()}"}
        if "error" in answer:
            self._failure = self._broken(answer["error"])
            raise self._failure

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
        async with self._turn:
            await self._end()

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _broken(self, said: str) -> HearingModelError:
        error = HearingModelError("the model cannot be loaded", **self._who, folder=str(self._model.folder))
        error.said = said
        return error

    @property
    def _who(self) -> dict[str, str]:
        return {"engine": self._model.title}
