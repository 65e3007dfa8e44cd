"""Which code a plug-in has: what the user allowed for good was allowed to that code.

Data that a plug-in keeps in its folder is none, so that its own notes do not make it another one. This tells an update
from what it was before, not what somebody hides who can write into the folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from neko.agent.plugins.manifest import Manifest

_PYTHON: Final = frozenset({".py", ".pyc", ".pyd", ".toml", ".whl", ".zip"})
_SCRIPTS: Final = frozenset({".js", ".mjs", ".cjs", ".ts", ".sh", ".bash", ".bat", ".cmd", ".ps1"})
_PROGRAMS: Final = frozenset({".so", ".dll", ".dylib", ".exe", ".jar", ".wasm"})
_CODE: Final = _PYTHON | _SCRIPTS | _PROGRAMS
MOST_FILES: Final = 5_000
LARGEST_READ: Final = 2_000_000
"""Bytes; a larger file is known by its size and time."""


def code_version(manifest: Manifest) -> str:
    """A hash of its version and its files of code. Blocks."""
    known = hashlib.sha256(f"{manifest.entry}\0{manifest.version}".encode())
    for path in sorted(_files(manifest))[:MOST_FILES]:
        known.update(f"\0{path}\0".encode())
        known.update(_content(path))
    return known.hexdigest()


def _files(manifest: Manifest) -> Iterable[Path]:
    if manifest.installed:
        return (path for path in manifest.files if path.suffix in _CODE)
    return _below(manifest.path.parent) if manifest.path else ()


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        yield from (Path(place, name) for name in names if Path(name).suffix in _CODE)


def _content(path: Path) -> bytes:
    try:
        about = path.stat()
        if about.st_size > LARGEST_READ:
            return f"{about.st_size} {about.st_mtime_ns}".encode()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return type(error).__name__.encode()
