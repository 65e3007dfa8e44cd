"""Voices that cards name and that are kept in the library, over real HTTP and real files."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from neko.application import Neko
from neko.audio.engines import voice_cloning
from neko.audio.engines.service import SpeechServer
from neko.audio.wav import as_wav
from neko.errors import NekoError
from neko.net import Network
from neko.sessions.actions import StartSession
from neko.sessions.events import ReloadPage, SessionStarted
from neko.sessions.outbox import Outbox
from tests.http_service import HttpService
from tests.scripted_provider import Connection, Request

CHARACTERS = "/api/characters"
VOICE = f"{CHARACTERS}/catgirl/voice_id/Mio"


async def test_a_voice_is_kept_named_by_a_card_and_gone_from_it_when_it_is_removed(
    neko: Neko, client: httpx2.AsyncClient, data_dir: Path
) -> None:
    added = {"voice_id": "v-1", "voice_data": {"prefix": "soft"}}
    assert (await client.post(f"{CHARACTERS}/voices", json=added)).json()["success"] is True
    found = (await client.get(f"{CHARACTERS}/voices")).json()
    assert found["voices"]["v-1"].items() >= {"voice_id": "v-1", "prefix": "soft"}.items()
    assert found["free_voices"] == {}
    answer = await client.put(VOICE, json={"voice_id": "v-1"})
    assert answer.json() == {"success": True, "session_restarted": False}
    assert neko.characters.cards.voice("Mio") == "v-1"
    assert (await client.delete(f"{CHARACTERS}/voices/v-1")).json()["success"] is True
    assert neko.characters.cards.voice("Mio") == ""
    assert "v-1" not in (data_dir / "config/voice_storage.json").read_text(encoding="utf-8")
    assert (await client.delete(f"{CHARACTERS}/voices/v-1")).status_code == 404


@pytest.mark.parametrize("deletes", [True, False])
async def test_pages_load_anew_where_the_voice_of_a_session_is_changed_or_deleted(
    deletes: bool, neko: Neko, client: httpx2.AsyncClient
) -> None:
    """[rest 3]"""
    await client.post(f"{CHARACTERS}/voices", json={"voice_id": "v-1", "voice_data": {}})
    await client.post(f"{CHARACTERS}/catgirl", json={"档案名": "Rin", "voice_id": "v-1"})
    await client.put(VOICE, json={"voice_id": "v-1"})
    async with AsyncExitStack() as stack:
        pages = {}
        for name in ("Mio", "Rin"):
            manager = neko.conversations.get(name)
            assert manager is not None
            pages[name] = Outbox(wants_audio=False)
            stack.enter_context(manager.tap(pages[name]))
            manager.handle(StartSession("text"))
            while not isinstance(await pages[name].get(), SessionStarted):
                pass
        if deletes:
            await client.delete(f"{CHARACTERS}/voices/v-1")
        else:
            answer = await client.put(VOICE, json={"voice_id": ""})
            assert answer.json()["session_restarted"] is True
        for name in ("Mio", "Rin") if deletes else ("Mio",):
            async with asyncio.timeout(10):
                while not isinstance(await pages[name].get(), ReloadPage):
                    pass


async def test_voices_of_every_key_count_and_no_key_is_told(client: httpx2.AsyncClient, data_dir: Path) -> None:
    stored = {"sk-secret-1": {"a": {"prefix": "x"}}, "sk-secret-2": {"b": {}}, "odd": 1}
    (data_dir / "config/voice_storage.json").write_text(json.dumps(stored), encoding="utf-8")
    answer = await client.get(f"{CHARACTERS}/voices")
    assert answer.json()["voices"] == {"a": {"prefix": "x", "voice_id": "a"}, "b": {"voice_id": "b"}}
    assert "secret" not in answer.text
    await client.delete(f"{CHARACTERS}/voices/a")
    kept = json.loads((data_dir / "config/voice_storage.json").read_text(encoding="utf-8"))
    assert kept == stored | {"sk-secret-1": {}}


async def test_a_voice_that_nobody_has_is_refused_and_an_empty_one_takes_it_away(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    await client.post(f"{CHARACTERS}/voices", json={"voice_id": "v-1", "voice_data": {}})
    answer = await client.put(VOICE, json={"voice_id": "v-9"})
    assert (answer.status_code, answer.json()["available_voices"]) == (400, ["v-1"])
    assert (await client.put(VOICE, json={})).status_code == 400
    assert (await client.put(f"{VOICE}x", json={"voice_id": ""})).status_code == 404
    await client.put(VOICE, json={"voice_id": "v-1"})
    unregister = f"{CHARACTERS}/catgirl/Mio/unregister_voice"
    assert (await client.post(unregister)).json()["success"] is True
    assert neko.characters.cards.voice("Mio") == ""
    assert (await client.post(unregister)).status_code == 400


async def test_a_page_learns_whether_somebody_is_in_a_call(client: httpx2.AsyncClient) -> None:
    nobody = {"is_voice_mode": False, "is_current": False, "is_active": False}
    answers = {
        name: (await client.get(f"{CHARACTERS}/catgirl/{name}/voice_mode_status")).json() for name in ("Mio", "X")
    }
    assert answers == {"Mio": nobody | {"is_current": True}, "X": nobody}


async def test_a_voice_is_heard_before_it_is_chosen(client: httpx2.AsyncClient) -> None:
    await client.post("/api/speech", json={"engine": "builtin"})
    voices = (await client.get("/api/speech/voices", params={"engine": "builtin"})).json()["voices"]
    answer = await client.get(f"{CHARACTERS}/voice_preview", params={"voice_id": voices[0]["name"]})
    assert answer.json()["mime_type"] == "audio/wav"
    assert base64.b64decode(answer.json()["audio"])[:4] == b"RIFF"
    assert (await client.get(f"{CHARACTERS}/voice_preview")).status_code == 422


async def test_a_window_has_a_title_only_where_one_can_be_asked_for(client: httpx2.AsyncClient) -> None:
    answer = (await client.get("/api/get_window_title")).json()
    assert answer["success"] is (answer["window_title"] is not None)


SAMPLE = as_wav(bytes(2 * 24_000 * 4), 24_000)


async def makes_voices(_service: HttpService, connection: Connection, request: Request) -> None:
    """As Qwen and a CosyVoice server answer; a name with "refused" in it is."""
    if b"refused" in request.body:
        connection.answer(400, b'{"code": "Audio.AudioSilentError", "message": "scripted: there is no voice in it"}')
    else:
        connection.answer(
            200, b'{"output": {"voice": "qwen-tts-vc-mia-voice-20260101000000000-abcd"}, "request_id": "r-1"}'
        )


async def clones(client: httpx2.AsyncClient, content: bytes = SAMPLE, name: str = "mia") -> httpx2.Response:
    form = {"prefix": name, "ref_language": "en"}
    return await client.post(f"{CHARACTERS}/voice_clone", data=form, files={"file": ("a.wav", content)})


async def test_a_voice_is_made_by_the_users_own_server_and_speaks_for_her(
    neko: Neko, client: httpx2.AsyncClient
) -> None:
    async with HttpService(makes_voices) as service:
        url = service.url.replace("http", "ws")
        await neko.config.change({"ttsModelUrl": url, "ttsModelId": "m", "enableCustomApi": True})
        assert (await client.get(f"{CHARACTERS}/voices")).json()["cloner"] == "CosyVoice"
        answer = await clones(client)
        assert answer.json().items() >= {"voice_id": "mia", "is_local": True, "engine": "cosyvoice"}.items()
        sent = service.requests[0]
        assert sent.path == "/v1/speakers/register"
        assert all(part in sent.body for part in (b'name="speaker_id"', b'name="prompt_text"', b"<|en|>", SAMPLE))
        assert (await client.get(f"{CHARACTERS}/voices")).json()["voices"]["mia"]["is_local"] is True
        await client.put(VOICE, json={"voice_id": "mia"})
        assert (neko.voices.engine("Mio"), neko.voices.tuning("Mio").voice) == ("cosyvoice", "mia")
        refused = await clones(client, name="refused")
        assert (refused.status_code, "no voice in it" in refused.json()["detail"]) == (502, True)
    assert (await clones(client)).status_code == 503


async def test_qwen_gets_the_recording_itself_and_its_voice_needs_the_model_it_was_made_for() -> None:
    network = Network()
    async with HttpService(makes_voices) as service:
        server = SpeechServer("Qwen", service.url.replace("http", "ws") + "/api-ws/v1/realtime", "any", "sk-test")
        made = await voice_cloning.clone("qwen", server, voice_cloning.sample_of(SAMPLE), "mia", "ja", network)
        request = service.requests[0]
        asked = request.json["input"]
        with pytest.raises(NekoError, match="400"):
            await voice_cloning.clone("qwen", server, voice_cloning.sample_of(SAMPLE), "refused", "ja", network)
    assert (made.engine, made.request, voice_cloning.engine_of(made.id)) == ("qwen", "r-1", "qwen")
    assert (request.path, request.headers["authorization"]) == (
        "/api/v1/services/audio/tts/customization",
        "Bearer sk-test",
    )
    assert (asked["language"], asked["target_model"]) == ("ja", voice_cloning.CLONING_MODEL)
    assert base64.b64decode(asked["audio"]["data"].partition(",")[2]) == SAMPLE


async def test_a_voice_that_cannot_be_made_is_told_with_what_to_do(neko: Neko, client: httpx2.AsyncClient) -> None:
    answer = await clones(client)
    assert (answer.status_code, answer.json()["code"]) == (400, "voice_no_cloner")
    assert "Qwen" in answer.json()["suggestion"]
    short, deep = as_wav(bytes(2000), 24_000), SAMPLE.replace(b"\x10\x00data", b"\x18\x00data")
    for content, word in ((short, "between 3 and 60"), (b"no sound", "neither WAV"), (deep, "neither WAV")):
        answer = await clones(client, content)
        assert (answer.status_code, word in answer.json()["error"]) == (400, True)
    assert (await clones(client, name="../x")).status_code == 400
    assert (await client.get(f"{CHARACTERS}/voices")).json()["voices"] == {}
