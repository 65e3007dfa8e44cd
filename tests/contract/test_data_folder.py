"""N.E.K.O.'s own folder: Neko opens it unchanged, works in it, and N.E.K.O. could open it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from neko.types.memory import InChats
from tests.contract.original_folder import (
    CHARACTERS,
    CORE_CONFIG,
    KEY,
    LINES,
    NAMES,
    PREFERENCES,
    check_opens,
    document,
    make,
)
from tests.web.running_app import serving, started

UNCHANGED = (
    *("config/characters.json", "config/core_config.json", "config/user_preferences.json", "config/voice_storage.json"),
    *("config/workshop_config.json", "config/bilibili_cookies.json", "live2d/Mio/Mio.model3.json"),
    *("live2d/Mio/parameters.json", "live2d/Mio/Mio.moc3", "vrm/sister.vrm", "vrm/animation/idle.vrma"),
    *("character_cards/小天.chara.json", "character_cards/小天.workshop_meta.json"),
    *(f"memory/settings_{name}.json" for name in NAMES),
)


def contents(data: Path) -> dict[str, bytes]:
    """Of a file that was set aside, nothing."""
    return {name: path.read_bytes() if (path := data / name).exists() else b"" for name in UNCHANGED}


async def test_it_opens_unchanged_and_everything_in_it_is_there(data_dir: Path) -> None:
    make(data_dir)
    check_opens(data_dir)
    before = contents(data_dir)
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        assert neko.characters.names == list(NAMES)
        assert neko.characters.current == "小天"
        for name in NAMES:
            lines = await neko.memory.lines(name, limit=99, chat=InChats.ALL)
            assert [line.text for line in lines] == [f"{name} 第{number}句 🐈" for number in range(LINES)]
            file = await client.get("/api/memory/recent_file", params={"filename": f"recent_{name}.json"})
            assert f"{name} 喜欢星星" in file.json()["content"]
        page = (await client.get("/api/config/page_config")).json()
        assert (page["model_type"], page["model_path"]) == ("vrm", "/user_vrm/sister.vrm")
        assert (await client.get("/api/config/preferences")).json() == PREFERENCES
        assert (await client.get("/user_live2d/Mio/Mio.model3.json")).status_code == 200
        assert (await client.get("/user_vrm/animation/idle.vrma")).status_code == 200
        voices = (await client.get("/api/characters/voices")).json()
        assert "voice-1" in json.dumps(voices)
        assert KEY not in json.dumps(voices)
    assert contents(data_dir) == before
    check_opens(data_dir)


async def work(client: httpx2.AsyncClient) -> None:
    """Everything that changes a file, by N.E.K.O.'s own calls."""
    preference = {"model_path": "/new", "position": {"x": 1, "y": 2}, "scale": {"x": 1, "y": 1}}
    custom = {"enableCustomApi": True, "visionModelUrl": "http://127.0.0.1:9/v1", "visionModelId": "m"}
    history = {
        "filename": "recent_test.json",
        "chat": [{"role": "human", "text": "改过"}, {"role": "ai", "text": "好"}],
    }
    for method, path, body in (
        ("POST", "/api/config/preferences", preference),
        ("POST", "/api/config/preferences/set-preferred", {"model_path": "/user_live2d/Mio/Mio.model3.json"}),
        ("POST", "/api/config/core_api", {"coreApiKey": "sk-new-0123456789abcdef", "coreApi": "openai", **custom}),
        ("POST", "/api/characters/master", {"档案名": "Ann", "性别": "女"}),
        ("POST", "/api/characters/catgirl", {"档案名": "Rin", "性格": "calm"}),
        ("PUT", "/api/characters/catgirl/test", {"性别": "女", "年龄": "16", "somebody's": "text"}),
        ("PUT", "/api/characters/catgirl/l2d/Rin", {"live2d": "Mio", "model_type": "live2d"}),
        ("PUT", "/api/characters/catgirl/voice_id/Rin", {"voice_id": "voice-1"}),
        (
            "PUT",
            "/api/characters/catgirl/小天/lighting",
            {"lighting": {"ambient": 0.5, "main": 1, "fill": 1, "rim": 1}},
        ),
        ("POST", "/api/characters/current_catgirl", {"catgirl_name": "test"}),
        ("POST", "/api/characters/set_microphone", {"microphone_id": "mic-2"}),
        ("POST", "/api/characters/catgirl/test/rename", {"new_name": "Tess"}),
        ("DELETE", "/api/characters/catgirl/Rin", None),
        ("POST", "/api/characters/reload", {}),
        ("POST", "/api/memory/recent_file/save", {**history, "filename": "recent_Tess.json"}),
        ("POST", "/api/memory/review_config", {"enabled": True}),
        ("POST", "/api/live2d/emotion_mapping/Mio", {"expressions": {"sad": ["exp_02"]}, "motions": {}}),
        ("POST", "/api/live2d/save_model_parameters/Mio", {"parameters": {"ParamAngleX": 2, "ParamBreath": 0.5}}),
        ("POST", "/api/model/vrm/emotion_mapping/sister", {"happy": "joy"}),
        ("POST", "/api/steam/workshop/config", {"auto_create_folder": False}),
        ("POST", "/api/characters/character-card/save", {"charaData": {"name": "Ann"}, "character_card_name": "Ann"}),
    ):
        answer = await client.request(method, path, json=body)
        assert answer.status_code < 500, (path, answer.text)
        assert answer.json().get("success", True) is True, (path, answer.text)


