"""Memories as newer versions of N.E.K.O. leave them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.elsewhere.programs import write

SETTLED = "2026-02-22 11:30:00.000000"
TALK = [
    ("human", "I live in Oslo"),
    ("ai", "[20260222 Sun 10:00] How cold!"),
    ("human", "Good night 🐈"),
    ("ai", "[20260222 Sun 10:15] Sleep well."),
]
SAID = ["I live in Oslo", "How cold!", "Good night 🐈", "Sleep well."]
MEMO = "They spoke of Oslo."


def _message(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "data": {"content": text}}


def _fact(text: str, entity: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"fact_{text}",
        "text": text,
        "importance": 7,
        "entity": entity,
        "tags": [],
        "hash": "0",
        "created_at": "2026-02-22T10:00:00.000000",
        "absorbed": False,
        "signal_processed": False,
        "embedding": None,
        **more,
    }


def _entry(text: str, source: str) -> dict[str, Any]:
    return {"id": f"x_{text}", "text": text, "source": source, "protected": source == "character_card"}


def per_character(memory: Path, name: str, master: str) -> None:
    """``memory/<name>/`` with everything in it."""
    folder = memory / name
    memo = _message("system", f"Memo from prior conversations: {MEMO}")
    write(folder / "recent.json", [memo, *(_message(*one) for one in TALK)])
    write(folder / "settings.json", {name: {"hobby": "stars"}, master: {"city": "Oslo"}})
    of_group = {"subject_kind": "group_chat", "subject_id": "qq:1", "scope": "group_chat:qq:1"}
    facts = [
        _fact(f"{master} has a cat", "master", id="fact_[1]"),
        _fact(f"{name} fears storms", "neko"),
        _fact("They watch films on Fridays", "relationship"),
        _fact("of a group", "master", **of_group),
    ]
    write(folder / "facts.json", facts)
    write(folder / "facts_archive.json", [_fact(f"{master} once lived in Bergen", "user", absorbed=True)])
    sections = {
        "neko": {"facts": [_entry("性格: calm", "character_card")]},
        "master": {"facts": [_entry(f"{master} has a cat", "reflection"), _entry("city: Oslo", "settings")]},
        "relationship": {"facts": [_entry("They trust each other", "reflection")]},
        "@subject/group_chat:qq:1": {**of_group, "facts": [_entry("of a group", "manual")]},
    }
    write(folder / "persona.json", sections)
    for other in ("persona_corrections.json", "reflections.json", "surfaced.json"):
        write(folder / other, [{"id": "ref_1", "text": "They are close", "entity_": "relationship"}])
    write(folder / "prompt_locale.json", {"locale": "en"})
    (folder / "events.ndjson").write_text('{"type": "x"}\n', encoding="utf-8")
    _log(folder / "time_indexed.db")


def between(memory: Path, name: str, master: str) -> None:
    """The layout before: all files beside one another, with the facts that came then."""
    per_character(memory, name, master)
    for path in (memory / name).iterdir():
        if path.name == "time_indexed.db":
            path.rename(memory / f"time_indexed_{name}.db")
        elif path.suffix == ".json":
            path.rename(memory / f"{path.stem}_{name}.json")
        else:
            path.unlink()
    (memory / name).rmdir()


def _log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("time_indexed_original", "time_indexed_compressed"):
            columns = "id INTEGER NOT NULL, session_id VARCHAR, message TEXT, PRIMARY KEY (id)"
            connection.execute(f"CREATE TABLE {table} ({columns})")
            connection.execute(f"ALTER TABLE {table} ADD COLUMN timestamp DATETIME")
            connection.execute(f"CREATE INDEX idx_{table}_timestamp ON {table}(timestamp)")
        connection.execute("CREATE VIRTUAL TABLE facts_fts USING fts5(fact_id UNINDEXED, content)")
        rows = [("event", json.dumps(_message(*one), ensure_ascii=False), SETTLED) for one in TALK]
        insert = "INSERT INTO time_indexed_original (session_id, message, timestamp) VALUES (?, ?, ?)"
        connection.executemany(insert, rows)
