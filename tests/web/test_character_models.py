"""Which model and light a card names, cards as files, and another name for the user, over real HTTP and real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.application import Neko
from tests import avatar_files

CHARACTERS = "/api/characters"
MIO = f"{CHARACTERS}/catgirl/l2d/Mio"


async def test_a_character_wears_the_model_that_is_chosen_and_nothing_of_the_other_kind(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    answer = await client.put(MIO, json={"live2d": "mao_pro", "item_id": 42})
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert neko.characters.cards.card("Mio").items() >= {"live2d": "mao_pro", "live2d_item_id": "42"}.items()
    moving = "/user_vrm/animation/wave.vrma"
    await client.put(MIO, json={"model_type": "vrm", "vrm": "/user_vrm/a.vrm", "vrm_animation": moving})
    card = neko.characters.cards.card("Mio")
    assert card.items() >= {"model_type": "vrm", "vrm": "/user_vrm/a.vrm", "vrm_animation": moving}.items()
    assert not {"live2d", "live2d_item_id"} & card.keys()
    await client.put(MIO, json={"model_type": "vrm", "vrm": "/user_vrm/a.vrm", "vrm_animation": None})
    assert "vrm_animation" not in neko.characters.cards.card("Mio")
    await client.put(MIO, json={"live2d": "mao_pro"})
    assert not {"vrm", "lighting"} & neko.characters.cards.card("Mio").keys()


async def test_a_card_in_the_newer_layout_keeps_the_model_of_the_other_kind_for_when_the_user_goes_back(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    vrm = {"model_path": "/user_vrm/a.vrm", "animation": "/user_vrm/animation/wave.vrma", "lighting": {"main": 2}}
    avatar = {"model_type": "live3d", "live3d_sub_type": "vrm", "vrm": vrm}
    kept = data_dir / "config" / "characters.json"
    kept.write_text(
        json.dumps({"猫娘": {"Mio": {"_reserved": {"avatar": avatar}}}, "当前猫娘": "Mio"}), encoding="utf-8"
    )
    await neko.characters.reload()

    def avatar_of_mio() -> dict[str, Any]:
        return dict(json.loads(kept.read_bytes())["猫娘"]["Mio"]["_reserved"]["avatar"])

    await client.put(MIO, json={"live2d": "mao_pro", "item_id": 42})
    live2d = {"model_path": "mao_pro/mao_pro.model3.json"}
    there = avatar_of_mio()
    assert (there["model_type"], there["asset_source_id"]) == ("live2d", "42")
    assert (there["vrm"], there["live2d"]) == (vrm, live2d)
    await client.put(MIO, json={"model_type": "vrm", "vrm": "/user_vrm/a.vrm"})
    there = avatar_of_mio()
    assert (there["model_type"], there["live3d_sub_type"], "asset_source_id" in there) == ("live3d", "vrm", False)
    assert (there["vrm"], there["live2d"]) == (vrm, live2d)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model_type": "vrm"},
        {"model_type": "sprite", "live2d": "a"},
        {"model_type": "vrm", "vrm": "https://elsewhere.example/a.vrm"},
        {"model_type": "vrm", "vrm": "/user_vrm/../config/core_config.json"},
        {"model_type": "vrm", "vrm": "/user_vrm/..\\a.vrm"},
        {"model_type": "vrm", "vrm": "data:/user_vrm/a.vrm"},
        {"model_type": "vrm", "vrm": "/user_vrm/a.vrm", "vrm_animation": "/user_vrm/wave.vrma"},
    ],
)
async def test_a_model_that_is_none_is_refused(neko: Neko, client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    before = dict(neko.characters.cards.card("Mio"))
    answer = await client.put(MIO, json=body)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert neko.characters.cards.card("Mio") == before
    assert (await client.put(f"{MIO}x", json={"live2d": "a"})).status_code == 404


async def test_every_model_is_listed_with_who_has_it_and_one_that_is_deleted_is_missed(
    client: httpx2.AsyncClient,
) -> None:
    whole = avatar_files.vrm()
    sent = {"files": ("mio.zip", avatar_files.archive(avatar_files.live2d()))}
    assert (await client.post("/api/live2d/upload_model", files=sent)).status_code == 200
    await client.post("/api/model/vrm/upload", files={"file": ("a girl.vrm", whole)})
    await client.put(MIO, json={"model_type": "vrm", "vrm": "/user_vrm/a%20girl.vrm"})
    listed = (await client.get("/api/avatars")).json()["models"]
    assert [(one["kind"], one["name"], one["own"], one["worn_by"]) for one in listed] == [
        ("live2d", "mio", True, []),
        ("vrm", "a girl", True, ["Mio"]),
    ]
    assert (listed[0]["size"] > 500, listed[1]["size"], listed[1]["path"]) == (
        True,
        len(whole),
        "/user_vrm/a%20girl.vrm",
    )
    await client.delete("/api/model/vrm/model/a girl")
    assert (await client.get(MIO)).json() == {"success": True, "valid": False, "model_path": ""}


async def test_a_page_learns_that_a_model_is_gone_and_may_take_the_built_in_face(client: httpx2.AsyncClient) -> None:
    await client.put(MIO, json={"live2d": "gone"})
    assert (await client.get(MIO)).json() == {"success": True, "valid": False, "model_path": ""}
    answer = await client.post(MIO, json={"fallback_to_default": True})
    assert answer.json() == {"success": True, "valid": True, "model_path": ""}
    assert (await client.get(MIO)).json()["valid"] is True


@pytest.mark.parametrize(("worn", "other"), [("live2d", "vrm"), ("vrm", "live2d")])
async def test_of_a_card_in_the_newer_layout_only_the_model_that_is_gone_makes_room_for_the_built_in_face(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path, worn: str, other: str
) -> None:
    models = {
        "live2d": {"model_path": "gone/gone.model3.json"},
        "vrm": {"model_path": "/user_vrm/gone.vrm", "animation": "/user_vrm/animation/wave.vrma"},
    }
    kinds = {"live2d": {"model_type": "live2d"}, "vrm": {"model_type": "live3d", "live3d_sub_type": "vrm"}}
    kept = data_dir / "config" / "characters.json"
    card = {"_reserved": {"avatar": kinds[worn] | models}}
    kept.write_text(json.dumps({"猫娘": {"Mio": card}, "当前猫娘": "Mio"}), encoding="utf-8")
    await neko.characters.reload()
    assert (await client.get(MIO)).json()["valid"] is False
    answer = await client.post(MIO, json={"fallback_to_default": True})
    assert answer.json() == {"success": True, "valid": True, "model_path": ""}
    assert (await client.get(MIO)).json() == {"success": True, "valid": True, "model_path": ""}
    there = json.loads(kept.read_bytes())["猫娘"]["Mio"]["_reserved"]["avatar"]
    assert (there[other], there[worn]) == (models[other], {})


async def test_light_is_laid_over_what_is_set_and_keeps_what_this_form_does_not_know(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await client.patch(f"{CHARACTERS}/catgirl/Mio", json={"lighting": {"main": 2.0, "exposure": 1.5}})
    light = f"{CHARACTERS}/catgirl/Mio/lighting"
    answer = await client.put(light, params={"apply_runtime": "yes"}, json={"lighting": {"ambient": 0}})
    assert (answer.json()["applied_runtime"], answer.json()["needs_reload"]) == (True, False)
    assert neko.characters.cards.card("Mio")["lighting"] == {
        **{"ambient": 0, "main": 2.0, "fill": 0.5, "rim": 0.8, "top": 0.3, "bottom": 0.15},
        "exposure": 1.5,
    }
    refused: list[dict[str, Any]] = [{"lighting": {"main": 9}}, {"lighting": []}, {}]
    for wrong in refused:
        assert (await client.put(light, json=wrong)).status_code == 400
    kept = neko.characters.cards.card("Mio")["lighting"]
    for no_light in ({"main": 9}, {"exposure": 0}, {"toneMapping": "none"}, {"fill": "much"}, [1], "bright"):
        for method in ("PUT", "PATCH"):
            answer = await client.request(method, f"{CHARACTERS}/catgirl/Mio", json={"lighting": no_light})
            assert (answer.status_code, answer.json()["code"]) == (400, "character_field"), no_light
    assert neko.characters.cards.card("Mio")["lighting"] == kept
    whole = {**kept, "exposure": 1.1, "toneMapping": 4, "unknown": "kept"}
    assert (await client.put(f"{CHARACTERS}/catgirl/Mio", json={"lighting": whole})).status_code == 200
    assert neko.characters.cards.card("Mio")["lighting"] == whole


async def test_the_user_is_renamed_and_keeps_the_profile(neko: Neko, client: httpx2.AsyncClient) -> None:
    await client.post(f"{CHARACTERS}/master", json={"档案名": "Dan", "昵称": "D"})
    for old, new, status in (("Ben", "X", 404), ("Dan", " ", 400)):
        refused = await client.post(f"{CHARACTERS}/master/{old}/rename", json={"new_name": new})
        assert refused.status_code == status
        assert refused.json()["message"] == refused.json()["error"], "N.E.K.O.'s page reads the former"
    assert (await client.post(f"{CHARACTERS}/master/Dan/rename", json={"new_name": "Daniel"})).json()["success"]
    assert neko.characters.cards.master() == {"档案名": "Daniel", "昵称": "D"}


async def test_cards_in_the_folder_are_listed_and_damaged_ones_are_not(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    folder = data_dir / "character_cards"
    (folder / "rin.chara.json").write_text(json.dumps({"name": "Rin", "tags": ["calm", 1]}), encoding="utf-8")
    (folder / "half.chara.json").write_text('{"name": ', encoding="utf-8")
    (folder / "nameless.chara.json").write_text("{}", encoding="utf-8")
    (folder / "deep.chara.json").write_text("[" * 100_000, encoding="utf-8")
    cards = (await client.get(f"{CHARACTERS}/character-card/list")).json()["character_cards"]
    assert cards == [
        {
            **{"id": "rin", "name": "Rin", "description": "", "tags": ["calm"], "path": "rin.chara.json"},
            "rawData": {"name": "Rin", "tags": ["calm", 1]},
        }
    ]


async def test_a_card_in_the_encoding_of_chinese_windows_is_listed_with_its_names(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    card = {"name": "国标", "description": "用GBK写的"}
    (data_dir / "character_cards" / "gbk.chara.json").write_bytes(json.dumps(card, ensure_ascii=False).encode("gbk"))
    cards = (await client.get(f"{CHARACTERS}/character-card/list")).json()["character_cards"]
    assert [card["rawData"] for card in cards] == [card]


async def test_a_card_becomes_a_character_and_takes_nothing_from_one_that_is_there(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    save = f"{CHARACTERS}/character-card/save"
    answer = await client.post(save, json={"charaData": {"档案名": "Rin", "Likes": "rain"}, "character_card_name": "x"})
    assert answer.json() == {"success": True, "character_card_name": "Rin"}
    await client.post(save, json={"charaData": {"Likes": "snow", "Mood": "calm"}, "character_card_name": "Rin"})
    assert neko.characters.cards.traits("Rin") == {"Likes": "snow", "Mood": "calm"}
    for name in ("../etc", "a" * 30, ""):
        answer = await client.post(save, json={"charaData": {"Likes": "x"}, "character_card_name": name})
        assert (answer.status_code, answer.json()["success"]) == (400, False)


async def test_a_card_is_put_to_the_users_own_model_and_nowhere_else(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    (data_dir / "live2d/mao").mkdir(parents=True)
    (data_dir / "live2d/mao/mao.model3.json").write_text("{}", encoding="utf-8")
    save, card = f"{CHARACTERS}/catgirl/save-to-model-folder", {"name": "Rin"}
    body = {"charaData": card, "modelName": "mao", "fileName": "rin.chara.json"}
    assert (await client.post(save, json=body)).json()["path"] == "mao/rin.chara.json"
    assert json.loads((data_dir / "live2d/mao/rin.chara.json").read_text(encoding="utf-8")) == card
    names = ("../rin.chara.json", "mao.model3.json", "a\\..\\b.chara.json", ".chara.json", "C:rin.chara.json")
    for name in (*names, "名" * 189 + ".chara.json"):
        assert (await client.post(save, json={**body, "fileName": name})).status_code == 400, name
    assert (await client.post(save, json={**body, "modelName": "../config"})).status_code == 404
