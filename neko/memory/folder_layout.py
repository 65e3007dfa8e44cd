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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from neko.errors import ConfigError
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
"""Beside the folders: a ``Note`` by the name of each."""
_BESIDE: Final = ("-wal", "-journal")
_HEAD: Final = 20
_IS_WAL: Final = (18, b"\2\2")
"""Where a database says that it has a WAL, and how."""


State = Mapping[str, Sequence[int]]
"""When each file was changed last, in nanoseconds, and its size, by its name."""


def is_of_folder(name: str) -> bool:
    """Is it a file in a character's folder, by its name alone?"""
    path = PurePosixPath(name)
    return bool(path.parent.name) and path.name in (*_TELLING, _SETTINGS)


def folder_of(name: str) -> str:
    """The folder of a file in a character's folder, "" for any other."""
    return str(PurePosixPath(name).parent) if is_of_folder(name) else ""


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


@dataclass(frozen=True, slots=True)
class Note:
    """What is kept of a folder whose memory has come. ``log`` is the last id in its log, and ``row`` what that row is
    known by ("" for whatever it is); ``marks`` are what the last lines are known by (``folder_talk``), None where
    nobody knows; ``files`` is the state that they were read in, None until all of it has come. ``into``: the character
    whose it is, once she was renamed before it came."""

    log: int = 0
    row: str = ""
    marks: Sequence[str] | None = None
    files: State | None = None
    into: str = ""


def not_taken_over(memory: Path) -> list[str]:
    """The characters whose folder lies in that of our own memory, where nothing is read in its place, and has not been
    taken over yet, nor imported by hand; or was changed since. What cannot be read holds none."""
    try:
        folders = character_folders(memory)
    except OSError:
        return []
    notes = _notes(memory) if folders else {}
    return [folder.name for folder in folders if _has_more(folder, notes.get(folder.name))]


def _has_more(folder: Path, note: Note | None) -> bool:
    if note is None:
        return not _has_imported(folder.parent / log_name(folder.name))
    try:
        return note.files is None or note.files != files_of(folder)
    except NotTakenOverError:
        return True


def note_of(memory: Path, name: str) -> Note | None:
    """What is kept of this folder."""
    return _notes(memory).get(name)


def keep(memory: Path, name: str, note: Note) -> None:
    """Keep this of a folder: none of what it tells of comes again, whatever becomes of it here.

    Raises ``ConfigError``.
    """
    told = {key: value for key, value in asdict(note).items() if value not in (None, "")}
    write_json(memory / _TAKEN_OVER, {**read_notes(memory), name: told})


def goes_to(memory: Path, name: str) -> str:
    """What the character is called whose memory is in the folder of this name."""
    note = note_of(memory, name)
    return (note.into if note else "") or name


def waiting_for(memory: Path, character: str) -> list[str]:
    """The folders from which something is still to come for a character."""
    return [name for name in not_taken_over(memory) if goes_to(memory, name) == character]


def follow_character(memory: Path, old: str, new: str) -> None:
    """A character is called otherwise: what is still to come goes to her. Raises ``ConfigError``."""
    for name in waiting_for(memory, old):
        keep(memory, name, replace(note_of(memory, name) or Note(), into=new))


def read_notes(memory: Path) -> dict[str, Any]:
    """The notes as they are kept; a file that cannot be read holds none."""
    try:
        found: dict[str, Any] = read_json(memory / _TAKEN_OVER, {}, dict)
    except ConfigError:
        return {}
    return found


def _notes(memory: Path) -> dict[str, Note]:
    return {name: note for name, told in read_notes(memory).items() if (note := _note(told)) is not None}


def _note(told: Any) -> Note | None:
    if isinstance(told, int):
        return Note() if told < 0 else Note(told, files={})
    if not isinstance(told, dict):
        return None
    log, row, into = told.get("log"), told.get("row"), told.get("into")
    marks, files = told.get("marks"), told.get("files")
    return Note(
        log if isinstance(log, int) else 0,
        row if isinstance(row, str) else "",
        [one for one in marks if isinstance(one, str)] if isinstance(marks, list) else None,
        files if isinstance(files, dict) else None,
        into if isinstance(into, str) else "",
    )


def state_of(folder: Path) -> State:
    """Of the files in a character's folder that are read: another one after each change.

    Raises ``NotTakenOverError`` when one cannot be read, or another program holds the log.
    """
    log = folder / _LOG
    state = files_of(folder)
    if log.is_file() and not _has_wal(log) and _is_locked(log):
        raise in_use(folder)
    return state


def files_of(folder: Path) -> State:
    """The same, whoever holds the log."""
    state: dict[str, Sequence[int]] = {}
    for name in (_LOG, *(_LOG + ending for ending in _BESIDE), _WINDOW, _SETTINGS, *_FACTS):
        try:
            with (folder / name).open("rb") as file:
                status = os.fstat(file.fileno())
        except FileNotFoundError:
            continue
        except OSError as error:
            why = f"{name}: {error.strerror}"
            raise NotTakenOverError(why, file=str(folder), name=folder.name, reason="unreadable", why=why) from error
        state[name] = [status.st_mtime_ns, status.st_size]
    return state


def _has_wal(log: Path) -> bool:
    with log.open("rb") as file:
        return file.read(_HEAD).startswith(_IS_WAL[1], _IS_WAL[0])


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
