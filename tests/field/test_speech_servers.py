"""Speech servers as they are: other formats, other answers than sound. Her voice goes on, or the reason is told."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import httpx2
import pytest

from neko.app.voices import Voices
from tests.client import Frame
from tests.field.hostile_provider import HostileProvider, Raw, problem, reply, whole
from tests.field.talk import Talk
from tests.scripted_provider import Request, tone

SENTENCE = "The tea is ready."
PCM = tone(0.5)


def wav(pcm: bytes, channels: int = 1) -> bytes:
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    data = struct.pack(f"<{len(samples) * channels}h", *(value for value in samples for _ in range(channels)))
    head = struct.pack("<HHIIHH", 1, channels, 24_000, 48_000 * channels, 2 * channels, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + head + b"data\xff\xff\xff\xff" + data


@pytest.fixture
async def speaking(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Her voice is the ``/audio/speech`` of the hostile provider, which answers ``SENTENCE``, and none stands in."""
    monkeypatch.setattr(Voices, "_stand_ins", lambda *_: [])
    await talk.server.neko.config.change({"neko": {"speech": {"engine": "openai"}}})
    talk.provider.answers = [reply(SENTENCE)]
    return talk


def spoken(provider: HostileProvider) -> list[dict[str, Any]]:
    return [request.json for request in provider.requests if request.path.endswith("/audio/speech")]


async def speech_of(talk: Talk) -> tuple[float, list[Frame]]:
    """Seconds of sound that came for one reply, and what was told."""
    await talk.page.say("Hello there")
    frames = await talk.page.until("neko_speech_end")
    frames += await talk.page.quiet()
    sound = sum(len(frame["data"]) for frame in frames if frame["type"] == "binary")
    return sound / 96_000, [frame for frame in frames if frame["type"] == "status"]


def only(wanted: str, sound: bytes, refusal: Raw) -> Any:
    """A server that has one format."""

    def answer(request: Request) -> Raw:
        return Raw([sound]) if request.json["response_format"] == wanted else refusal

    return answer


async def test_a_letter_that_no_key_holds_is_told_and_not_sent(speaking: Talk) -> None:
    url = speaking.provider.base_url
    await speaking.server.neko.config.change({"ttsModelUrl": url, "ttsModelId": "m", "ttsModelApiKey": "sk-v\u043eice"})
    sound, told = await speech_of(speaking)
    assert (sound, [status["code"] for status in told]) == (0, ["key_letter"])
    assert "“\u043e”" in told[0]["message"]
    assert spoken(speaking.provider) == []


REFUSALS = {
    "words": whole(problem("response_format 'pcm' is not supported. Use wav."), 400),
    "fastapi": whole({"detail": [{"loc": ["body", "response_format"], "msg": "Input should be 'wav'"}]}, 422),
    "nothing": Raw(status=400, content_type=None),
    "in-a-200": whole({"error": "Unsupported format: pcm"}),
    "500": whole("ValueError: unknown format pcm", 500, "text/plain"),
    "webm": Raw([b"\x1aE\xdf\xa3" + bytes(3000)], content_type="audio/webm"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=[f"D16-{name}" for name in REFUSALS])
async def test_a_server_without_pcm_is_asked_for_wav_which_is_remembered(speaking: Talk, refusal: Raw) -> None:
    speaking.provider.speech = only("wav", wav(PCM), refusal)
    for _ in range(2):
        seconds, told = await speech_of(speaking)
        assert seconds == pytest.approx(0.5, abs=0.05)
        assert told == []
    assert [request["response_format"] for request in spoken(speaking.provider)] == ["pcm", "wav", "wav"]


async def test_another_voice_behind_the_address_has_another_format(speaking: Talk) -> None:
    """tts_wav_only, tts_mp3_only: what one engine has says nothing of the other, and each is remembered."""

    def answer(request: Request) -> Raw:
        wanted = {"kokoro": "wav", "xtts": "mp3"}[request.json["voice"]]
        refusal = whole({"detail": [{"loc": ["body", "response_format"], "msg": f"Input should be '{wanted}'"}]}, 422)
        return Raw([wav(PCM)]) if request.json["response_format"] == wanted else refusal

    speaking.provider.speech = answer
    for voice in ("kokoro", "xtts", "kokoro", "xtts"):
        await speaking.server.neko.config.change({"neko": {"voices": {"Mio": {"voice": voice}}}})
        assert await speech_of(speaking) == (pytest.approx(0.5, abs=0.05), [])
    assert [request["response_format"] for request in spoken(speaking.provider)] == [
        *("pcm", "wav"),
        *("pcm", "wav", "mp3"),
        *("wav", "mp3"),
    ]


async def test_a_remembered_format_that_is_refused_later_gives_way_to_the_others(speaking: Talk) -> None:
    refusal = whole(problem("this response_format is not supported"), 400)
    for wanted in ("wav", "mp3"):
        speaking.provider.speech = only(wanted, wav(PCM), refusal)
        assert await speech_of(speaking) == (pytest.approx(0.5, abs=0.05), [])
    assert [request["response_format"] for request in spoken(speaking.provider)] == ["pcm", "wav", "wav", "pcm", "mp3"]


async def test_a_server_that_takes_no_format_is_asked_without_one(speaking: Talk) -> None:
    """tts_none_only."""
    extra = {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs"}]}

    def answer(request: Request) -> Raw:
        return whole(extra, 422) if "response_format" in request.json else Raw([wav(PCM)])

    speaking.provider.speech = answer
    for _ in range(2):
        assert await speech_of(speaking) == (pytest.approx(0.5, abs=0.05), [])
    assert ["response_format" in request for request in spoken(speaking.provider)] == [True, True, True, False, False]


async def test_a_server_that_refuses_the_speed_is_asked_without_it(speaking: Talk) -> None:
    def answer(request: Request) -> Raw:
        return whole({"detail": "unknown field: speed"}, 422) if "speed" in request.json else Raw([PCM])

    speaking.provider.speech = answer
    await speaking.server.neko.config.change({"neko": {"voices": {"Mio": {"rate": 1.5}}}})
    for _ in range(2):
        assert await speech_of(speaking) == (pytest.approx(0.5, abs=0.05), [])
    assert ["speed" in request for request in spoken(speaking.provider)] == [True, False, False]


async def test_D16_a_stereo_answer_is_mixed_down(speaking: Talk) -> None:
    speaking.provider.speech = Raw([wav(PCM, channels=2)], content_type="audio/wav")
    assert await speech_of(speaking) == (pytest.approx(0.5, abs=0.05), [])


async def test_D16_a_voice_that_is_unknown_is_told_in_the_servers_own_words_once(speaking: Talk) -> None:
    speaking.provider.speech = whole(problem("Voice 'alloy' not found. Available: af_sky, bm_lewis"), 400)
    seconds, told = await speech_of(speaking)
    assert seconds == 0
    assert [frame["code"] for frame in told] == ["speech_refused"]
    assert " says: “Voice 'alloy' not found. Available: af_sky, bm_lewis”" in told[0]["message"]
    assert len(spoken(speaking.provider)) == 1
    assert (await speech_of(speaking))[1] == []


async def test_D16_the_reason_is_told_when_a_voice_is_tried_out(speaking: Talk) -> None:
    speaking.provider.speech = whole(problem("Voice 'alloy' not found. Available: af_sky"), 400)
    async with httpx2.AsyncClient(base_url=speaking.server.url, trust_env=False) as http:
        answer = await http.post("/api/speech/sample", json={"text": "hello", "language": "en"})
    assert answer.json()["code"] == "speech_refused"
    assert "Voice 'alloy' not found. Available: af_sky" in answer.json()["error"]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (whole(problem("Incorrect API key", "invalid_api_key"), 401), "speech_key_refused", "Incorrect API key"),
        (whole({"detail": "model is still loading"}, 503), "speech_refused", "model is still loading"),
        (whole({"error": "out of memory"}), "speech_refused", "out of memory"),
        (whole("<html><title>502 Bad Gateway</title></html>", 200, "text/html"), "speech_refused", "502 Bad Gateway"),
        (Raw(status=503, content_type=None), "speech_refused", "HTTP 503"),
        (Raw(content_type="audio/pcm"), "speech_unreadable", ""),
        (whole(b"ID3\4" + bytes(3000), 200, "audio/mpeg"), "speech_unreadable", ""),
        (Raw([PCM[:5000]], cut=True), "speech_cut", ""),
    ],
    ids=["key", "loading", "error-in-a-200", "web-page", "no-words", "empty", "broken-mp3", "cut"],
)
async def test_what_is_no_sound_is_told_and_never_played(speaking: Talk, answer: Raw, code: str, words: str) -> None:
    speaking.provider.speech = answer
    seconds, told = await speech_of(speaking)
    assert seconds <= 0.2
    assert [frame["code"] for frame in told] == [code]
    assert words in json.dumps(told)


