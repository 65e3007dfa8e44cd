"""Tells whether the file at a path is still the one that was opened."""

from __future__ import annotations

from pathlib import Path

Identity = tuple[int, int]


def identity(path: Path) -> Identity | None:
    """Differs from that of every other file, whatever their names; None when there is none. Blocks for microseconds."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
