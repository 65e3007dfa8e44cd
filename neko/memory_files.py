"""What the files of the memory are called, by character."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

TRASH: Final = "trash"
"""The folder beside that of the memory in which deleted characters are kept, a folder each."""
IN_PROGRAM: Final = "memory/store"
"""Where N.E.K.O.'s program keeps its own."""
_PROGRAMS: Final = ("main_server.py", "launcher.py")
_LOG: Final = "time_indexed_"
_RECENT: Final = "recent_"
_UNKEPT: Final = "unkept_"
_PICTURES: Final = "pictures_"
_BACKUPS: Final = "backups_"
_SETTINGS: Final = "settings_"
_JSON: Final = ".json"


def log_name(character: str) -> str:
    """The verbatim log, an SQLite file without an extension."""
    return _LOG + character


def recent_name(character: str) -> str:
    """The recent window, a JSON file."""
    return _RECENT + character + _JSON


def unkept_name(character: str) -> str:
    """Lines that the log could not take, a JSON file."""
    return _UNKEPT + character + _JSON


def settings_name(character: str) -> str:
    """What N.E.K.O. extracted of the character and the user, a JSON file."""
    return _SETTINGS + character + _JSON


def pictures_name(character: str) -> str:
    """The folder of the pictures that came with the user's words."""
    return _PICTURES + character


def backups_name(character: str) -> str:
    """The folder of the backups of the log."""
    return _BACKUPS + character


def backups_beside(log: str) -> str:
    """The same, for the name of a log."""
    return _BACKUPS + log.removeprefix(_LOG)


def logs(folder: Path) -> Iterator[Path]:
    """The logs in a folder, by name, with what SQLite keeps beside them and what was set aside of them. Blocks."""
    yield from sorted(folder.glob(f"{_LOG}*"))


def recent_windows(folder: Path) -> Iterator[tuple[str, Path]]:
    """The recent windows in a folder, by character. Blocks."""
    for path in folder.glob(f"{_RECENT}*{_JSON}"):
        yield path.name.removeprefix(_RECENT).removesuffix(_JSON), path


def character_of(name: str) -> str | None:
    """Whose memory the file of this name, or its backup, is a part of, if any."""
    bare = name.removesuffix(".bak").removesuffix(_JSON)
    for prefix, rest in ((_LOG, name), (_BACKUPS, name), (_RECENT, bare), (_UNKEPT, bare), (_SETTINGS, bare)):
        if rest.startswith(prefix):
            return rest.removeprefix(prefix)
    return None


def is_log(name: str) -> bool:
    """Is it the name of a log?"""
    return name.startswith(_LOG)


def is_of_program(folder: Path) -> bool:
    """Is it the folder of N.E.K.O.'s program, which keeps memories and models elsewhere than a data folder does? What
    cannot be read is none."""
    try:
        if any((folder / name).is_file() for name in _PROGRAMS) and (folder / "static").is_dir():
            return True
        return any(character_of(path.name) for path in (folder / IN_PROGRAM).iterdir())
    except OSError:
        return False
