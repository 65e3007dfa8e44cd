"""Which file belongs to which character."""

from __future__ import annotations

from pathlib import Path

from neko import memory_files, set_aside
from neko.errors import InputError
from neko.memory_files import log_name, pictures_name, recent_name, unkept_name
from neko.storage import file_name_fault


def log_path(folder: Path, character: str) -> Path:
    """The verbatim log; raises ``InputError``."""
    return folder / log_name(checked(character))


def logs_in(folder: Path) -> list[Path]:
    """The places of the logs of all characters, also of one of which only its WAL is left; without those set aside."""
    found = {path for path in memory_files.logs(folder) if set_aside.place_of(path) == path}
    companions = {path for path in found if path.name.endswith(set_aside.COMPANIONS)}
    orphans = {path.with_name(path.name.removesuffix("-wal")) for path in companions if path.name.endswith("-wal")}
    return sorted((found - companions) | orphans)


def recent_path(folder: Path, character: str) -> Path:
    """The recent window; raises ``InputError``."""
    return folder / recent_name(checked(character))


def unkept_path(folder: Path, character: str) -> Path:
    """Lines that the log could not take before the end, a JSON file; raises ``InputError``."""
    return folder / unkept_name(checked(character))


def pictures_path(folder: Path, character: str) -> Path:
    """The folder of the pictures that came with the user's words; raises ``InputError``."""
    return folder / pictures_name(checked(character))


def checked(character: str) -> str:
    """The name itself when it can be part of a file name (``storage.file_name_fault``)."""
    if fault := file_name_fault(character):
        raise InputError(f"a character's name cannot be used for a file: {fault}")
    return character


def recent_beside(log: Path) -> Path:
    """The recent window of a log's character."""
    return log.with_name(recent_name(memory_files.character_of(log.name) or ""))


def backups_of(log: Path) -> Path:
    """The folder of the backups of a log."""
    return log.with_name(memory_files.backups_beside(log.name))
