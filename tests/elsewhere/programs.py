"""Folders as other programs leave them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

CARD: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Seraphina",
        "description": "{{char}} guards the forest and has saved {{user}}.",
        "personality": "gentle",
        "scenario": "",
        "first_mes": "You are awake, {{user}}!",
        "mes_example": "<START>\n{{user}}: hi",
        "system_prompt": "{{original}} Never break {{char}}'s character.",
        "extensions": {"world": "Eldoria"},
        "character_book": {
            "entries": [
                {"keys": ["glade"], "content": "A safe place.", "enabled": True},
                {"keys": [], "content": "Eldoria is a forest.", "constant": True},
                {"keys": ["beast"], "content": "Beasts roam.", "constant": False},
            ]
        },
    },
}
WORLD = {
    "entries": {
        "0": {"key": [], "content": "Eldoria is a forest.", "constant": True, "disable": False},
        "1": {"key": ["beast"], "content": "Beasts roam.", "constant": False, "disable": False},
        "2": {"key": ["x"], "content": "Never.", "constant": True, "disable": True},
    }
}


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def picture(card: Any, keyword: bytes = b"chara") -> bytes:
    """The smallest PNG, with a card in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    text = keyword + b"\0" + base64.b64encode(json.dumps(card).encode())
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", text) + body + chunk(b"IEND", b"")


def silly_tavern(root: Path) -> None:
    user = root / "data" / "default-user"
    (user / "characters").mkdir(parents=True)
    (user / "characters" / "Seraphina.png").write_bytes(picture(CARD))
    write(user / "worlds" / "Eldoria.json", WORLD)
    write(user / "worlds" / "Alone.json", WORLD)
    lines = [
        {"user_name": "Ann", "character_name": "Seraphina", "create_date": "2026-03-01@12h00m00s", "chat_metadata": {}},
        {"name": "Ann", "is_user": True, "mes": "where am I?", "send_date": "March 1, 2026 12:01pm"},
        {"name": "Seraphina", "is_user": False, "mes": "in my glade", "send_date": "March 1, 2026 12:02pm"},
    ]
    chat = user / "chats" / "Seraphina" / "Seraphina - 2026-03-01.jsonl"
    for path in (chat, user / "backups" / "chat_seraphina.jsonl", user / "group chats" / "7.jsonl"):
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    write(user / "settings.json", {"power_user": {}})
    write(root / "node_modules" / "x" / "package.json", {"name": "x"})


CONF_YAML = """\
# System Settings
system_config:
  host: localhost
  tool_prompts: {}

character_config:
  conf_name: 'mili' # the name of this file
  conf_uid: 'mili_01'
  character_name: Mili
  persona_prompt: |
    You are Mili.
  agent_config: &agent
    faster_first_response: True
"""


def open_llm_vtuber(root: Path) -> None:
    root.mkdir(parents=True)
    (root / "conf.yaml").write_text(CONF_YAML, encoding="utf-8")
    history = [
        {"role": "metadata", "timestamp": "2026-03-02T10:00:00"},
        {"role": "human", "timestamp": "2026-03-02T10:00:05", "content": "good morning"},
        {"role": "ai", "timestamp": "2026-03-02T10:00:07", "content": "morning!"},
    ]
    write(root / "chat_history" / "mili_01" / "0a_2026-03-02_10-00-00.json", history)


def airi(root: Path, name: str = "ReLU", character: str = "c1") -> None:
    meta = {"sessionId": "s1", "userId": "local", "characterId": character, "createdAt": 1, "updatedAt": 1}
    messages = [
        {"role": "system", "content": "be kind"},
        {"id": "m1", "role": "user", "content": "hello AIRI", "createdAt": 1772366400000},
        {"id": "m2", "role": "assistant", "content": [{"type": "text", "text": "hi"}], "createdAt": 1772366401000},
    ]
    sessions = {"s1": {"meta": meta, "messages": messages}}
    write(root / "chats.json", {"format": "chat-sessions-index:v1", "index": {}, "sessions": sessions})
    card = {
        "name": name,
        "version": "1",
        "description": "a lively one",
        "systemPrompt": "Be lively.",
        "greetings": [],
    }
    write(root / "cards.json", {"format": "airi-characters:v1", "timestamp": 1, "cards": [["c1", card]]})
