"""What a character's lines mean, as vectors: made in the background, and asked which lines are near a question.

Lines are embedded newest first, those that are said meanwhile before older ones; where it stands is told by the file
itself, so that it goes on after any end. When another model is to embed, the vectors of the one before serve until
the new ones are all there, as long as that model can still embed questions.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from neko.errors import ModelBadRequestError, ModelContentFilteredError, ModelError, NekoError
from neko.memory import vectors
from neko.memory.foreground import Foreground
from neko.memory.line_codec import Names, Row, logged_lines
from neko.memory.log import Log
from neko.memory.timeouts import MemoryTimeouts
from neko.memory.vectors import Nearest
from neko.tasks import in_thread
from neko.types.embedding import Embedder, Embedders, TextKind, TokenEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

State = Literal["off", "working", "paused", "waiting", "done"]

_REFUSALS: Final = (ModelBadRequestError, ModelContentFilteredError)
_LARGEST: Final = 2**63 - 1
_ROWS: Final = 2_000
"""Rows that are looked through for lines without a vector in one read: a few milliseconds."""
_TEXTS: Final = 32
"""Lines that are embedded before their vectors are kept."""
_LOADED: Final = 4_000
"""Vectors that are read at once: about ten milliseconds, for which a recall waits."""
_LONGEST_PAUSE_S: Final = 300.0


class NoEmbedders(Embedders):
    """Where lines are found by their words only."""

    def in_force(self) -> None:
        return None

    def named(self, name: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` lines have a vector; a few are never given one. ``model`` is what embeds, for the user, ""
    for nothing. ``paused``: by the user. ``waiting``: for ``error`` to be over, which is tried again, if it is not
    permanent."""

    state: State
    model: str
    done: int
    total: int
    error: NekoError | None = None


@dataclass(frozen=True, slots=True)
class NearTo:
    """How near lines are to one question. On the thread of the connection that is given."""

    nearest_lines: Nearest
    question: NDArray[np.float32]
    tokens: NDArray[np.float32] | None
    floor: float

    def nearest(self, connection: sqlite3.Connection, count: int, end: int) -> Sequence[int]:
        """The ids below ``end`` of at most ``count`` lines that are nearest; none where none is near."""
        return self.nearest_lines.nearest(connection, self.question, count, end, self.floor)

    def cosines(self, connection: sqlite3.Connection, ids: Sequence[int]) -> Mapping[int, float]:
        """The cosine of each of these lines that has a vector."""
        return self.nearest_lines.cosines(connection, self.question, ids)

    def likenesses(
        self, connection: sqlite3.Connection, ids: Sequence[int]
    ) -> Mapping[int, tuple[NDArray[np.float32], int]]:
        """See ``vectors.likenesses``."""
        if self.tokens is None:
            return {}
        return vectors.likenesses(connection, self.nearest_lines.number, self.tokens, ids)


@dataclass(slots=True)
class _Model:
    """An embedder and the lines that it has embedded."""

    embedder: Embedder
    lines: Nearest


