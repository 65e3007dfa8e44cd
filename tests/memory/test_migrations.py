"""How a log's file comes to the present schema, step by step."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neko.errors import MemoryTooNewError
from neko.i18n import describe
from neko.memory.migrations import MIGRATIONS, migrate
from tests.memory.memory_folder import MIO, MemoryFolder, say, texts


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "log", isolation_level=None)) as connection:
        yield connection


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _first(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE one (x)")


def _second(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE two AS SELECT * FROM one")


def _broken(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE half (x)")
    connection.execute("INSERT INTO nowhere VALUES (1)")


def test_a_new_file_takes_every_step_in_order(connection: sqlite3.Connection) -> None:
    migrate(connection, (_first, _second))
    assert version(connection) == 2
    assert tables(connection) == {"one", "two"}


def test_a_file_takes_only_the_steps_it_has_not_taken(connection: sqlite3.Connection) -> None:
    migrate(connection, (_first,))
    migrate(connection, (_first, _second))
    migrate(connection, (_first, _second))
    assert version(connection) == 2


def test_a_step_that_fails_leaves_the_file_at_the_step_before(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (_first, _broken))
    assert version(connection) == 1
    assert tables(connection) == {"one"}


async def test_a_new_log_has_the_version_of_the_last_step(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("hello")
    assert memory_folder.sql("PRAGMA user_version") == [(len(MIGRATIONS),)]


async def test_a_log_from_before_versions_were_counted_is_taken_up_without_loss(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one", "two")
    memory_folder.sql("PRAGMA user_version = 0")
    before = memory_folder.sql("SELECT * FROM time_indexed_original")
    memory = await memory_folder.open()
    assert await texts(memory) == ["one", "two"]
    assert await say(memory, "three") == 3
    await memory.aclose()
    assert memory_folder.sql("SELECT * FROM time_indexed_original WHERE id < 3") == before
    assert memory_folder.sql("PRAGMA user_version") == [(len(MIGRATIONS),)]


async def test_a_log_of_a_newer_neko_is_refused_and_stays_untouched(memory_folder: MemoryFolder) -> None:
    await memory_folder.talked("one")
    memory_folder.sql("PRAGMA user_version = 999")
    before = memory_folder.log.read_bytes(), memory_folder.recent.read_bytes()
    memory = await memory_folder.open()
    for call in (say(memory, "two"), memory.lines(MIO), memory.recent(MIO), memory.recall(MIO, "one")):
        with pytest.raises(MemoryTooNewError) as caught:
            await call
        assert caught.value.params["file"] == str(memory_folder.log)
        assert "newer" in describe(caught.value, "en").text
    await memory.aclose()
    assert (memory_folder.log.read_bytes(), memory_folder.recent.read_bytes()) == before
    assert memory_folder.reports == []
