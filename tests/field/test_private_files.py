"""Files of words and keys are for their owner's eyes only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.client import client
from tests.page.running_neko import RunningNeko

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def open_to_others(folder: Path) -> list[str]:
    """What others may do something with, the folder included."""
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


async def talk(neko: RunningNeko) -> None:
    """Make every kind of file: settings with backups, the log, the recent window."""
    async with client(neko.url.replace("http", "ws", 1), "Mio") as page:
        for words in ("hello", "good bye"):
            await page.say(words)
            await page.reply()
    for number in range(2):
        await neko.neko.config.change({"coreApiKey": f"sk-{number}"})
        await neko.neko.characters.set_microphone(str(number))
        place = {"model_path": "/a", "position": {"x": number, "y": 0}, "scale": {"x": 1, "y": 1}}
        neko.neko.preferences.store(place)


async def test_nobody_else_can_read_what_she_writes(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        async with RunningNeko(tmp_path / "a" / "data", voice="off") as neko:
            await talk(neko)
            assert open_to_others(tmp_path / "a") == []
        assert open_to_others(tmp_path / "a") == []
    finally:
        os.umask(before)
    names = {path.name for path in (tmp_path / "a").rglob("*")}
    wanted = {"time_indexed_Mio", "recent_Mio.json", "core_config.json", "core_config.json.bak", "characters.json.bak"}
    assert wanted | {"user_preferences.json.bak"} <= names


async def test_what_was_open_to_others_is_closed_at_the_start(data_dir: Path) -> None:
    async with RunningNeko(data_dir, voice="off") as neko:
        await talk(neko)
    kept = data_dir / "memory" / "time_indexed_Mio.damaged-20260101-000000"
    kept.write_text("words", encoding="utf-8")
    for path in (*(data_dir / "config").iterdir(), *(data_dir / "memory").iterdir()):
        path.chmod(0o644)
    async with RunningNeko(data_dir, voice="off"):
        assert open_to_others(data_dir / "config") + open_to_others(data_dir / "memory") == []


async def test_a_damaged_file_and_what_comes_in_its_place_are_closed_too(data_dir: Path) -> None:
    for name in ("config/characters.json", "config/core_config.json.bak", "memory/time_indexed_Mio"):
        file = data_dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"no database, no JSON\n" * 300)
        file.chmod(0o666)
    async with RunningNeko(data_dir, voice="off") as neko:
        await talk(neko)
        for folder in ("config", "memory"):
            assert [path for path in open_to_others(data_dir / folder) if Path(path).is_file()] == []
