"""Looking for words in the bytes of every file of a folder: what was forgotten is to stand in none of them.

Words stand in our files as UTF-8 or, in JSON, with escapes; the case of ASCII letters is not looked at. Free pages of
a database and what a file held before are bytes of it like any others. Backups that the user made, if they lie in the
folder, are zip archives: they are looked into, and stay.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neko.archives import ArchiveError, Readable, open_archive, open_entry
from neko.tasks import in_thread

_CHUNK: Final = 1 << 20
"""Bytes that are looked through at once."""
_STEP: Final = 32
"""Chunks between two reports."""

_Patterns = Mapping[str, Collection[bytes]]
"""How each word may be spelt."""


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
    search = _search(folder, [[word] for word in words if word])
    while (state := await in_thread(next, search, None)) is not None:
        yield state


async def holding_all(folder: Path, wanted: Sequence[Sequence[str]], within_s: float) -> Traces:
    """The files that hold all words of one of ``wanted``; ``done`` is less than ``total`` where the time was too
    short."""
    groups = [[word for word in words if word] for words in wanted]
    search = _search(folder, [words for words in groups if words])
    end, state = time.monotonic() + within_s, Traces(0, 0, 0, ())
    while (further := await in_thread(next, search, None)) is not None:
        state = further
        if time.monotonic() > end:
            break
    return state


def _spellings(word: str) -> set[bytes]:
    return {word.encode().lower(), json.dumps(word)[1:-1].encode().lower()}


def _search(folder: Path, groups: Sequence[Sequence[str]]) -> Iterator[Traces]:
    """For files that hold all words of any of the groups."""
    words = list(dict.fromkeys(word for group in groups for word in group))
    patterns = {word: _spellings(word) for word in words}
    sizes = {path: _size(path) for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()}
    total, done, chunks, found = sum(sizes.values()), 0, 0, set[str]()
    for path in sizes:
        name = path.relative_to(folder).as_posix()
        held = set[str]()
        for size, holds in _chunks(path, patterns):
            done, chunks = done + size, chunks + 1
            held |= holds
            if any(held.issuperset(group) for group in groups):
                found.add(name)
            if chunks % _STEP == 0:
                yield Traces(min(done, total), total, len(sizes), tuple(sorted(found)))
    yield Traces(total, total, len(sizes), tuple(sorted(found)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _chunks(path: Path, patterns: _Patterns) -> Iterator[tuple[int, set[str]]]:
    """The size of each chunk, and which words stand in it or reach into it."""
    try:
        with path.open("rb") as file:
            yield from _read(file, patterns)
        if path.suffix == ".zip":
            with open_archive(path) as archive:
                for name in archive.namelist():
                    with open_entry(archive, name) as packed:
                        yield from ((0, holds) for _, holds in _read(packed, patterns))
    except (OSError, ArchiveError):
        return  # it went while it was read, or is no archive that can be read, as one with a password


def _read(file: Readable, patterns: _Patterns) -> Iterator[tuple[int, set[str]]]:
    overlap = max((len(one) for spellings in patterns.values() for one in spellings), default=1) - 1
    before = b""
    while chunk := file.read(_CHUNK):
        content = before + chunk.lower()
        held = {word for word, spellings in patterns.items() if any(one in content for one in spellings)}
        yield len(chunk), held
        before = content[-overlap:] if overlap else b""
