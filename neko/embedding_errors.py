"""Why a model on this computer embeds nothing; the tree is drawn in ``neko.errors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from neko.errors import ModelError


class LocalEmbeddingError(ModelError):
    """``params``: ``reason``, a plain word that some sentences are for: "missing" (not installed, with ``command``),
    "processor" (there is no package for it), "failed" (with ``log``, the file that says more)."""

    code = "embedding_failed"
    _sentences: ClassVar[Mapping[str, str]] = {"missing": "embedding_missing", "processor": "embedding_processor"}

    @property
    def sentence(self) -> str:
        return self._sentences.get(str(self.params.get("reason")), self.code)


class EmbedderFailedError(LocalEmbeddingError):
    """Its process failed or ended, and is started again."""

    permanent = False
