"""Room on the disk that is given up for words that would be lost: those that wait for the log when the program ends
while the disk is full. Every call blocks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from neko.storage import make_private

_NAME: Final = ".reserve"
_SIZE: Final = 256 * 1024
"""Bytes: a thousand lines as they are said."""


def make(folder: Path) -> None:
    """Take the room, unless it is taken, or there is none."""
    path = folder / _NAME
    with suppress(OSError):
        if not path.exists() or path.stat().st_size < _SIZE:
            make_private(path)
            path.write_bytes(bytes(_SIZE))


def give_up(folder: Path) -> bool:
    """Let go of it; whether there was any."""
    try:
        (folder / _NAME).unlink()
    except OSError:
        return False
    return True
