"""Logs that stay beside a character's own: one that somebody had put in its place (``set_aside.REPLACED``), and those
of deleted characters of her name, in the trash.

Nobody has them open, and what is in them stands nowhere else: they do not go as backups do. What is forgotten of hers
goes from them too, and only that, with what was made of it.
"""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from neko.hand_written import decoded
from neko.memory import backup, deletion, index, schema
from neko.memory.line_codec import parsed_row
from neko.memory.migrations import check_version, migrate
from neko.memory.paths import recent_beside
from neko.memory.sqlite_errors import store_error
from neko.memory_files import TRASH, character_of, unkept_name
from neko.pending_restore import BEFORE
from neko.set_aside import COMPANIONS, REPLACED, forget_damaged
from neko.storage import forget_previous, write_json
from neko.well_formed import load_json

_LOCK_TIMEOUT_S: Final = 5.0
_ROWS: Final = f"SELECT id, message FROM {schema.ORIGINAL}"
_MADE_OF_THEM: Final = (
    (schema.COMPRESSED, f"SELECT message FROM {schema.COMPRESSED}"),
    ("neko_facts", "SELECT subject || ' ' || attribute || ' ' || value FROM neko_facts"),
)

IsMeant = Callable[[str], bool]
"""Whether a text is to be forgotten."""


def forget(log: Path, is_meant: IsMeant) -> None:
    """Delete such lines, with the summaries and facts that may hold their words, from what is kept beside this log.

    Raises ``MemoryStoreError`` for a file that refuses, ``MemoryTooNewError``, ``ConfigError``. Blocks.
    """
    name, data = glob.escape(log.name), log.parent.parent
    entries = [entry for folder in (data, *data.glob(f"{BEFORE}/*")) for entry in sorted(folder.glob(f"{TRASH}/*"))]
    in_trash = [copy for entry in entries for copy in sorted(entry.glob(f"{name}*"))]
    for copy in (*sorted(log.parent.glob(f"{name}{REPLACED}*")), *in_trash):
        if _is_log(copy, log.name):
            _told(copy, _forget_in, is_meant)
    for entry in entries:
        for document in _documents(entry / log.name):
            _told(document, _leave_out, is_meant)


def _told(path: Path, work: Callable[[Path, IsMeant], None], is_meant: IsMeant) -> None:
    try:
        work(path, is_meant)
    except (OSError, sqlite3.Error) as error:
        raise store_error(error, path) from error


def _is_log(copy: Path, name: str) -> bool:
    rest = copy.name.removeprefix(name)
    return (not rest or rest.startswith(REPLACED)) and not rest.endswith(COMPANIONS) and copy.is_file()


def _documents(log: Path) -> Iterator[Path]:
    """The recent window and the lines that waited for the log."""
    yield recent_beside(log)
    yield log.with_name(unkept_name(character_of(log.name) or ""))


def _forget_in(copy: Path, is_meant: IsMeant) -> None:
    with closing(sqlite3.connect(copy, timeout=_LOCK_TIMEOUT_S, isolation_level=None)) as connection:
        check_version(connection, copy)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        rows = connection.execute(_ROWS).fetchall() if schema.ORIGINAL in tables else []
        ids = [number for number, raw in rows if is_meant(parsed_row(raw or "").text)]
        made = (row[0] for table, rows in _MADE_OF_THEM if table in tables for row in connection.execute(rows))
        if not ids and not any(is_meant(parsed_row(raw or "").text) for raw in made):
            return
        connection.execute("PRAGMA secure_delete = ON")
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            deletion.delete(connection, ids)
            deletion.delete_beside(connection, is_meant)
        index.purge(connection)
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if copy.parent.parent.name == TRASH:
        backup.forget(copy)
        forget_damaged(copy)
        for ending in ("", ".bak"):  # what it held is in the log
            window = recent_beside(copy)
            window.with_name(window.name + ending).unlink(missing_ok=True)


def _leave_out(document: Path, is_meant: IsMeant) -> None:
    """Of a list in JSON, the entries that hold such a text. Raises ``ConfigError``."""
    try:
        entries = load_json(decoded(document.read_bytes(), "replace"))
    except FileNotFoundError:
        return
    except ValueError:
        return
    if not isinstance(entries, list):
        return
    kept = [entry for entry in entries if not any(is_meant(text) for text in _texts(entry))]
    if kept != entries:
        write_json(document, kept)
        forget_previous(document)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
