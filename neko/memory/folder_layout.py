"""The layout in which N.E.K.O. keeps a memory since it has a folder per character: ``memory/<name>/`` with
``time_indexed.db``, ``recent.json``, ``settings.json``, ``facts.json``, ``facts_archive.json`` and ``persona.json``,
and the one between, with ``facts_<name>.json`` and the like beside the older files. Every call blocks.

``facts.json`` is a list of ``{"text", "entity", "created_at", …}``, ``persona.json`` has ``{"facts": [{"text",
"source", …}]}`` by entity. An entity is ``master`` (once ``user``), ``neko`` (once ``ai``) or ``relationship``. What
has a ``subject_kind``, a ``subject_id`` or a ``scope`` is of a group chat.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any, Final

from neko.errors import ConfigError
from neko.memory import schema
from neko.memory.sqlite_errors import store_error
from neko.memory_errors import NotTakenOverError
from neko.memory_files import log_name
from neko.storage import read_json, write_json
from neko.types.memory import CHARACTER, USER, ChangeKind

_LOG: Final = "time_indexed.db"
_WINDOW: Final = "recent.json"
_FACTS: Final = ("facts.json", "facts_archive.json", "persona.json")
_SETTINGS: Final = "settings.json"
_TELLING: Final = (_LOG, _WINDOW, *_FACTS)
"""Names that tell a character's folder; other programs have settings, too."""
_BETWEEN: Final = (("facts_archive_", ".json"), ("facts_", ".json"), ("persona_", ".json"), ("time_indexed_", ".db"))
_WHOM: Final = {
    "master": (USER, "note"),
    "user": (USER, "note"),
    "neko": (CHARACTER, "note"),
    "ai": (CHARACTER, "note"),
    "relationship": (USER, "relationship"),
}
_OF_GROUPS: Final = ("subject_kind", "subject_id", "scope")
_ELSEWHERE: Final = ("character_card", "settings")
"""Where ``persona.json`` has copied things from that are still there."""
_LONGEST: Final = 200
_TAKEN_OVER: Final = "taken_over.json"
"""Beside the folders, by their names: up to which id of its log all has come."""
_BEGUN: Final = -1
"""That has not come to its end yet."""
_BESIDE: Final = ("-wal", "-journal")
_HEAD: Final = 20
_IS_WAL: Final = (18, b"\2\2")
"""Where a database says that it has a WAL, and how."""


def is_of_folder(name: str) -> bool:
    """Is it a file in a character's folder, by its name alone?"""
    path = PurePosixPath(name)
    return bool(path.parent.name) and path.name in (*_TELLING, _SETTINGS)


def character_in(name: str, path: Path) -> str:
    """Whose file it is, "" when its name is none of these; ``name`` has its folder, if that is known."""
    whole = PurePosixPath(name)
    if whole.name in _TELLING or (whole.name == _SETTINGS and is_character_folder(path.parent)):
        return whole.parent.name
    for prefix, suffix in _BETWEEN:
        if whole.name.startswith(prefix) and whole.name.endswith(suffix):
            return whole.name.removeprefix(prefix).removesuffix(suffix)
    return ""


def is_character_folder(folder: Path) -> bool:
    """Does it hold a character's memory?"""
    return any((folder / name).is_file() for name in _TELLING)


def character_folders(memory: Path) -> list[Path]:
    """The folders of characters in that of the memory. Raises ``OSError``."""
    return [one for one in sorted(memory.iterdir()) if one.is_dir() and is_character_folder(one)]


def not_taken_over(memory: Path) -> list[str]:
    """The characters whose folder lies in that of our own memory, where nothing is read in its place, and has not been
    taken over yet, nor imported by hand; or in whose log more was said since. What cannot be read holds none."""
    try:
        folders = character_folders(memory)
    except OSError:
        return []
    noted = _noted(memory) if folders else {}
    return [folder.name for folder in folders if _has_more(folder, noted.get(folder.name))]


def _has_more(folder: Path, through: int | None) -> bool:
    """``through``: what is noted of it."""
    if through is None:
        return not _has_imported(folder.parent / log_name(folder.name))
    return through == _BEGUN or last_id(folder) > through


