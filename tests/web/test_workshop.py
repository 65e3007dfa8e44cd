"""Folders of Steam's Workshop, without Steam [rest 8, rest 9, rest 12]."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx2
import pytest

from tests.avatar_files import PNG, below, live2d, vrm

CONFIG = "/api/steam/workshop/config"
OUTSIDE = ["../config/core_config.json", "/etc/passwd", "..%2fconfig%2fcore_config.json", "%252e%252e/config", "a\0b",
           "7/../../config", ".hidden", "7/link/secret.json", "C:\\x", "x" * 5000]  # fmt: skip


@pytest.fixture
def items(data_dir: Path) -> Path:
    """A folder with one item: a card, a recording, a preview, a mark of its upload; and a link to what is private."""
    folder = data_dir / "workshop" / "7"
    (folder / "voices").mkdir(parents=True)
    (folder / "mio.chara.json").write_text('{"name": "Mio"}', encoding="utf-8")
    (folder / "voices" / "a voice.wav").write_bytes(b"RIFF")
    (folder / "preview.png").write_bytes(PNG)
    (folder / "run.exe").write_bytes(b"MZ")
    (folder / "steam_workshop_id_4711.txt").touch()
    (data_dir / "private").mkdir()
    (data_dir / "private" / "secret.json").write_text('"what nobody may read"')
    (folder / "link").symlink_to(data_dir / "private")
    return folder.parent


async def test_without_steam_every_call_that_needs_it_says_so_as_the_pages_expect(client: httpx2.AsyncClient) -> None:
    """[rest 12]"""
    for status, method, path in (
        (503, "GET", "/api/steam/workshop/subscribed-items"),
        (503, "GET", "/api/steam/workshop/item/7"),
        (503, "GET", "/api/steam/workshop/item/7/path"),
        (503, "POST", "/api/steam/workshop/unsubscribe"),
        (503, "POST", "/api/steam/workshop/publish"),
        (503, "POST", "/api/steam/update-playtime"),
        (503, "POST", "/api/steam/set-achievement-status/ACH_FIRST_DIALOGUE"),
        (500, "GET", "/api/steam/list-achievements"),
    ):
        for content in (b"{}", b"{", b"") if method == "POST" else (b"",):
            answer = await client.request(method, path, content=content, headers={"accept-language": "en"})
            assert answer.status_code == status, path
            told = {"success": False, "error": "Steam is not here.", "message": "Steam is not here."}
            if status == 500:
                del told["message"]
            assert answer.json() == {**told, "code": "no_steam", "said": "", "remedy": "", "link": None}


async def test_texts_in_the_encoding_of_chinese_windows_are_read(client: httpx2.AsyncClient, items: Path) -> None:
    for name, text in (("gbk.chara.json", '{"name": "国标"}'), ("说明.txt", "请先看这个说明，谢谢")):
        (items / "7" / name).write_bytes(text.encode("gbk"))
        read = await client.get("/api/steam/workshop/read-file", params={"path": f"7/{name}"})
        assert read.json()["content"] == text


async def test_items_are_listed_read_and_pictured(client: httpx2.AsyncClient, items: Path) -> None:
    """[rest 8, rest 9]"""
    scanned = (await client.post("/api/steam/workshop/local-items/scan", json={})).json()
    assert (scanned["folder_path"], scanned["default_path_used"]) == (str(items), True)
    (one,) = scanned["local_items"]
    assert (one["id"], one["name"], one["path"], one["previewImage"]) == ("local_1", "7", f"{items}/7", "7/preview.png")
    assert (await client.get("/api/steam/workshop/local-items/local_1")).json()["item"] == one
    assert (await client.get("/api/steam/workshop/local-items/local_9")).status_code == 404

    cards = (await client.get("/api/steam/workshop/list-chara-files", params={"directory": one["path"]})).json()[
        "files"
    ]
    assert [card["name"] for card in cards] == ["mio.chara.json"]
    read = (await client.get("/api/steam/workshop/read-file", params={"path": cards[0]["path"]})).json()
    assert (json.loads(read["content"]), read["is_binary"]) == ({"name": "Mio"}, False)
    voices = (await client.get("/api/steam/workshop/list-audio-files", params={"directory": "7"})).json()["files"]
    assert [(voice["name"], voice["prefix"]) for voice in voices] == [("a voice.wav", "avoice")]
    sound = (await client.get("/api/steam/workshop/read-file", params={"path": voices[0]["path"]})).json()
    assert (base64.b64decode(sound["content"]), sound["is_binary"]) == (b"RIFF", True)
    refused = await client.get("/api/steam/workshop/read-file", params={"path": "7/run.exe"})
    assert (refused.status_code, refused.json()["code"]) == (400, "workshop_kind")

    found = (await client.get("/api/find-first-image", params={"folder": one["path"]})).json()
    assert found["imagePath"] == "7/preview.png"
    shown = await client.get("/api/steam/proxy-image", params={"image_path": found["imagePath"]})
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert (await client.get("/workshop/7/preview.png")).content == PNG
    assert (await client.get("/user_mods/7/preview.png")).content == PNG
    status = (await client.get("/api/steam/workshop/check-upload-status", params={"item_path": "7"})).json()
    assert (status["is_published"], status["published_file_id"]) == (True, "4711")
    for path, there in (("7/mio.chara.json", True), ("7/other.json", False)):
        assert (await client.get("/api/file-exists", params={"path": path})).json() == {"exists": there}


async def test_no_path_leads_out_of_the_folder_of_items(client: httpx2.AsyncClient, items: Path) -> None:
    """[rest 13: 3-6]"""
    for path in (*OUTSIDE, str(items.parent / "config" / "characters.json")):
        for route, name in (
            ("steam/workshop/read-file", "path"),
            ("steam/workshop/list-chara-files", "directory"),
            ("steam/workshop/check-upload-status", "item_path"),
            ("steam/proxy-image", "image_path"),
            ("find-first-image", "folder"),
        ):
            answer = await client.get(f"/api/{route}", params={name: path})
            assert not answer.json()["success"], (route, path)
            assert "nobody may read" not in answer.text
        assert (await client.get("/api/file-exists", params={"path": path})).json() == {"exists": False}
        for route, body in (
            ("local-items/scan", {"folder_path": path}),
            ("cleanup-temp-folder", {"temp_folder": path}),
        ):
            answer = await client.post(f"/api/steam/workshop/{route}", json=body)
            assert answer.status_code in (403, 404), (route, path)
        answer = await client.post(
            "/api/steam/workshop/upload-preview-image", files={"file": ("a.png", PNG)}, data={"content_folder": path}
        )
        assert answer.status_code in (403, 404), path
    refused = await client.get("/api/steam/proxy-image", params={"image_path": "http://169.254.169.254/x.png"})
    assert refused.status_code == 400
    refused = await client.post("/api/steam/workshop/cleanup-temp-folder", json={"temp_folder": "7"})
    assert refused.status_code == 403, "an item is no copy that was made to be published"
    assert (items / "7" / "mio.chara.json").exists()


async def test_a_card_is_made_ready_with_its_model_and_cleaned_up(client: httpx2.AsyncClient, data_dir: Path) -> None:
    """[rest 8]"""
    files = [("files", (name, content)) for name, content in below("Mio", live2d()).items()]
    await client.post("/api/live2d/upload_model", files=files)
    (data_dir / "live2d" / "Mio" / "mio.model3.json.bak").write_text("{}")
    wanted = {"charaData": {"name": "Mio", "性格": "calm"}, "modelName": "Mio"}
    made = (await client.post("/api/steam/workshop/prepare-upload", json=wanted)).json()
    folder = Path(made["temp_folder"])
    assert folder.parent == data_dir / "workshop" / "WorkshopExport"
    assert json.loads((folder / "character.chara.json").read_text(encoding="utf-8")) == wanted["charaData"]
    assert (folder / "Mio" / "mio.moc3").exists()
    assert not list(folder.rglob("*.bak")), "what was before a change is not published"
    preview = await client.post(
        "/api/steam/workshop/upload-preview-image",
        files={"file": ("x.jpg", PNG)},
        data={"content_folder": made["temp_folder"]},
    )
    assert preview.json()["file_path"] == str(folder / "preview.png"), "by its content, not by its name"
    for change, status in (
        ({"fileName": "../x.chara.json"}, 400),
        ({"fileName": "x.html"}, 400),
        ({"modelName": "nobody"}, 404),
        ({"modelName": "../config"}, 404),
        ({"charaData": 1}, 400),
    ):
        refused = await client.post("/api/steam/workshop/prepare-upload", json={**wanted, **change})
        assert refused.status_code == status, change
    meta = data_dir / "character_cards" / "Mio.workshop_meta.json"
    assert (await client.get("/api/steam/workshop/meta/Mio")).json() == {
        "success": True,
        "has_uploaded": False,
        "meta": None,
    }
    meta.write_text('{"workshop_item_id": "12"}')
    assert (await client.get("/api/steam/workshop/meta/Mio")).json()["has_uploaded"]
    again = await client.post("/api/steam/workshop/prepare-upload", json=wanted)
    assert (again.status_code, again.json()["workshop_item_id"]) == (400, "12")
    assert "已上传" in again.json()["message"]
    gone = await client.post("/api/steam/workshop/cleanup-temp-folder", json={"temp_folder": made["temp_folder"]})
    assert gone.json()["success"]
    assert not folder.exists()


async def test_a_card_is_made_ready_with_a_vrm_model(client: httpx2.AsyncClient) -> None:
    """[rest 8]"""
    await client.post("/api/model/vrm/upload", files={"file": ("robot.vrm", vrm())})
    wanted = {"charaData": {"name": "Mio", "vrm": "robot.vrm"}, "modelName": "robot", "model_type": "vrm"}
    made = (await client.post("/api/steam/workshop/prepare-upload", json=wanted)).json()
    folder = Path(made["temp_folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["character.chara.json", "robot.vrm"]
    assert (folder / "robot.vrm").read_bytes() == vrm()
    refused = await client.post("/api/steam/workshop/prepare-upload", json={**wanted, "modelName": "nobody"})
    assert refused.status_code == 404


@pytest.mark.parametrize(
    ("files", "title"),
    [
        ({"a.chara.json": '{"name": " Mio ", "档案名": 7}'.encode()}, "Mio"),
        ({"a.chara.json": '{"档案名": "小天", "name": "Mio"}'.encode()}, "小天"),
        ({"Hana.chara.json": b"no card", "robot.vrm": b""}, "Hana"),
        ({"model/mao.model3.json": b"{}", "robot.vrm": b""}, "mao"),
        ({"deep/robot.vrm": b""}, "robot"),
        ({"readme.txt": b"hello"}, "4711"),
    ],
)
async def test_an_item_has_the_name_of_the_card_or_the_model_in_it(
    files: dict[str, bytes], title: str, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    for name, content in files.items():
        path = data_dir / "workshop" / "4711" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (one,) = (await client.post("/api/steam/workshop/local-items/scan", json={})).json()["local_items"]
    assert (one["name"], one["title"]) == ("4711", title)
    assert one["vrm"] == [f"4711/{name}" for name in files if name.endswith(".vrm")]


async def test_another_folder_of_items_is_chosen_but_none_that_holds_what_is_private(
    client: httpx2.AsyncClient, data_dir: Path, tmp_path: Path
) -> None:
    """[rest 13: 3, config 9]"""
    before = (await client.get(CONFIG)).json()["config"]
    assert before == {"default_workshop_folder": str(data_dir / "workshop"), "auto_create_folder": True}
    own, of_the_system = (str(data_dir), str(data_dir / "config")), ("/", "/etc", "/proc/self", "/usr/share")
    for private in (*own, *of_the_system, str(Path.home()), "..", ".ssh", ".config/app"):
        refused = await client.post(CONFIG, json={"user_mod_folder": private})
        assert refused.status_code == 403, private
    for impossible in ("x" * 300, "~nobody_of_this_name/x", "C:\\Mods"):
        refused = await client.post(CONFIG, json={"default_workshop_folder": impossible})
        assert (refused.status_code, refused.json()["code"]) == (400, "workshop_folder"), impossible
    chosen = tmp_path / "mods"
    (chosen / "9").mkdir(parents=True)
    (chosen / "9" / "readme.txt").write_text("hello")
    answer = await client.post(CONFIG, json={"user_mod_folder": str(chosen)})
    assert answer.json()["config"]["user_mod_folder"] == str(chosen)
    scanned = (await client.post("/api/steam/workshop/local-items/scan", json={})).json()
    assert [one["name"] for one in scanned["local_items"]] == ["9"]
    for name in ("key.pem", "passwd", "settings.py", ".env"):
        (chosen / name).write_text("private")
        for mount in ("user_mods", "workshop"):
            assert (await client.get(f"/{mount}/{name}")).status_code == 404, "models consist of nothing like that"
    assert (await client.get("/user_mods/9/readme.txt")).text == "hello"
    far = tmp_path / "not" / "there"
    await client.post(CONFIG, json={"user_mod_folder": str(far)})
    assert not far.parent.exists()
    await client.post(CONFIG, json={"user_mod_folder": str(chosen)})
    for name in ("key.pem", "passwd", "settings.py", ".env"):
        (chosen / name).unlink()
    (chosen / "9").rename(tmp_path / "9")
    chosen.rmdir()
    assert (await client.post("/api/steam/workshop/local-items/scan", json={})).json()["local_items"] == []
    kept = (await client.get(CONFIG)).json()["config"]
    assert kept["user_mod_folder"] == str(chosen), "a drive that is not there at the moment stays set"
    back = await client.post(CONFIG, json={"user_mod_folder": None})
    assert back.json()["config"] == before


@pytest.mark.parametrize(
    "config",
    [
        {"WORKSHOP_PATH": "D:\\Steam\\steamapps\\workshop\\content\\1"},
        {"WORKSHOP_PATH": "//server/of/steam"},
        {"WORKSHOP_PATH": "/home/another/.steam/workshop/content/1"},
        {"user_mod_folder": "E:/mods"},
        {"default_workshop_folder": "C:\\Users\\another\\Documents\\N.E.K.O\\workshop"},
        {"default_workshop_folder": "/home/another/Documents/N.E.K.O/workshop"},
    ],
)
async def test_a_folder_of_another_computer_hides_no_item_of_this_one(
    client: httpx2.AsyncClient, data_dir: Path, config: dict[str, str]
) -> None:
    """[config 9]"""
    (data_dir / "config" / "workshop_config.json").write_text(json.dumps({**config, "theirs": 1}))
    (data_dir / "workshop" / "4711").mkdir(parents=True)
    (data_dir / "workshop" / "4711" / "readme.txt").write_text("hello")
    scanned = (await client.post("/api/steam/workshop/local-items/scan", json={})).json()
    assert [one["name"] for one in scanned["local_items"]] == ["4711"]
    assert (await client.get("/workshop/4711/readme.txt")).text == "hello"
    kept = (await client.get(CONFIG)).json()["config"]
    assert kept.items() >= {**config, "theirs": 1}.items(), "what N.E.K.O. reads there stays"


@pytest.mark.parametrize("written", ["x" * 300, "~nobody_of_this_name/x", "a\0b"])
async def test_whatever_is_written_into_the_file_by_hand_every_call_answers(
    client: httpx2.AsyncClient, data_dir: Path, written: str
) -> None:
    (data_dir / "config" / "workshop_config.json").write_text(json.dumps({"user_mod_folder": written}))
    assert (await client.post("/api/steam/workshop/local-items/scan", json={})).status_code == 200
    for path in (
        "list-chara-files",
        "list-audio-files",
        "config",
        "read-file?path=x",
        "check-upload-status?item_path=x",
    ):
        assert (await client.get(f"/api/steam/workshop/{path}")).status_code in (200, 404), path
    assert (await client.get("/api/live2d/models")).status_code == 200


async def test_what_is_not_set_or_of_the_wrong_kind_stands_at_the_standard(
    client: httpx2.AsyncClient, data_dir: Path
) -> None:
    standard = (await client.get(CONFIG)).json()["config"]
    taken_back = await client.post(CONFIG, json={"default_workshop_folder": None, "auto_create_folder": None})
    assert taken_back.json()["config"] == standard
    damaged = {"default_workshop_folder": 5, "auto_create_folder": "yes", "theirs": 1}
    (data_dir / "config" / "workshop_config.json").write_text(json.dumps(damaged))
    assert (await client.get(CONFIG)).json()["config"] == {**standard, "theirs": 1}
