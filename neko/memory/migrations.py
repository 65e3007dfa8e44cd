"""The steps that bring a character's log to the present schema, in order.

``PRAGMA user_version`` counts the steps that a file has taken. Files made by N.E.K.O., and by
Neko before it counted, have version 0. A step is never changed once released; a new one is added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from neko.errors import MemoryTooNewError
from neko.memory import changes, facts, index, reviewed, schema, vectors
from neko.memory.connection import in_transaction

Migration = Callable[[sqlite3.Connection], None]


def _tables_of_version_1(connection: sqlite3.Connection) -> None:
    """Files made by N.E.K.O. may lack the ``timestamp`` columns; none has the indexes and ``neko_state``."""
    for statement in schema.TABLES:
        connection.execute(statement)
    for table in (schema.ORIGINAL, schema.COMPRESSED):
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if "timestamp" not in columns:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN timestamp DATETIME")
    for statement in schema.INDEXES:
        connection.execute(statement)


def _chats_of_version_2(connection: sqlite3.Connection) -> None:
    connection.execute(schema.CHAT_TABLE)
    connection.execute(schema.CHAT_INDEX)


def _outside_of_version_10(connection: sqlite3.Connection) -> None:
    connection.execute(schema.OUTSIDE_INDEX)


MIGRATIONS: Final[Sequence[Migration]] = (
    _tables_of_version_1,
    _chats_of_version_2,
    index.make,
    changes.make,
    vectors.make,
    facts.make,
    facts.make_pins,
    reviewed.make,
    vectors.make_tokens,
    _outside_of_version_10,
)


def check_version(connection: sqlite3.Connection, path: Path, newest: int = len(MIGRATIONS)) -> None:
    """Raise ``MemoryTooNewError`` for a file of a later version; writes nothing."""
    version = _version(connection)
    if version > newest:
        raise MemoryTooNewError(
            f"the log has version {version}, known is {newest}", file=str(path), reason="newer", version=version
        )


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Take the missing steps, each as a transaction of its own; raises ``sqlite3.Error``."""
    for number in range(_version(connection), len(migrations)):
        in_transaction(connection, lambda opened, number=number: _take(opened, migrations[number], number + 1))  # type: ignore[misc]


def _take(connection: sqlite3.Connection, step: Migration, version: int) -> None:
    step(connection)
    connection.execute(f"PRAGMA user_version = {version}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
