"""Steam with a client [rest 8, rest 9, rest 12]: the process that asks it is real, the package in it is played."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.app.play_time import PlayTime
from neko.application import Neko
from neko.model_process import Limits
from neko.sessions.outbox import Outbox
from neko.steam.client import SteamClient
from neko.steam_errors import SteamError
from tests.avatar_files import PNG, live2d
from tests.client import client as page
from tests.scripted_steam import ScriptedSteam
from tests.web.running_app import serving, started

WORKSHOP = "/api/steam/workshop"
DETAILS = {
    "title": "Mio 猫",
    "description": "A cat\nof mine",
    "tags": "cat,voice",
    "owner": "76561198000000001",
    "times": [1_700_000_100, 1_700_000_200, 1_700_000_300],
    "file": 11,
    "preview_file": 12,
    "size": 5,
    "total": 5_000_000_000,
    "url": "https://example.com/mio",
}


@pytest.fixture
def steam(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedSteam:
    return ScriptedSteam(monkeypatch, tmp_path)


@pytest.fixture
def launched_with(steam: ScriptedSteam) -> dict[str, Any]:
    return {"environ": {"NEKO_STEAM": "1"}}


def put_live2d(folder: Path, name: str) -> None:
    """A model in a folder of its own in this one."""
    for path, content in live2d(name).items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


async def faults(client: httpx2.AsyncClient) -> list[str]:
    return [one["code"] for one in (await client.get("/api/faults")).json()["faults"] if "steam" in one["code"]]


# ── subscribed items ───────────────────────────────────────────────────────────


async def test_subscribed_items_are_told_with_their_state_and_what_steam_knows_of_them(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    folder = steam.has(11, details=DETAILS, picture="https://example.com/picture")
    (folder / "preview.png").write_bytes(PNG)
    (folder / "robot.vrm").write_bytes(b"glTF")
    steam.has(2**63 + 12, 1 | 8 | 16, details={**DETAILS, "title": "coming"}, download=[25, 100])
    steam.has(13, 1 | 32, details=DETAILS)
    steam.has(14, 1, details={"result": 15})
    steam.has(15, 4, details=DETAILS)

    told = (await client.get(f"{WORKSHOP}/subscribed-items")).json()
    assert (told["success"], told["total"]) == (True, 4)
    first, second, third, failing = told["items"]
    assert first == {
        "publishedFileId": "11",
        "title": "Mio 猫",
        "description": "A cat\nof mine",
        "tags": ["cat", "voice"],
        "state": {
            "subscribed": True,
            "legacyItem": False,
            "installed": True,
            "needsUpdate": False,
            "downloading": False,
            "downloadPending": False,
            "isWorkshopItem": True,
        },
        "installedFolder": str(folder),
        "fileSizeOnDisk": 1234,
        "downloadProgress": {"bytesDownloaded": 0, "bytesTotal": 0, "percentage": 0.0},
        "timeAdded": 1_700_000_300,
        "timeUpdated": 1_700_000_200,
        "steamIDOwner": "76561198000000001",
        "previewUrl": first["previewUrl"],
        "vrm": ["11/robot.vrm"],
    }
    assert (await client.get("/workshop/11/robot.vrm")).content == b"glTF"
    assert (await client.get(first["previewUrl"])).content == PNG
    assert (second["publishedFileId"], second["installedFolder"]) == (str(2**63 + 12), None)
    assert (second["state"]["needsUpdate"], second["state"]["downloading"]) == (True, True)
    assert second["downloadProgress"] == {"bytesDownloaded": 25, "bytesTotal": 100, "percentage": 25.0}
    assert (third["state"]["downloadPending"], third["state"]["installed"]) == (True, False)
    assert failing["state"] == {
        "subscribed": True,
        "installed": False,
        "downloading": False,
        "needsUpdate": False,
        "error": True,
    }
    assert "EResult 15" in failing["error_message"]
    assert steam.calls("init_ex") == [["init_ex", "4099310"]]


async def test_without_steams_servers_its_items_are_still_found_where_they_lie(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    folder = steam.has(11)
    steam.says(query=3)
    (item,) = (await client.get(f"{WORKSHOP}/subscribed-items")).json()["items"]
    assert (item["title"], item["installedFolder"], item["state"]["installed"]) == ("11", str(folder), True)
    assert steam.calls("release")


async def test_hundreds_of_items_are_asked_for_fifty_at_a_time(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    steam.says(items={str(number): {"state": 1, "details": {"title": f"item {number}"}} for number in range(1, 121)})
    told = (await client.get(f"{WORKSHOP}/subscribed-items")).json()
    assert [item["title"] for item in told["items"]] == [f"item {number}" for number in range(1, 121)]
    assert {len(items) for _, items in steam.calls("query")} == {50, 20}


async def test_items_that_are_described_at_length_are_all_told(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    words = "猫" * 2_600
    for number in range(1, 41):
        steam.has(number, 1, details={**DETAILS, "description": words})
    told = (await client.get(f"{WORKSHOP}/subscribed-items")).json()
    assert [one["description"] == words for one in told["items"]] == [True] * 40


async def test_one_item_and_its_folder_are_told(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    folder = steam.has(11, details=DETAILS, picture="https://example.com/picture")
    steam.has(12, 0, details={**DETAILS, "title": "of somebody else"})
    steam.has(13, 0, details={"result": 9})

    item = (await client.get(f"{WORKSHOP}/item/11")).json()["item"]
    assert (item["publishedFileId"], item["title"], item["installedFolder"]) == (11, "Mio 猫", str(folder))
    assert (item["timeCreated"], item["timeUpdated"], item["fileSize"]) == (1_700_000_100, 1_700_000_200, 5_000_000_000)
    assert (item["fileId"], item["previewFileId"], item["fileUrl"]) == (11, 12, "https://example.com/mio")
    assert item["previewImageUrl"] == "https://example.com/picture"
    assert (await client.get(f"{WORKSHOP}/item/12")).json()["item"]["state"]["subscribed"] is False

    place = (await client.get(f"{WORKSHOP}/item/11/path")).json()
    assert (place["installed"], place["path"], place["size_on_disk"]) == (True, str(folder), 1234)
    for status, path in (
        (404, "item/13"),
        (404, "item/12/path"),
        (404, "item/99"),
        (400, "item/abc"),
        (400, "item/0"),
        (400, "item/-1/path"),
        (400, f"item/{2**64}"),
        (400, "item/%D9%A3"),
    ):
        assert (await client.get(f"{WORKSHOP}/{path}")).status_code == status, path


# ── what is in them ────────────────────────────────────────────────────────────


async def test_what_is_in_a_subscribed_item_is_used_like_that_of_a_folder_but_never_written(
    client: httpx2.AsyncClient, steam: ScriptedSteam, tmp_path: Path
) -> None:
    folder = steam.has(11)
    put_live2d(folder, "Kimi")
    (folder / "kimi.chara.json").write_text('{"name": "Kimi"}', encoding="utf-8")
    (folder / "voice.wav").write_bytes(b"RIFF")
    (folder / "preview.png").write_bytes(PNG)
    left_over = steam.store / "12"
    put_live2d(left_over, "Left")
    (tmp_path / "secret.json").write_text('"private"')
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    await client.get(f"{WORKSHOP}/subscribed-items")

    models = (await client.get("/api/live2d/models")).json()
    (kimi,) = [one for one in models if one["source"] == "steam_workshop"]
    assert (kimi["item_id"], (await client.get(kimi["path"])).status_code) == ("11", 200)
    cards = await client.get(f"{WORKSHOP}/list-chara-files", params={"directory": str(folder)})
    (card,) = cards.json()["files"]
    read = await client.get(f"{WORKSHOP}/read-file", params={"path": card["path"]})
    assert json.loads(read.json()["content"]) == {"name": "Kimi"}
    sounds = await client.get(f"{WORKSHOP}/list-audio-files", params={"directory": "11"})
    assert [one["name"] for one in sounds.json()["files"]] == ["voice.wav"]
    picture = (await client.get("/api/find-first-image", params={"folder": str(folder)})).json()["imagePath"]
    assert (await client.get("/api/steam/proxy-image", params={"image_path": picture})).content == PNG

    for path in ("11/link.json", f"{folder}/../12", str(left_over), str(tmp_path / "secret.json"), f"{folder}/.."):
        answer = await client.get(f"{WORKSHOP}/read-file", params={"path": path})
        assert answer.status_code in (403, 404), path
    assert (await client.get("/workshop/12/Left/Left.model3.json")).status_code == 404

    before = sorted(path.name for path in folder.rglob("*"))
    files = {"file": ("p.png", PNG, "image/png")}
    preview = await client.post(f"{WORKSHOP}/upload-preview-image", files=files, data={"content_folder": str(folder)})
    clean = await client.post(f"{WORKSHOP}/cleanup-temp-folder", json={"temp_folder": str(folder)})
    published = await client.post(
        f"{WORKSHOP}/publish", json={"title": "mine", "content_folder": str(folder), "visibility": 0}
    )
    parameters = await client.post(f"/api/live2d/save_model_parameters/{kimi['name']}", json={"parameters": {"A": 1.0}})
    mapping = await client.post(f"/api/live2d/emotion_mapping/{kimi['name']}", json={"motions": {}, "expressions": {}})
    assert [one.status_code for one in (preview, clean, published, parameters, mapping)] == [403] * 5
    assert sorted(path.name for path in folder.rglob("*")) == before


async def test_its_items_are_known_from_the_start_without_anybody_asking(
    steam: ScriptedSteam, data_dir: Path, launched_with: dict[str, Any]
) -> None:
    put_live2d(steam.has(11), "Kimi")
    async with started(data_dir, **launched_with) as neko, asyncio.timeout(10):
        while True:
            if neko.workshop.subscribed:
                break
            await asyncio.sleep(0.02)
        (model,) = [one for one in await neko.avatars.overview() if one.item]
        assert (model.name, model.item) == ("Kimi", "11")


# ── unsubscribing ──────────────────────────────────────────────────────────────


KIMI = {"档案名": "Kimi", "性格": "calm", "年龄": 15, "description": "a cat", "live2d": "kimi"}
"""A card in an item."""


def put_card(folder: Path, card: dict[str, Any]) -> None:
    (folder / f"{len([*folder.iterdir()])}.chara.json").write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize("answer", [1, "never"])
async def test_unsubscribing_takes_the_folder_and_its_characters_but_never_the_current_one(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko, answer: object
) -> None:
    current = neko.characters.current
    folder, other = steam.has(11), steam.has(12)
    for name in ("Kimi", current, "Nobody"):
        put_card(folder, {"档案名": name})
    (folder / "d.chara.json").write_text("{", encoding="utf-8")
    for name in ("Kimi", "Rin"):
        await client.post("/api/characters/catgirl", json={"档案名": name})
    steam.says(unsubscribe=answer)
    neko.steam.unsubscribe_s = 5 if answer == 1 else 0.2
    left = (await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": "11"})).json()
    assert (left["status"], left["characters"], left["staying"]) == ("accepted", ["Kimi"], [current])
    assert (folder.exists(), other.exists()) == (False, True)
    assert {current, "Rin"} <= set(neko.characters.names)
    assert "Kimi" not in neko.characters.names
    assert steam.calls("unsubscribe") == [["unsubscribe", 11]]


@pytest.mark.parametrize(
    "hers",
    [
        {"性格": "mine"},
        {**KIMI, "性格": "calm, and mine"},
        {**KIMI, "爱好": "fish"},
        {**KIMI, "system_prompt": "You are mine."},
        {**KIMI, "neko": {"greeting": "my words"}},
        {**KIMI, "创意工坊物品ID": "12"},
        {**KIMI, "_reserved": {"character_origin": {"source": "steam_workshop", "source_id": "12"}}},
        {"性格": "mine", "live2d": "kimi", "live2d_item_id": "11"},
    ],
)
async def test_a_character_who_only_has_the_name_of_one_in_the_item_stays_and_is_told(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko, hers: dict[str, Any]
) -> None:
    put_card(steam.has(11), KIMI)
    neko.characters.cards.edit(lambda raw: raw["猫娘"].__setitem__("Kimi", {**hers, "档案名": "Kimi"}))
    asked = (await client.get(f"{WORKSHOP}/item/11/characters")).json()
    assert (asked["going"], asked["staying"]) == ([], ["Kimi"])
    left = (await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": 11})).json()
    assert (left["characters"], left["staying"]) == ([], ["Kimi"])
    assert neko.characters.cards.traits("Kimi") == {
        key: str(value) for key, value in hers.items() if key in ("性格", "爱好", "年龄")
    }


@pytest.mark.parametrize(
    "hers",
    [
        {"性格": "calm", "年龄": "15", "live2d": "kimi", "live2d_item_id": "11"},
        {**KIMI, "voice_id": "mine", "model_type": "vrm", "vrm": "/user_vrm/other.vrm"},
        {"性格": "mine now", "创意工坊物品ID": "11"},
        {"性格": "mine now", "_reserved": {"character_origin": {"source": "steam_workshop", "source_id": "11"}}},
    ],
)
async def test_a_character_goes_with_the_item_she_was_taken_from_whatever_model_and_voice_she_has_by_now(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko, hers: dict[str, Any]
) -> None:
    put_card(steam.has(11), KIMI)
    neko.characters.cards.edit(lambda raw: raw["猫娘"].__setitem__("Kimi", hers))
    assert (await client.get(f"{WORKSHOP}/item/11/characters")).json()["going"] == ["Kimi"]
    left = (await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": 11})).json()
    assert (left["characters"], left["staying"], "Kimi" in neko.characters.names) == (["Kimi"], [], False)


async def test_whoever_published_the_item_keeps_the_character_it_was_made_of(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko, data_dir: Path
) -> None:
    put_card(steam.has(11), KIMI)
    await client.post("/api/characters/catgirl", json=KIMI)
    meta = data_dir / "character_cards" / "Kimi.workshop_meta.json"
    meta.parent.mkdir(exist_ok=True)
    meta.write_text('{"workshop_item_id": "11"}', encoding="utf-8")
    left = (await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": 11})).json()
    assert (left["characters"], left["staying"], "Kimi" in neko.characters.names) == ([], ["Kimi"], True)


async def test_only_where_steam_puts_this_item_is_anything_deleted(
    client: httpx2.AsyncClient, steam: ScriptedSteam, tmp_path: Path
) -> None:
    for number, place in ((11, tmp_path / "home"), (12, steam.store), (13, steam.store / "14")):
        place.mkdir(parents=True, exist_ok=True)
        (place / "mine.txt").touch()
        steam.has(number, install={"folder": str(place), "size": 1, "at": 1})
    steam.says(items={**steam._script["items"]})
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "mine.txt").touch()
    (steam.store / "15").symlink_to(real)
    steam.has(15, 1 | 4)
    for number, place in ((11, tmp_path / "home"), (12, steam.store), (13, steam.store / "14"), (15, real)):
        item = {
            "state": 5,
            "install": {"folder": str(steam.store / "15" if number == 15 else place), "size": 1, "at": 1},
        }
        steam.says(items={str(number): item})
        assert (await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": number})).status_code == 200
        assert (place / "mine.txt").exists(), number


async def test_what_steam_refuses_is_said_in_words_and_nothing_is_deleted(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    folder = steam.has(11)
    steam.says(unsubscribe=16)
    refused = await client.post(f"{WORKSHOP}/unsubscribe", json={"item_id": 11})
    assert (refused.status_code, refused.json()["code"]) == (500, "steam_refused")
    assert "did not answer in time" in refused.json()["error"]
    assert folder.exists()
    for body in ({}, {"item_id": "../x"}, {"item_id": None}, {"item_id": "1.5"}, {"item_id": True}):
        assert (await client.post(f"{WORKSHOP}/unsubscribe", json=body)).status_code == 400
    for path in (f"{WORKSHOP}/unsubscribe", f"{WORKSHOP}/publish", "/api/steam/update-playtime"):
        for content in (b"{", b"[1]", b"null"):
            broken = await client.post(path, content=content, headers={"content-type": "application/json"})
            assert (broken.status_code, bool(broken.json()["remedy"])) == (400, True), (path, content)


# ── achievements and time ──────────────────────────────────────────────────────


async def test_playing_time_grows_and_reaches_achievements(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    steam.says(
        stats={"PLAY_TIME_SECONDS": 285},
        achievements={"ACH_TIME_5MIN": False, "ACH_TIME_1HR": False, "ACH_FIRST_DIALOGUE": True},
    )

    async def play(body: dict[str, Any]) -> dict[str, Any]:
        return dict((await client.post("/api/steam/update-playtime", json=body)).json())

    assert await play({}) == {"success": True, "totalPlayTime": 295, "added": 10, "warning": ""}
    assert steam.calls("unlock") == []
    assert (await play({"seconds": 5}))["totalPlayTime"] == 300
    assert (await play({"seconds": 3300}))["totalPlayTime"] == 3600
    assert (await play({"seconds": 10}))["totalPlayTime"] == 3610
    assert steam.calls("unlock") == [["unlock", "ACH_TIME_5MIN"], ["unlock", "ACH_TIME_1HR"]]
    for seconds in (-1, "x", 1e9, None):
        assert (await client.post("/api/steam/update-playtime", json={"seconds": seconds})).status_code == 400
    steam.says(store=False)
    assert (await play({}))["warning"]


async def test_an_app_without_that_number_gets_a_warning(client: httpx2.AsyncClient) -> None:
    answer = (await client.post("/api/steam/update-playtime", json={})).json()
    assert (answer["success"], answer["totalPlayTime"], bool(answer["warning"])) == (True, 0, True)


async def test_achievements_are_listed_and_given_once(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    steam.says(achievements={"ACH_FIRST_DIALOGUE": True, "ACH_MEOW_100": False})
    for name in ("ACH_MEOW_100", "ACH_MEOW_100", "ACH_FIRST_DIALOGUE"):
        assert (await client.post(f"/api/steam/set-achievement-status/{name}")).json()["success"] is True
    assert steam.calls("unlock") == [["unlock", "ACH_MEOW_100"]]
    assert (await client.post("/api/steam/set-achievement-status/ACH_OTHER")).status_code == 500
    assert (await client.get("/api/steam/list-achievements")).json() == {
        "count": 2,
        "achievements": [{"name": "ACH_FIRST_DIALOGUE", "unlocked": True}, {"name": "ACH_MEOW_100", "unlocked": True}],
    }


async def test_time_counts_while_a_page_of_hers_is_open_and_the_first_talk_is_an_achievement(
    steam: ScriptedSteam, data_dir: Path, launched_with: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlayTime, "pulse_s", 1)
    steam.says(stats={"PLAY_TIME_SECONDS": 100}, achievements={"ACH_FIRST_DIALOGUE": False})
    async with started(data_dir, **launched_with) as neko, serving(neko.asgi) as http:
        name = neko.characters.current
        assert not neko.steam.play_time._is_here()
        async with page(str(http.base_url).replace("http", "ws").rstrip("/"), name) as here:
            await here.send("start_session", input_type="text")
            for words in ("Hello", "And how are you?"):
                await here.say(words)
                await here.reply()
            async with asyncio.timeout(10):
                while True:
                    if len(steam.calls("stat")) >= 2 and steam.calls("unlock"):
                        break
                    await asyncio.sleep(0.05)
        assert steam.calls("stat")[:2] == [["stat", "PLAY_TIME_SECONDS", 101], ["stat", "PLAY_TIME_SECONDS", 102]]
        assert steam.calls("unlock") == [["unlock", "ACH_FIRST_DIALOGUE"]]


async def test_neko_s_own_pages_count_for_themselves(
    steam: ScriptedSteam, data_dir: Path, launched_with: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    async with started(data_dir, pages=tmp_path, **launched_with) as neko:
        neko.conversations.clients.add(Outbox())
        assert not neko.steam.play_time._is_here()
        neko.conversations.clients.clear()


# ── a Steam that is not there ──────────────────────────────────────────────────


async def test_that_steam_is_not_running_stands_until_it_is(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    steam.says(running=False)
    answer = await client.get(f"{WORKSHOP}/subscribed-items")
    assert (answer.status_code, answer.json()["code"]) == (503, "steam_not_running")
    assert "Steam" in answer.json()["remedy"]
    listed = await client.get("/api/steam/list-achievements")
    assert (listed.status_code, listed.json()["code"]) == (500, "steam_not_running")
    assert await faults(client) == ["steam_not_running"]
    steam.says(running=True)
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 200
    assert await faults(client) == []
    assert steam.calls("init_ex") == [["init_ex", "4099310"]]


async def test_why_steam_lets_nobody_in_is_told_in_its_own_words(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko
) -> None:
    steam.says(init=1, init_error="No appID found. Either launch the game from Steam")
    answer = (await client.get(f"{WORKSHOP}/subscribed-items")).json()
    assert (answer["code"], answer["said"]) == ("steam_init", "“No appID found. Either launch the game from Steam”")
    steam.says(init=0)
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 200
    assert "what Valve's library prints" in (neko.folder.path / "logs" / "steam.log").read_text()


@pytest.mark.parametrize("how", [{"goes": True}, {"running": False}])
async def test_steam_may_go_in_the_middle_and_come_again(
    client: httpx2.AsyncClient, steam: ScriptedSteam, how: dict[str, Any]
) -> None:
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 200
    steam.says(**how)
    gone = await client.get(f"{WORKSHOP}/subscribed-items")
    assert (gone.status_code, gone.json()["code"]) == (503, "steam_lost")
    steam.says(goes=False, running=True)
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 200
    assert await faults(client) == []


async def test_who_waited_behind_one_that_was_not_let_in_is_let_in_once_steam_is_back(
    steam: ScriptedSteam, tmp_path: Path
) -> None:
    async def comes_back() -> None:
        while True:
            if steam.calls("init_ex"):
                break
            await asyncio.sleep(0.01)
        steam.says(init=0)

    steam.says(init=1)
    client = SteamClient(4099310, tmp_path / "steam.log")
    asked = asyncio.gather(client.ask("items"), client.ask("items"), comes_back(), return_exceptions=True)
    first, second, _ = await asked
    await client.aclose()
    assert (getattr(first, "code", first), second) == ("steam_init", {"items": []})


async def test_a_library_that_falls_takes_nobody_along(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    steam.has(11, details=DETAILS)
    steam.says(dies="query")
    answer = await client.get(f"{WORKSHOP}/subscribed-items")
    assert (answer.status_code, answer.json()["code"]) == (503, "steam_failed")
    steam.says(dies="")
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).json()["total"] == 1


async def test_a_library_that_hangs_is_ended_and_nobody_waits_behind_it_for_ever(
    steam: ScriptedSteam, data_dir: Path, launched_with: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.app.steam.LIMITS", Limits(loading_s=30, answer_s=0.5, most_waiting=2))
    steam.has(11)
    steam.says(hangs="query")
    async with started(data_dir, **launched_with) as neko:
        answers = await asyncio.gather(*(neko.steam.play(1) for _ in range(5)), return_exceptions=True)
        codes = [one.code for one in answers if isinstance(one, SteamError)]
        assert "steam_busy" in codes
        steam.says(hangs="")
        assert [item.id for item in await neko.steam.subscribed()] == [11]


async def test_another_package_of_this_name_is_none(
    data_dir: Path, launched_with: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "other" / "steamworks").mkdir(parents=True)
    (tmp_path / "other" / "steamworks" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "other"), os.environ["PYTHONPATH"])))
    async with started(data_dir, **launched_with) as neko:
        with pytest.raises(SteamError) as refused:
            await neko.steam.subscribed()
        assert (refused.value.code, "libsteam_api" in refused.value.said) == ("steam_failed", True)
        assert [fault.error.code for fault in neko.faults.all()] == ["steam_failed"]


async def test_it_is_switched_on_and_off_while_she_runs(data_dir: Path, steam: ScriptedSteam) -> None:
    folder = steam.has(11)
    async with started(data_dir) as neko:
        with pytest.raises(SteamError):
            await neko.steam.ask("items")
        await neko.config.change({"neko": {"steam": {"enabled": True}}})
        assert [item.folder for item in await neko.steam.subscribed()] == [folder]
        assert neko.steam.is_asked
        await neko.config.change({"neko": {"steam": {"enabled": False}}})
        assert steam.calls("shutdown") == [["shutdown"]]
        assert (neko.steam.is_asked, dict(neko.workshop.subscribed)) == (False, {})
        with pytest.raises(SteamError):
            await neko.steam.ask("items")
        assert (len(steam.calls("init_ex")), neko.faults.all()) == (1, ())


async def test_the_page_switches_it_on_and_off_unless_the_environment_decides(
    data_dir: Path, tmp_path: Path, steam: ScriptedSteam
) -> None:
    switch = "/api/steam/client"
    steam.has(11)
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        assert (await client.get(switch)).json()["on"] is False
        assert (await client.post(switch, json={"on": True})).json()["on"] is True
        assert (await client.get(f"{WORKSHOP}/subscribed-items")).json()["total"] == 1
        assert (await client.post(switch, json={"on": False})).json()["on"] is False
        assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 503
    async with started(tmp_path / "pinned", environ={"NEKO_STEAM": "0"}) as neko, serving(neko.asgi) as client:
        refused = await client.post(switch, json={"on": True})
        assert (refused.status_code, refused.json()["code"], neko.steam.is_on) == (409, "pinned", False)


async def test_text_of_steams_that_is_none_and_text_that_it_does_not_take_harm_nobody(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    steam.has(
        11,
        details=DETAILS,
        picture="https://example.com/\udcff",
        install={"folder": "/a/\udcff/11", "size": 1, "at": 1},
    )
    steam.says(achievements={"ACH_\udcff": True})
    (item,) = (await client.get(f"{WORKSHOP}/subscribed-items")).json()["items"]
    assert (item["title"], item["installedFolder"]) == ("Mio 猫", None)
    assert (await client.get(f"{WORKSHOP}/item/11")).json()["item"]["previewImageUrl"] == "https://example.com/\ufffd"
    listed = (await client.get("/api/steam/list-achievements")).json()["achievements"]
    assert listed == [{"name": "ACH_\ufffd", "unlocked": False}]
    assert (await client.post("/api/steam/set-achievement-status/%ed%a0%80")).status_code == 500
    assert len(steam.calls("init_ex")) == 1


async def test_the_page_gets_steams_language_and_country(client: httpx2.AsyncClient, steam: ScriptedSteam) -> None:
    steam.says(language="koreana", country="CN")
    headers = {"accept-language": "ja"}
    assert (await client.get("/api/config/steam_language", headers=headers)).json() == {
        "success": True,
        "steam_language": "koreana",
        "i18n_language": "ko",
        "ip_country": "CN",
        "is_mainland_china": True,
    }
    assert (await client.get("/api/config/user_language", headers=headers)).json()["language"] == "ko"
    await client.post("/api/language", json={"language": "zh-TW"})
    assert (await client.get("/api/config/steam_language")).json()["i18n_language"] == "zh-TW"


async def test_a_language_that_is_none_of_ours_is_left_to_the_browser(
    client: httpx2.AsyncClient, steam: ScriptedSteam
) -> None:
    steam.says(language="swahili", country="DE")
    answer = (await client.get("/api/config/steam_language", headers={"accept-language": "ja"})).json()
    assert (answer["steam_language"], answer["i18n_language"], answer["is_mainland_china"]) == ("swahili", "ja", False)


async def test_switched_off_or_alone_on_this_computer_nothing_of_steam_runs(
    client: httpx2.AsyncClient, steam: ScriptedSteam, neko: Neko
) -> None:
    assert (await client.get(f"{WORKSHOP}/subscribed-items")).status_code == 200
    await neko.config.change({"neko": {"network": {"local_only": True}}})
    answer = await client.get(f"{WORKSHOP}/subscribed-items")
    assert (answer.status_code, answer.json()["code"]) == (503, "steam_local_only")
    assert steam.calls("shutdown") == [["shutdown"]]
    assert len(steam.calls("init_ex")) == 1