def begin(memory: Path, name: str) -> int:
    """Keep that the folder of this character is being taken over; behind which id of its log that is.

    Raises ``ConfigError``.
    """
    through = _noted(memory).get(name)
    if through is None:
        end(memory, name, _BEGUN)
    return max(through or 0, 0)


def end(memory: Path, name: str, through: int) -> None:
    """Keep that all of it has come, with its log up to this id: none of that comes again, whatever becomes of it here.
    Raises ``ConfigError``."""
    write_json(memory / _TAKEN_OVER, {**_noted(memory), name: through})


def last_id(folder: Path) -> int:
    """The largest id in the log of a character's folder, 0 where it cannot be read. Looks past what another program is
    writing just now."""
    try:
        address = f"{(folder / _LOG).absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return int(connection.execute(schema.LAST_ID).fetchone()[0])
    except (sqlite3.Error, TypeError, ValueError):
        return 0


def _noted(memory: Path) -> Mapping[str, int]:
    try:
        found = read_json(memory / _TAKEN_OVER, {}, dict)
    except ConfigError:
        return {}
    return {name: through for name, through in found.items() if isinstance(through, int)}


State = Mapping[str, tuple[int, int]]


def state_of(folder: Path) -> State:
    """Of the files in a character's folder that are read: another one after each change.

    Raises ``NotTakenOverError`` when one cannot be read, or another program holds the log.
    """
    state = {}
    for name in (_LOG, *(_LOG + ending for ending in _BESIDE), _WINDOW, _SETTINGS, *_FACTS):
        try:
            with (folder / name).open("rb") as file:
                head, status = file.read(_HEAD), os.fstat(file.fileno())
        except FileNotFoundError:
            continue
        except OSError as error:
            why = f"{name}: {error.strerror}"
            raise NotTakenOverError(why, file=str(folder), name=folder.name, reason="unreadable", why=why) from error
        state[name] = status.st_mtime_ns, status.st_size
        if name == _LOG and not head.startswith(_IS_WAL[1], _IS_WAL[0]) and _is_locked(folder / name):
            raise in_use(folder)
    return state


def in_use(folder: Path) -> NotTakenOverError:
    """Another program writes in a character's folder."""
    why = "another program writes in it"
    return NotTakenOverError(why, file=str(folder), name=folder.name, reason="locked", why=why)


def _is_locked(log: Path) -> bool:
    """Not for one with a WAL, which SQLite would make files beside."""
    try:
        with closing(sqlite3.connect(f"{log.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return store_error(error, log).params["reason"] == "locked"
    return False


def _has_imported(log: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{log.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM neko_changes WHERE kind = ?", (ChangeKind.IMPORTED.value,))
            return found.fetchone() is not None
    except sqlite3.Error:
        return False


def facts_in(document: Any) -> list[tuple[str, str, str, Any]] | None:
    """Subject, attribute, value and moment of each fact; None for what is neither of the two documents."""
    if isinstance(document, dict):
        parts = {key: value.get("facts", value.get("dynamics")) for key, value in document.items() if _is_part(value)}
        entries = [(key, one) for key, listed in parts.items() for one in listed]
        return _told(entries) if parts.keys() & _WHOM.keys() else None
    if isinstance(document, list) and document and isinstance(document[0], dict) and "entity" in document[0]:
        return _told((one.get("entity"), one) for one in document if isinstance(one, dict))
    return None


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("facts", value.get("dynamics")), list)


def _told(entries: Iterable[tuple[Any, Any]]) -> list[tuple[str, str, str, Any]]:
    return list(dict.fromkeys(_each(entries)))


def _each(entries: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, str, str, Any]]:
    for entity, entry in entries:
        told = {"text": entry} if isinstance(entry, str) else entry if isinstance(entry, dict) else {}
        whom = _WHOM.get(entity) if isinstance(entity, str) else None
        text = told.get("text")
        is_of_group = any(told.get(key) is not None for key in _OF_GROUPS)
        if whom is None or is_of_group or told.get("source") in _ELSEWHERE or not isinstance(text, str):
            continue
        if value := " ".join(text.split()):
            at = told.get("created_at")
            short = value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1].rstrip()}…"
            yield (*whom, short, at if isinstance(at, str) else None)
