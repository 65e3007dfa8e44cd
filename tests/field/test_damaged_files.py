"""Files of the user that are damaged, or hold what cannot be used: told at every start until it is dealt with."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from neko.characters import is_characters
from neko.errors import BackupUsedError, ConfigError, ReadLenientlyError
from neko.preferences import Preferences
from neko.set_aside import where_damaged
from neko.storage import is_object, read_document, write_json
from neko.types.lines import NewLine
from tests.client import Frame, client
from tests.page.running_neko import RunningNeko
from tests.serve.process import run_to_end

CHARACTERS: Mapping[str, Any] = {"主人": {"档案名": "Anna"}, "猫娘": {"Luna": {"性格": "calm"}}, "当前猫娘": "Luna"}
CORE_CONFIG: Mapping[str, Any] = {"neko": {"language": "ja"}, "somebody's": 7}
PREFERENCES = [{"model_path": "/a", "position": {"x": 1.0, "y": 2.0}, "scale": {"x": 1.0, "y": 1.0}}]
DOCUMENTS: Mapping[str, Any] = {
    "characters.json": CHARACTERS,
    "core_config.json": CORE_CONFIG,
    "user_preferences.json": PREFERENCES,
}
DAMAGES: Mapping[str, bytes] = {
    "half-written": b'{"a": {"b": [1, 2',
    "empty": b"",
    "no-utf8": b'{\n"a": "\xff\xfe"}',
    "zeros": b"\0" * 4096,
    "endless-depth": b"[" * 100_000,
    "web-page": b"<!doctype html>\n<html>",
    "wrong-type": b'"text"',
    "number": b"7",
    "chars_null_bak": b"null",
}
PLACES = {"half-written": (1, 18), "empty": (1, 1), "no-utf8": (2, 7), "web-page": (1, 1)}


class HasAddress(Protocol):
    @property
    def url(self) -> str: ...


def standing(frames: list[Frame]) -> list[Frame]:
    """What a client is told of that stays wrong."""
    return [frame for frame in frames if frame["type"] == "status" and frame.get("fault")]


async def told(neko: RunningNeko, character: str) -> list[Frame]:
    """What a client of this character is told when it comes."""
    async with client(neko.url.replace("http", "ws", 1), character) as page:
        return standing(await page.quiet())


async def ask(neko: HasAddress, path: str, body: Any = None) -> Any:
    """The answer of a GET, or with a ``body`` of a POST."""
    async with httpx2.AsyncClient(base_url=neko.url, trust_env=False) as http:
        answer = await (http.get(path) if body is None else http.post(path, json=body))
        return answer.json()


def written(data_dir: Path, name: str, content: bytes, backup: Any = None) -> Path:
    file = data_dir / "config" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if backup is not None:
        file.with_name(file.name + ".bak").write_text(json.dumps(backup, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.few(8)
async def test_a_damaged_file_gives_way_to_its_backup_and_stays_told_E11(
    data_dir: Path, name: str, damage: str
) -> None:
    content = DAMAGES[damage]
    file = written(data_dir, name, content, DOCUMENTS[name])
    for start in range(2):
        async with RunningNeko(data_dir) as neko:
            current = neko.neko.characters.current
            (status,) = await told(neko, current)
            assert status["level"] == "error"
            assert status["dismissible"]
            assert name in status["message"]
            assert str(data_dir) not in json.dumps(status)
            if damage in PLACES:
                line, column = PLACES[damage]
                place = f"{line} 行 {column} 桁" if name == "core_config.json" else f"line {line}, column {column}"
                assert place in status["message"]
            assert json.loads(file.read_text(encoding="utf-8")) == DOCUMENTS[name]
            assert (current == "Luna") is (name == "characters.json")
            (kept,) = file.parent.glob(f"{name}.damaged-*")
            assert kept.read_bytes() == content
            if start == 1:
                assert await ask(neko, "/api/faults/dismiss", {"id": status["fault"]}) == {"success": True}
                assert await told(neko, current) == []
    async with RunningNeko(data_dir) as neko:
        assert await told(neko, neko.neko.characters.current) == []
    (kept,) = file.parent.glob(f"{name}.damaged-*")
    assert kept.read_bytes() == content


async def test_what_has_no_backup_is_told_and_kept_though_it_is_saved_over_E11(data_dir: Path) -> None:
    file = written(data_dir, "characters.json", b"<html>")
    async with RunningNeko(data_dir) as neko:
        (status,) = await told(neko, "Mio")
        assert status["code"] == "damaged_file_defaults"
        await neko.neko.characters.set_microphone("m")
    async with RunningNeko(data_dir) as neko:
        assert [status["code"] for status in await told(neko, "Mio")] == ["damaged_file"]
        assert [fault["id"] for fault in (await ask(neko, "/api/faults"))["faults"]] == [status["fault"]]
    (kept,) = file.parent.glob("characters.json.damaged-*")
    assert kept.read_bytes() == b"<html>"


@pytest.mark.parametrize("dealt", ["mended", "put back", "deleted", "moved while she runs"])
async def test_a_damaged_file_is_told_no_more_once_its_owner_has_dealt_with_it_E11(data_dir: Path, dealt: str) -> None:
    file = written(data_dir, "characters.json", b"<html>")
    async with RunningNeko(data_dir) as neko:
        assert len(await told(neko, "Mio")) == 1
        (kept,) = file.parent.glob("characters.json.damaged-*")
        if dealt == "moved while she runs":
            kept.rename(data_dir / "mine.json")
            assert await told(neko, "Mio") == []
            return
    if dealt == "deleted":
        kept.unlink()
    else:
        kept.write_text('{"猫娘": {"Luna": {}}}', encoding="utf-8")
    if dealt == "put back":
        kept.rename(file)
    async with RunningNeko(data_dir) as neko:
        current = "Mio" if dealt == "deleted" else "Luna"
        assert neko.neko.characters.current == current
        assert await told(neko, current) == []
    assert list(file.parent.glob("*.damaged-*")) == []


async def test_a_file_that_was_damaged_while_she_ran_is_not_saved_over_E11(data_dir: Path) -> None:
    file = data_dir / "config" / "core_config.json"
    async with RunningNeko(data_dir) as neko:
        await neko.neko.config.change({"one": 1})
        file.write_bytes(b'{"by hand": ')
        await neko.neko.config.change({"two": 2})
    async with RunningNeko(data_dir) as neko:
        assert [status["code"] for status in await told(neko, "Mio")] == ["damaged_file"]
        assert neko.neko.config.values == {"one": 1, "two": 2}
    (kept,) = file.parent.glob("core_config.json.damaged-*")
    assert kept.read_bytes() == b'{"by hand": '


SLIPS: Mapping[str, Callable[[str], str]] = {
    "trailing comma": lambda text: text[:-2] + ",\n}",
    "every trailing comma": lambda text: re.sub(r"(?<=[^\[{,\s])\n(\s*[}\]])", r",\n\1", text),
    "line comment": lambda text: text.replace("\n", "  // mine\n", 1),
    "hash comment": lambda text: text.replace("\n", "  # mine\n", 1),
    "block comment": lambda text: text.replace("\n", "\n/* it's \n mine */\n", 1),
    "a key in a comment": lambda text: text.replace("\n", '\n// "old": 1,\n', 1),
    "single quotes": lambda text: text.replace('"', "'"),
    "smart quotes": lambda text: re.sub('"([^"]*)"', "“\\1”", text),
    "some smart quotes": lambda text: re.sub('"([^"]*)":', "“\\1”:", text),
    "bare keys": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    "a bare key": lambda text: re.sub(r'"(\w+)":', r"\1:", text, count=1),
    "no last brace": lambda text: text.rstrip()[:-1],
    "a brace too many": lambda text: text + "}\n",
    "a comma missing": lambda text: text.replace(",\n", "\n", 1),
    "mark before the comma": lambda text: "\ufeff" + text[:-2] + ",\n}",
    "tabs in texts": lambda text: text.replace("calm", "ca\tlm").replace("Boss", "Bo\tss").replace("\n}", ",\n}"),
    "Python's words": lambda text: text.replace("true", "True").replace("null", "None"),
}
BY_HAND: Mapping[str, Mapping[str, Any]] = {
    "characters.json": {
        "主人": {"档案名": "Boss"},
        "猫娘": {"Luna": {"性格": "calm", "likes": ["tea", "rain"]}, "Rin": {"awake": True, "age": None}},
        "当前猫娘": "Rin",
    },
    "core_config.json": {"coreApi": "qwen", "mine": True, "none": None, "neko": {"language": "en", "x": {"y": "Boss"}}},
}


OLDER: Mapping[str, Any] = {
    "characters.json": {"主人": {"档案名": "Anna"}, "猫娘": {"Luna": {}}},
    "core_config.json": {"coreApi": "openai", "neko": {"language": "ja"}},
}


@pytest.mark.parametrize("older_backup", [False, True], ids=["alone", "with an older backup"])
@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_who_edits_by_hand_costs_nothing_and_is_told_E11(
    tmp_path: Path, slip: str, name: str, older_backup: bool
) -> None:
    wanted = BY_HAND[name]
    older = OLDER[name] if older_backup else None
    text = SLIPS[slip](json.dumps(wanted, ensure_ascii=False, indent=2) + "\n")
    path = written(tmp_path, name, text.encode(), older)
    told: list[ConfigError] = []
    value = read_document(path, {}, is_characters if name == "characters.json" else is_object, told.append)
    assert json.dumps(value, ensure_ascii=False).replace("\\t", "") == json.dumps(wanted, ensure_ascii=False)
    (fault,) = told
    assert isinstance(fault, ReadLenientlyError)
    (kept,) = path.parent.glob(f"{name}.damaged-*")
    assert kept.read_bytes() == text.encode()
    assert (fault.params["line"], fault.params["column"]) == where_damaged(text.encode())
    assert json.loads(path.read_text(encoding="utf-8")) == value


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
@pytest.mark.parametrize("name", BY_HAND)
def test_another_encoding_of_unicode_is_no_damage_E10(tmp_path: Path, name: str, encoding: str) -> None:
    path = written(tmp_path, name, json.dumps(BY_HAND[name], ensure_ascii=False).encode(encoding))
    told: list[ConfigError] = []
    assert read_document(path, {}, is_object, told.append) == BY_HAND[name]
    assert told == []
    write_json(path, {"saved": 1})
    assert json.loads(path.with_name(f"{name}.bak").read_bytes().decode(encoding)) == BY_HAND[name]
    assert list(path.parent.glob("*.damaged-*")) == []


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("cut in a key", b'{"coreApi": "qwen", "ne'),
        ("cut after a value", b'{"coreApi": "qwen",\n'),
        ("a brace swallows a key", b'{"coreApi":{ "qwen",\n"neko": {}}'),
        ("the first brace of an inner object is closed late", b'{"neko": {"language": "en", "coreApi": "qwen"}'),
        ("bytes of no text", b'{"coreApi": "qwen", "neko": "\xff", "n": 1,}'),
    ],
)
def test_a_backup_counts_where_the_file_lacks_something_that_it_has_E11(
    tmp_path: Path, what: str, content: bytes
) -> None:
    backup = {"coreApi": "openai", "neko": {"language": "ja"}}
    path = written(tmp_path, "core_config.json", content, backup)
    told: list[ConfigError] = []
    assert read_document(path, {}, is_object, told.append) == backup, what
    assert [type(fault) for fault in told] == [BackupUsedError]


@pytest.mark.parametrize("cut", ["t", "tru", "fal", "fals\n", "nul"])
def test_a_switch_that_a_file_breaks_off_in_is_not_on_E11(tmp_path: Path, cut: str) -> None:
    content = b'{\n"coreApi": "qwen", "note": "true: fal",\n"enableCustomApi": ' + cut.encode()
    path = written(tmp_path, "core_config.json", content)
    assert read_document(path, {}, is_object, lambda _: None) == {"coreApi": "qwen", "note": "true: fal"}


def test_a_list_that_breaks_off_gives_way_to_a_longer_backup_E11(tmp_path: Path) -> None:
    backup = [{"model_path": "/a", "scale": 1}, {"model_path": "/b", "scale": 2}]
    path = written(tmp_path, "user_preferences.json", json.dumps(backup)[:-24].encode(), backup)
    told: list[ConfigError] = []
    assert Preferences(path, told.append).read() == backup
    assert [type(fault) for fault in told] == [BackupUsedError]


async def test_a_slip_is_told_at_every_start_and_by_the_doctor_until_it_is_mended_E11(
    data_dir: Path, free_port: int
) -> None:
    at = ("--data-dir", str(data_dir), "--port", str(free_port))
    content = '{\n "猫娘": {"Luna": {"性格": "calm",}},\n "当前猫娘": "Luna"\n}'.encode()
    file = written(data_dir, "characters.json", content)
    outcome = await run_to_end("doctor", *at)
    assert "line 2, column 31" in outcome.out
    assert file.read_bytes() == content
    codes = []
    for _ in range(2):
        async with RunningNeko(data_dir) as neko:
            assert neko.neko.characters.names == ["Luna"]
            (status,) = await told(neko, "Luna")
            codes.append(status["code"])
            assert status["dismissible"]
            assert "line 2, column 31" in status["message"]
    assert codes == ["damaged_file_read", "damaged_file"]
    (kept,) = file.parent.glob("characters.json.damaged-*")
    assert kept.read_bytes() == content
    assert "line 2, column 31" in (await run_to_end("doctor", *at)).out
    kept.write_bytes(content.replace(b",}", b"}").replace(b"calm", b"wild"))
    async with RunningNeko(data_dir) as neko:
        assert await told(neko, "Luna") == []
        assert neko.neko.characters.cards.card("Luna")["性格"] == "wild"


async def test_a_variable_that_cannot_be_used_is_told_to_who_comes(data_dir: Path) -> None:
    async with RunningNeko(data_dir, environ={"NEKO_CALL_MARK_S": "3"}) as neko:
        (status,) = await told(neko, neko.neko.characters.current)
        assert status["code"] == "variable_unusable"
        assert "NEKO_CALL_MARK_S" in status["message"]
        assert "between 10 and 3600" in status["message"]


async def test_the_doctor_counts_what_can_be_read_of_the_settings_E11(data_dir: Path, free_port: int) -> None:
    content = b'{"neko": {"language": "ja",}, // mine\n}'
    file = written(data_dir, "core_config.json", content)
    outcome = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    assert "language (" in outcome.out
    assert file.read_bytes() == content


async def test_a_slip_made_while_she_runs_is_kept_and_its_change_is_not_lost_E11(data_dir: Path) -> None:
    file = data_dir / "config" / "core_config.json"
    async with RunningNeko(data_dir) as neko:
        await neko.neko.config.change({"one": 1})
        file.write_bytes(b'{"one": 1, "by hand": 2,}')
        await neko.neko.config.change({"two": 2})
        assert dict(neko.neko.config.values) == {"one": 1, "by hand": 2, "two": 2}
    (kept,) = file.parent.glob("core_config.json.damaged-*")
    assert kept.read_bytes() == b'{"one": 1, "by hand": 2,}'


DAMAGED_WHILE_SHE_RUNS = {
    "slip": (b'{"one": 1, "by hand": 2,}', "damaged_file_read"),
    "cut": (b'{"one"', "damaged_file_backup"),
}


@pytest.mark.parametrize(("content", "code"), DAMAGED_WHILE_SHE_RUNS.values(), ids=DAMAGED_WHILE_SHE_RUNS)
async def test_damage_done_while_she_runs_is_told_with_its_place_until_it_is_dealt_with_E11(
    data_dir: Path, content: bytes, code: str
) -> None:
    file = data_dir / "config" / "core_config.json"
    async with RunningNeko(data_dir) as neko:
        await neko.neko.config.change({"one": 1})
        file.write_bytes(content)
        await neko.neko.config.change({"two": 2})
        (status,) = await told(neko, "Mio")
        assert status["code"] == code
        assert "core_config.json" in status["message"] + status["remedy"]
        assert "1" in status["message"] + status["remedy"]
        await neko.stop()
        await neko.start()
        (again,) = await told(neko, "Mio")
        assert again["fault"] == status["fault"]
        (aside,) = file.parent.glob("core_config.json.damaged-*")
        aside.unlink()
        assert await told(neko, "Mio") == []


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_file_that_cannot_be_read_keeps_nobody_away_E16(data_dir: Path, name: str) -> None:
    (data_dir / "config" / name).mkdir(parents=True)
    async with RunningNeko(data_dir) as neko:
        assert [status["code"] for status in await told(neko, "Mio")] == ["file_unreadable"]
        (fault,) = (await ask(neko, "/api/faults"))["faults"]
        assert f"config/{name}" in fault["message"]
        assert str(data_dir) not in str(fault)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_byte_order_mark_and_windows_line_ends_are_no_damage_E10(data_dir: Path, name: str) -> None:
    text = json.dumps(DOCUMENTS[name], ensure_ascii=False, indent=2).replace("\n", "\r\n")
    file = written(data_dir, name, b"\xef\xbb\xbf" + text.encode())
    async with RunningNeko(data_dir) as neko:
        assert await told(neko, neko.neko.characters.current) == []
        assert list(file.parent.glob("*.damaged-*")) == []


async def test_values_that_cannot_be_used_are_named_until_they_are_set_anew_E11(data_dir: Path) -> None:
    stored = {"coreApi": 7, "neko": {"language": "klingon", "voices": {"Mio": {"rate": float("nan")}}}}
    written(data_dir, "core_config.json", json.dumps(stored).encode())
    for _ in range(2):
        async with RunningNeko(data_dir) as neko:
            statuses = await told(neko, "Mio")
            assert {status["code"] for status in statuses} == {"value_unusable"}
            keys = ("coreApi", "neko.language", "neko.voices.Mio.rate")
            assert all(any(key in status["message"] for status in statuses) for key in keys)
            assert (await ask(neko, "/api/speech"))["rate"] == 1.0
    async with RunningNeko(data_dir) as neko:
        async with client(neko.url.replace("http", "ws", 1), "Mio") as page:
            assert len(standing(await page.quiet())) == 3
            await ask(neko, "/api/speech", {"rate": 1.5})
            await page.until("neko_fault_over")
        await neko.neko.config.change({"coreApi": "qwen", "neko": {"language": "en"}})
        assert await told(neko, "Mio") == []


async def test_the_doctor_names_line_and_column_and_what_was_set_aside_E11(data_dir: Path, free_port: int) -> None:
    at = ("--data-dir", str(data_dir), "--port", str(free_port))
    file = written(data_dir, "characters.json", b'{\n "a": 1,\n}', CHARACTERS)
    before = await run_to_end("doctor", *at)
    async with RunningNeko(data_dir):
        (kept,) = file.parent.glob("characters.json.damaged-*")
    after = await run_to_end("doctor", *at)
    for outcome in (before, after):
        (line,) = [line for line in outcome.out.splitlines() if line.startswith("note  files")]
        assert "line 3, column 1" in line
    assert str(file) in before.out
    assert str(kept) in after.out


async def test_the_doctor_can_name_files_that_the_terminal_cannot_show_E16(tmp_path: Path, free_port: int) -> None:
    data_dir = tmp_path / "猫 🐈"
    written(data_dir, "core_config.json", b'{"coreApi": 7}')
    at = ("--data-dir", str(data_dir), "--port", str(free_port))
    outcome = await run_to_end("doctor", *at, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert outcome.code == 0, outcome.err
    assert "coreApi" in outcome.out
    assert "Traceback" not in outcome.err


async def test_the_doctor_does_not_show_the_password_in_an_address(data_dir: Path, free_port: int) -> None:
    address = "http://anna:geheim@127.0.0.1:9/v1"
    stored = {"enableCustomApi": True, "conversationModelUrl": address, "conversationModelId": "m"}
    written(data_dir, "core_config.json", json.dumps(stored).encode())
    outcome = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    assert "127.0.0.1:9" in outcome.out
    assert "geheim" not in outcome.out


# ── names of characters ──────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["AC/DC", "a..b", "..", "back\\slash", "line\nbreak", "tab\there", "猫" * 80, " "])
async def test_a_name_that_cannot_be_used_is_told_and_the_rest_works_E9(data_dir: Path, name: str) -> None:
    document = {"猫娘": {name: {}, "Luna": {}}, "当前猫娘": name}
    written(data_dir, "characters.json", json.dumps(document).encode())
    async with RunningNeko(data_dir, voice="off") as neko:
        assert (await ask(neko, "/api/config/page_config"))["lanlan_name"] == "Luna"
        async with client(neko.url.replace("http", "ws", 1), "Luna") as page:
            (status,) = standing(await page.quiet())
            assert status["code"] == "name_unusable"
            assert "config/characters.json" in status["remedy"]
            await page.say("hello")
            text, _ = await page.reply()
            assert text
        chosen = await ask(neko, "/api/characters/current_catgirl", {"catgirl_name": name})
        assert chosen["success"] is False
        if name.strip():
            assert chosen["code"] == "name_unusable"


@pytest.mark.parametrize("name", ["🐈", "100%", "a#b", "who?", "Anna Maria", "x" * 120, "名前"])
async def test_an_unusual_name_can_be_talked_with_E9(data_dir: Path, name: str) -> None:
    written(data_dir, "characters.json", json.dumps({"猫娘": {name: {}}, "当前猫娘": name}).encode())
    async with RunningNeko(data_dir, voice="off") as neko:
        async with client(neko.url.replace("http", "ws", 1), name) as page:
            assert standing(await page.quiet()) == []
            await page.say("hello")
            await page.reply()
        assert len(await neko.neko.memory.lines(name)) == 2


# ── a log ────────────────────────────────────────────────────────────────────


async def test_a_damaged_log_is_told_to_its_own_character_and_to_who_comes_later(data_dir: Path) -> None:
    written(data_dir, "characters.json", json.dumps({"猫娘": {"Mio": {}, "Rin": {}}, "当前猫娘": "Mio"}).encode())
    log = data_dir / "memory" / "time_indexed_Rin"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"no database at all\n" * 100)
    async with RunningNeko(data_dir, voice="off") as neko, client(neko.url.replace("http", "ws", 1), "Mio") as mio:
        for _ in range(2):
            assert [status["code"] for status in await told(neko, "Rin")] == ["damaged_log"]
        assert standing(await mio.quiet()) == []
        assert [fault["character"] for fault in (await ask(neko, "/api/faults"))["faults"]] == ["Rin"]
    async with RunningNeko(data_dir, voice="off") as neko:
        assert await told(neko, "Mio") == []
        (status,) = await told(neko, "Rin")
        await ask(neko, "/api/faults/dismiss", {"id": status["fault"]})
        assert await told(neko, "Rin") == []


async def test_the_doctor_counts_the_lines_of_a_running_neko_and_takes_nothing_from_her(
    data_dir: Path, free_port: int
) -> None:
    at = ("--data-dir", str(data_dir), "--port", str(free_port))
    assert "ok    memory: nothing is kept yet" in (await run_to_end("doctor", *at)).out
    async with RunningNeko(data_dir, voice="off") as neko, client(neko.url.replace("http", "ws", 1), "Mio") as page:
        for count in (2, 4):
            await page.say("hello")
            await page.reply()
            assert f"ok    memory: lines that can be read: Mio {count}" in (await run_to_end("doctor", *at)).out
    async with RunningNeko(data_dir, voice="off") as neko:
        assert len(await neko.neko.memory.lines("Mio")) == 4


@pytest.mark.parametrize("spoilt", ["header", "page"])
async def test_the_doctor_finds_a_damaged_log_before_she_does_and_changes_nothing(
    data_dir: Path, free_port: int, spoilt: str
) -> None:
    written(data_dir, "characters.json", json.dumps({"猫娘": {"Mio": {}, "Rin": {}}, "当前猫娘": "Mio"}).encode())
    async with RunningNeko(data_dir, voice="off") as neko:
        for name in ("Mio", "Rin"):
            for number in range(40):
                line = NewLine("s", "t", "user", f"line {number} " + "x" * 400, datetime(2026, 5, 3, 12))
                await neko.neko.memory.store(name, line)
    log = data_dir / "memory" / "time_indexed_Rin"
    with log.open("r+b") as file:
        file.seek(0 if spoilt == "header" else log.stat().st_size - 4096)
        file.write(b"\xff" * 512)
    before = log.read_bytes()
    found = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    assert found.code == 0, found.out + found.err
    (told,) = [line for line in found.out.splitlines() if line.startswith("note  memory")]
    assert str(log) in told
    assert "Mio 40, Rin " in told
    assert log.read_bytes() == before
    assert sorted(path.name for path in log.parent.glob("time_indexed_*")) == ["time_indexed_Mio", "time_indexed_Rin"]
    async with RunningNeko(data_dir, voice="off") as neko:
        assert told.endswith(f"Rin {len(await neko.neko.memory.lines('Rin', limit=100))}")


async def test_the_doctor_names_a_log_that_another_program_holds(data_dir: Path, free_port: int) -> None:
    async with RunningNeko(data_dir, voice="off") as neko:
        await neko.neko.memory.store("Mio", NewLine("s", "t", "user", "hello", datetime(2026, 5, 3, 12)))
    log = data_dir / "memory" / "time_indexed_Mio"
    with closing(sqlite3.connect(log, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN IMMEDIATE")
        found = await run_to_end("doctor", "--data-dir", str(data_dir), "--port", str(free_port))
    (told,) = [line for line in found.out.splitlines() if line.startswith("note  memory")]
    assert "Another program is holding my memory" in told
    assert str(log) in told


async def test_an_unknown_fault_cannot_be_dismissed(data_dir: Path) -> None:
    async with RunningNeko(data_dir) as neko:
        for fault in ("", "../config/core_config.json", "core_config.json", "memory:Mio"):
            assert (await ask(neko, "/api/faults/dismiss", {"id": fault}))["success"] is False


async def test_what_was_written_into_a_file_by_hand_while_she_ran_is_not_lost_at_the_next_save(data_dir: Path) -> None:
    config = data_dir / "config"
    async with RunningNeko(data_dir) as neko:
        await neko.neko.config.change({"one": 1})
        stored = json.loads((config / "core_config.json").read_text(encoding="utf-8"))
        (config / "core_config.json").write_text(json.dumps({**stored, "by hand": True}), encoding="utf-8")
        cards = json.loads((config / "characters.json").read_text(encoding="utf-8"))
        cards["猫娘"]["Luna"] = {"性格": "calm"}
        (config / "characters.json").write_text(json.dumps(cards), encoding="utf-8")
        await neko.neko.config.change({"two": 2})
        await neko.neko.characters.set_microphone("m")
        assert dict(neko.neko.config.values) == {"one": 1, "by hand": True, "two": 2}
        assert neko.neko.characters.names == ["Mio", "Luna"]
        assert await told(neko, "Luna") == []
