"""What of a data folder belongs into a backup, and in which way it is read. Every call blocks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from neko.memory_files import is_log
from neko.pending_restore import BEFORE, PARTS, PLACE, STAYS
from neko.set_aside import COMPANIONS, DAMAGED, REPLACED
from neko.storage import CHARACTERS_FILE, CORE_CONFIG_FILE, PREFERENCES_FILE

_DATABASES: Final = (".sqlite", ".sqlite3", ".db")
_ENDINGS: Final = (*COMPANIONS, ".bak", ".tmp", ".part", ".pyc")
_NO_FOLDERS: Final = ("__pycache__", "node_modules", "logs")
_OLD_COPIES: Final = "backups_"
"""Beginning of the folders of the memory's own backups: what they hold stands in the logs."""
_PLAIN: Final = (
    CHARACTERS_FILE,
    PREFERENCES_FILE,
    "workshop_config.json",
    "agent.json",
    "reminders.json",
    "untold.json",
    "helplines.json",
)
"""Documents in ``config`` that hold no keys. Of whatever else is there nobody knows, so it counts as secret."""
_KEYS: Final = (".key", ".pem")
_OWN: Final = (*PARTS, PLACE, BEFORE, "models", "logs")
"""What Neko has in a data folder."""


class Way(Enum):
    """``DATABASE``: as SQLite copies it, while others write. ``MASKED``: without its keys, and whole among the secrets.
    ``SECRET``: only among the secrets."""

    FILE = "file"
    DATABASE = "database"
    MASKED = "masked"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Entry:
    """``name``: the path below the data folder, with ``/``; ``size`` and ``modified`` (seconds) as they were when
    it was listed."""

    name: str
    path: Path
    way: Way
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Contents:
    """``entries`` by name. ``links``: paths of links that are left out, as what they lead to is not in this folder, or
    is a folder, which has its own place there. ``others``: what lies beside the parts and is none of Neko's."""

    entries: Sequence[Entry]
    links: Sequence[str]
    others: Sequence[str]


def contents(data: Path) -> Contents:
    """What a backup of a data folder holds, and what not. A part may itself be a link to elsewhere, and so may a log:
    it is written where that leads."""
    found: list[Entry] = []
    links: list[str] = []
    places = [(data / part).resolve() for part in PARTS]
    for part in sorted(PARTS):
        for folder, folders, files in os.walk(data / part):
            inside = PurePosixPath(Path(folder).relative_to(data).as_posix())
            folders[:] = sorted(name for name in folders if _is_wanted_folder(inside / name))
            links += [str(inside / name) for name in folders if Path(folder, name).is_symlink()]
            for name in sorted(filter(_is_wanted, files)):
                path = Path(folder, name)
                if path.is_symlink() and way_of(inside / name) is not Way.DATABASE and _leads_out(path, places):
                    links.append(str(inside / name))
                elif entry := _entry(path, inside / name):
                    found.append(entry)
    beside = sorted(path.name for path in data.iterdir()) if data.is_dir() else ()
    return Contents(found, links, [name for name in beside if not (name.startswith(".") or name in _OWN)])


def _leads_out(link: Path, places: Sequence[Path]) -> bool:
    try:
        path = link.resolve(strict=True)
    except (OSError, RuntimeError):  # it leads to nothing, or to itself
        return True
    return not any(path.is_relative_to(place) for place in places)


def way_of(name: PurePosixPath) -> Way:
    """How a file is kept."""
    if name.parts[0] == "config":
        if name == PurePosixPath("config", CORE_CONFIG_FILE):
            return Way.MASKED
        is_known = name.name in _PLAIN or (name.name.startswith("characters.") and name.suffix == ".json")
        return Way.FILE if is_known else Way.SECRET
    if name.suffix in _KEYS:
        return Way.SECRET
    is_memory = name.parts[0] in ("memory", "trash") and is_log(name.name)
    return Way.DATABASE if is_memory or name.suffix in _DATABASES else Way.FILE


def _entry(path: Path, name: PurePosixPath) -> Entry | None:
    try:
        found = path.stat()
    except OSError:  # it has gone meanwhile, or is a link to nothing
        return None
    if not path.is_file():
        return None
    return Entry(str(name), path, way_of(name), found.st_size, found.st_mtime)


def _is_wanted_folder(path: PurePosixPath) -> bool:
    is_old = path.parts[0] in ("memory", "trash") and path.name.startswith(_OLD_COPIES)
    return not (is_old or path.name.startswith(".") or path.name in _NO_FOLDERS or str(path) in STAYS)


def _is_wanted(name: str) -> bool:
    return not (name.startswith(".") or name.endswith(_ENDINGS) or DAMAGED in name or REPLACED in name)
