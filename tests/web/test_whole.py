"""The calls in front of the whole Neko, not of the small neko."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from neko.web.calls import ENDPOINTS
from neko.web.request_body import BodyFormat
from tests.client import client
from tests.conftest import RunningServer

NOT_FOUND_HERE = {
    "/api/agent/audit/pictures/{name}",
    "/api/agent/plugins/{plugin_id}/log",
    "/api/agent/tasks/{id}",
    "/api/agent/tasks/{id}/thumbnail",
    "/api/agent/tasks/{id}/files/{name}",
    "/agent/tasks/{id}",
    "/api/backup/file",
    "/api/characters/pictures/{file}",
    "/api/characters/voice_preview",
    "/api/history/{character}/pictures/{file}",
    "/api/live2d/emotion_mapping/{model}",
    "/api/live2d/model_config/{model}",
    "/api/live2d/model_config_by_id/{item}",
    "/api/live2d/open_model_directory/{model}",
    "/api/mcp/servers/{name:path}/log",
    "/api/memory/recent_file",
    "/api/steam/list-achievements",
    "/api/steam/proxy-image",
    "/api/steam/workshop/check-upload-status",
    "/api/steam/workshop/item/{item}",
    "/api/steam/workshop/item/{item}/characters",
    "/api/steam/workshop/item/{item}/path",
    "/api/steam/workshop/local-items/{item}",
    "/api/steam/workshop/publishing",
    "/api/steam/workshop/read-file",
    "/api/steam/workshop/subscribed-items",
}


NEEDS = {
    "/api/file-exists": {"path": "7/a.json"},
    "/api/find-first-image": {"folder": "7"},
    "/api/steam/proxy-image": {"image_path": "7/a.png"},
    "/api/steam/workshop/check-upload-status": {"item_path": "7"},
    "/api/steam/workshop/read-file": {"path": "7/a.json"},
    "/api/history/{character}/versions": {"line": "1"},
    "/api/memory/recent_file": {"filename": "recent_Mio.json"},
    "/api/memory_browser/{character}/day": {"date": "2026-11-21"},
    "/api/memory_browser/{character}/lines": {"ids": "1"},
    "/memory/retrieve_original_by_timeframe/{name}": {"start": "2026-11-21", "end": "2026-11-22"},
    "/memory/retrieve_summary_by_timeframe/{name}": {"start": "2026-11-21", "end": "2026-11-22"},
}
"""What a call cannot be asked without."""


async def test_every_read_answers_at_once_on_a_fresh_folder(server: RunningServer) -> None:
    """[ws 9.1]"""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as http:
        for endpoint in ENDPOINTS:
            if endpoint.method != "GET":
                continue
            for path in endpoint.paths:
                address = path.replace(":path}", "}").format(
                    character=server.neko.characters.current,
                    model="mao_pro",
                    file="0" * 64 + ".png",
                    name="Mio",
                    query="cats",
                    id="5b1f",
                    plugin_id="none",
                    item="7",
                    card="Mio",
                    platform="bilibili",
                    voice_id="none",
                )
                answer = await http.get(address, params=NEEDS.get(path))
                assert (answer.status_code < 400) is (path not in NOT_FOUND_HERE), address


async def test_a_language_a_voice_and_a_model_can_be_chosen(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as http:
        assert (await http.post("/api/language", json={"language": "ja"})).status_code == 200
        assert server.neko.language.current == "ja"
        assert (await http.post("/api/speech", json={"engine": "off", "rate": 1.5})).json()["engine"] == "off"
        custom = {"provider": "custom", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
        assert (await http.post("/api/models/use", json=custom)).json()["model"] == "m"
        assert server.neko.models.label.model == "m"
        unreachable = (await http.post("/api/models/list", json=custom)).json()
        assert (unreachable["success"], unreachable["code"]) == (False, "model_unreachable")
        assert (await http.post("/api/models/use", json={"provider": "offline"})).json()["offline"] is True
        saved = await http.post("/api/config/core_api", json={"coreApiKey": "sk-0123456789abcdef-end"})
        assert saved.json() == {"success": True, "message": "saved", "sessions_ended": 0}


async def test_a_deleted_exchange_is_in_no_file_any_more(server: RunningServer, data_dir: Path) -> None:
    name = server.neko.characters.current
    async with (
        client(server.ws_url, name) as page,
        httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as http,
    ):
        await page.send("start_session", input_type="text")
        for words in ("I think of xyzzy all day", *(f"Hello for the {number}th time" for number in range(7))):
            await page.say(words)
            await page.reply()
        assert await server.neko.memory.compress(name, None)
        lines = (await http.get(f"/api/history/{name}")).json()["lines"]
        assert _holding(data_dir, b"xyzzy")
        ids = [line["id"] for line in lines if "xyzzy" in line["text"]]
        assert (await http.post(f"/api/history/{name}/delete", json={"ids": ids})).json()["ids"] == ids
        while _holding(data_dir, b"xyzzy"):  # the log is emptied of it once nobody reads
            await page.quiet()
        await page.say("And now?")
        await page.reply()
    assert _holding(data_dir, b"xyzzy") == []


ALWAYS_200 = {
    "/api/config/core_api",
    "/api/config/preferences",
    "/api/config/preferences/set-preferred",
    "/api/emotion/analysis",
    "/api/translate",
}

OFF_AT_FIRST = {"/api/steam/update-playtime", "/api/steam/workshop/publish", "/api/steam/workshop/unsubscribe"}
"""What these need is switched off, whatever is sent."""


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"a": ', "application/json", 400),
        (b"\xff\xfe{", "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"[1]", "application/json", None),
        (b"null", "application/json", None),
    ],
)
async def test_a_body_that_is_none_is_refused_by_every_call_with_what_to_do(
    body: bytes, kind: str, status: int | None, server: RunningServer
) -> None:
    """[rest 1]"""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as http:
        for one in ENDPOINTS:
            if not one.takes_body or one.paths[0] in OFF_AT_FIRST:
                continue
            is_form = one.body_format is not BodyFormat.JSON or one.upload is not None
            path = one.paths[0].replace(":path", "").replace("{", "").replace("}", "")
            sent = "multipart/form-data; boundary=x" if is_form and status == 400 else kind
            answer = await http.request(one.method, path, content=body, headers={"content-type": sent} if sent else {})
            wanted = 415 if is_form and status is None else status or one.invalid_status
            expected = 200 if status == 400 and one.paths[0] in ALWAYS_200 else wanted
            assert answer.status_code == expected, (one.method, path, answer.text)
            told = answer.json()
            assert not told["success"]
            assert told["error"]
            assert told["remedy"], (one.method, path, answer.text)
    assert {one.paths[0] for one in ENDPOINTS if one.invalid_status == 200} == ALWAYS_200


def _holding(folder: Path, words: bytes) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # it was being written
            found += [path] if words in path.read_bytes() else []
    return found
