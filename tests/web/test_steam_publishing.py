"""Publishing on Steam [rest 8]: the process that asks it is real, the package in it is played."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from tests.avatar_files import PNG
from tests.scripted_steam import ScriptedSteam

PUBLISH = "/api/steam/workshop/publish"


@pytest.fixture
def steam(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedSteam:
    return ScriptedSteam(monkeypatch, tmp_path)


@pytest.fixture
def launched_with(steam: ScriptedSteam) -> dict[str, Any]:
    return {"environ": {"NEKO_STEAM": "1"}}


@pytest.fixture
def folder(data_dir: Path) -> Path:
    """What is ready to be published: a card, a model, a picture."""
    made = data_dir / "workshop" / "WorkshopExport" / "item_0123abcd"
    (made / "kimi").mkdir(parents=True)
    (made / "character.chara.json").write_text('{"name": "Kimi"}', encoding="utf-8")
    (made / "kimi" / "kimi.model3.json").write_text("{}", encoding="utf-8")
    (made / "preview.png").write_bytes(PNG)
    return made


def wanted(folder: Path, **more: Any) -> dict[str, Any]:
    return {"title": "Kimi", "content_folder": str(folder), "visibility": 1, **more}


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def test_a_new_item_is_made_uploaded_and_remembered(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, data_dir: Path
) -> None:
    body = wanted(folder, description="Hers", tags=["cat", "声"], change_note="first", character_card_name="Kimi")
    answer = await client.post(PUBLISH, json={**body, "allow_comments": True})
    told = answer.json()
    assert (answer.status_code, told["success"], told["published_file_id"]) == (200, True, 777)
    assert (told["needs_agreement"], bool(told["message"])) == (False, True)
    assert steam.calls("create", "start") == [["create", 4099310, 0], ["start", 4099310, 777]]
    parts = ("title", "description", "visibility", "tags", "content", "preview", "submit")
    assert dict(steam.calls(*parts)) == {
        "title": "Kimi",
        "description": "Hers",
        "visibility": 1,
        "tags": ["cat", "声"],
        "content": str(folder),
        "preview": str(folder / "preview.png"),
        "submit": "first",
    }
    assert (folder / "steam_workshop_id_777.txt").exists()
    status = await client.get("/api/steam/workshop/check-upload-status", params={"item_path": str(folder)})
    assert (status.json()["is_published"], status.json()["published_file_id"]) == (True, "777")
    known = (await client.get("/api/steam/workshop/meta/Kimi")).json()
    assert (known["has_uploaded"], known["meta"]["workshop_item_id"]) == (True, "777")
    assert known["meta"]["content_hash"].startswith("sha256:")
    assert known["meta"]["uploaded_snapshot"] == {
        "description": "Hers",
        "tags": ["cat", "声"],
        "title": "Kimi",
        "visibility": 1,
        "character_data": {"name": "Kimi"},
        "model_name": "kimi",
    }


async def test_publishing_writes_nothing_in_the_folder_but_the_mark(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path
) -> None:
    (folder / "character.chara.json").write_text('{"name": "Kimi", ', encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    answer = await client.post(PUBLISH, json=wanted(folder, character_card_name="Kimi"))
    assert answer.status_code == 200
    mark = {folder / "steam_workshop_id_777.txt": b"777\n"}
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before | mark


@pytest.mark.parametrize("by", ["mark", "meta"])
async def test_what_was_published_before_is_the_same_item_again(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, data_dir: Path, by: str
) -> None:
    cards = data_dir / "character_cards"
    if by == "mark":
        (folder / "steam_workshop_id_42.txt").touch()
    else:
        cards.mkdir(exist_ok=True)
        meta = {"workshop_item_id": "42", "created_at": "2026-01-01T00:00:00", "theirs": 1}
        (cards / "Kimi.workshop_meta.json").write_text(json.dumps(meta))
    answer = await client.post(PUBLISH, json=wanted(folder, character_card_name="Kimi"))
    assert answer.json()["published_file_id"] == 42
    assert (steam.calls("create"), steam.calls("start")) == ([], [["start", 4099310, 42]])
    kept = json.loads((cards / "Kimi.workshop_meta.json").read_text(encoding="utf-8"))
    assert kept["workshop_item_id"] == "42"
    if by == "meta":
        assert (kept["theirs"], kept["created_at"]) == (1, "2026-01-01T00:00:00")


@pytest.mark.parametrize("card", ["Kimi", ""])
async def test_an_item_whose_folder_takes_no_mark_is_the_same_one_at_the_next_try(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, monkeypatch: pytest.MonkeyPatch, card: str
) -> None:
    def is_full(target: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    body = wanted(folder, character_card_name=card)
    with monkeypatch.context() as patch:
        patch.setattr("neko.workshop.publishing.write_bytes", is_full)
        assert (await client.post(PUBLISH, json=body)).status_code == 409
    assert not list(folder.glob("steam_workshop_id_*"))
    known = (await client.get("/api/steam/workshop/meta/Kimi")).json()
    assert known["has_uploaded"] is bool(card), "it is known of the card even after a restart"
    answer = await client.post(PUBLISH, json=body)
    assert (answer.status_code, answer.json()["published_file_id"]) == (200, 777)
    assert len(steam.calls("create")) == 1
    assert (folder / "steam_workshop_id_777.txt").exists()


async def test_an_agreement_that_is_still_to_be_accepted_is_told(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path
) -> None:
    steam.says(create={"unagreed": True})
    told = (await client.post(PUBLISH, json=wanted(folder))).json()
    assert (told["success"], told["needs_agreement"]) == (True, True)
    assert "workshoplegalagreement" in told["message"]


async def test_how_far_an_upload_is_can_be_seen_and_a_second_one_waits(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, neko: Neko
) -> None:
    steam.says(submit="never", progress=[25, 100])
    first = asyncio.create_task(client.post(PUBLISH, json=wanted(folder)))
    publishing = neko.steam.publishing
    await until(lambda: publishing.progress and publishing.progress.total)
    assert (await client.get("/api/steam/workshop/publishing")).json() == {
        "step": "uploading",
        "folder": str(folder),
        "done": 25,
        "total": 100,
    }
    second = await client.post(PUBLISH, json=wanted(folder))
    assert (second.status_code, second.json()["code"]) == (503, "steam_publishing")
    assert (await client.post("/api/steam/update-playtime", json={})).status_code == 200
    publishing.upload_s = 0
    late = await first
    assert (late.status_code, late.json()["code"]) == (503, "steam_late")
    assert (await client.get("/api/steam/workshop/publishing")).json()["step"] == ""
    assert (folder / "steam_workshop_id_777.txt").exists()
    steam.says(submit={})
    again = await client.post(PUBLISH, json=wanted(folder))
    assert (again.json()["published_file_id"], len(steam.calls("create"))) == (777, 1)


async def test_a_steam_that_makes_no_item_in_time_is_given_up(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, neko: Neko
) -> None:
    assert (neko.steam.publishing.create_s, neko.steam.publishing.upload_s) == (60, 180)
    neko.steam.publishing.create_s = 0
    steam.says(create="never")
    answer = await client.post(PUBLISH, json=wanted(folder))
    assert (answer.status_code, answer.json()["code"]) == (503, "steam_late")
    assert not list(folder.glob("steam_workshop_id_*"))


async def test_what_steam_refuses_is_said_in_words(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path
) -> None:
    for script, words in (
        ({"create": {"result": 24}}, "banned from the community"),
        ({"create": {}, "submit": {"result": 25}}, "more than 1 MB"),
        ({"submit": {"result": 999}}, "EResult 999"),
        ({"submit": {}, "refuses": ["content", "tags"]}, "tags, folder"),
        ({"refuses": [], "io_failure": True}, "failed"),
    ):
        steam.says(**script)
        answer = await client.post(PUBLISH, json=wanted(folder))
        assert (answer.status_code, answer.json()["code"]) == (500, "steam_refused")
        assert words in answer.json()["error"], script


async def test_a_steam_that_goes_meanwhile_ends_the_publishing(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, neko: Neko
) -> None:
    steam.says(submit="never")
    publishing = asyncio.create_task(client.post(PUBLISH, json=wanted(folder)))
    await until(lambda: steam.calls("submit"))
    steam.says(goes=True)
    answer = await publishing
    assert (answer.status_code, answer.json()["code"]) == (503, "steam_lost")
    assert neko.steam.publishing.progress is None


async def test_only_what_is_in_the_folder_of_items_is_published(
    client: httpx2.AsyncClient, steam: ScriptedSteam, folder: Path, data_dir: Path, tmp_path: Path
) -> None:
    (data_dir / "secret.png").write_bytes(PNG)
    (folder / "note.png").write_text("no picture")
    (folder / "large.png").write_bytes(PNG + bytes(1 << 20))
    linked = folder.parent / "item_11111111"
    (linked / "below").mkdir(parents=True)
    (linked / "a.txt").touch()
    (linked / "below" / "link").symlink_to(data_dir / "secret.png")
    empty = folder.parent / "item_00000000"
    empty.mkdir()
    outside = {"content_folder": str(data_dir / "memory")}
    for status, change in (
        (403, outside),
        (403, {"content_folder": str(folder / ".." / ".." / "..")}),
        (403, {"content_folder": str(data_dir / "workshop")}),
        (404, {"content_folder": str(folder.parent / "item_ffffffff")}),
        (404, {"content_folder": str(folder / "character.chara.json")}),
        (400, {"content_folder": str(empty)}),
        (400, {"title": "  "}),
        (400, {"title": None}),
        (400, {"visibility": "x"}),
        (400, {"tags": ["a,b"]}),
        (403, {"preview_image": str(data_dir / "secret.png")}),
        (403, {"preview_image": str(linked / "below" / "link")}),
        (403, {"content_folder": str(linked)}),
        (404, {"preview_image": str(folder / "none.png")}),
        (400, {"preview_image": str(folder / "note.png")}),
        (413, {"preview_image": str(folder / "large.png")}),
        (400, {"character_card_name": "../core_config"}),
    ):
        answer = await client.post(PUBLISH, json={**wanted(folder), **change})
        assert answer.status_code == status, (change, answer.json())
    assert steam.calls("create", "start") == []
    whatever = await client.post(PUBLISH, json=wanted(folder, visibility=9))
    assert (whatever.status_code, steam.calls("visibility")) == (200, [["visibility", 0]])
