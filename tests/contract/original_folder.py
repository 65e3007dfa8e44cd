"""A full data folder of N.E.K.O. (``contract/config.md``, ``contract/memory.md`` §2-4), and if it could read one."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("test", "小天")
MASTER: Final = "哥哥"
KEY: Final = "sk-0123456789abcdefghij"
LINES: Final = 40
SETTLED: Final = {"test": range(20, 23), "小天": range(0)}
"""Which of the lines stand in the log as well: N.E.K.O. puts those there that were left when a talk ended, mostly none
(``contract/memory.md`` §6)."""

_LIGHTING: Final = {"ambient": 0.4, "main": 1.2, "fill": 0.5, "rim": 0.8, "top": 0.3, "bottom": 0.15}
CHARACTERS: Final[dict[str, Any]] = {
    "主人": {"档案名": MASTER, "性别": "男", "昵称": "哥哥", "生日": "3月1日"},
    "猫娘": {
        "test": {
            "性别": "女",
            "年龄": 15,
            "昵称": "T酱, 小T",
            "live2d": "mao_pro",
            "voice_id": "",
            "system_prompt": "You are {LANLAN_NAME}, relative of {MASTER_NAME}.",
            "somebody's": {"nested": [1, None, True]},
        },
        "小天": {
            "性格": "安静",
            "model_type": "vrm",
            "vrm": "/user_vrm/sister.vrm",
            "idleAnimation": "/user_vrm/animation/idle.vrma",
            "lighting": {**_LIGHTING, "exposure": 1.1},
            "item_id": "3000000001",
            "创意工坊物品ID": "3000000001",
            "角色卡描述": "A quiet one.",
        },
    },
    "当前猫娘": "小天",
    "当前麦克风": "default",
    "somebody's": 7,
}
CORE_CONFIG: Final[dict[str, Any]] = {
    "coreApiKey": KEY,
    "coreApi": "qwen",
    "assistApi": "qwen",
    "assistApiKeyQwen": KEY,
    "assistApiKeyKimi": "sk-kimi-0123456789",
    "mcpToken": "",
    "enableCustomApi": False,
    "ttsVoiceId": "__gptsovits_disabled__|http://127.0.0.1:9881|neko",
    "recent_memory_auto_review": False,
    "conversationModel": "read by nobody",
    "somebody's": {"a": 1},
}
PREFERENCES: Final[list[dict[str, Any]]] = [
    {
        "model_path": "/user_vrm/sister.vrm",
        "position": {"x": 0.0, "y": -1.0, "z": 0.0},
        "scale": {"x": 1.0, "y": 1.0, "z": 1.0},
        "rotation": {"x": 0, "y": 0, "z": 0},
        "camera_position": {"x": 0, "y": 1, "z": 3},
        "viewport": {"width": 1920, "height": 1080},
    },
    {
        "model_path": "/user_live2d/Mio/Mio.model3.json",
        "position": {"x": 1200.0, "y": 620.0},
        "scale": {"x": 0.2, "y": 0.2},
        "parameters": {"ParamAngleX": 0.0},
        "display": {"screenX": 0, "screenY": 0},
    },
]
VOICES: Final = {KEY: {"voice-1": {"voice_id": "voice-1", "prefix": "neko", "created_at": "2026-02-01T10:00:00"}}}
MODEL: Final = {
    "Version": 3,
    "FileReferences": {"Moc": "Mio.moc3", "Textures": ["texture_00.png"], "Motions": {}, "Expressions": []},
    "EmotionMapping": {"expressions": {"happy": ["exp_01"]}, "motions": {}},
    "Groups": [{"Target": "Parameter", "Name": "LipSync", "Ids": ["ParamMouthOpenY"]}],
}


def write(path: Path, document: Any) -> None:
    """As Python's ``json.dump(…, ensure_ascii=False, indent=2)`` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")


