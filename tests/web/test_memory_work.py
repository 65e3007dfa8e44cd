"""What a memory is busy with, and the choice of what finds memories by their meaning."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from neko.memory import index
from neko.memory.line_codec import Names
from neko.settings import Settings
from neko.settings.registry import FACTS_BY_MODEL
from neko.types.lines import NewLine
from neko.web.routes import memory as memory_routes
from tests.web.running_app import serving, started
from tests.word_embedder import WordEmbedder

START = datetime(2026, 3, 1, 12, 0)


@pytest.fixture
async def neko(data_dir: Path) -> AsyncIterator[Neko]:
    settings = Settings(data_dir=data_dir, environ={}, port=0, find_local_servers=False)
    async with Neko(settings, embedder=WordEmbedder()) as running:
        yield running


async def say(neko: Neko, count: int) -> None:
    lines = [NewLine("s", f"t{at}", "user", f"line {at}", START + timedelta(minutes=at)) for at in range(count)]
    await neko.memory.store_many(neko.characters.current, lines)


async def work(client: httpx2.AsyncClient, neko: Neko) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"/api/memory_browser/{neko.characters.current}/work")).json()
    return answer


async def pause(client: httpx2.AsyncClient, neko: Neko, *, on: bool) -> None:
    await client.post(f"/api/memory_browser/{neko.characters.current}/pause", json={"on": on})


async def test_embedding_is_paused_and_goes_on(client: httpx2.AsyncClient, neko: Neko) -> None:
    await pause(client, neko, on=True)
    await say(neko, 5)
    held = (await work(client, neko))["meaning"]
    assert (held["state"], held["done"], held["total"]) == ("paused", 0, 5)
    await pause(client, neko, on=False)
    await neko.memory.embedded(neko.characters.current)
    ended = (await work(client, neko))["meaning"]
    assert (ended["state"], ended["done"], ended["total"]) == ("done", 5, 5)


async def test_it_is_told_how_far_an_old_log_is_read(
    client: httpx2.AsyncClient, neko: Neko, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, step, go_on, reached = neko.characters.current, index.catch_up, threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection, names: Names) -> bool:
        if index.reached(connection)[0] >= 4 and not go_on.is_set():  # by a step before this one: others see it
            reached.set()
            go_on.wait(0.05)
            return True
        return step(connection, names, 2)

    await say(neko, 8)
    assert await neko.memory.rebuild_index(name) == 8, "after whoever looks through a log that was just opened"
    assert (await work(client, neko))["indexing"] is None
    monkeypatch.setattr(index, "catch_up", slow)
    rebuilding = asyncio.create_task(neko.memory.rebuild_index(name))
    assert await asyncio.to_thread(reached.wait, 10)
    told = (await work(client, neko))["indexing"]
    monkeypatch.setattr(memory_routes, "_SEARCH_S", 2.0)
    found = (await client.post("/api/memory/search", json={"conversation": name, "query": "line 7"})).json()
    assert f" of {told['total']}." in found["incomplete"]
    go_on.set()
    assert await rebuilding == 8
    assert 4 <= told["done"] <= told["total"] == 8
    assert (await work(client, neko))["indexing"] is None


async def test_what_finds_by_meaning_is_chosen(client: httpx2.AsyncClient) -> None:
    before = (await client.get("/api/memory_embedder")).json()
    assert (before["chosen"], before["pinned"]) == (None, False)
    assert [one["kind"] for one in before["options"]] == ["e5", "use", "server", "off"]
    assert all(bool(one["command"]) == (one["state"] == "missing") for one in before["options"])
    off = (await client.post("/api/memory_embedder", json={"engine": "off"})).json()
    assert (off["chosen"], off["engine"]) == ("off", "off")
    assert (await client.post("/api/memory_embedder", json={"engine": "auto"})).json()["chosen"] is None
    assert (await client.post("/api/memory_embedder", json={"engine": "magic"})).status_code == 422


async def test_what_she_does_by_herself_with_what_was_said_is_switched(client: httpx2.AsyncClient, neko: Neko) -> None:
    before = (await client.get("/api/memory_habits")).json()
    assert (before["facts_by_model"], before["pinned"]) == (True, False)
    off = (await client.post("/api/memory_habits", json={"facts_by_model": False, "review": False})).json()
    assert (off["facts_by_model"], off["review"]) == (False, False)
    assert neko.config.in_force.get(FACTS_BY_MODEL) is False
    assert (await client.get("/api/memory/review_config")).json() == {"enabled": False}
    on = (await client.post("/api/memory_habits", json={"review": True})).json()
    assert (on["facts_by_model"], on["review"]) == (False, True)


async def test_what_the_environment_decides_of_it_is_told_and_stays(tmp_path: Path) -> None:
    async with started(tmp_path, environ={"NEKO_FACTS_BY_MODEL": "0"}) as neko, serving(neko.asgi) as client:
        assert (await client.get("/api/memory_habits")).json()["pinned"]
        refused = await client.post("/api/memory_habits", json={"facts_by_model": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "pinned")
