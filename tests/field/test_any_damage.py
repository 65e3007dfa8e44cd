"""Whatever happens to the bytes of her files, she starts, loses nothing in silence, and talks."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neko.errors import BackupUsedError, ConfigError, DefaultsUsedError, ReadLenientlyError
from neko.storage import is_object, read_document
from neko.well_formed import load_json
from tests.client import client
from tests.memory.memory_folder import MIO, MemoryFolder, new_line
from tests.page.running_neko import RunningNeko

DOCUMENT = json.dumps({"a": {"b": [1, 2, "猫"]}, "c": None}, ensure_ascii=False, indent=2).encode()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document that was cut, overwritten, doubled or changed in some bytes."""
    content = bytearray(DOCUMENT)
    kind = draw(st.sampled_from(["cut", "bytes", "noise", "doubled", "inserted"]))
    at = draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        return bytes(content[:at])
    if kind == "noise":
        return draw(st.binary(max_size=60))
    if kind == "doubled":
        return bytes(content + content[at:])
    if kind == "inserted":
        return bytes(content[:at]) + draw(st.binary(min_size=1, max_size=4)) + bytes(content[at:])
    for byte in draw(st.binary(min_size=1, max_size=6)):
        content[at] = byte
        at = (at * 7 + 3) % len(content)
    return bytes(content)


@given(content=damaged(), has_backup=st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_document_is_read_or_kept_and_told_with_its_place(content: bytes, has_backup: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_bytes(content)
        if has_backup:
            path.with_name("a.json.bak").write_bytes(DOCUMENT)
        told: list[ConfigError] = []
        value = read_document(path, {"default": True}, is_object, told.append)
        assert isinstance(value, dict)
        kept = [file.read_bytes() for file in Path(folder).glob("a.json.damaged-*")]
        if told:
            (fault,) = told
            assert kept == [content]
            if isinstance(fault, BackupUsedError):
                assert value == json.loads(DOCUMENT)
            elif isinstance(fault, DefaultsUsedError):
                assert value == {"default": True}
            else:
                assert isinstance(fault, ReadLenientlyError)
            line, column = int(fault.params["line"]), int(fault.params["column"])
            assert 1 <= line <= content.count(b"\n") + 1
            assert 1 <= column <= len(content) + 1
        else:
            assert kept == []
            assert path.read_bytes() == content


SETTINGS: Mapping[str, Any] = {
    "coreApi": "qwen",
    "openrouterUrl": "https://example.com/v1?a=b#c",
    "neko": {"language": "ja", "localOnly": True, "voices": {"小澪": {"rate": 1.25, "name": None}}},
    "models": ["gemma3:4b", 'Müller\'s "best"', "C:\\models"],
    "textGuardMaxLength": 300,
}
LINES = json.dumps(SETTINGS, ensure_ascii=False, indent=2).splitlines(keepends=True)


@st.composite
def slipped(draw: st.DrawFn) -> tuple[int, str]:
    """The settings with one letter deleted, put in or doubled, and the line where that is."""
    number = draw(st.integers(0, len(LINES) - 1))
    line = LINES[number]
    at = draw(st.integers(0, len(line) - 1))
    kind = draw(st.sampled_from(["deleted", "doubled", "put in"]))
    letter = draw(st.sampled_from("\"',:{}[]/\\#“ a1")) if kind == "put in" else line[at] * (kind == "doubled")
    line = line[:at] + letter + line[at + (kind == "deleted") :]
    return number, "".join([*LINES[:number], line, *LINES[number + 1 :]])


@given(slip=slipped(), has_backup=st.booleans())
@settings(max_examples=500, deadline=None)
def test_one_letter_wrong_costs_no_key_that_it_does_not_touch_or_the_backup_counts(
    slip: tuple[int, str], has_backup: bool
) -> None:
    number, text = slip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "core_config.json"
        path.write_text(text, encoding="utf-8")
        if has_backup:
            path.with_name("core_config.json.bak").write_text(json.dumps(SETTINGS), encoding="utf-8")
        told: list[ConfigError] = []
        value = read_document(path, {"default": True}, is_object, told.append)
        kept = [file.read_text(encoding="utf-8") for file in Path(folder).glob("*.damaged-*")]
    try:
        whole = load_json(text)
    except ValueError:
        whole = None
    if whole is not None:
        assert value == whole
        assert (told, kept) == ([], [])
        return
    (fault,) = told
    assert kept == [text]
    if isinstance(fault, BackupUsedError):
        assert value == SETTINGS
    else:
        assert isinstance(fault, ReadLenientlyError)
        if has_backup:
            touched = set(re.findall(r'"(\w+)":', LINES[number]))
            assert keys(SETTINGS) - touched <= keys(value)


def keys(value: Any) -> set[str]:
    """At every depth."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set(value if isinstance(value, dict) else ()).union(*map(keys, inside))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.few(8)
async def test_a_log_with_any_bytes_spoilt_is_read_and_written(tmp_path: Path, seed: int) -> None:
    async with AsyncExitStack() as stack:
        folder = MemoryFolder(tmp_path / "memory", stack)
        memory = await folder.open()
        for number in range(60):
            await memory.store(MIO, new_line(f"line {number} " + "x" * 300))
        await memory.aclose()
        random = Random(seed)
        with folder.log.open("r+b") as file:
            size = folder.log.stat().st_size
            for _ in range(1 + seed % 5):
                file.seek(random.randrange(size))
                file.write(random.randbytes(random.choice([1, 16, 512, 5000])))
        memory = await folder.open()
        new = (await memory.store(MIO, new_line("and on", client_id="new"))).line
        lines = await memory.lines(MIO, limit=200)
        assert new in lines
        assert new.id > 60
        ids = [line.id for line in lines]
        assert ids == sorted(set(ids))
        assert folder.reports or len(lines) == 61
        assert await memory.recall(MIO, "line") is not None
        assert await memory.recent(MIO)


@pytest.mark.parametrize("seed", range(6))
async def test_she_starts_and_talks_over_a_folder_of_noise(data_dir: Path, seed: int) -> None:
    random = Random(seed)
    names = ["config/characters.json", "config/core_config.json", "config/user_preferences.json"]
    names += [f"{name}.bak" for name in names] + ["memory/time_indexed_Mio", "memory/recent_Mio.json"]
    content = {name: random.randbytes(random.choice([0, 1, 100, 5000])) for name in names}
    for name, noise in content.items():
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / name).write_bytes(noise)
    async with RunningNeko(data_dir, voice="off") as neko:
        async with client(neko.url.replace("http", "ws", 1), "Mio") as page:
            await page.say("hello")
            text, _ = await page.reply()
            assert text
        async with httpx2.AsyncClient(base_url=neko.url, trust_env=False) as http:
            assert (await http.get("/api/history/Mio")).status_code == 200
            assert (await http.get("/api/faults")).json()["faults"]
    somewhere = [path.read_bytes() for path in data_dir.rglob("*") if path.is_file()]
    for name, noise in content.items():
        assert not noise or name.endswith(".bak") or noise in somewhere
    shutil.rmtree(data_dir)
