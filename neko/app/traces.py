"""Looking for words in the bytes of every file of a folder: what was forgotten is to stand in none of them.

Words stand in our files as UTF-8 or, in JSON, with escapes; the case of ASCII letters is not looked at. Free pages of
a database and what a file held before are bytes of it like any others. Backups that the user made, if they lie in the
folder, are zip archives: they are looked into, and stay.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from neko.tasks import in_thread

_CHUNK: Final = 1 << 20
"""Bytes that are looked through at once."""
_STEP: Final = 64
"""Chunks between two reports."""


@dataclass(frozen=True, slots=True)
class Traces:
    """``done`` and ``total`` are bytes, ``files`` the number of all files; ``found`` are those that hold any of the
    words, as paths below the folder."""

    done: int
    total: int
    files: int
    found: tuple[str, ...]


async def traces_of(folder: Path, words: Sequence[str]) -> AsyncIterator[Traces]:
    """How far it is, from time to time; the last one is the whole answer. A file that goes meanwhile holds nothing."""
    patterns = [spelling for word in words if word for spelling in _spellings(word)]
    search = _search(folder, patterns)
    while (state := await in_thread(next, search, None)) is not None:
        yield state


def _spellings(word: str) -> set[bytes]:
    return {word.encode().lower(), json.dumps(word)[1:-1].encode().lower()}


def _search(folder: Path, patterns: Sequence[bytes]) -> Iterator[Traces]:
    sizes = {path: _size(path) for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()}
    total, done, found = sum(sizes.values()), 0, set[str]()
    for path in sizes:
        name = path.relative_to(folder).as_posix()
        for number, (size, holds) in enumerate(_chunks(path, patterns), 1):
            done += size
            if holds:
                found.add(name)
            if number % _STEP == 0:
                yield Traces(min(done, total), total, len(sizes), tuple(sorted(found)))
    yield Traces(total, total, len(sizes), tuple(sorted(found)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _chunks(path: Path, patterns: Sequence[bytes]) -> Iterator[tuple[int, bool]]:
    """The size of each chunk, and whether a pattern stands in it or reaches into it."""
    try:
        with path.open("rb") as file:
            yield from _read(file, patterns)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    with archive.open(name) as packed:
                        yield from ((0, holds) for _, holds in _read(packed, patterns))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        return  # it went while it was read, or is no archive that can be read, as one with a password


def _read(file: IO[bytes], patterns: Sequence[bytes]) -> Iterator[tuple[int, bool]]:
    overlap = max(map(len, patterns), default=1) - 1
    before = b""
    while chunk := file.read(_CHUNK):
        content = before + chunk.lower()
        yield len(chunk), any(pattern in content for pattern in patterns)
        before = content[-overlap:] if overlap else b""
