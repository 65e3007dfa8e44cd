"""VRM files: what they are, what is set for them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from neko.avatar_errors import AvatarError
from neko.avatars.vrm import DEFAULT_EMOTIONS, VrmModels, expressions_of
from tests.avatar_files import glb, vrm, vrma


@pytest.fixture
def models(tmp_path: Path) -> VrmModels:
    return VrmModels(tmp_path / "vrm")


def take(models: VrmModels, name: str = "Sister1.0.vrm", content: bytes = b"") -> str:
    ending = ".vrma" if name.endswith(".vrma") else ".vrm"
    return models.take(name, ending, io.BytesIO(content or vrm())).url


def test_models_and_animations_are_kept_and_listed_apart(models: VrmModels) -> None:
    assert take(models) == "/user_vrm/Sister1.0.vrm"
    assert take(models, "踊り.vrma", vrma()) == "/user_vrm/animation/%E8%B8%8A%E3%82%8A.vrma"
    assert [one.name for one in models.models()] == ["Sister1.0"]
    assert [one.name for one in models.moving()] == ["踊り"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.vrm", b"", "avatar_unreadable"),
        ("a.vrm", b"glTF", "avatar_unreadable"),
        ("a.vrm", vrm()[:-40], "avatar_unreadable"),
        ("a.vrm", vrma(), "avatar_unreadable"),
        ("a.vrma", vrm(), "avatar_unreadable"),
        ("a.vrm", glb({}), "avatar_unreadable"),
        ("a.vrm", vrm().replace(b'"asset"', b'"asse"t'), "avatar_unreadable"),
        ("../.vrm", vrm(), "avatar_name"),
        ("..\\..\\.x.vrm", vrm(), "avatar_name"),
        ("a:b.vrm", vrm(), "avatar_name"),
        ("taken.vrm", vrm(), "avatar_exists"),
    ],
)
def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(
    models: VrmModels, name: str, content: bytes, code: str
) -> None:
    take(models, "taken.vrm")
    with pytest.raises(AvatarError) as refused:
        models.take(name, ".vrma" if name.endswith("a") else ".vrm", io.BytesIO(content))
    assert refused.value.code == code
    assert [path.name for path in models.folder.rglob("*") if path.is_file()] == ["taken.vrm"]


def test_a_file_with_another_ending_is_refused(models: VrmModels) -> None:
    with pytest.raises(AvatarError) as refused:
        models.take("a.glb", ".vrm", io.BytesIO(vrm()))
    assert refused.value.code == "avatar_kind"


def test_what_stands_behind_the_end_of_a_model_is_not_kept(models: VrmModels) -> None:
    kept = models.take("mia.vrm", ".vrm", io.BytesIO(vrm() + b"<script>alert(1)</script>"))
    assert kept.path.read_bytes() == vrm()


@pytest.mark.parametrize("name", ["CON.vrm", "nul.vrm", "Com1.extra.vrm", "aux .vrm"])
def test_a_name_that_is_a_device_of_windows_is_refused(models: VrmModels, name: str) -> None:
    with pytest.raises(AvatarError) as refused:
        models.take(name, ".vrm", io.BytesIO(vrm()))
    assert refused.value.code == "avatar_name"


def test_emotions_are_kept_for_a_model_with_a_point_in_its_name_and_follow_it(models: VrmModels) -> None:
    take(models)
    assert models.emotions("Sister1.0") == DEFAULT_EMOTIONS
    models.set_emotions("Sister1.0", {"happy": "joy", "sad": ["sorrow", "cry"]})
    assert models.emotions("Sister1.0") == {"happy": ["joy"], "sad": ["sorrow", "cry"]}
    models.rename("Sister1.0", "Brother.vrm")
    assert models.emotions("Brother")["happy"] == ["joy"]
    models.delete("Brother")
    assert models.emotions("Brother") == DEFAULT_EMOTIONS


def test_emotions_that_the_original_wrote_under_a_shortened_name_are_read(models: VrmModels) -> None:
    take(models)
    folder = models.folder / "configs"
    folder.mkdir()
    (folder / "Sister10_emotion.json").write_text('{"happy": ["fun"]}')
    assert models.emotions("Sister1.0") == {"happy": ["fun"]}


@pytest.mark.parametrize(
    ("extensions", "names"),
    [
        (
            {"VRMC_vrm": {"expressions": {"preset": {"happy": {}, "aa": {}}, "custom": {"wink": {}}}}},
            ["happy", "aa", "wink"],
        ),
        (
            {
                "VRM": {
                    "blendShapeMaster": {
                        "blendShapeGroups": [
                            {"presetName": "joy", "name": "Joy"},
                            {"presetName": "unknown", "name": "Ehe"},
                            7,
                        ]
                    }
                }
            },
            ["joy", "Ehe"],
        ),
        ({"VRM": {"blendShapeMaster": []}}, []),
        ({}, []),
    ],
)
def test_the_expressions_are_those_of_the_file(extensions: dict[str, object], names: list[str]) -> None:
    assert expressions_of({"extensions": extensions}) == names
