"""A backup and its restore by the calls of the page, of a Neko that runs."""

from __future__ import annotations

import asyncio
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko import pending_restore
from neko.app.backups import sealing
from neko.application import Neko
from neko.settings import Settings
from neko.types.lines import NewLine
from tests.backups.kept_folder import PASSPHRASE, START


async def at_rest(client: httpx2.AsyncClient) -> dict[str, Any]:
    while True:
        state: dict[str, Any] = (await client.get("/api/backup")).json()
        if state["state"] not in ("making", "looking", "staging"):
            return state
        await asyncio.sleep(0.01)


async def send(client: httpx2.AsyncClient, content: bytes) -> dict[str, Any]:
    answer = await client.post("/api/backup/restore", files=[("file", ("kept.zip", content))])
    assert answer.status_code == 200, answer.text
    return await at_rest(client)


async def test_a_running_neko_is_kept_and_comes_back_at_the_next_start(
    client: httpx2.AsyncClient, neko: Neko, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_N", 1 << 7)
    name = neko.characters.current
    await neko.memory.store(name, NewLine("s", "t", "user", "before", START))
    await client.post("/api/backup", json={"passphrase": PASSPHRASE})
    made = await at_rest(client)
    assert made["state"] == "made"
    assert made["made"]["unread"] == []
    content = (await client.get("/api/backup/file")).content
    (tmp_path / "kept.zip").write_bytes(content)
    assert zipfile.ZipFile(tmp_path / "kept.zip").testzip() is None

    await neko.memory.store(name, NewLine("s", "u", "user", "after", START))
    looked = await send(client, content)
    assert looked["state"] == "looked"
    assert looked["report"]["characters"] == [{"name": name, "kept": {"lines": 1}, "here": {"lines": 2}}]
    await client.post("/api/backup/restore/start", json={"passphrase": PASSPHRASE})
    assert (await at_rest(client))["state"] == "staged"
    assert len(await neko.memory.lines(name, limit=9)) == 2, "nothing changes while she runs"
    await neko.aclose()
    async with Neko(Settings(data_dir=data_dir)) as again:
        assert [line.text for line in await again.memory.lines(name, limit=9)] == ["before"]
    assert list((data_dir / pending_restore.BEFORE).glob("*/memory/time_indexed_*"))
    assert not list((data_dir / "memory").glob(".work-*"))


async def test_what_is_no_backup_is_told_and_what_was_made_ready_can_be_left(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    assert (await client.get("/api/backup/file")).status_code == 404
    assert (await client.post("/api/backup/restore/start", json={})).status_code == 409
    failed = await send(client, b"a diary")
    assert (failed["state"], failed["error"].partition(" ")[0]) == ("failed", "kept.zip")
    assert (await client.post("/api/backup", json={"passphrase": "short"})).status_code == 400
    await client.post("/api/backup", json={})
    await at_rest(client)
    await send(client, (await client.get("/api/backup/file")).content)
    await client.post("/api/backup/restore/start", json={})
    assert (await at_rest(client))["state"] == "staged"
    assert (await client.post("/api/backup/discard")).json()["state"] == "none"
    assert not pending_restore.is_ready(neko.folder.path)
