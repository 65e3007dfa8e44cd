"""Live2D models that come in as folders and archives."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from neko.avatar_errors import AvatarError
from neko.avatars import arrival
from neko.avatars.arrival import Arrived, take
from neko.avatars.live2d import Live2DModels
from neko.avatars.places import Root, Source
from tests.avatar_files import MOC, Files, archive, as_json, below, curve, live2d, motion


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "live2d"
    folder.mkdir()
    return folder


def arrived(files: Files, root: Path) -> Arrived:
    return take([(name, io.BytesIO(content)) for name, content in files.items()], root)


def zipped(files: Files, root: Path, **kind: str) -> Arrived:
    return take([("model.zip", io.BytesIO(archive(files, **kind)))], root)


def refusal(files: Files, root: Path) -> str:
    with pytest.raises(AvatarError) as refused:
        arrived(files, root)
    assert list(root.iterdir()) == [], "half an upload is left"
    return refused.value.code


def models(root: Path) -> Live2DModels:
    return Live2DModels(lambda: (Root(root, "/user_live2d", Source.USER),))


def test_an_archive_that_is_cut_off_is_told_as_that(root: Path) -> None:
    whole = archive(live2d())
    for size in (100, len(whole) // 2, len(whole) - 10):
        assert refusal({"mio.zip": whole[:size]}, root) == "avatar_unreadable"


@pytest.mark.parametrize("name", ["CON/mio.model3.json", "CON.model3.json", "Mio/a:b.model3.json"])
def test_a_name_that_not_every_system_takes_is_told_as_that(root: Path, name: str) -> None:
    files = {name if path.endswith(".model3.json") else path: content for path, content in live2d().items()}
    with pytest.raises(AvatarError) as refused:
        zipped(files, root)
    assert (refused.value.code, refused.value.params["name"]) == ("avatar_name", name)


def test_a_folder_is_taken_whole_under_its_own_name(root: Path) -> None:
    got = arrived(below("Mio", live2d()), root)
    assert (got.name, got.folder, got.left_out) == ("Mio", root / "Mio", 0)
    assert {path.relative_to(got.folder).as_posix() for path in got.folder.rglob("*") if path.is_file()} == set(
        live2d()
    )
    assert [model.url for model in models(root).all()] == ["/user_live2d/Mio/mio.model3.json"]


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("", "mio"),
        ("Mio/", "Mio"),
        ("download/characters/Mio/", "Mio"),
        ("Mio/runtime/", "mio"),
        ("桜 の子/", "桜 の子"),
    ],
)
def test_an_archive_may_have_any_layout(root: Path, layout: str, name: str) -> None:
    files = {f"{layout}{path}": content for path, content in live2d().items()}
    assert zipped(files | {"__MACOSX/._x": b"", "readme.md": b"hi"}, root).name == name


@pytest.mark.parametrize("encoding", ["utf-8", "shift_jis", "gb18030", "euc_kr"])
def test_names_in_archives_of_old_programs_are_read_in_the_encoding_that_fits_the_model(
    root: Path, encoding: str
) -> None:
    word = "한국" if encoding == "euc_kr" else "表情"
    files = live2d(Expressions=[{"Name": "happy", "File": f"{word}/a.exp3.json"}]) | {
        f"{word}/a.exp3.json": as_json({})
    }
    got = zipped(below("Mio", files), root, encoding=encoding)
    assert (got.folder / word / "a.exp3.json").exists()


def test_a_name_that_differs_in_case_only_is_made_the_one_that_the_model_uses(root: Path) -> None:
    files = {path.replace("texture_00.png", "Texture_00.PNG"): content for path, content in live2d().items()}
    assert (arrived(below("m", files), root).folder / "textures/texture_00.png").exists()


def test_nothing_that_a_browser_might_run_is_kept(root: Path) -> None:
    more = {"index.html": b"<script>", "a.js": b"x", "face.svg": b"<svg>", "x.exe": b"MZ", ".hidden.json": b"{}"}
    got = arrived(below("m", live2d() | more), root)
    assert got.left_out == len(more)
    assert not [path for path in got.folder.rglob("*") if path.name in more]


def test_her_voice_moves_the_mouth_and_no_motion_does(root: Path) -> None:
    folder = arrived(below("m", live2d()), root).folder
    moved = json.loads((folder / "motions/idle.motion3.json").read_bytes())
    assert [one["Id"] for one in moved["Curves"]] == ["ParamAngleX"]
    assert moved["Meta"] == {"Duration": 1, "CurveCount": 1, "TotalSegmentCount": 2, "TotalPointCount": 5}
    assert not list(folder.rglob("*.bak"))


def test_a_motion_that_cannot_be_read_is_left_as_it_is(root: Path) -> None:
    odd = motion(curve("ParamMouthOpenY", [0, 0]), curve("ParamAngleX", [0, 0, 9, 1]), counts=(2, 1, 2))
    folder = arrived(below("m", live2d() | {"motions/idle.motion3.json": odd}), root).folder
    assert (folder / "motions/idle.motion3.json").read_bytes() == odd


def _without(path: str) -> dict[str, bytes]:
    return {name: content for name, content in live2d().items() if name != path}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "avatar_none"),
        ({"a.png": b"x"}, "avatar_none"),
        (live2d() | {"other.model3.json": live2d()["mio.model3.json"]}, "avatar_several"),
        (_without("mio.moc3"), "avatar_missing"),
        (_without("textures/texture_00.png"), "avatar_missing"),
        (live2d() | {"mio.moc3": b"MZ not a moc"}, "avatar_unreadable"),
        (live2d() | {"textures/texture_00.png": b"<html>"}, "avatar_unreadable"),
        (live2d() | {"mio.model3.json": b"{"}, "avatar_unreadable"),
        (live2d() | {"mio.model3.json": b"[1]"}, "avatar_unreadable"),
        (live2d() | {"mio.model3.json": as_json({"FileReferences": {}})}, "avatar_unreadable"),
        (live2d() | {"mio.model3.json": b"[" * 200_000}, "avatar_unreadable"),
        (live2d(Textures=["../../secret.png"]), "avatar_outside"),
        (live2d(Textures=["/etc/passwd"]), "avatar_outside"),
        (live2d(Physics="https://elsewhere.example/x.json"), "avatar_outside"),
        (live2d(Moc=7), "avatar_unreadable"),
        (live2d() | {"../evil.json": b"{}"}, "avatar_outside"),
        (live2d() | {"..\\evil.json": b"{}"}, "avatar_outside"),
        (live2d() | {"/etc/evil.json": b"{}"}, "avatar_outside"),
        (live2d() | {"C:\\evil.json": b"{}"}, "avatar_outside"),
    ],
)
def test_what_is_no_whole_model_is_refused_and_leaves_nothing(root: Path, files: Files, code: str) -> None:
    assert (
        refusal({f"m/{name}" if "evil" not in name else name: content for name, content in files.items()}, root) == code
    )


def test_a_model_that_is_there_is_not_overwritten(root: Path) -> None:
    arrived(below("m", live2d()), root)
    with pytest.raises(AvatarError) as refused:
        arrived(below("m", live2d()), root)
    assert refused.value.code == "avatar_exists"
    assert [path.name for path in root.iterdir()] == ["m"]


def test_archives_that_unpack_to_more_than_there_is_room_for_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "LARGEST", 1 << 20)
    with pytest.raises(AvatarError) as refused:
        zipped(live2d() | {"bomb.png": bytes(4 << 20)}, root)
    assert (refused.value.code, list(root.iterdir())) == ("avatar_too_large", [])
    monkeypatch.setattr(arrival, "MOST_FILES", 5)
    with pytest.raises(AvatarError) as refused:
        zipped(live2d(), root)
    assert (refused.value.code, list(root.iterdir())) == ("avatar_too_many", [])


def test_an_archive_that_lies_about_its_sizes_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory at the end says 10 bytes; the entry unpacks to four megabytes."""
    monkeypatch.setattr(arrival, "LARGEST", 1 << 20)
    honest = archive({"a.model3.json": as_json({}), "bomb.png": bytes(4 << 20)})
    with zipfile.ZipFile(io.BytesIO(honest)) as read:
        size = read.getinfo("bomb.png").file_size
    lying = honest.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(AvatarError) as refused:
        take([("a.zip", io.BytesIO(lying))], root)
    assert refused.value.code in ("avatar_unreadable", "avatar_too_large")
    assert list(root.iterdir()) == []


