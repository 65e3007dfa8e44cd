"""The calls in front of the whole Neko, not of the small neko."""

from __future__ import annotations

import httpx2

from neko.web.app import ENDPOINTS
from tests.conftest import RunningServer

NOT_FOUND_HERE = {
    "/api/agent/health",
    "/api/characters/pictures/{file}",
    "/api/live2d/emotion_mapping/{model}",
    "/api/steam/workshop/subscribed-items",
}


async def test_every_read_answers_at_once_on_a_fresh_folder(server: RunningServer) -> None:
    """[ws 9.1]"""
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as client:
        for endpoint in ENDPOINTS:
            if endpoint.method != "GET":
                continue
            for path in endpoint.paths:
                address = path.format(character=server.neko.characters.current, model="mao_pro", file="0" * 64 + ".png")
                answer = await client.get(address)
                assert (answer.status_code < 400) is (path not in NOT_FOUND_HERE), address


async def test_a_language_a_voice_and_a_model_can_be_chosen(server: RunningServer) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False, timeout=5) as client:
        assert (await client.post("/api/language", json={"language": "ja"})).status_code == 200
        assert server.neko.language.current == "ja"
        assert (await client.post("/api/speech", json={"engine": "off", "rate": 1.5})).json()["engine"] == "off"
        custom = {"provider": "custom", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
        assert (await client.post("/api/models/use", json=custom)).json()["model"] == "m"
        assert server.neko.models.label.model == "m"
        unreachable = (await client.post("/api/models/list", json=custom)).json()
        assert (unreachable["success"], unreachable["code"]) == (False, "model_unreachable")
        assert (await client.post("/api/models/use", json={"provider": "offline"})).json()["offline"] is True
        saved = await client.post("/api/config/core_api", json={"coreApiKey": "sk-0123456789abcdef-end"})
        assert saved.json() == {"success": True, "message": "saved", "sessions_ended": 0}
