"""Pictures that came with the user's words: files beside the log, named by their content, which lines refer to.

They are kept as they were sent (our page makes them JPEGs of at most 1280 pixels, without what a camera writes into
them). Each character's are bounded: when newer ones come, the oldest are deleted, and their lines still tell how many
there were.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from neko.errors import MemoryStoreError
from neko.memory.line_codec import PICTURE_NAME
from neko.memory.paths import pictures_path
from neko.storage import make_folder, write_bytes
from neko.tasks import in_thread

MOST_BYTES: Final = 500 * 1024 * 1024
"""Of one character: some two thousand pictures of our page."""


class Pictures:
    """``folder`` is that of the memory."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._arriving: set[tuple[str, str]] = set()
        """Those of lines that are on their way into the log."""
        self._changing = asyncio.Lock()

    async def keep(self, character: str, contents: Sequence[bytes]) -> tuple[str, ...]:
        """Write pictures for a line that is about to be stored; their names. Raises ``MemoryStoreError``."""
        names = await in_thread(_names, contents)
        async with self._changing:
            self._arriving |= {(character, name) for name in names}
            pictures = dict(zip(names, contents, strict=True))
            try:
                await in_thread(self._write, pictures_path(self._folder, character), pictures)
            except MemoryStoreError:
                self.stored(character, names)  # no line will name them
                raise
        return names

    def stored(self, character: str, names: Iterable[str]) -> None:
        """The line that names them is in the log."""
        self._arriving -= {(character, name) for name in names}

    async def read(self, character: str, name: str) -> bytes | None:
        """None for one that is not there, or no longer."""
        if not PICTURE_NAME.fullmatch(name):
            return None
        return await in_thread(_content, pictures_path(self._folder, character) / name)

    async def names(self, character: str) -> set[str]:
        """Of those that are there."""
        return await in_thread(_names_in, pictures_path(self._folder, character))

    async def forget(self, character: str, names: Iterable[str]) -> None:
        """Delete pictures that no line of the log names any more. Raises ``MemoryStoreError``."""
        async with self._changing:
            gone = [name for name in names if (character, name) not in self._arriving]
            if gone:
                await in_thread(_delete, pictures_path(self._folder, character), gone)

    async def keep_only(self, character: str, names: Collection[str]) -> None:
        """Delete all but these, and those whose lines are on their way. Raises ``MemoryStoreError``."""
        await self.forget(character, (await self.names(character)).difference(names))

    def _write(self, folder: Path, pictures: dict[str, bytes]) -> None:
        try:
            make_folder(folder)
            for name, content in pictures.items():
                if (folder / name).exists():
                    os.utime(folder / name)
                else:
                    write_bytes(folder / name, content)
            self._make_room(folder, pictures)
        except OSError as error:
            raise _unusable(folder, error) from error

    def _make_room(self, folder: Path, newest: Iterable[str]) -> None:
        files = sorted(((entry.stat(), entry.name) for entry in os.scandir(folder)), key=lambda one: one[0].st_mtime_ns)
        excess = sum(status.st_size for status, _ in files) - self._most_bytes
        for status, name in files:
            if excess <= 0:
                return
            if name not in newest:
                (folder / name).unlink(missing_ok=True)
                excess -= status.st_size


def _names(contents: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(f"{sha256(content).hexdigest()}.jpg" for content in contents)


def _names_in(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except OSError:
        return set()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error


def _delete(folder: Path, names: Iterable[str]) -> None:
    try:
        for name in names:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error
    with contextlib.suppress(OSError):
        folder.rmdir()  # when it is empty


def _unusable(path: Path, error: OSError) -> MemoryStoreError:
    return MemoryStoreError(
        "a picture cannot be kept or read", file=str(path), reason="unreadable", why=error.strerror or str(error)
    )