class Meaning:
    """Of one log. ``run`` is a task of its owner's; nothing is embedded without it."""

    def __init__(self, log: Log, embedders: Embedders, foreground: Foreground, timeouts: MemoryTimeouts) -> None:
        self._log = log
        self._foreground = foreground
        self._embedders = embedders
        self._timeouts = timeouts
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._may_embed = asyncio.Event()
        self._may_embed.set()
        self._current: _Model | None = None
        self._before: _Model | None = None
        self._above = self._below = 0
        self._state: State = "working"
        self._error: NekoError | None = None

    # ── asking ────────────────────────────────────────────────────────────────

    async def near(self, question: str, timeout_s: float) -> NearTo | None:
        """How near the lines are to a question; None when that cannot be said in time, or at all."""
        model = self._before or self._current
        if model is None or not model.lines.count or not question.strip():
            return None
        try:
            async with asyncio.timeout(timeout_s):
                embedded, tokens = await _asked(model.embedder, [question], "question")
        except TimeoutError:
            logger.info("a question was not embedded in time")
            return None
        except NekoError as error:
            logger.info("a question could not be embedded: %s (%s)", error.code, error)
            return None
        if embedded.shape[1] != model.lines.dimensions:
            return None
        return NearTo(model.lines, embedded[0], tokens[0] if tokens else None, model.embedder.model.floor)

    async def progress(self) -> Progress:
        """How far it is. Raises ``MemoryStoreError``."""
        total = await self._log.recall(lambda connection, _: vectors.count(connection))
        current = self._current
        title = current.embedder.model.title if current else ""
        done = min(current.lines.count, total) if current else 0
        state = "working" if self._state == "done" and not self._settled.is_set() else self._state
        if state == "working" and not self._may_embed.is_set():
            state = "paused"
        return Progress(state, title, done, total, self._error)

    async def settled(self) -> None:
        """Return when there is nothing to embed, or it cannot be."""
        await self._settled.wait()

    def pause(self, on: bool) -> None:
        """Embed nothing until further notice, or go on."""
        if on:
            self._may_embed.clear()
        else:
            self._may_embed.set()

    # ── embedding ─────────────────────────────────────────────────────────────

    def touch(self, *, anew: bool = False) -> None:
        """There are new lines, or perhaps another embedder; ``anew``: also lines below the newest."""
        if anew:
            self._above, self._below = 0, _LARGEST
        self._settled.clear()
        self._wanted.set()

    def forget(self) -> None:
        """All lines that there were are gone."""
        self._current = self._before = None
        self.touch(anew=True)

    async def run(self) -> None:
        """Embed what is not yet, again and again."""
        pause_s = self._timeouts.embedding_pause_s
        while True:
            self._wanted.clear()
            try:
                await self._follow()
                if self._current is not None and not self._is_given_up:
                    await self._catch_up(self._current)
                    self._state, self._error, pause_s = "done", None, self._timeouts.embedding_pause_s
            except NekoError as error:
                self._state, self._error = "waiting", error
                logger.warning("lines cannot be embedded: %s (%s) %s", error.code, error, error.said)
            if not self._wanted.is_set():
                self._settled.set()
            if self._state == "waiting" and not self._is_given_up:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                await self._wanted.wait()

    @property
    def _is_given_up(self) -> bool:
        error = self._error
        return isinstance(error, ModelError) and error.permanent and not isinstance(error, _REFUSALS)

    async def _follow(self) -> None:
        """Take the embedder in force, and what it embedded before."""
        embedder = self._embedders.in_force()
        if embedder is not None and self._current is not None and self._current.embedder is embedder:
            return
        self._current = self._before = self._error = None
        self._state = "off" if embedder is None else "working"
        if embedder is None:
            return
        stored = await self._log.recall(lambda connection, _: vectors.embedders(connection))
        lines = await self._loaded(stored.get(embedder.model.name, 0))
        self._above, self._below = 0, _LARGEST
        for name, number in reversed(stored.items()):
            earlier = self._embedders.named(name) if name != embedder.model.name else None
            if earlier is not None:
                self._before = _Model(earlier, await self._loaded(number))
                break
        self._current = _Model(embedder, lines)
        if (self._before or self._current).lines.count:
            await (self._before or self._current).embedder.prewarm()

    async def _loaded(self, number: int) -> Nearest:
        lines, below = await in_thread(Nearest, number), _LARGEST if number else 0
        while below:
            below = await self._log.recall(
                lambda connection, _, below=below: lines.load(connection, below, _LOADED)  # type: ignore[misc]
            )
        return lines

    async def _catch_up(self, model: _Model) -> None:
        """Embed every line that has no vector of this model, then let go of those of other models."""
        number = model.lines.number
        if not number:
            name = model.embedder.model.name
            number = model.lines.number = await self._log.transaction(
                lambda connection: vectors.number_of(connection, name), durable=False
            )
        self._state = "working" if self._below else self._state
        while self._below or self._log.newest > self._above:
            if self._log.newest > self._above:
                await self._embed_newest(model)
            elif self._below:
                self._below = await self._embed_some(model, 0, self._below)
        if model.lines.is_stale:
            model.lines = await self._loaded(number)
        if self._embedders.in_force() is model.embedder:
            self._before = None
            while await self._log.transaction(
                lambda connection: vectors.forget_others(connection, number, _ROWS), durable=False
            ):
                pass

    async def _embed_newest(self, model: _Model) -> None:
        """What was said since the last look."""
        newest = self._log.newest
        if not self._above:  # the first look goes through all of them
            self._above, self._below = newest, newest + 1
            return
        below = newest + 1
        while below > self._above:
            below = await self._embed_some(model, self._above, below)
        self._above = newest

    async def _embed_some(self, model: _Model, above: int, below: int) -> int:
        """Embed some of the newest lines between two ids; the id below which to go on, ``above`` at the end."""
        number = model.lines.number

        def look(connection: sqlite3.Connection, names: Names) -> tuple[Sequence[Row], dict[int, str], int]:
            rows, next_below = vectors.missing(connection, number, above, below, _ROWS, _TEXTS)
            return rows, _texts(rows, names), next_below

        rows, texts, next_below = await self._log.recall(look)
        if not texts:
            return next_below
        ids, embedded, tokens = await self._embedded(model, texts)
        if not ids:
            return next_below
        if model.lines.dimensions not in (0, embedded.shape[1]):
            await self._forget(model)
            return above

        def keep(connection: sqlite3.Connection) -> list[int]:
            same = vectors.unchanged(connection, rows)
            places = [place for place, line in enumerate(ids) if line in same]
            of_tokens = [tokens[place] for place in places] if tokens else ()
            vectors.put(connection, number, [ids[place] for place in places], embedded[places], of_tokens)
            return places

        places = await self._log.transaction(keep, durable=False)
        await in_thread(model.lines.add, [ids[place] for place in places], embedded[places])
        return next_below

    async def _embedded(
        self, model: _Model, texts: Mapping[int, str]
    ) -> tuple[list[int], NDArray[np.float32], list[NDArray[np.float32]]]:
        """``_embedded`` a few texts at a time, each when nobody waits for anything."""
        import numpy as np

        ids: list[int] = []
        parts: list[NDArray[np.float32]] = []
        tokens: list[NDArray[np.float32]] = []
        lines = list(texts)
        for start in range(0, len(lines), model.embedder.model.batch):
            await self._may_embed.wait()
            await self._foreground.quiet()
            some = {line: texts[line] for line in lines[start : start + model.embedder.model.batch]}
            taken, part, of_tokens = await _embedded(model.embedder, some, is_new=not model.lines.count and not ids)
            if taken:
                ids += taken
                parts.append(part)
                tokens += of_tokens
        return ids, np.concatenate(parts) if parts else np.empty((0, 0), np.float32), tokens

    async def _forget(self, model: _Model) -> None:
        """The model of this name makes vectors of another length now: begin anew."""
        number = model.lines.number
        while await self._log.transaction(lambda connection: vectors.forget(connection, number, _ROWS), durable=False):
            pass
        model.lines = await in_thread(Nearest, number)
        self.touch(anew=True)


