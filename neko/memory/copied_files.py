"""A copy of a character's files, to be read where they stand in a folder that cannot be written: SQLite needs to write
beside a log whose WAL is not folded in yet, and a log of an earlier version has to be migrated. Every call blocks.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from neko.errors import MemoryStoreError
from neko.memory.character_files import files_of
from neko.memory.paths import backups_of, log_path
from neko.set_aside import COMPANIONS, place_of

_ATTEMPTS: Final = 5
_TO_BE_COPIED: Final = ("", "-wal", "-journal")
"""Without the index of the WAL, which is made anew from it."""


def files(log: Path) -> list[tuple[int, int]]:
    """Size and time of a log and of what stands beside it."""
    there = (log.with_name(log.name + ending) for ending in ("", *COMPANIONS))
    return [(file.stat().st_size, file.stat().st_mtime_ns) for file in there if file.exists()]


def copy_log(log: Path, copy: Path) -> None:
    """The log with what waits to be folded into it, at one moment. Raises ``OSError``, and ``MemoryStoreError`` when
    somebody goes on writing into it."""
    for _ in range(_ATTEMPTS):
        before = files(log)
        for ending in _TO_BE_COPIED:
            there, new = log.with_name(log.name + ending), copy.with_name(copy.name + ending)
            new.unlink(missing_ok=True)
            if there.exists():
                shutil.copyfile(there, new)
        if files(log) == before:
            return
    why = "another program goes on writing into the file"
    raise MemoryStoreError(why, file=str(log), reason="locked", why=why)


def copy_memory(folder: Path, character: str, target: Path) -> None:
    """All that a character remembers, without its backups and what was set aside. Raises as ``copy_log`` does."""
    log = log_path(folder, character)
    copy_log(log, target / log.name)
    left = {log, backups_of(log), *(log.with_name(log.name + ending) for ending in COMPANIONS)}
    for path in files_of(folder, character):
        if path not in left and place_of(path) == path:
            if path.is_dir():
                shutil.copytree(path, target / path.name, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(path, target / path.name)
