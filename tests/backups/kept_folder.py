"""A data folder with something of every kind in it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

from neko.memory.service import MemoryService
from neko.storage import DataFolder
from neko.tasks import TaskOwner
from neko.types.lines import NewLine

KEY = "sk-of-the-user-0123456789"
PASSPHRASE = "nine lives and one tail"
SAID = ("my cat is called Biscuit", "he is ginger", "and he sleeps on the sofa")
START = datetime(2026, 3, 1, 12, 0)


def fill(data: Path, name: str = "Mio") -> None:
    """Make it, with what one character remembers."""
    DataFolder.open(data).close()
    cards = {"主人": {"档案名": "Ann"}, "猫娘": {name: {"性别": "女", "own": 7}}, "当前猫娘": name}
    core = {"coreApiKey": KEY, "coreApi": "openai", "unknown": [1, {"a": None}], "ttsVoiceId": "Chelsie"}
    core["summaryModelUrl"] = f"https://ann:{KEY}@example.org/v1"
    for path, document in {
        "config/characters.json": cards,
        "config/core_config.json": core,
        "config/user_preferences.json": [{"model_path": "/user_live2d/x", "scale": {"x": 1}}],
        "config/voice_storage.json": {KEY: {"v1": {"voice_id": "v1"}}},
        "config/mcp.json": {"mcpServers": {"files": {"command": "x", "env": {"TOKEN": KEY}}}},
        "config/bilibili_cookies.json": {"SESSDATA": KEY},
        "character_cards/Mio.chara.json": {"name": "Mio"},
        "live2d/mao/parameters.json": {"ParamAngleX": 1},
        "pictures/0a.json": {},
        "agent/browser/profile.json": {"login": KEY},
        "models/hearing/large.json": {},
        "memory/backups_Mio/20260301-120000": {},
    }.items():
        target = data / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    (data / "vrm" / "Ünïcode 猫.vrm").write_bytes(bytes(range(256)) * 100)
    asyncio.run(_talk(data / "memory", name))


async def _talk(folder: Path, name: str) -> None:
    async with TaskOwner("test") as owner:
        memory = MemoryService(folder, owner)
        await memory.start()
        for number, text in enumerate(SAID):
            await memory.store(name, NewLine("s", f"t{number}", "user", text, START + timedelta(minutes=number)))
        await memory.aclose()