def make(data: Path) -> None:
    """Fill a folder that need not be there yet."""
    config = data / "config"
    write(config / "characters.json", CHARACTERS)
    write(config / "core_config.json", CORE_CONFIG)
    write(config / "user_preferences.json", PREFERENCES)
    write(config / "voice_storage.json", VOICES)
    workshop = {"default_workshop_folder": str(data / "workshop"), "auto_create_folder": True}
    write(config / "workshop_config.json", {**workshop, "steam_workshop_path": "/nowhere", "somebody's": 1})
    (config / "bilibili_cookies.json").write_bytes(b"gAAAAABl-not-ours")
    for name in NAMES:
        _remember(data / "memory", name)
    model = data / "live2d" / "Mio"
    write(model / "Mio.model3.json", MODEL)
    write(model / "parameters.json", {"ParamAngleX": 1.5})
    (model / "Mio.moc3").write_bytes(b"MOC3" + bytes(60))
    (model / "texture_00.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (data / "vrm" / "animation").mkdir(parents=True)
    for path in (data / "vrm" / "sister.vrm", data / "vrm" / "animation" / "idle.vrma"):
        path.write_bytes(b"glTF\x02\0\0\0" + bytes(56))
    write(data / "character_cards" / "小天.chara.json", {"name": "小天", "free": ["text"]})
    write(data / "character_cards" / "小天.workshop_meta.json", {"workshop_item_id": "3000000001"})
    write(data / "workshop" / "3000000001" / "小天.chara.json", {"name": "小天"})
    (data / "workshop" / "3000000001" / "steam_workshop_id_3000000001.txt").write_text("3000000001", encoding="utf-8")


def _message(kind: str, content: Any) -> dict[str, Any]:
    data = {
        "content": content,
        "additional_kwargs": {},
        "response_metadata": {},
        "type": kind,
        "name": None,
        "id": None,
    }
    more: dict[str, Any] = {"tool_calls": [], "invalid_tool_calls": [], "usage_metadata": None} if kind == "ai" else {}
    return {"type": kind, "data": {**data, **more}}


def _remember(memory: Path, name: str) -> None:
    said: list[dict[str, Any]] = []
    for number in range(LINES):
        moment = f"[20260222 Sun 10:{number:02}] "
        text = f"{'' if number % 2 == 0 else moment}{name} 第{number}句 🐈"
        said.append(_message("ai" if number % 2 else "human", [{"type": "text", "text": text}]))
    write(memory / f"recent_{name}.json", [_message("system", f"先前对话的备忘录: {name} 喜欢星星"), *said])
    write(memory / f"settings_{name}.json", {name: {"hobby": "stars"}, MASTER: {"city": "Oslo"}})
    (memory / f"semantic_memory_{name}").mkdir(parents=True)
    with closing(sqlite3.connect(memory / f"time_indexed_{name}")) as connection, connection:
        for table in ("time_indexed_original", "time_indexed_compressed"):
            columns = "id INTEGER NOT NULL, session_id TEXT, message TEXT, PRIMARY KEY (id)"
            connection.execute(f"CREATE TABLE {table} ({columns})")
            connection.execute(f"ALTER TABLE {table} ADD COLUMN timestamp DATETIME")
        moment = "2026-02-22 10:50:00.000000"
        rows = [("session", json.dumps(said[number]), moment) for number in SETTLED[name]]
        insert = "INSERT INTO {} (session_id, message, timestamp) VALUES (?, ?, ?)"
        connection.executemany(insert.format("time_indexed_original"), rows)
        summary = json.dumps(_message("system", "a talk of stars"))
        connection.execute(insert.format("time_indexed_compressed"), ("session", summary, moment))


# ── the other way ──────────────────────────────────────────────────────────────────────


def document(data: Path, name: str) -> Any:
    """As Python's ``json.load`` of a file opened as UTF-8 does, which takes no byte order mark."""
    return json.loads((data / name).read_bytes().decode("utf-8"))


def check_opens(data: Path) -> None:
    """Assert that N.E.K.O. could read all of it, and write on."""
    _check_documents(data)
    for path in (data / "memory").glob("recent_*.json"):
        _check_messages(document(data, f"memory/{path.name}"))
    for path in (data / "memory").glob("settings_*.json"):
        settings = document(data, f"memory/{path.name}")
        assert all(isinstance(one, dict) for one in settings.values())
        cards = document(data, "config/characters.json")
        name = path.stem.removeprefix("settings_")
        if name in cards["猫娘"]:  # it opens no conversation where one of the two names is another
            assert {name, cards["主人"]["档案名"]} >= settings.keys()
    for path in (data / "memory").glob("time_indexed_*"):
        if not path.name.endswith(("-wal", "-shm")) and ".damaged-" not in path.name:
            _check_log(path)
    for path in (data / "live2d").glob("*/*.model3.json"):
        assert isinstance(json.loads(path.read_text(encoding="utf-8"))["FileReferences"], dict)
    for path in (data / "live2d").glob("*/parameters.json"):
        values = json.loads(path.read_text(encoding="utf-8")).values()
        assert all(isinstance(value, int | float) for value in values)


def _check_documents(data: Path) -> None:
    raw = document(data, "config/characters.json")
    assert isinstance(raw["主人"]["档案名"], str)
    assert all(isinstance(card, dict) for card in raw["猫娘"].values())
    assert raw["当前猫娘"] in raw["猫娘"]
    for card in raw["猫娘"].values():
        texts = ("system_prompt", "voice_id", "model_type", "live2d", "vrm", "idleAnimation")
        assert all(isinstance(card[key], str) for key in texts if key in card)
        assert isinstance(card.get("lighting", {}), dict)
    core = document(data, "config/core_config.json")
    strings = [value for key, value in core.items() if re.search(r"Api|Key|Url|Id$", key) and key != "enableCustomApi"]
    assert all(isinstance(value, str) for value in strings)
    assert isinstance(core.get("enableCustomApi", False), bool)
    assert isinstance(core.get("recent_memory_auto_review", True), bool)
    preferences = document(data, "config/user_preferences.json")
    assert all(isinstance(one["model_path"], str) for one in preferences)
    assert all(
        isinstance(one[part][axis], int | float)
        for one in preferences
        for part in ("position", "scale")
        for axis in "xy"
    )
    for voices in document(data, "config/voice_storage.json").values():
        assert all(voice["voice_id"] == voice_id for voice_id, voice in voices.items())


def _check_messages(messages: Any) -> None:
    for message in messages:
        assert message["type"] in ("human", "ai", "system")
        content = message["data"]["content"]
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        assert all(isinstance(part["text"], str) for part in parts if part["type"] == "text")
    assert sum(message["type"] == "system" for message in messages) <= 1


def _check_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table in ("time_indexed_original", "time_indexed_compressed"):
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            assert {"id", "session_id", "message", "timestamp"} <= columns
            for session, message, moment in connection.execute(f"SELECT session_id, message, timestamp FROM {table}"):
                assert isinstance(session, str)
                _check_messages([json.loads(message)])
                assert message.isascii()
                datetime.strptime(moment, "%Y-%m-%d %H:%M:%S.%f")
        text = json.dumps(_message("human", [{"type": "text", "text": "from N.E.K.O."}]))
        row = ("session", text, "2026-03-01 10:00:00.000000")
        connection.execute("INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)", row)
        found = connection.execute(
            "SELECT message FROM time_indexed_original WHERE timestamp BETWEEN ? AND ?", ("2026-03-01", "2026-03-02")
        )
        assert (text,) in found.fetchall()
        connection.rollback()
