"""``python -m neko memory …`` over real folders."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from neko.__main__ import main
from neko.characters import CharacterCards
from neko.memory.service import MemoryService
from neko.storage import CHARACTERS_FILE
from neko.tasks import TaskOwner
from neko.types.lines import NewLine, Role

START = datetime(2026, 3, 1, 12, 0)
ROOT = Path(__file__).parent.parent
UNFOLDED = "the last thing that was said"
SAID = ["my cat is called Biscuit", "how sweet", "he is ginger"]


def memory(folder: Path, *arguments: str) -> int:
    return main(["memory", *arguments, "--data-dir", str(folder)])


async def _talk(folder: Path) -> None:
    async with TaskOwner("test") as owner:
        service = MemoryService(folder / "memory", owner)
        await service.start()
        for number, text in enumerate(SAID):
            role: Role = "assistant" if number % 2 else "user"
            at = START + timedelta(minutes=number)
            await service.store("Mio", NewLine("s", f"t{number}", role, text, at, client_id=f"c{number}"))
        await service.back_up()
        await service.aclose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    asyncio.run(_talk(tmp_path / "data"))
    return tmp_path / "data"


def texts(folder: Path, character: str = "Mio") -> list[str]:
    out = folder.parent / "out.json"
    assert memory(folder, "export", character, str(out)) == 0
    return [line["text"] for line in json.loads(out.read_text(encoding="utf-8"))["lines"]]


def test_a_sound_log_and_its_backup_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert memory(folder, "check") == 0
    assert "ok    Mio: 3 lines; 1 backup" in capsys.readouterr().out


def test_of_a_damaged_log_every_finding_is_told_and_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = folder / "memory" / "time_indexed_Mio"
    with closing(sqlite3.connect(log)) as connection:
        names = ("time_indexed_original", "neko_facts", "neko_words")
        pages = [
            connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
            for name in names
        ]
    with log.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)
    assert memory(folder, "check") == 1
    head, *rest = capsys.readouterr().out.splitlines()
    assert head.startswith("bad   Mio: damaged, 0 lines can be read, 3 more are kept elsewhere; 1 backup, the newest ")
    assert len([line for line in rest if any(f"age {page}" in line for page in pages)]) >= 3, rest
    assert "Start Neko" in rest[-2]
    assert str(log) in rest[-1]


def _kept_from_the_fold(folder: Path) -> None:
    """A line that stands in the WAL only, as a computer leaves it that was switched off."""
    log, wal = folder / "memory" / "time_indexed_Mio", folder / "memory" / "time_indexed_Mio-wal"
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        with connection:
            row = connection.execute("SELECT * FROM time_indexed_original WHERE id = 1").fetchone()
            words = row[2].replace(SAID[0], UNFOLDED)
            connection.execute("INSERT INTO time_indexed_original VALUES (?, ?, ?, ?)", (9, row[1], words, row[3]))
        left = wal.read_bytes()
        before = log.read_bytes()
    log.write_bytes(before)
    wal.write_bytes(left)


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("is_folded", [False, True])
def test_what_lies_where_nothing_can_be_written_is_looked_over_and_exported(folder: Path, is_folded: bool) -> None:
    if not is_folded:
        _kept_from_the_fold(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    mount = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && "
    for action, said in (("check", f"ok    Mio: {3 + (not is_folded)} lines"), ("export Mio", SAID[2])):
        command = f"{sys.executable} -m neko memory {action} --data-dir {folder}"
        done = subprocess.run(["unshare", "-rm", "sh", "-c", mount + command], capture_output=True, text=True, cwd=ROOT)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip("this system lets nobody mount a folder anew")
        assert (done.returncode, done.stderr) == (0, ""), done
        assert said in done.stdout
        assert action == "check" or (UNFOLDED in done.stdout) is not is_folded
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_odd_files_in_the_place_of_logs_are_told_and_hide_no_sound_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = folder / "memory"
    (there / "time_indexed_Empty").touch()
    (there / "time_indexed_Gone").symlink_to(folder / "nowhere")
    (there / "time_indexed_Folder").mkdir()
    (there / "time_indexed_Newer").write_bytes((there / "time_indexed_Mio").read_bytes())
    with closing(sqlite3.connect(there / "time_indexed_Newer")) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert memory(folder, "check") == 1
    told = capsys.readouterr().out
    assert "ok    Mio: 3 lines" in told
    assert "ok    Empty: 0 lines" in told
    assert all(f"bad   {name}: cannot be read" in told for name in ("Gone", "Folder")), told
    newer = told.partition("bad   Newer: a newer Neko wrote it")[2]
    assert "Update Neko" in newer.splitlines()[1], told


def test_of_a_file_that_is_no_log_only_sentences_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "memory" / "time_indexed_Junk").write_bytes(b"no database" * 30)
    assert memory(folder, "check") == 1
    assert "bad   Junk: damaged, 0 lines can be read; no backup" in capsys.readouterr().out
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


@pytest.mark.parametrize("action", ["export", "rebuild"])
def test_of_a_link_to_nothing_no_empty_memory_is_made(folder: Path, action: str) -> None:
    (folder / "memory" / "time_indexed_Gone").symlink_to(folder / "nowhere")
    with pytest.raises(SystemExit, match=r"time_indexed_Gone is a link to .*nowhere, where nothing is"):
        memory(folder, action, "Gone")
    assert not (folder / "nowhere").exists()


def test_an_index_is_made_anew_from_the_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = folder / "memory" / "time_indexed_Mio"
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("DELETE FROM neko_index_data WHERE id >= 10")
    assert memory(folder, "rebuild") == 0
    assert "Mio: 3 lines in the index" in capsys.readouterr().out
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("INSERT INTO neko_index (neko_index) VALUES ('integrity-check')")


def test_a_log_that_cannot_be_used_keeps_no_other_from_its_index(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(folder / "memory" / "time_indexed_Ann")) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    assert memory(folder, "rebuild") == 1
    told = capsys.readouterr()
    assert "Mio: 3 lines in the index" in told.out
    assert "Ann: the log has version 99" in told.err


@pytest.mark.parametrize("kind", ["json", "markdown", "backup"])
def test_lines_come_back_from_an_export_and_from_a_backup_once(
    folder: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder.parent / "kept"
    if kind != "backup":
        assert memory(folder, "export", "Mio", str(source), "--form", kind) == 0
    else:
        source = next((folder / "memory" / "backups_Mio").iterdir())
    other = folder.parent / "other"
    assert memory(other, "import", str(source), "--dry-run") == 0
    assert "Mio: 3 new lines, 0 known ones" in capsys.readouterr().out
    for new in (3, 0):
        assert memory(other, "import", str(source)) == 0
        assert f"Mio: {new} new lines" in capsys.readouterr().out
    assert texts(other) == SAID
    assert memory(folder, "import", str(source)) == 0
    assert "0 new lines, 3 known ones" in capsys.readouterr().out


def test_a_memory_that_only_the_recent_file_of_upstream_holds_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    (folder / "memory").mkdir(parents=True)
    window = folder / "memory" / "recent_Mio.json"
    window.write_text(json.dumps([{"type": "human", "data": {"content": text}} for text in SAID]), encoding="utf-8")
    whole = tmp_path / window.name
    whole.write_bytes(window.read_bytes())
    assert memory(folder, "check") == 0
    assert "ok    Mio: 3 lines of N.E.K.O.'s" in capsys.readouterr().out
    for more in (("--dry-run",), (), ()):
        assert memory(folder, "import", str(whole), *more) == 0
        assert "0 new lines, 3 known ones" in capsys.readouterr().out
    window.write_bytes(whole.read_bytes())
    for path in (folder / "memory").glob("time_indexed_*"):
        path.unlink()
    assert texts(folder) == SAID


def test_a_character_is_made_for_a_memory_that_nobody_could_reach_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, cards = folder.parent / "kept", folder / "config" / CHARACTERS_FILE
    assert memory(folder, "export", "Mio", str(source)) == 0
    there = CharacterCards.load(cards, "en").names
    for more, names in ((["--dry-run"], there), ([], [*there, "Fresh"])):
        assert memory(folder, "import", str(source), "--character", "Fresh", *more) == 0
        assert "so one is made" in capsys.readouterr().out
        assert CharacterCards.load(cards, "en").names == names
    assert texts(folder, "Fresh") == SAID
    assert memory(folder, "import", str(source), "--character", "Fresh") == 0
    assert "made" not in capsys.readouterr().out
    assert memory(folder, "import", str(source), "--character", "A/B", "--dry-run") != 0, (
        "no character can be called so"
    )


def test_a_log_of_nekos_forerunner_is_taken(folder: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "time_indexed_Tian"
    with closing(sqlite3.connect(theirs)) as connection, connection:
        connection.execute("CREATE TABLE time_indexed_original (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
        message = {"type": "human", "data": {"content": "hello from before", "type": "human"}}
        connection.execute("INSERT INTO time_indexed_original VALUES (1, 's', ?)", (json.dumps(message),))
    assert memory(folder, "import", str(theirs)) == 0
    assert texts(folder, "Tian") == ["hello from before"]


@pytest.mark.parametrize("arguments", [("import", "{nothing}"), ("import", "{text}"), ("export", "Nobody")])
def test_what_cannot_be_done_is_a_sentence(folder: Path, tmp_path: Path, arguments: tuple[str, str]) -> None:
    (tmp_path / "text").write_text("no export")
    places = {"nothing": tmp_path / "nothing", "text": tmp_path / "text"}
    with pytest.raises(SystemExit, match=r"Nobody|nothing|text"):
        memory(folder, *(one.format(**places) for one in arguments))


@pytest.mark.parametrize("arguments", [("export", "Mio"), ("rebuild",)])
def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(SystemExit, match="there is no data folder"):
        memory(missing, *arguments)
    assert not missing.exists()
