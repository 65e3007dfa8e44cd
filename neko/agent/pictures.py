"""Pictures as files in one folder, the oldest of which give way. Everything here blocks, and is for any thread."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from neko.storage import make_folder, write_bytes
from neko.types.hands import Picture

_ENDINGS: Final = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
_TYPES: Final = {ending: media_type for media_type, ending in _ENDINGS.items()}
_NAME: Final = re.compile(r"[0-9a-zA-Z-]{1,80}(\.(png|jpg|webp))?")


class PictureFiles:
    """At most ``most_bytes`` of them."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._bytes: int | None = None
        self._writing = threading.Lock()

    def write(self, name: str, picture: Picture) -> str:
        """Its whole name. Raises ``OSError``."""
        whole = name + _ENDINGS.get(picture.media_type, ".png")
        with self._writing:
            make_folder(self._folder)
            if self._bytes is None:
                self._bytes = sum(size for _, size, _ in self._files())
            write_bytes(self._folder / whole, picture.data)
            self._bytes += len(picture.data)
            if self._bytes > self._most_bytes:
                self._make_room(whole)
        return whole

    def read(self, name: str) -> Picture | None:
        """None for a name that is none of ours, or gone."""
        if not _NAME.fullmatch(name):
            return None
        path = self._folder / name
        try:
            return Picture(path.read_bytes(), _TYPES.get(path.suffix, "image/png"))
        except OSError:
            return None

    def read_any(self, name: str) -> Picture | None:
        """By its name without an ending."""
        return next((found for ending in _TYPES if (found := self.read(name + ending))), None)

    @staticmethod
    def names(name: str) -> list[str]:
        """What it may be called in whole."""
        return [name + ending for ending in _TYPES]

    def drop(self, names: Iterable[str], folders: Iterable[Path]) -> None:
        """Delete pictures, and folders of what is forgotten with them."""
        with self._writing:
            for name in names:
                if _NAME.fullmatch(name):
                    (self._folder / name).unlink(missing_ok=True)
            self._bytes = None
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _make_room(self, kept: str) -> None:
        files = self._files()
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= self._most_bytes * 0.9:
                break
            if path.name != kept:
                path.unlink(missing_ok=True)
                left -= size
        self._bytes = left

    def _files(self) -> list[tuple[float, int, Path]]:
        """The oldest first."""
        found = []
        for path in self._folder.iterdir():
            known = path.stat()
            found.append((known.st_mtime, known.st_size, path))
        return sorted(found)
