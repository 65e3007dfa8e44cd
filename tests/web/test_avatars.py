"""Models of avatars over HTTP: coming in, found, served, set, gone [rest 4, rest 5, pages 2]."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from neko.application import Neko
from tests.avatar_files import archive, as_json, below, live2d, vrm, vrma

Json = dict[str, Any]


def parts(files: dict[str, bytes], field: str = "files") -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, (name, content)) for name, content in files.items()]


async def bring(client: httpx2.AsyncClient, files: dict[str, bytes] | None = None) -> Json:
    answer = await client.post("/api/live2d/upload_model", files=parts(files or below("Mio", live2d())))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_live2d_model_comes_in_is_listed_and_served(client: httpx2.AsyncClient, data_dir: Path) -> None:
    """[rest 4, pages 2]"""
    assert (await client.get("/api/live2d/models")).json() == []
    brought = await bring(client)
    assert brought["success"]
    assert (brought["model_name"], brought["model_path"]) == ("Mio", str(data_dir / "live2d" / "Mio"))
    path = "/user_live2d/Mio/mio.model3.json"
    assert (await client.get("/api/live2d/models")).json() == [
        {"name": "Mio", "display_name": "Mio", "path": path, "source": "documents"}
    ]
    assert (await client.get("/api/live2d/models?simple=true")).json() == {"success": True, "models": ["Mio"]}
    assert (await client.get("/api/live2d/user_models")).json()["models"] == [
        {"name": "Mio", "path": path, "source": "user_documents"}
    ]
    assert (await client.get(path)).json()["FileReferences"]["Moc"] == "mio.moc3"
    assert (await client.get("/api/live2d/model_files/Mio")).json() == {
        "success": True,
        "motion_files": ["motions/idle.motion3.json"],
        "expression_files": ["expressions/cry.exp3.json", "expressions/smile.exp3.json"],
    }
    again = await client.post("/api/live2d/upload_model", files=parts(below("Mio", live2d())))
    assert (again.status_code, again.json()["code"]) == (400, "avatar_exists")


async def test_an_archive_is_taken_in_like_a_folder(client: httpx2.AsyncClient) -> None:
    assert (await bring(client, {"x.zip": archive(below("桜", live2d()))}))["model_name"] == "桜"
    listed = (await client.get("/api/live2d/models")).json()
    assert (await client.get(listed[0]["path"])).status_code == 200


async def test_what_is_set_for_a_model_is_kept(client: httpx2.AsyncClient) -> None:
    """[rest 4]"""
    await bring(client)
    mapping = {"motions": {"happy": ["motions/idle.motion3.json"]}, "expressions": {}}
    assert (await client.post("/api/live2d/emotion_mapping/Mio", json=mapping)).json()["success"]
    kept = (await client.get("/api/live2d/emotion_mapping/Mio")).json()["config"]
    assert kept["motions"] == mapping["motions"]
    assert (await client.post("/api/live2d/emotion_mapping/Mio", json={})).status_code == 400
    assert (await client.get("/api/live2d/model_parameters/Mio")).json() == {
        "success": True,
        "parameters": [{"id": "ParamAngleX", "groupId": "Head", "name": "Angle X"}],
        "parameter_groups": {"Head": {"id": "Head", "name": "Head"}},
    }
    values = {"parameters": {"ParamAngleX": 2.5}}
    assert (await client.post("/api/live2d/save_model_parameters/Mio", json=values)).json()["success"]
    assert (await client.get("/api/live2d/load_model_parameters/Mio")).json() == {"success": True, **values}
    assert (await client.post("/api/live2d/save_model_parameters/Mio", json={"parameters": [1]})).status_code == 400
    change: Json = {"FileReferences": {"Motions": {"Idle": []}}}
    assert (await client.post("/api/live2d/model_config/Mio", json=change)).json()["success"]
    config = (await client.get("/api/live2d/model_config/Mio")).json()["config"]
    assert config["FileReferences"]["Motions"] == {"Idle": []}
    assert config["Version"] == 3


@pytest.mark.parametrize("where", ["form", "query", "name"])
async def test_an_expression_is_added_however_the_page_says_what_it_is(client: httpx2.AsyncClient, where: str) -> None:
    """[rest 4]"""
    await bring(client)
    answer = await client.post(
        "/api/live2d/upload_file/Mio" + ("?file_type=expression" if where == "query" else ""),
        files={"file": ("grin.exp3.json", b"{}")},
        data={"file_type": "expression"} if where == "form" else {},
    )
    assert answer.json()["file_path"] == "expressions/grin.exp3.json"
    assert answer.json()["filename"] == "grin.exp3.json"


async def test_models_of_workshop_items_are_found_by_their_number(client: httpx2.AsyncClient, data_dir: Path) -> None:
    """[rest 4, pages 2]"""
    for path, content in live2d("steamy").items():
        target = data_dir / "workshop" / "123" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    listed = (await client.get("/api/live2d/models")).json()
    assert listed[0]["item_id"] == "123"
    assert (await client.get(listed[0]["path"])).status_code == 200
    files = (await client.get("/api/live2d/model_files_by_id/123")).json()
    assert files["model_config_url"] == "/workshop/123/steamy.model3.json"
    assert (await client.get("/api/live2d/model_config_by_id/123")).json()["config"]["Version"] == 3
    change: Json = {"FileReferences": {"Expressions": []}}
    assert (await client.post("/api/live2d/model_config_by_id/123", json=change)).json()["success"]
    refused = await client.delete("/api/live2d/model/steamy")
    assert (refused.status_code, refused.json()["code"]) == (403, "avatar_not_own")


async def test_what_is_not_there_is_told_as_the_pages_expect_it(client: httpx2.AsyncClient) -> None:
    """[rest 4]"""
    for status, method, path in (
        (404, "GET", "/api/live2d/model_config/x"),
        (404, "GET", "/api/live2d/model_config_by_id/x"),
        (404, "GET", "/api/live2d/emotion_mapping/x"),
        (404, "GET", "/api/live2d/open_model_directory/x"),
        (404, "DELETE", "/api/live2d/model/x"),
        (200, "GET", "/api/live2d/model_files/x"),
        (200, "GET", "/api/live2d/model_files_by_id/undefined"),
        (200, "GET", "/api/live2d/model_parameters/x"),
        (200, "GET", "/api/live2d/load_model_parameters/x"),
        (404, "DELETE", "/api/model/vrm/model/x"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["success"]) == (status, False), path
        assert answer.json()["error"]


async def test_a_model_named_in_the_newer_layout_is_worn_and_follows_its_name(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    """[rest 2.1, rest 3.2]"""
    await bring(client)
    name = neko.characters.current
    avatar = {"model_type": "live2d", "live2d": {"model_path": "Mio/mio.model3.json", "idle_animation": "a"}}
    document = neko.characters.cards.raw()
    document["猫娘"][name] = {"性别": "女", "_reserved": {"avatar": avatar}}
    neko.folder.config("characters.json").write_text(json.dumps(document), encoding="utf-8")
    await neko.characters.reload()
    page = "/api/config/page_config"
    assert (await client.get(page)).json()["model_path"] == "/user_live2d/Mio/mio.model3.json"
    await client.put(f"/api/characters/catgirl/{name}", json={"性格": "calm"})
    assert (await client.get(page)).json()["model_path"] == "/user_live2d/Mio/mio.model3.json"
    await client.post("/api/live2d/model/Mio/rename", json={"new_name": "Rin"})
    assert (await client.get(page)).json()["model_path"] == "/user_live2d/Rin/mio.model3.json"
    stored = json.loads(neko.folder.config("characters.json").read_text(encoding="utf-8"))["猫娘"][name]
    kept = {"model_path": "Rin/Rin.model3.json", "idle_animation": "a"}
    assert stored == {"性格": "calm", "_reserved": {"avatar": {**avatar, "live2d": kept}}}


async def test_a_character_wears_her_model_under_its_new_name_too_and_the_built_in_face_when_it_is_gone(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    """[rest 2.1, rest 3.2]"""
    await bring(client)
    name = neko.characters.current
    await neko.characters.edit(lambda raw: raw["猫娘"][name].update(live2d="Mio"))
    renamed = await client.post("/api/live2d/model/Mio/rename", json={"new_name": "Mio 2"})
    assert renamed.json() == {"success": True, "model_name": "Mio 2"}
    path = "/user_live2d/Mio%202/mio.model3.json"
    assert (await client.get("/api/config/page_config")).json()["model_path"] == path
    current = (await client.get("/api/characters/current_live2d_model")).json()
    assert (current["model_name"], current["model_info"]["path"]) == ("Mio 2", path)
    assert (await client.delete("/api/live2d/model/Mio 2")).json()["success"]
    assert (await client.get("/api/config/page_config")).json()["model_path"] == ""
    assert (await client.get("/api/characters/current_live2d_model")).json()["model_info"] is None


async def test_vrm_models_and_animations_come_in_and_go(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[rest 5]"""
    content = vrm(preset={"happy": {}, "aa": {}})
    sent = (await client.post("/api/model/vrm/upload", files={"file": ("Sister1.0.vrm", content)})).json()
    url = "/user_vrm/Sister1.0.vrm"
    assert (sent["model_name"], sent["model_url"], sent["file_size"]) == ("Sister1.0", url, len(content))
    served = await client.get(url)
    assert (served.content, served.headers["content-type"]) == (content, "model/gltf-binary")
    assert (await client.get("/api/model/vrm/models")).json()["models"] == [
        {
            "name": "Sister1.0",
            "filename": "Sister1.0.vrm",
            "url": url,
            "type": "vrm",
            "size": len(content),
            "location": "user",
        }
    ]
    moved = (await client.post("/api/model/vrm/upload_animation", files={"file": ("wave.vrma", vrma())})).json()
    assert moved["file_path"] == "/user_vrm/animation/wave.vrma"
    assert (await client.get(moved["file_path"])).content == vrma()
    assert [one["type"] for one in (await client.get("/api/model/vrm/animations")).json()["animations"]] == ["vrma"]
    assert (await client.get("/api/model/vrm/expressions/Sister1.0")).json()["expressions"] == ["happy", "aa"]
    assert len((await client.get("/api/model/vrm/expressions/nobody")).json()["expressions"]) == 28
    await client.post("/api/model/vrm/emotion_mapping/Sister1.0", json={"happy": "aa"})
    assert (await client.get("/api/model/vrm/emotion_mapping/Sister1.0")).json()["config"] == {"happy": ["aa"]}
    empty = await client.post("/api/model/vrm/emotion_mapping/Sister1.0", json={})
    assert empty.status_code == 400
    assert (await client.get("/api/model/vrm/emotion_mapping/Sister1.0")).json()["config"] == {"happy": ["aa"]}
    assert "joy" in (await client.get("/api/model/vrm/emotion_mapping/nobody")).json()["config"]["happy"]
    name = neko.characters.current
    await neko.characters.edit(lambda raw: raw["猫娘"][name].update(model_type="vrm", vrm=url))
    await client.post("/api/model/vrm/model/Sister1.0/rename", json={"new_name": "Brother"})
    assert (await client.get("/api/config/page_config")).json()["model_path"] == "/user_vrm/Brother.vrm"
    assert (await client.delete("/api/model/vrm/model/Brother")).json()["success"]
    assert (await client.get("/api/model/vrm/models")).json()["models"] == []


