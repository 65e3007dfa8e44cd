"""Embedding on this computer: a model in a process of its own (``worker``), a few texts at a time.

The process starts with the first text or ``prewarm`` and ends when nothing was embedded for a while, which gives the
memory back.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neko.child_process import open_log, own_environment
from neko.embedding_errors import EmbedderFailedError, LocalEmbeddingError
from neko.errors import ModelError
from neko.llm.embeddings import models
from neko.llm.embeddings.models import LocalModel
from neko.settings.paths import ASSETS
from neko.tasks import TaskOwner, in_thread, is_cancelled, to_the_end
from neko.types.embedding import LONGEST_TEXT, TextKind
from neko.well_formed import well_formed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PROGRAM: Final = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for loading, for one batch, and without any until the process ends; after ``most_deaths`` in a row it
    is not started again."""

    loading_s: float = 60.0
    batch_s: float = 60.0
    idle_s: float = 600.0
    most_deaths: int = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    vectors: NDArray[np.float32]
    tokens: list[NDArray[np.float32]]

    @classmethod
    def read(cls, numbers: bytes, told: Mapping[str, Any]) -> _Answer:
        """``told``: what the process says before the numbers (``worker``)."""
        import numpy as np

        values = np.frombuffer(numbers, "<f4")
        count, dimensions = told["count"], told["dimensions"]
        tokens = values[count * dimensions :].reshape(sum(told["tokens"]), told["token_dimensions"])
        ends = np.cumsum(told["tokens"], dtype=int)[:-1]
        return cls(
            values[: count * dimensions].reshape(count, dimensions), np.split(tokens, ends) if told["tokens"] else []
        )


@dataclass(slots=True)
class _Job:
    """``request`` None only starts the process. ``is_wanted``: somebody waits for it."""

    request: dict[str, Any] | None
    is_wanted: bool = True


class LocalEmbedder:
    """Embeds with ``local``. ``log`` is where the process writes what went wrong."""

    def __init__(self, local: LocalModel, log: Path, limits: Limits | None = None) -> None:
        self.model = local.model
        self._local = local
        self._log = log
        self._limits = limits or Limits()
        self._owner = TaskOwner("embedder")
        self._turn = asyncio.Lock()
        self._questions = 0
        self._no_question = asyncio.Event()
        self._no_question.set()
        self._process: asyncio.subprocess.Process | None = None
        self._failure: LocalEmbeddingError | None = None
        self._deaths = 0
        self._idle: asyncio.TimerHandle | None = None

    @property
    def process_id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.pid if self._process else None

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        """See ``Embedder``."""
        return (await self.embed_tokens(texts, kind))[0]

    async def embed_tokens(
        self, texts: Sequence[str], kind: TextKind
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """See ``TokenEmbedder``; of a model without vectors of tokens there are none."""
        import numpy as np

        parts: list[_Answer] = []
        for start in range(0, len(texts), self._local.batch):
            batch = [well_formed(text[:LONGEST_TEXT]) for text in texts[start : start + self._local.batch]]
            if kind == "line":
                await self._no_question.wait()
                parts.append(await self._asked({"kind": kind, "texts": batch}))
            else:
                with self._ahead():
                    parts.append(await self._asked({"kind": kind, "texts": batch}))
        if not parts:
            return np.empty((0, 0), np.float32), []
        return np.concatenate([part.vectors for part in parts]), [one for part in parts for one in part.tokens]

    async def prewarm(self) -> None:
        """Start the process and load the model."""
        await self._asked(None)

    async def aclose(self) -> None:
        """End the process; idempotent."""
        self._forget_idle()
        await self._owner.aclose()
        await self._end()

    @contextlib.contextmanager
    def _ahead(self) -> Iterator[None]:
        """Inside, lines wait."""
        self._questions += 1
        self._no_question.clear()
        try:
            yield
        finally:
            self._questions -= 1
            if not self._questions:
                self._no_question.set()

    # ── one at a time ─────────────────────────────────────────────────────────

    async def _asked(self, request: dict[str, Any] | None) -> _Answer:
        """The vectors for ``request``; without one the process is only started. When the caller is cancelled the
        answer is read to its end all the same: the next one is the next request's."""
        if self._owner.closed:
            raise self._error("closed")
        job = _Job(request)
        work = self._owner.spawn(self._answer(job), name="batch")
        try:
            answer = await asyncio.shield(work)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise self._error("closed") from None
        finally:
            job.is_wanted = False
        if isinstance(answer, ModelError):
            raise copy.copy(answer)
        return answer

    async def _answer(self, job: _Job) -> _Answer | ModelError:
        import numpy as np

        nothing = _Answer(np.empty((0, 0), np.float32), [])
        async with self._turn:
            if not job.is_wanted:
                return nothing
            self._forget_idle()
            try:
                process = await self._running()
                return nothing if job.request is None else await self._exchange(process, job.request)
            except ModelError as error:
                return error
            except OSError as error:
                return self._error(error.strerror or type(error).__name__)
            finally:
                if not self._owner.closed:
                    self._idle = asyncio.get_running_loop().call_later(self._limits.idle_s, self._let_go)

    async def _exchange(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> _Answer:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._limits.batch_s):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                answer = json.loads(await process.stdout.readline())
                if "error" in answer:
                    raise self._error(answer["error"], EmbedderFailedError)
                size = answer["count"] * answer["dimensions"] + sum(answer["tokens"]) * answer["token_dimensions"]
                numbers = await process.stdout.readexactly(4 * size)
        except (ValueError, EOFError, ConnectionError, TimeoutError) as error:
            await self._end()
            self._deaths += 1
            logger.warning("the process that embeds has failed (%s); see %s", type(error).__name__, self._log)
            said = f"the process ended: {type(error).__name__}"
            if self._deaths >= self._limits.most_deaths:
                self._failure = self._error(said)
            failure = self._failure or self._error(said, EmbedderFailedError)
            raise failure from error
        except asyncio.CancelledError:
            await to_the_end(self._end())
            raise
        self._deaths = 0
        return _Answer.read(numbers, answer)

    # ── the life of the process ───────────────────────────────────────────────

    async def _running(self) -> asyncio.subprocess.Process:
        """The process with its model loaded; raises ``LocalEmbeddingError`` when that cannot be."""
        if self._failure is not None:
            raise self._failure
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        try:
            return await self._start(await in_thread(models.check, self._local))
        except LocalEmbeddingError as error:
            self._failure = error
            await self._end()
            raise
        except BaseException:
            await to_the_end(self._end())
            raise

    async def _start(self, folder: Path) -> asyncio.subprocess.Process:
        with await in_thread(open_log, self._log) as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", str(PROGRAM)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=own_environment(),
            )
        assert process.stdin is not None
        assert process.stdout is not None
        order = {"kind": self._local.kind, "folder": str(folder), "assets": str(ASSETS / "semantic")}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        try:
            async with asyncio.timeout(self._limits.loading_s):
                line = await process.stdout.readline()
        except TimeoutError:
            raise self._error("still loading") from None
        answer = json.loads(line) if line else {"error": f"exit {await process.wait()}"}
        if "error" in answer:
            raise self._error(answer["error"])
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
        if not self._owner.closed:
            self._owner.spawn(self._end_idle(), name="idle")

    async def _end_idle(self) -> None:
        async with self._turn:
            await self._end()

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _error(self, said: str, kind: type[LocalEmbeddingError] = LocalEmbeddingError) -> LocalEmbeddingError:
        title = self.model.title
        error = kind(said, reason="failed", model=title, provider=title, log=str(self._log))
        error.said = said
        return error
