"""An embedder in this process: vectors by shared words, and every fault at the test's wish."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neko.errors import ModelBadRequestError, NekoError
from neko.types.embedding import Embedder, EmbeddingModel, TextKind
from tests.word_vectors import DIMENSIONS, word_vectors

TOKEN_DIMENSIONS = 32


class WordEmbedder:
    """``texts`` were embedded. ``failure`` is raised instead; a text with ``refused`` in it is not taken. A text of a
    kind in ``holds`` waits for ``free``."""

    def __init__(self, name: str = "words", dimensions: int = DIMENSIONS) -> None:
        self.model = EmbeddingModel(name, name, local=True)
        self.texts: list[str] = []
        self.failure: NekoError | None = None
        self.refused = "\0"
        self.holds: set[TextKind] = set()
        self.held = asyncio.Event()
        self.free = asyncio.Event()
        self.dimensions = dimensions
        self.closed = False

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        if self.failure is not None:
            raise self.failure
        if any(self.refused in text for text in texts):
            raise ModelBadRequestError("not this text", model=self.model.name, provider="scripted")
        if kind in self.holds:
            self.held.set()
            await self.free.wait()
        self.texts += texts
        return word_vectors(texts, self.dimensions)

    async def prewarm(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def aclose(self) -> None:
        self.closed = True


class TokenWordEmbedder(WordEmbedder):
    """Gives vectors of tokens, too: one for each word, the same for those that ``means`` names together."""

    def __init__(self, name: str = "words and tokens", means: Mapping[str, str] | None = None) -> None:
        super().__init__(name)
        self.model = EmbeddingModel(name, name, local=True, tokens=True)
        self.means = means or {}

    async def embed_tokens(
        self, texts: Sequence[str], kind: TextKind
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        words = [re.findall(r"\w+", text.lower()) for text in texts]
        tokens = [word_vectors([self.means.get(word, word) for word in one], TOKEN_DIMENSIONS) for one in words]
        return await self.embed(texts, kind), tokens


class Choice:
    """What embeds: ``current``; ``others`` can be had, too."""

    def __init__(self, current: Embedder | None, *others: Embedder) -> None:
        self.current = current
        self.others = others

    def in_force(self) -> Embedder | None:
        return self.current

    def named(self, name: str) -> Embedder | None:
        known = [one for one in (self.current, *self.others) if one is not None]
        return next((one for one in known if one.model.name == name), None)
