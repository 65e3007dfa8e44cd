"""Bytecode of modules that is on the disk whole, or not at all.

Python 3.11, and 3.12 and 3.13 at first, keep bytecode that was cut off as the disk was full, and can never import that
module again (https://github.com/python/cpython/issues/126606). Much of Neko is imported late, when a disk may be full.
"""

from __future__ import annotations

import contextlib
from importlib.machinery import SourceFileLoader
from pathlib import Path


def keep_whole() -> None:
    """From now on what was cut off is removed at once, in this process."""
    write = SourceFileLoader.set_data

    def written_whole(self: SourceFileLoader, path: str, data: bytes, *, _mode: int = 0o666) -> None:
        write(self, path, data, _mode=_mode)
        with contextlib.suppress(OSError):
            if Path(path).stat().st_size != len(data):
                Path(path).unlink()

    SourceFileLoader.set_data = written_whole  # type: ignore[assignment]