def test_links_in_archives_are_passed_over(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for path, content in live2d().items():
            written.writestr(path, content)
        link = zipfile.ZipInfo("link.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        written.writestr(link, str(tmp_path / "secret.json"))
    folder = take([("m.zip", buffer)], root).folder
    assert not (folder / "link.json").exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "encrypted"])
def test_an_archive_that_cannot_be_unpacked_is_refused(root: Path, damage: str) -> None:
    content = bytearray(archive(live2d()))
    if damage == "cut":
        del content[len(content) // 2 : -200]
    elif damage == "flipped":
        content[60:90] = bytes(30)
    else:
        for start in (b"PK\x03\x04", b"PK\x01\x02"):
            at = content.find(start)
            content[at + (6 if start[2] == 3 else 8)] |= 1
    with pytest.raises(AvatarError):
        take([("m.zip", io.BytesIO(bytes(content)))], root)
    assert list(root.iterdir()) == []


HOSTILE_PARTS = (
    "..",
    ".",
    "",
    "~",
    "C:",
    "con",
    "a",
    "b.json",
    "\0",
    "\n",
    "…",
    "名",
    "x" * 300,
    "\\",
    "%2e%2e",
    "a:b",
    " ",
)
HOSTILE_CONTENT = (b"", b"{", b"[]", as_json({"FileReferences": {"Moc": "../a"}}), MOC, b"PK\x05\x06" + bytes(18))


def hostile(chance: random.Random) -> dict[str, bytes]:
    """A model with up to six files of hostile names and contents, and sometimes without one that it needs."""
    files: dict[str, Any] = below("m", live2d()) if chance.random() < 0.7 else {}
    for _ in range(chance.randint(1, 6)):
        parts = [chance.choice(HOSTILE_PARTS) for _ in range(chance.randint(1, 5))]
        ending = chance.choice(("", ".json", ".png", ".model3.json", ".html"))
        files[chance.choice("/\\").join(parts) + ending] = chance.choice(HOSTILE_CONTENT)
    if files and chance.random() < 0.3:
        files.pop(chance.choice(sorted(files)))
    return files


@pytest.mark.parametrize("seed", range(20))
def test_hostile_uploads_touch_nothing_outside_and_leave_nothing_half_written(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root, beside = tmp_path / "data" / "live2d", tmp_path / "data" / "beside.json"
    root.mkdir(parents=True)
    beside.write_text("untouched")
    taken = 0
    for _ in range(120):
        files = hostile(chance)
        try:
            if chance.random() < 0.5:
                zipped({name: content for name, content in files.items() if name.split("\0")[0]}, root)
            else:
                arrived(files, root)
        except AvatarError:
            pass
        everything = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
        outside = {path for path in everything if not path.startswith("data/live2d/")}
        assert outside == {"data", "data/live2d", "data/beside.json"}
        assert beside.read_text() == "untouched"
        for model in models(root).all():
            assert model.config.is_file()
            models(root).delete(model.folder.name)
            taken += 1
        assert list(root.iterdir()) == [], "half an upload is left"
    assert 0 < taken < 120
