"""Damaged files that were set aside: kept beside their place, found again at every start, dealt with by their owner.

``<name>`` becomes ``<name>.damaged-<YYYYmmdd-HHMMSS>`` and is told until that file is gone: put back, deleted,
or dismissed, which appends ``.dismissed`` to its name. Every call blocks on the disk.
"""

from __future__ import annotations

import glob
import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from neko import memory_files
from neko.errors import DamagedFileError, DamagedLogError, LogReplacedError, NekoError
from neko.hand_written import decoded
from neko.well_formed import check_depth, load_json

logger = logging.getLogger(__name__)

COMPANIONS: Final = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database."""
DAMAGED: Final = ".damaged-"
REPLACED: Final = ".replaced-"
"""For a log in whose place somebody put another file."""
_DISMISSED: Final = ".dismissed"
_STAMP: Final = "[0-9]" * 8 + "-" + "[0-9]" * 6


def set_aside(path: Path, why: str, *, mark: str = DAMAGED) -> Path:
    """Rename a file, with SQLite's files beside it, so that nothing overwrites it; where it is then.

    A file that cannot be renamed stays where it is.
    """
    stamp = f"{path.name}{mark}{datetime.now():%Y%m%d-%H%M%S}"
    aside, number = path.with_name(stamp), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stamp}-{number}")
    logger.error("%s is kept as %s: %s", path, aside.name, why)
    return aside if _renamed(path, aside) else path


def dismiss(aside: Path) -> None:
    """Its owner has no more use for it: keep the file, and tell no more of it."""
    _renamed(aside, aside.with_name(aside.name + _DISMISSED))


def _renamed(path: Path, new: Path) -> bool:
    try:
        path.rename(new)
    except OSError:
        logger.exception("a file could not be renamed: %s", path)
        return False
    bring_after(path, new)
    return True


def bring_after(path: Path, new: Path) -> None:
    """Rename what SQLite keeps beside a log as the log itself was."""
    for ending in COMPANIONS:
        companion = path.with_name(path.name + ending)
        try:
            companion.rename(new.with_name(new.name + ending))
        except FileNotFoundError:
            continue
        except OSError:
            logger.exception("a file could not be renamed: %s", companion)


def copies(folder: Path) -> list[Path]:
    """The files of this folder that were set aside and not dealt with, oldest first."""
    return sorted(
        path
        for mark in (DAMAGED, REPLACED)
        for path in folder.glob(f"*{mark}*")
        if path.is_file() and not path.name.endswith((_DISMISSED, *COMPANIONS))
    )


def forget_damaged(path: Path) -> None:
    """Remove what was set aside of this file because it was damaged, dismissed or not: words are in it that are to be
    in no file, and what could be read of it was saved. Raises ``OSError``."""
    for aside in path.parent.glob(f"{glob.escape(path.name)}{DAMAGED}{_STAMP}*"):
        aside.unlink(missing_ok=True)


def copies_of(path: Path) -> list[Path]:
    """Those that ``path`` became."""
    return [aside for aside in copies(path.parent) if place_of(aside) == path]


def place_of(aside: Path) -> Path:
    """The name that a file had before it was set aside."""
    return aside.with_name(aside.name.partition(DAMAGED)[0].partition(REPLACED)[0])


def report_of(aside: Path) -> NekoError:
    """What to tell of a file that was set aside at an earlier start."""
    path = place_of(aside)
    if REPLACED in aside.name:
        return LogReplacedError("kept from an earlier start", file=str(path), kept=str(aside), reason="replaced")
    if memory_files.is_log(path.name):
        return DamagedLogError("kept from an earlier start", file=str(path), kept=str(aside))
    try:
        line, column = where_damaged(aside.read_bytes())
    except OSError:
        line, column = 1, 1
    return DamagedFileError("kept from an earlier start", file=str(path), kept=str(aside), line=line, column=column)


def character_of(aside: Path) -> str | None:
    """Whose memory it is a part of, if any."""
    return memory_files.character_of(place_of(aside).name)


def where_damaged(content: bytes, key: str = "") -> tuple[int, int]:
    """Line and column, from 1, at which a JSON document stops being one; where ``key`` is written in a sound one, or
    its beginning."""
    try:
        text = decoded(content)
        json.loads(text)
        at = text.find(json.dumps(key, ensure_ascii=False)) if key else -1
        if at >= 0:
            return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        return before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    except json.JSONDecodeError as error:
        return error.lineno, error.colno
    except (ValueError, RecursionError):
        pass
    return 1, 1


def first_whole(paths: Iterable[Path], fits: Callable[[Any], bool]) -> tuple[Path, Any] | None:
    """The first of these files that holds a JSON document which fits, with what it holds."""
    for path in paths:
        try:
            value = check_depth(load_json(decoded(path.read_bytes())))
        except (OSError, ValueError, RecursionError):
            continue
        if fits(value):
            return path, value
    return None