async def test_a_model_is_served_in_parts(client: httpx2.AsyncClient) -> None:
    content = vrm()
    await client.post("/api/model/vrm/upload", files={"file": ("a.vrm", content)})
    part = await client.get("/user_vrm/a.vrm", headers={"range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, content[4:10])


@pytest.mark.parametrize("name", ["page.html", "run.js", "face.svg", "look.css"])
async def test_what_somebody_put_among_the_models_is_data_to_a_browser(
    client: httpx2.AsyncClient, data_dir: Path, name: str
) -> None:
    (data_dir / "live2d" / name).write_text("<script>alert(1)</script>")
    answer = await client.get(f"/user_live2d/{name}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


HOSTILE = [
    *("..", "../config/core_config.json", "..%2fconfig%2fcore_config.json", "%2e%2e/%2e%2e/etc/passwd", "....//config"),
    *("..%5cconfig", "/etc/passwd", "%2fetc%2fpasswd", "a%00b", ".neko.lock", "C:%5cx", "%ff", "~", "..;/config"),
    *("Mio/../../config/characters.json", "link/secret.txt", "%252e%252e/config", "con", "aux.json", "%20", "%0d%0a"),
    "x" * 4000,
]


@pytest.mark.parametrize("mount", ["/user_live2d", "/user_vrm", "/user_vrm/animation", "/workshop"])
async def test_nothing_outside_a_folder_of_models_is_served(
    client: httpx2.AsyncClient, data_dir: Path, mount: str
) -> None:
    """[pages 2]"""
    folder = data_dir / {"/user_live2d": "live2d", "/workshop": "workshop"}.get(mount, mount.replace("user_", "")[1:])
    (data_dir / "outside").mkdir()
    (data_dir / "outside" / "secret.txt").write_text("secret")
    (folder / "link").symlink_to(data_dir / "outside")
    for path in HOSTILE:
        target = f"{mount}/{path}".encode()
        answer = await client.get(mount, extensions={"target": target})
        assert answer.status_code in (404, 400, 414), (path, answer.status_code)
        assert "secret" not in answer.text


@pytest.mark.parametrize("path", HOSTILE)
async def test_no_hostile_name_reaches_a_file(client: httpx2.AsyncClient, data_dir: Path, path: str) -> None:
    """[rest 4, rest 5]"""
    before = sorted(one.relative_to(data_dir) for one in data_dir.rglob("*") if one.suffix == ".json")
    name = quote(path, safe="%")
    for method, route, body in (
        ("GET", "/api/live2d/model_config/", None),
        ("POST", "/api/live2d/save_model_parameters/", {"parameters": {}}),
        ("POST", "/api/live2d/emotion_mapping/", {"motions": {"a": ["b"]}}),
        ("DELETE", "/api/live2d/model/", None),
        ("GET", "/api/model/vrm/emotion_mapping/", None),
        ("POST", "/api/model/vrm/emotion_mapping/", {"happy": "x"}),
        ("DELETE", "/api/model/vrm/model/", None),
    ):
        answer = await client.request(method, route + name, json=body)
        assert answer.status_code < 500, (method, route)
    await client.post("/api/model/vrm/upload", files={"file": (path + ".vrm", vrm())})
    await client.post("/api/live2d/upload_model", files=parts({path: as_json({}), "m/a.model3.json": as_json({})}))
    after = sorted(one.relative_to(data_dir) for one in data_dir.rglob("*") if one.suffix == ".json")
    assert after == before
