"""What is set for Live2D models, and where they are found."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from neko.avatar_errors import AvatarError
from neko.avatars import live2d
from neko.avatars.live2d import Live2DModel, Live2DModels
from neko.avatars.places import Root, Source
from tests.avatar_files import live2d as files_of_one

IDLE = "motions/idle.motion3.json"


def put(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture
def models(tmp_path: Path) -> Live2DModels:
    put(tmp_path / "live2d" / "mio", files_of_one())
    put(tmp_path / "live2d" / "deep" / "runtime", files_of_one("inner"))
    put(tmp_path / "live2d" / "no model", {"a.txt": b""})
    put(tmp_path / "workshop" / "123", files_of_one("steamy"))
    put(tmp_path / "workshop" / "456" / "Two", files_of_one("second"))
    roots = (
        Root(tmp_path / "live2d", "/user_live2d", Source.USER),
        Root(tmp_path / "workshop", "/workshop", Source.WORKSHOP),
    )
    return Live2DModels(lambda: roots)


@pytest.fixture
def mio(models: Live2DModels) -> Live2DModel:
    return models.find("mio")


def test_models_are_found_in_every_root_at_the_addresses_at_which_they_are_served(models: Live2DModels) -> None:
    assert [(model.name, model.url, model.item) for model in models.all()] == [
        ("deep", "/user_live2d/deep/runtime/inner.model3.json", ""),
        ("mio", "/user_live2d/mio/mio.model3.json", ""),
        ("steamy", "/workshop/123/steamy.model3.json", "123"),
        ("Two", "/workshop/456/Two/second.model3.json", "456"),
    ]
    assert models.find("123").name == "steamy", "an item by its folder"
    assert models.of_item("456").name == "Two"


@pytest.mark.parametrize("name", ["", "nobody", "..", "../mio", "mio/", "."])
def test_what_is_not_there_is_unknown(models: Live2DModels, name: str) -> None:
    with pytest.raises(AvatarError) as refused:
        models.find(name)
    assert refused.value.code == "avatar_unknown"


def test_only_the_users_own_models_are_deleted_and_renamed(models: Live2DModels) -> None:
    for deed in (lambda: models.delete("steamy"), lambda: models.rename("steamy", "mine")):
        with pytest.raises(AvatarError) as refused:
            deed()
        assert refused.value.code == "avatar_not_own"
    models.rename("mio", " 澪 ")
    models.delete("deep")
    assert [model.name for model in models.all()] == ["澪", "steamy", "Two"]


def test_emotions_are_told_by_the_models_own_names_until_they_are_set(mio: Live2DModel) -> None:
    assert live2d.emotion_mapping(mio) == {
        "motions": {"Idle": ["motions/idle.motion3.json"]},
        "expressions": {"happy": ["expressions/smile.exp3.json"], "neutral": ["expressions/cry.exp3.json"]},
    }
    live2d.set_emotion_mapping(
        mio,
        {
            "motions": {
                "happy": ["motions/idle.motion3.json", "../out.motion3.json"],
                "常驻": ["motions/idle.motion3.json"],
            },
            "expressions": {"sad": ["expressions/cry.exp3.json"], "常驻": ["expressions/smile.exp3.json"]},
        },
    )
    assert live2d.emotion_mapping(mio) == {
        "motions": {"happy": ["motions/idle.motion3.json"]},
        "expressions": {"sad": ["expressions/cry.exp3.json"], "常驻": ["expressions/smile.exp3.json"]},
    }
    references = json.loads(mio.config.read_bytes())["FileReferences"]
    assert references["Motions"] == {
        "TapBody": [],
        "happy": [{"File": "motions/idle.motion3.json", "FadeInTime": 0.5}],
    }, "what the mapping does not cover stays, and so does what is set for a motion"
    assert {one["Name"] for one in references["Expressions"]} == {"sad_cry", "常驻_smile"}


def test_the_expressions_that_are_always_on_survive_a_save_that_does_not_name_them(mio: Live2DModel) -> None:
    live2d.set_emotion_mapping(mio, {"expressions": {"常驻": ["expressions/smile.exp3.json"]}})
    live2d.set_emotion_mapping(mio, {"expressions": {"sad": ["expressions/cry.exp3.json"]}})
    assert live2d.emotion_mapping(mio)["expressions"] == {
        "sad": ["expressions/cry.exp3.json"],
        "常驻": ["expressions/smile.exp3.json"],
    }


def test_parameters_have_names_and_keep_the_values_that_were_set(mio: Live2DModel) -> None:
    named = live2d.parameters_of(mio)
    assert named.parameters == [{"Id": "ParamAngleX", "GroupId": "Head", "Name": "Angle X"}]
    assert live2d.kept_parameters(mio) == {}
    live2d.keep_parameters(mio, {"ParamAngleX": 3.5})
    assert live2d.kept_parameters(mio) == {"ParamAngleX": 3.5}
    (mio.config.parent / "parameters.json").write_text("{")
    assert live2d.kept_parameters(mio) == {}


def test_a_motion_is_added_and_never_overwritten(mio: Live2DModel) -> None:
    assert live2d.add_part(mio, "wave.motion3.json", ".motion3.json", io.BytesIO(b"{}")) == "motions/wave.motion3.json"
    for name, content, code in (
        ("wave.motion3.json", b"{}", "avatar_exists"),
        ("wave.exp3.json", b"{}", "avatar_kind"),
        ("other.motion3.json", b"no", "avatar_unreadable"),
        ("../x.motion3.json", b"{}", "avatar_name"),
    ):
        with pytest.raises(AvatarError) as refused:
            live2d.add_part(mio, name, ".motion3.json", io.BytesIO(content))
        assert refused.value.code == code
    assert live2d.files_of(mio)[0] == ["motions/idle.motion3.json", "motions/wave.motion3.json"]
