"""Embedding on this computer: a model in a process of its own (``worker``), a few texts at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neko.embedding_errors import EmbedderFailedError, LocalEmbeddingError
from neko.llm.embeddings import models
from neko.llm.embeddings.models import LocalModel
from neko.model_process import Fault, Limits, ModelProcess, Program, read_line
from neko.settings.paths import ASSETS
from neko.tasks import in_thread
from neko.types.embedding import LONGEST_TEXT, TextKind
from neko.well_formed import well_formed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

PROGRAM: Final = Path(__file__).with_name("worker.py")
LIMITS: Final = Limits(loading_s=60.0, answer_s=60.0)


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


class LocalEmbedder:
    """Embeds with ``local``. ``log`` is where the process writes what went wrong."""

    def __init__(self, local: LocalModel, log: Path, limits: Limits = LIMITS) -> None:
        self.model = local.model
        self._local = local
        self._log = log
        self._process = ModelProcess("embedder", self._program, log, limits, self._error)
        self._questions = 0
        self._no_question = asyncio.Event()
        self._no_question.set()

    @property
    def process_id(self) -> int | None:
        """That of the process, None while there is none."""
        return self._process.id

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        """See ``Embedder``."""
        return (await self.embed_tokens(texts, kind))[0]

    async def embed_tokens(
        self, texts: Sequence[str], kind: TextKind
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """See ``TokenEmbedder``; of a model without vectors of tokens there are none."""
        import numpy as np

        parts: list[_Answer] = []
        for start in range(0, len(texts), self.model.batch):
            batch = [well_formed(text[:LONGEST_TEXT]) for text in texts[start : start + self.model.batch]]
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
        await self._process.start()

    async def aclose(self) -> None:
        """End the process; idempotent."""
        await self._process.aclose()

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

    async def _asked(self, request: dict[str, Any]) -> _Answer:
        return await self._process.ask(json.dumps(request).encode() + b"\n", self._read)

    async def _read(self, answers: asyncio.StreamReader) -> _Answer:
        answer = await read_line(answers)
        if "error" in answer:
            raise self._failed(str(answer["error"]), EmbedderFailedError)
        size = answer["count"] * answer["dimensions"] + sum(answer["tokens"]) * answer["token_dimensions"]
        return _Answer.read(await answers.readexactly(4 * size), answer)

    async def _program(self) -> Program:
        folder = await in_thread(models.check, self._local)
        order = {"kind": self._local.kind, "folder": str(folder), "assets": str(ASSETS / "semantic")}
        return Program((str(PROGRAM),), order)

    def _error(self, fault: Fault, said: str) -> LocalEmbeddingError:
        match fault:
            case Fault.SILENT | Fault.UNREADABLE | Fault.ENDED | Fault.NOT_STARTED | Fault.BUSY:
                return self._failed(f"the process: {said}", EmbedderFailedError)
            case Fault.CLOSED | Fault.BROKEN:
                return self._failed(said)

    def _failed(self, said: str, kind: type[LocalEmbeddingError] = LocalEmbeddingError) -> LocalEmbeddingError:
        title = self.model.title
        error = kind(said, reason="failed", model=title, provider=title, log=str(self._log))
        error.said = said
        return error
