"""A backup is a zip archive, which any program opens: ``data/`` with the files by their paths in the data folder,
``secrets.sealed`` if there are any (``sealing``), and ``neko-backup.json``, which lists all of them with their sums."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from neko.memory.migrations import MIGRATIONS
from neko.pending_restore import PARTS

VERSION: Final = 1
MANIFEST: Final = "neko-backup.json"
DATA: Final = "data/"
SEALED: Final = "secrets.sealed"
LOG_VERSION: Final = len(MIGRATIONS)
MOST_FILES: Final = 200_000
LARGEST_MANIFEST: Final = 64 << 20
LONGEST_PATH: Final = 1_000


class KeptFile(BaseModel):
    """``modified`` is in seconds since 1970, ``sha256`` in hexadecimal digits."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(max_length=LONGEST_PATH)
    size: int = Field(ge=0, lt=1 << 48)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    modified: float = Field(default=0.0, ge=0, lt=1e11)


class KeptCharacter(BaseModel):
    """``lines`` of her log, None where they cannot be counted."""

    model_config = ConfigDict(frozen=True)

    name: str
    lines: int | None = None


class Manifest(BaseModel):
    """``made``: ISO 8601, local time. ``secrets`` are the paths of what is sealed, or was left out where nothing is."""

    model_config = ConfigDict(frozen=True)

    format: Literal["neko-backup"] = "neko-backup"
    version: int = Field(default=VERSION, ge=1)
    log_version: int = Field(default=LOG_VERSION, ge=0)
    made: str = Field(default="", max_length=40)
    characters: Sequence[KeptCharacter] = ()
    secrets: Sequence[str] = ()
    sealed: bool = False
    files: Sequence[KeptFile] = Field(max_length=MOST_FILES)


def is_inside(path: str) -> bool:
    """Whether a path lies in a part of the data folder, whatever system it is unpacked on."""
    steps = path.split("/")
    is_plain = not re.search(r"[\\\x00-\x1f\x7f]", path) and not re.match(r"[A-Za-z]:", path)
    names = all(step not in ("", ".", "..") and len(step.encode("utf-8", "replace")) <= 255 for step in steps)
    return len(path) <= LONGEST_PATH and is_plain and names and len(steps) > 1 and steps[0] in PARTS


def characters_in(cards: object, lines: Mapping[str, int | None]) -> list[KeptCharacter]:
    """Those of a ``characters.json``, with how many lines there are of each."""
    known = cards.get("猫娘") if isinstance(cards, dict) else None
    names = [str(name) for name in known] if isinstance(known, dict) else []
    return [KeptCharacter(name=name, lines=lines.get(name, 0)) for name in names]


def room_needed(files: Sequence[KeptFile]) -> int:
    """Bytes on the disk."""
    return sum(file.size for file in files)


def place_of(folder: Path, path: str) -> Path:
    """Where a file of the backup goes below a folder. ``path`` is one that ``is_inside``."""
    return folder.joinpath(*path.split("/"))
