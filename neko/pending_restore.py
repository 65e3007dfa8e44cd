"""A restore of the data folder that is ready to take effect, and its taking effect when the folder is opened.

What comes is made whole in ``restore/new`` of the data folder. ``restore/ready.json`` makes it count from then on:
part after part is moved out of the way, into ``restore/old``, and the new one into its place, which goes on at the next
start wherever it was cut off. So a crash at any moment leaves the old folder or the new one. Both are on one file
system, and the data folder itself may be a mount. What was there before is kept in ``before_restore/<moment>`` for a
month. Every call blocks, and is for the one who holds the folder's lock.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

PARTS: Final = (
    "config",
    "memory",
    "character_cards",
    "pictures",
    "live2d",
    "vrm",
    "workshop",
    "agent",
    "plugins",
    "trash",
)
"""The folders within the data folder that a backup holds and a restore replaces. The models that were fetched and the
logs of programs are none of them."""
STAYS: Final = ("agent/browser",)
"""What of them is no part of a backup, and is still there after a restore."""
BEFORE: Final = "before_restore"
KEPT: Final = timedelta(days=30)
PLACE: Final = "restore"
_READY: Final = "ready.json"
_MOMENT: Final = "%Y%m%d-%H%M%S"


def new_folder(data: Path) -> Path:
    """Where the parts that come are to be made whole; empty at first, and gone at the next start unless ``ready`` was
    called. Raises ``OSError``."""
    cancel(data)
    folder = data / PLACE / "new"
    folder.mkdir(mode=0o700, parents=True)
    return folder


def ready(data: Path) -> None:
    """All that comes is whole and on the disk: it takes effect when the folder is next opened. Raises ``OSError``."""
    place = data / PLACE
    temporary = place / ".ready.tmp"
    with temporary.open("wb") as file:
        file.write(json.dumps({"at": f"{datetime.now():%Y-%m-%dT%H:%M:%S}"}).encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place / _READY)
    _sync(place)


def is_ready(data: Path) -> bool:
    return (data / PLACE / _READY).is_file()


def cancel(data: Path) -> None:
    """Forget what was to come, which has not begun to take effect. Raises ``OSError``."""
    place = data / PLACE
    (place / _READY).unlink(missing_ok=True)
    shutil.rmtree(place / "new", ignore_errors=True)


def finish(data: Path) -> Path | None:
    """Have a restore that is ready take effect; where what was there before is kept now. Raises ``OSError``, after
    which it goes on at the next call."""
    place, kept = data / PLACE, None
    if not place.is_dir():
        _sweep(data)
        return None
    new, old = place / "new", place / "old"
    if is_ready(data):
        old.mkdir(mode=0o700, exist_ok=True)
        for part in PARTS:
            _replace(data / part, new / part, old / part)
        for path in STAYS:
            if (old / path).exists() and (data / path).parent.is_dir() and not (data / path).exists():
                (old / path).rename(data / path)
        _sync(data)
        (place / _READY).unlink()
        _sync(place)
    if any(path.is_file() or path.is_symlink() for path in old.rglob("*")):
        kept = data / BEFORE / f"{datetime.now():{_MOMENT}}"
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        old.rename(kept)
    shutil.rmtree(place, ignore_errors=True)
    _sweep(data)
    return kept


def _replace(there: Path, new: Path, old: Path) -> None:
    """``new`` stands in its place already if it is not where it was made."""
    if not new.exists():
        return
    if os.path.lexists(there):
        is_moved = os.path.lexists(old)  # before it was cut off; what is there has been made since
        there.rename(old.with_name(f"{old.name}.later") if is_moved else old)
    new.rename(there)


def _sweep(data: Path) -> None:
    """Remove what was there before a restore of long ago."""
    for folder in (data / BEFORE).glob("*"):
        with suppress(ValueError):
            if datetime.now() - datetime.strptime(folder.name, _MOMENT) > KEPT:
                shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        (data / BEFORE).rmdir()


def _sync(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
