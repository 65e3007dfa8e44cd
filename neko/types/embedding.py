"""The embedding seam: texts to vectors whose angles tell how near their meanings are (``tests/seams/embedder.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TextKind = Literal["question", "line"]
"""What a text is: some models embed what is looked for in another way than what is found."""
LONGEST_TEXT = 800
"""Characters of a text that are embedded; the effort of a model on this computer grows faster than the length."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """``name`` is kept beside vectors: those of different names cannot be compared. ``title`` is for the user.
    ``local``: no text leaves this computer. ``tokens``: its embedder is a ``TokenEmbedder``. ``batch``: texts that are
    best embedded at once, after which it is looked whether something else is more urgent. ``floor``: the cosine of a
    question to the line nearest to it below which, as a rule, nothing was said of what it asks; what that is, is
    measured of each model."""

    name: str
    title: str
    local: bool
    tokens: bool = False
    batch: int = 32
    floor: float = 0.0


class Embedder(Protocol):
    """One embedding model, shared by all characters."""

    model: EmbeddingModel

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        """Vectors of length 1, float32 ``[len(texts), dimensions]``, in the order of the texts.

        ``dimensions`` is the same in every answer of a model; without texts the answer is ``[0, 0]``. Questions go
        before lines that wait. May be cancelled. Raises ``NekoError``, a ``ModelError`` for whatever the model or
        its server refuses.
        """
        ...

    async def prewarm(self) -> None:
        """Load or connect ahead of the first question. Raises ``NekoError``."""
        ...

    async def aclose(self) -> None:
        """End what is running and free the model; idempotent."""
        ...


class TokenEmbedder(Embedder, Protocol):
    """One that gives vectors of the tokens of a text as well, by which words are found that mean much the same."""

    async def embed_tokens(
        self, texts: Sequence[str], kind: TextKind
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """As ``embed``, and for each text the vectors of its tokens, of any length: ``[tokens, token dimensions]``."""
        ...


class Embedders(Protocol):
    """The embedders that can be had."""

    def in_force(self) -> Embedder | None:
        """The one that is to embed; the same object until another is. None where nothing embeds."""
        ...

    def named(self, name: str) -> Embedder | None:
        """The one whose model has this name, be it in force or not; None where it cannot be had (any more)."""
        ...