async def test_each_cause_is_told_and_sound_that_comes_again_is_played(speaking: Talk) -> None:
    answers = [whole({"error": text}, 503) for text in ("busy", "broken", "busy")] + [Raw([PCM])]
    told = []
    for answer in answers:
        speaking.provider.speech = answer
        seconds, frames = await speech_of(speaking)
        told += frames
    assert len(told) == 2
    assert seconds == pytest.approx(0.5, abs=0.05)


async def test_a_reply_longer_than_can_be_spoken_says_so_and_is_whole(
    speaking: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.audio.speech_pipeline.LONGEST_TEXT", 400)
    text = f"{SENTENCE} " * 100
    speaking.provider.speech = Raw([PCM[:1000]])
    speaking.provider.answers = [reply(text)]
    outcome = await speaking.say()
    assert outcome.text.strip() == text.strip()
    assert outcome.codes == ["speech_too_long"]


async def test_while_the_server_is_gone_she_speaks_with_her_own_voice_and_says_so_once(
    talk: Talk, free_port: int
) -> None:
    server = {"ttsModelUrl": f"http://127.0.0.1:{free_port}/v1", "ttsModelId": "m", "enableCustomApi": True}
    talk.provider.answers = [reply(f"{SENTENCE} {SENTENCE}")]
    for engine in ("openai", "gptsovits"):
        await talk.server.neko.config.change({**server, "neko": {"speech": {"engine": engine}}})
        told = []
        for _ in range(2):
            seconds, faults = await speech_of(talk)
            assert seconds > 1
            told += [frame["code"] for frame in faults]
        assert told == ["speech_silent"]


@pytest.mark.parametrize("engine", ["openai", "gptsovits", "voicevox"])
async def test_a_server_that_takes_a_connection_and_says_nothing_gives_way_and_is_told_once(
    talk: Talk, engine: str
) -> None:
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        chosen = {"ttsModelUrl": url, "ttsModelId": "m", "enableCustomApi": True}
        own = {"speech": {"engine": engine, "addresses": {} if engine == "openai" else {engine: url}}}
        talk.provider.answers = [reply(f"{SENTENCE} {SENTENCE}")]
        await talk.server.neko.config.change({**chosen, "neko": own})
        told = []
        for _ in range(2):
            seconds, faults = await speech_of(talk)
            assert seconds > 1
            told += [frame["code"] for frame in faults]
        assert told == ["speech_silent"]
        assert held
        await talk.server.neko.config.change({"neko": {"speech": {"engine": "builtin"}}})
        for writer in held:
            writer.close()
