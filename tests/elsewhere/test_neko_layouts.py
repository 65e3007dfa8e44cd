"""A folder of N.E.K.O. whose memory lies in a folder per character."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from neko.__main__ import main
from tests.contract.original_folder import LINES, make
from tests.elsewhere.neko_layouts import MEMO, SAID, between, per_character
from tests.elsewhere.programs import write
from tests.elsewhere.test_import_command import bring, said, state_of

FACTS = {
    ("user", "note", "Ann has a cat"),
    ("character", "note", "Mio fears storms"),
    ("user", "relationship", "They watch films on Fridays"),
    ("user", "note", "Ann once lived in Bergen"),
    ("user", "relationship", "They trust each other"),
}


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def theirs(root: Path) -> Path:
    write(root / "config" / "characters.json", {"主人": {"档案名": "Ann"}, "猫娘": {"Mio": {}}, "当前猫娘": "Mio"})
    return root / "memory"


def facts(data: Path, name: str) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(data / "memory" / f"time_indexed_{name}")) as connection:
        rows = connection.execute("SELECT subject, attribute, value FROM neko_facts WHERE valid_to IS NULL").fetchall()
    return [(str(one[0]), str(one[1]), str(one[2])) for one in rows]


@pytest.mark.parametrize(("lay_out", "twice"), [(per_character, 0), (between, len(SAID))])
def test_lines_memo_settings_and_facts_come_once(
    lay_out: Callable[[Path, str, str], None], twice: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, data = tmp_path / "theirs", tmp_path / "data"
    lay_out(theirs(source), "Mio", "Ann")
    before = state_of(source)
    assert bring(source, data) == 0
    planned = capsys.readouterr().out
    assert bring(source, data, "--yes") == 0
    out = capsys.readouterr()
    assert f"Mio: 4 new lines, {twice} known ones" in planned
    told = [line for line in planned.splitlines() if line.startswith("Mio: ")]
    assert told, planned
    assert all(line in out.out for line in told), "what comes is what was told"
    assert said(data, "Mio") == SAID
    assert set(facts(data, "Mio")) >= FACTS
    assert len(set(facts(data, "Mio"))) == len(facts(data, "Mio"))
    assert not any("group" in value or "性格" in value for _, _, value in facts(data, "Mio"))
    window = json.loads((data / "memory" / "recent_Mio.json").read_text(encoding="utf-8"))
    assert window[0]["data"]["content"] == MEMO
    settings = json.loads((data / "memory" / "settings_Mio.json").read_text(encoding="utf-8"))
    assert settings == {"Mio": {"hobby": "stars"}, "Ann": {"city": "Oslo"}}
    assert state_of(source) == before, "nothing is changed there"
    assert bring(source, data) == 0
    assert (
        f"Mio: 0 new lines, {len(SAID) + twice} known ones, said from 2026-02-22 to 2026-02-22\n"
        in capsys.readouterr().out
    )


def test_what_lies_in_both_layouts_comes_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, data = tmp_path / "theirs", tmp_path / "data"
    memory = theirs(source)
    between(memory, "Mio", "Ann")
    (memory / "time_indexed_Mio.db").rename(memory / "time_indexed_Mio")
    per_character(memory, "Mio", "Ann")
    assert bring(source, data) == 0
    planned = capsys.readouterr().out
    assert bring(source, data, "--yes") == 0
    assert [line for line in planned.splitlines() if line.startswith("Mio: ")] == [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("Mio: ")
    ]
    assert said(data, "Mio") == SAID
    assert len(set(facts(data, "Mio"))) == len(facts(data, "Mio"))


def test_a_full_folder_with_one_character_in_each_layout(tmp_path: Path) -> None:
    source, data = tmp_path / "theirs", tmp_path / "data"
    make(source)
    shutil.rmtree(source / "memory" / "semantic_memory_test")
    for name in ("time_indexed_test", "recent_test.json", "settings_test.json"):
        (source / "memory" / name).unlink()
    per_character(source / "memory", "test", "哥哥")
    assert bring(source, data, "--yes") == 0
    assert said(data, "test") == SAID
    assert len(said(data, "小天")) == LINES


def test_damaged_facts_lose_only_what_is_damaged(tmp_path: Path) -> None:
    source, data = tmp_path / "theirs", tmp_path / "data"
    memory = theirs(source)
    per_character(memory, "Mio", "Ann")
    path = memory / "Mio" / "facts.json"
    path.write_bytes(path.read_bytes()[:-40])
    assert bring(source, data, "--yes") == 0
    assert ("character", "note", "Mio fears storms") in facts(data, "Mio")


def test_an_archive_of_such_a_memory_is_looked_into(tmp_path: Path) -> None:
    source, data = tmp_path / "theirs", tmp_path / "data"
    per_character(source, "Mio", "Ann")
    archive = shutil.make_archive(str(tmp_path / "memory"), "zip", source)
    assert main(["memory", "import", archive, "--data-dir", str(data)]) == 0
    assert said(data, "Mio") == SAID
    assert set(facts(data, "Mio")) >= FACTS
