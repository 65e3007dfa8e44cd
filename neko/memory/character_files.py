"""All files in which a character's memory is, to be moved together while nobody has them open. Every call blocks."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from neko.memory.paths import checked
from neko.memory_files import TRASH, backups_name, log_name, pictures_name, recent_name, settings_name, unkept_name
from neko.pending_restore import BEFORE
from neko.set_aside import COMPANIONS, DAMAGED, REPLACED
from neko.storage import make_folder, sync_folder


def files_of(folder: Path, character: str) -> list[Path]:
    """What is there of the log, the recent window and the rest, with backups and what was set aside of them.

    N.E.K.O. keeps two more (``contract/memory.md`` §10). Raises ``InputError``.
    """
    if not folder.is_dir():
        return []
    bases = _bases(character)
    return sorted(path for path in folder.iterdir() if any(_belongs(path.name, base) for base in bases))


def remove_beside(folder: Path, character: str) -> None:
    """Remove all files but the log and the recent window themselves, which may be open, and the pictures; and all that
    is kept elsewhere of a character of this name: deleted ones' in the trash, whose cards stay, and from before a
    restore of the data folder.

    Raises ``OSError``.
    """
    log = log_name(checked(character))
    kept = {recent_name(character), pictures_name(character), log, *(log + ending for ending in COMPANIONS)}
    _remove(path for path in files_of(folder, character) if path.name not in kept)
    data = folder.parent
    for place in (data, *data.glob(f"{BEFORE}/*")):
        for copy in (*place.glob(f"{TRASH}/*"), *([] if place == data else [place / folder.name])):
            if files := files_of(copy, character):
                _remove(files)
                sync_folder(copy)
    sync_folder(folder)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def move(source: Path, character: str, target: Path, new: str) -> None:
    """Move a character's files to another folder or name. What was begun earlier is gone on with.

    Nothing is overwritten. What cannot be done is undone: raises ``OSError``.
    """
    make_folder(target)
    names = list(zip(_bases(character), _bases(new), strict=True))
    moved: list[tuple[Path, Path]] = []
    try:
        for path in files_of(source, character):
            old, fresh = next(pair for pair in names if _belongs(path.name, pair[0]))
            place = target / (fresh + path.name.removeprefix(old))
            if place.exists() and not place.samefile(path):  # it is where letters' case does not count
                raise FileExistsError(f"{place} is there already")
            path.rename(place)
            moved.append((path, place))
    except OSError:
        for path, place in reversed(moved):
            with contextlib.suppress(OSError):
                place.rename(path)
        raise
    for folder in {source, target}:
        sync_folder(folder)


def _bases(character: str) -> tuple[str, ...]:
    name = checked(character)
    documents = (recent_name(name), unkept_name(name), settings_name(name))
    return log_name(name), pictures_name(name), backups_name(name), f"semantic_memory_{name}", *documents


def _belongs(file: str, base: str) -> bool:
    rest = file.removeprefix(base)
    return file.startswith(base) and (rest in ("", ".bak", *COMPANIONS) or rest.startswith((DAMAGED, REPLACED)))
