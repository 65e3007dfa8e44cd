"""Pictures of characters: files called by the hash of their content, as cards name them. Every call blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from neko.storage import make_folder, private

_OURS: Final = re.compile(rb"[0-9a-f]{64}\.\w+")


class Pictures:
    """``folder`` is made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, file: str) -> Path:
        """Where a picture is that a card names."""
        return self._folder / file

    def keep(self, content: bytes, ending: str) -> str:
        """Write a picture; the name of its file. Raises ``OSError``."""
        file = f"{sha256(content).hexdigest()}.{ending}"
        make_folder(self._folder)
        with open(self.path(file), "wb", opener=private) as target:
            target.write(content)
        return file

    def sweep(self, documents: Iterable[Path]) -> None:
        """Remove those that none of these files names any more. Raises ``OSError``."""
        here = {path.name: path for path in self._folder.iterdir()} if self._folder.is_dir() else {}
        if not here:
            return
        named = {name.decode() for document in documents for name in _OURS.findall(document.read_bytes())}
        for name, path in here.items():
            if _OURS.fullmatch(name.encode()) and name not in named:
                path.unlink(missing_ok=True)