async def test_after_every_kind_of_work_the_original_could_open_it(data_dir: Path) -> None:
    make(data_dir)
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        await work(client)
    check_opens(data_dir)
    raw = document(data_dir, "config/characters.json")
    assert list(raw["猫娘"]) == ["Tess", "小天", "Ann"]
    assert raw["当前猫娘"] == "Tess"
    assert raw["当前麦克风"] == "mic-2"
    assert raw["somebody's"] == 7
    quiet = raw["猫娘"]["小天"]
    expected: Mapping[str, Any] = CHARACTERS["猫娘"]["小天"]
    assert {key: quiet[key] for key in expected if key != "lighting"} == {
        key: value for key, value in expected.items() if key != "lighting"
    }
    core = document(data_dir, "config/core_config.json")
    assert (core["somebody's"], core["conversationModel"]) == ({"a": 1}, CORE_CONFIG["conversationModel"])
    assert core["recent_memory_auto_review"] is True
    preferences = document(data_dir, "config/user_preferences.json")
    assert preferences[0] == PREFERENCES[1]
    assert document(data_dir, "config/workshop_config.json")["somebody's"] == 1
    model = document(data_dir, "live2d/Mio/Mio.model3.json")
    assert model["Groups"][0]["Name"] == "LipSync"
    recent = document(data_dir, "memory/recent_Tess.json")
    assert [one["type"] for one in recent if one["type"] != "system"] == ["human", "ai"]
    raw_text = (data_dir / "config" / "characters.json").read_text(encoding="utf-8")
    assert "当前猫娘" in raw_text, "readable, as N.E.K.O. writes it"


DAMAGES: Mapping[str, Any] = {
    "half": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "mark": lambda content: b"\xef\xbb\xbf" + content,
    "gbk": lambda content: content.decode("utf-8").encode("gbk", "replace"),
    "comma": lambda content: content.rstrip().removesuffix(content.rstrip()[-1:]) + b"," + content.rstrip()[-1:],
    "doubled": lambda content: content + content,
    "other": lambda content: b'"text"',
    "page": lambda content: b"<!doctype html>",
}
DAMAGED = (
    *("config/core_config.json", "config/characters.json", "memory/recent_test.json", "config/user_preferences.json"),
    *("config/voice_storage.json", "config/workshop_config.json", "memory/settings_test.json"),
    *("live2d/Mio/parameters.json", "memory/time_indexed_test", "character_cards/小天.chara.json"),
)


@pytest.mark.few(2)
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", DAMAGED)
async def test_damage_in_one_file_costs_no_other_and_nothing_is_thrown_away(
    name: str, damage: str, data_dir: Path
) -> None:
    make(data_dir)
    path = data_dir / name
    content = path.read_bytes()
    if path.name.startswith("time_indexed_") and damage in ("gbk", "comma"):
        pytest.skip("text only")
    path.write_bytes(DAMAGES[damage](content))
    before = contents(data_dir)
    async with started(data_dir) as neko, serving(neko.asgi) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/characters/")).status_code == 200
        preference = {"model_path": "/new", "position": {"x": 1, "y": 2}, "scale": {"x": 1, "y": 1}}
        await client.post("/api/config/preferences", json=preference)
        await client.post("/api/config/core_api", json={"coreApiKey": "sk-new-0123456789abcdef", "coreApi": "openai"})
        await client.post("/api/characters/master", json={"档案名": "Ann"})
        assert (await client.get("/user_live2d/Mio/Mio.model3.json")).status_code == 200
    changed = {"config/core_config.json", "config/user_preferences.json", "config/characters.json"}
    changed |= {f"memory/settings_{character}.json" for character in NAMES}  # the user has another name
    after = contents(data_dir)
    for other in UNCHANGED:
        if other != name and other not in changed:
            assert after[other] == before[other], other
    damaged = DAMAGES[damage](content)
    kept = [one.read_bytes() for one in path.parent.glob(f"{path.name}*") if one.is_file()]
    if name in changed and damage not in ("mark", "comma", "empty"):
        assert damaged in kept, "what was damaged is still there"
    if "小天" in neko.characters.names:
        lines = document(data_dir, "memory/recent_小天.json")
        assert len(lines) == LINES + 1
