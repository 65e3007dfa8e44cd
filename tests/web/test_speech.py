"""Choosing the voice."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import httpx2
import pytest

from neko.application import Neko
from neko.audio import engines
from neko.audio.engines.local_voices import local_voices
from neko.providers import resolve
from neko.providers.speech_services import speech_services
from neko.types.speech import Convert, Utterance
from tests import speech_protocols
from tests.http_service import HttpService
from tests.scripted_speech import ScriptedSpeech
from tests.socket_service import Fault

URL = "/api/speech"
VOICES = f"{URL}/voices"
KEY = "sk-0123456789abcdefWXYZ"


async def test_at_first_the_built_in_voice_speaks_normally(client: httpx2.AsyncClient, neko: Neko) -> None:
    state = (await client.get(URL)).json()
    assert {service["engine"] for service in state.pop("services")} == set(speech_services())
    assert state == {
        "success": True,
        "character": neko.characters.current,
        "engine": "builtin",
        "voice": "",
        "rate": 1.0,
        "pitch": 0.0,
        "url": "",
        "model": "",
        "api_key": "",
    }


async def test_the_voice_belongs_to_the_character_and_the_engine_to_all(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.characters.edit(lambda raw: raw["猫娘"].update(other={}))
    first = neko.characters.current
    await client.post(URL, json={"engine": "browser", "rate": 1.2, "pitch": -3})
    await neko.characters.select("other")
    other = (await client.get(URL)).json()
    assert (other["engine"], other["rate"], other["pitch"]) == ("browser", 1.0, 0.0)
    assert neko.config.values["neko"]["voices"][first] == {"rate": 1.2, "pitch": -3}
    await client.post(URL, json={"voice": "alto"})
    await neko.characters.select(first)
    assert (await client.get(URL)).json()["rate"] == 1.2


async def test_each_voice_of_the_built_in_engine_is_there_and_sounds_its_own_way(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    offered = {voice["name"] for voice in (await client.get(VOICES)).json()["voices"]}
    names = {voice.name for voice in local_voices() if voice.language in ("", "en-US")}
    assert names <= offered
    heard = set()
    for name in ("", *names):
        assert (await client.post(URL, json={"voice": name})).json()["voice"] == name
        heard.add((await client.post(f"{URL}/sample", json={"text": "hello", "language": "en"})).content)
    assert len(heard) >= len(names)  # "" may be one of them


async def test_the_built_in_voice_and_that_of_a_speech_server_are_kept_apart(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await client.post(URL, json={"voice": "f4"})
    other = (await client.post(URL, json={"engine": "openai", "voice": "alloy"})).json()
    assert other["voice"] == "alloy"
    assert (await client.post(URL, json={"engine": "builtin"})).json()["voice"] == "f4"
    assert (await client.post(URL, json={"engine": "openai"})).json()["voice"] == "alloy"


async def test_voice_and_manner_go_along_with_a_new_name(client: httpx2.AsyncClient, neko: Neko) -> None:
    await client.post(URL, json={"voice": "f4", "rate": 1.2})
    await client.post("/api/replies", json={"temperature": 0.4})
    await neko.characters.rename(neko.characters.current, "Rin")
    state = (await client.get(URL)).json()
    assert (state["character"], state["voice"], state["rate"]) == ("Rin", "f4", 1.2)
    assert (await client.get("/api/replies")).json()["temperature"] == 0.4
    assert set(neko.config.values["neko"]["voices"]) == {"Rin"}


async def test_a_speech_server_becomes_the_speech_role(client: httpx2.AsyncClient, neko: Neko) -> None:
    """[config 4-6]"""
    for field in ({"engine": "openai"}, {"api_key": KEY}, {"url": "localhost:8880"}, {"model": "kokoro"}):
        answer = await client.post(URL, json=field)
        assert answer.status_code == 200
        assert KEY not in answer.text
    assert answer.json()["api_key"] == "sk-…WXYZ"
    endpoint = resolve("tts_default", neko.config.values, {})
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.model, endpoint.api_key) == ("http://localhost:8880/v1", "kokoro", KEY)


async def test_the_key_is_forgotten_when_the_address_moves_and_kept_when_it_comes_back_masked(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await client.post(URL, json={"url": "http://localhost:8880/v1", "model": "m", "api_key": KEY})
    await client.post(URL, json={"url": "http://localhost:8880/v1/", "api_key": "sk-…WXYZ", "rate": 2})
    assert neko.config.values["ttsModelApiKey"] == KEY
    moved = await client.post(URL, json={"url": "http://evil.example/v1", "api_key": "sk-…WXYZ"})
    assert moved.json()["api_key"] == ""
    assert neko.config.values["ttsModelApiKey"] == ""


@pytest.mark.parametrize("body", [{"engine": "opera"}, {"rate": 9}, {"rate": "fast"}, {"pitch": 99}, {"voice": "\0"}])
async def test_a_voice_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, neko: Neko, body: dict[str, object]
) -> None:
    assert (await client.post(URL, json=body)).status_code == 422
    assert neko.config.values == {}


async def test_what_somebody_wrote_into_the_file_by_hand_breaks_nothing(client: httpx2.AsyncClient, neko: Neko) -> None:
    await neko.config.change({"neko": {"speech": {"engine": 7}, "voices": "none"}, "ttsModelUrl": 3})
    assert (await client.get(URL)).json()["engine"] == "builtin"
    await neko.config.change({"neko": {"speech": "x"}})
    assert (await client.get(URL)).json()["engine"] == "builtin"


async def test_a_sentence_can_be_heard(client: httpx2.AsyncClient, neko: Neko) -> None:
    answer = await client.post(f"{URL}/sample", json={"text": "hello", "language": "en"})
    assert answer.status_code == 200
    assert len(answer.content) > 2 * 48_000 // 10
    assert answer.headers["content-type"] == "application/octet-stream"
    introduction = await client.post(f"{URL}/sample", json={"voice": "f4", "language": "fr-FR"})
    assert len(introduction.content) > len(answer.content)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    await client.post(URL, json={"engine": "openai", "url": nowhere, "model": "m"})
    silent = await client.post(f"{URL}/sample", json={"text": "hello"})
    assert (silent.status_code, silent.json()["code"]) == (504, "speech_silent")


@pytest.mark.parametrize(
    "url",
    ["ftp://one.example", "file:///etc/passwd", "http://[::1", "http://one.example:99999", "http://", "a b"],
)
async def test_what_is_no_address_is_refused_and_the_server_stays(
    client: httpx2.AsyncClient, neko: Neko, url: str
) -> None:
    before = {"url": "http://one.example/v1", "model": "m", "api_key": "sk-1"}
    assert (await client.post("/api/speech", json=before)).status_code == 200
    answer = await client.post("/api/speech", json={"url": url, "engine": "openai"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_address")
    values = neko.config.values
    assert (values["ttsModelUrl"], values["ttsModelApiKey"]) == ("http://one.example/v1", "sk-1")
    assert (await client.get("/api/speech")).json()["engine"] != "openai"
    assert (await client.post("/api/speech", json={"url": ""})).status_code == 200


async def test_a_new_speech_server_never_gets_the_key_of_another_and_a_new_model_keeps_it(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await neko.config.change({"ttsModelUrl": "localhost:8000", "ttsModelApiKey": "sk-1", "enableCustomApi": True})
    await client.post("/api/speech", json={"model": "other"})
    assert neko.config.values["ttsModelApiKey"] == "sk-1"
    await client.post("/api/speech", json={"url": "http://two.example/v1"})
    assert neko.config.values["ttsModelApiKey"] == ""
    await neko.config.change({"ttsModelUrl": "http://me:hunter2@one.example/v1", "ttsModelApiKey": "sk-1"})
    half = (await client.get("/api/speech")).json()["url"].replace("one.example", "two.example")
    answer = await client.post("/api/speech", json={"url": half})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_address")


async def test_another_voice_speaks_in_an_open_conversation_wherever_it_was_chosen(
    client: httpx2.AsyncClient, neko: Neko, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Noted(ScriptedSpeech):
        async def synthesise(self, utterance: Utterance, convert: Convert) -> AsyncGenerator[bytes, None]:
            said.append(utterance.voice.voice)
            async with aclosing(super().synthesise(utterance, convert)) as pieces:
                async for piece in pieces:
                    yield piece

    monkeypatch.setattr(engines, "build", lambda *_: Noted())
    her = neko.characters.current

    async def voices_heard() -> set[str]:
        said.clear()
        async for _ in neko.chat(her, "hello", speech=True):
            pass
        return set(said)

    assert await voices_heard() == {""}
    await client.post(URL, json={"engine": "free", "voice": "one"})
    assert await voices_heard() == {"one"}
    await client.post(URL, json={"voice": ""})
    await client.patch(f"/api/characters/catgirl/{her}", json={"voice_id": "two"})
    assert await voices_heard() == {"two"}
    await client.post("/api/characters/clear_voice_ids")
    assert await voices_heard() == {""}


@pytest.fixture
async def voicevox() -> AsyncIterator[HttpService]:
    async with HttpService(speech_protocols.voicevox) as service:
        yield service


@pytest.fixture
async def gpt_sovits() -> AsyncIterator[HttpService]:
    async with HttpService(speech_protocols.gpt_sovits_voices) as service:
        yield service


@pytest.mark.parametrize("engine", [kind for kind, service in speech_services().items() if service.voices])
async def test_the_voices_of_a_service_that_tells_none_are_known_with_their_terms(
    client: httpx2.AsyncClient, engine: str
) -> None:
    offered = (await client.get(VOICES, params={"engine": engine})).json()["voices"]
    assert len({voice["name"] for voice in offered}) == len(offered) > 1
    assert all(voice["label"] and voice["licence"] and voice["kind"] for voice in offered)


async def test_the_voices_of_voicevox_are_those_that_it_tells_and_one_is_heard_before_it_is_chosen(
    client: httpx2.AsyncClient, voicevox: HttpService
) -> None:
    state = (await client.post(URL, json={"engine": "voicevox", "url": voicevox.url})).json()
    assert (state["url"], state["api_key"]) == (voicevox.url, "")
    offered = (await client.get(VOICES)).json()
    assert offered["engine"] == "voicevox"
    assert [(voice["name"], voice["label"], voice["language"]) for voice in offered["voices"]] == [
        ("2", "四国めたん (ノーマル)", "ja"),
        ("3", "ずんだもん (ノーマル)", "ja"),
    ]
    sound = (await client.post(f"{URL}/sample", json={"text": "こんにちは", "language": "ja", "voice": "3"})).content
    assert len(sound) > 10_000
    assert voicevox.voices == ["3"]
    assert (await client.get(URL)).json()["voice"] == ""


async def test_a_service_that_does_not_answer_is_told_where_its_voices_are_asked_for(
    client: httpx2.AsyncClient, free_port: int
) -> None:
    await client.post(URL, json={"engine": "voicevox", "url": f"http://127.0.0.1:{free_port}"})
    answer = (await client.get(VOICES)).json()
    assert answer["voices"] == []
    assert "VOICEVOX" in answer["error"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("refused", 502, "speech_key_refused"),
        ("error", 502, "speech_refused"),
        ("gone", 502, "speech_cut"),
        (None, 504, "speech_silent"),
    ],
)
async def test_a_sample_that_a_service_does_not_give_is_answered_with_what_went_wrong(
    client: httpx2.AsyncClient, voicevox: HttpService, free_port: int, fault: Fault | None, status: int, code: str
) -> None:
    voicevox.always = fault
    url = voicevox.url if fault else f"http://127.0.0.1:{free_port}"
    await client.post(URL, json={"engine": "voicevox", "url": url})
    answer = await client.post(f"{URL}/sample", json={"text": "こんにちは", "language": "ja", "voice": "3"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "VOICEVOX" in answer.json()["error"]


async def test_the_address_of_each_service_and_the_key_of_its_provider_are_kept(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    for engine, url in {"gptsovits": "http://127.0.0.1:9000", "cosyvoice": "ws://box:50000"}.items():
        await client.post(URL, json={"engine": engine, "url": url})
    await client.post(URL, json={"engine": "gemini", "api_key": KEY})
    assert neko.config.values["assistApiKeyGemini"] == KEY
    state = (await client.post(URL, json={"engine": "gptsovits", "voice": "mio|{}"})).json()
    assert (state["url"], state["voice"], state["api_key"]) == ("http://127.0.0.1:9000", "mio|{}", "")
    state = (await client.post(URL, json={"engine": "gemini"})).json()
    assert (state["url"], state["voice"], state["api_key"]) == ("", "", "sk-…WXYZ")
    assert (await client.post(URL, json={"engine": "cosyvoice", "url": "box"})).status_code == 400


async def test_the_voices_of_a_gpt_sovits_on_this_computer_are_listed(
    client: httpx2.AsyncClient, gpt_sovits: HttpService
) -> None:
    """[rest 2.1]"""
    path = "/api/config/gptsovits/list_voices"
    answer = (await client.post(path, json={"api_url": f"{gpt_sovits.url}/"})).json()
    assert answer == {"success": True, "voices": [{"id": "mio", "name": "Mio", "description": "calm"}]}


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://voice.example:9881", "http://127.0.0.1:1/?x", "http://127.0.0.1:1/"]
)
async def test_no_other_address_is_asked_for_the_voices_of_a_gpt_sovits(client: httpx2.AsyncClient, url: str) -> None:
    """[rest 2.1]"""
    answer = await client.post("/api/config/gptsovits/list_voices", json={"api_url": url})
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["error"]


async def test_without_a_key_her_own_voice_speaks_and_a_sample_says_what_is_missing(
    client: httpx2.AsyncClient, neko: Neko
) -> None:
    await client.post(URL, json={"engine": "gemini"})
    voice = neko.voices.of(neko.characters.current)
    assert (voice.kind, voice.engine.capabilities.name) == ("gemini", "builtin")
    await voice.engine.aclose()
    answer = await client.post(f"{URL}/sample", json={"text": "hello"})
    assert answer.json()["code"] == "speech_key_missing"
