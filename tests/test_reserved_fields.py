"""Cards in the newer layout of N.E.K.O.: read from its object, kept on every save, and changed where they are kept."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from neko.characters import CharacterCards

RESERVED: dict[str, Any] = {
    "voice_id": {"source": "clone", "provider": "gptsovits", "ref": "mio"},
    "system_prompt": "You are {LANLAN_NAME}.",
    "field_order": ["性别", "性格"],
    "character_uid": "0123456789abcdef0123456789abcdef",
    "ai_context": {"rename_events": [{"from": "a"}]},
    "avatar": {
        "model_type": "live3d",
        "live3d_sub_type": "vrm",
        "asset_source": "steam_workshop",
        "asset_source_id": "3000000001",
        "live2d": {"model_path": "Mio/runtime/Other.model3.json", "idle_animation": "motions/a.motion3.json"},
        "vrm": {
            "model_path": "/user_vrm/sister.vrm",
            "animation": "/user_vrm/animation/wave.vrma",
            "idle_animation": ["/user_vrm/animation/idle.vrma", "/user_vrm/animation/second.vrma"],
            "lighting": {"ambient": 0.4, "exposure": 1.1},
            "cursor_follow": {"eyes": True},
        },
        "mmd": {"model_path": "", "physics": None},
    },
}
OLDER = {
    "voice_id": "gsv:mio",
    "system_prompt": "You are {LANLAN_NAME}.",
    "model_type": "vrm",
    "live2d": "runtime",
    "live2d_item_id": "3000000001",
    "vrm": "/user_vrm/sister.vrm",
    "vrm_animation": "/user_vrm/animation/wave.vrma",
    "idleAnimation": "/user_vrm/animation/idle.vrma",
    "lighting": {"ambient": 0.4, "exposure": 1.1},
}
CARD = {"性别": "女", "_field_order": ["性别"], "_reserved": RESERVED}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "characters.json"
    document = {"主人": {"档案名": "Dan"}, "猫娘": {"Mio": CARD, "Old": {"live2d": "mao"}}, "当前猫娘": "Mio"}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def on_disk(path: Path, name: str = "Mio") -> dict[str, Any]:
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["猫娘"][name]
    return card


def changed(place: str, value: Any) -> dict[str, Any]:
    """What the object is with another value at a place (``avatar.vrm.animation``)."""
    reserved = copy.deepcopy(RESERVED)
    *to, last = place.split(".")
    inner = reserved
    for key in to:
        inner = inner[key]
    inner[last] = value
    return reserved


def test_what_the_object_says_counts_and_loading_writes_nothing(path: Path) -> None:
    before = path.read_bytes()
    cards = CharacterCards.load(path, "en")
    assert cards.card("Mio") == CARD | OLDER
    assert cards.voice("Mio") == "gsv:mio"
    assert cards.system_prompt("Mio") == "You are Mio."
    assert cards.traits("Mio") == {"性别": "女"}
    assert path.read_bytes() == before


def test_a_form_and_every_other_change_keep_the_object_as_it_is(path: Path) -> None:
    cards = CharacterCards.load(path, "en")
    cards.replace_card("Mio", {"性格": "calm", "_reserved": "[object Object]", **OLDER})
    cards.merge_card("Mio", {"喜欢": "rain", "_reserved": None})
    cards.rename("Mio", "Rin")
    cards.settled("Rin")
    kept = {"性格": "calm", "喜欢": "rain", "_field_order": ["性别"], "_reserved": RESERVED}
    assert on_disk(path, "Rin") == kept
    card = cards.card("Rin")
    cards.select("Old")
    cards.delete("Rin")
    cards.put_back("Rin", card, 0)
    assert cards.create("Luna", card) == "Luna"
    assert on_disk(path, "Rin") == on_disk(path, "Luna") == kept
    assert on_disk(path, "Old") == {"live2d": "mao"}


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ({"voice_id": "other"}, "voice_id", "other"),
        ({"system_prompt": "Be Mio."}, "system_prompt", "Be Mio."),
        ({"live2d": "mao"}, "avatar.live2d.model_path", "mao/mao.model3.json"),
        ({"vrm": "/user_vrm/b.vrm"}, "avatar.vrm.model_path", "/user_vrm/b.vrm"),
        ({"idleAnimation": "/user_vrm/b.vrma"}, "avatar.vrm.idle_animation", ["/user_vrm/b.vrma"]),
        ({"lighting": {"ambient": 1}}, "avatar.vrm.lighting", {"ambient": 1}),
        ({"live2d_item_id": "7"}, "avatar.asset_source_id", "7"),
    ],
)
def test_a_change_is_written_where_it_was_read(path: Path, change: dict[str, Any], place: str, value: Any) -> None:
    cards = CharacterCards.load(path, "en")
    cards.merge_card("Mio", change)
    assert on_disk(path) == {**CARD, "_reserved": changed(place, value)}
    assert cards.card("Mio").items() >= change.items()
    assert CharacterCards.load(path, "en").card("Mio") == cards.card("Mio")


def test_another_kind_of_model_and_none_are_written_as_newer_versions_read_them(path: Path) -> None:
    cards = CharacterCards.load(path, "en")
    cards.merge_card("Mio", {"model_type": "live2d", "vrm": None, "live2d_item_id": None, "voice_id": ""})
    reserved = on_disk(path)["_reserved"]
    avatar = reserved["avatar"]
    assert (avatar["model_type"], avatar["asset_source"]) == ("live2d", "local")
    assert not {"live3d_sub_type", "asset_source_id"} & avatar.keys()
    assert "model_path" not in avatar["vrm"]
    assert avatar["vrm"]["cursor_follow"] == {"eyes": True}
    assert "voice_id" not in reserved
    cards.merge_card("Mio", {"model_type": "vrm", "vrm": "/user_vrm/b.vrm"})
    avatar = on_disk(path)["_reserved"]["avatar"]
    assert (avatar["model_type"], avatar["live3d_sub_type"]) == ("live3d", "vrm")


@pytest.mark.parametrize("reserved", [None, [], "text", {}, {"avatar": 5}, {"avatar": {"vrm": [], "live2d": "x"}}])
def test_an_object_of_any_shape_hides_nothing_and_can_be_written(path: Path, reserved: Any) -> None:
    document = {"猫娘": {"Mio": {"性别": "女", "voice_id": "v", "_reserved": reserved}}, "主人": {"档案名": "Dan"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    cards = CharacterCards.load(path, "en")
    assert cards.voice("Mio") == "v"
    cards.merge_card("Mio", {"model_type": "vrm", "lighting": {"ambient": 1}})
    again = CharacterCards.load(path, "en").card("Mio")
    assert again.items() >= {"voice_id": "v", "model_type": "vrm", "lighting": {"ambient": 1}, "性别": "女"}.items()
