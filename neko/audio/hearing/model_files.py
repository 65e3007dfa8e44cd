"""Where a recogniser's model is: in a folder of the user's, or inside installed Python packages.

The registry is data (``assets/hearing/models.json``): a file of a model may lie in several packages, in parts.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neko.settings.paths import ASSETS

NEEDED = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class HearingModel:
    """An entry of the registry. ``bytes``: of its files. ``files``: file to its parts, as paths below the folder that
    installed packages are in."""

    name: str
    engine: str
    title: str
    languages: str
    licence: str
    bytes: int
    source: str
    checked: str
    packages: Sequence[Mapping[str, str]]
    files: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that is there: name of each file to the parts it consists of."""

    name: str
    parts: Mapping[str, tuple[Path, ...]]

    def read(self, name: str) -> bytes:
        """A whole file. Blocks. Raises ``OSError``."""
        return b"".join(part.read_bytes() for part in self.parts[name])


@cache
def registry() -> tuple[HearingModel, ...]:
    """All models that are known, the best first."""
    data: dict[str, Any] = json.loads((ASSETS / "hearing" / "models.json").read_text(encoding="utf-8"))
    return tuple(HearingModel(**entry) for entry in data["models"])


def in_folder(folder: Path) -> ModelFiles | None:
    """A model in CTranslate2's format (``ct2-transformers-converter``), if the folder holds one. Blocks."""
    if not all((folder / name).is_file() for name in NEEDED):
        return None
    files = {path.name: (path,) for path in folder.iterdir() if path.suffix in (".bin", ".json", ".txt")}
    return ModelFiles(folder.name, MappingProxyType(files))


def installed() -> ModelFiles | None:
    """The first model of the registry whose packages are installed. Blocks: it searches the disk."""
    for model in registry():
        roots = [_root(package["import"]) for package in model.packages]
        if roots and None not in roots:
            root = roots[0]
            assert root
            parts = {name: tuple(root / part for part in paths) for name, paths in model.files.items()}
            if all(part.is_file() for paths in parts.values() for part in paths):
                return ModelFiles(model.name, MappingProxyType(parts))
    return None


def _root(package: str) -> Path | None:
    """The folder that an installed package lies in."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent.parent if spec and spec.origin else None