def _texts(rows: Sequence[Row], names: Names) -> dict[int, str]:
    """What is embedded of rows, by their ids: what was said, and by whom."""
    lines = [logged.line for logged in logged_lines(rows, names)]
    return {line.id: f"{line.speaker}: {line.text}" for line in lines if line.role != "system" and line.text.strip()}


async def _asked(
    embedder: Embedder, texts: Sequence[str], kind: TextKind
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Their vectors, and those of the tokens of each, if the embedder gives any."""
    if embedder.model.tokens:
        return await cast("TokenEmbedder", embedder).embed_tokens(texts, kind)
    return await embedder.embed(texts, kind), []


async def _embedded(
    embedder: Embedder, texts: Mapping[int, str], *, is_new: bool
) -> tuple[list[int], NDArray[np.float32], list[NDArray[np.float32]]]:
    """The vectors of texts, without those of texts that the model refuses. One that ``is_new`` and takes none of them
    may take no text at all: that is raised."""
    import numpy as np

    ids = list(texts)
    try:
        return ids, *await _asked(embedder, list(texts.values()), "line")
    except _REFUSALS as error:
        taken, parts, tokens = [], [np.empty((0, 0), np.float32)], []
        for line in ids if len(ids) > 1 else []:
            try:
                part, of_tokens = await _asked(embedder, [texts[line]], "line")
            except _REFUSALS as refusal:
                logger.info("a line is not embedded: %s %s", refusal.code, refusal.said)
            else:
                parts.append(part)
                tokens += of_tokens
                taken.append(line)
        if not taken and is_new:
            raise error
        return taken, np.concatenate(parts[1:] or parts), tokens
