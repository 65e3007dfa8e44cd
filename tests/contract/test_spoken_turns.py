"""``websocket.md`` §2, §4.4 and §4.5: a speech-to-speech session, carried through manager and socket."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neko.application import Neko
from neko.errors import ModelKeyRefusedError, ModelServerError, ModelUnreachableError, NekoError
from neko.serve import listen, serving
from neko.sessions.actions import Mode
from neko.settings import Settings
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession
from tests.client import Client, Frame, client, is_turn_end, text_of, types_of
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn

NAME = "Mio"
LOUD = [round(9000 * math.sin(2 * math.pi * 200 * at / 48_000)) for at in range(480)]
QUIET = [0] * 480
DESKTOP_MS = 10


class SpeakingNeko(Neko):
    """Neko with scripted speech-to-speech sessions; ``fail`` makes the next starts fail, by ``failure``."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, session_factory=self.scripted_session)
        self.sessions: list[ScriptedSpeechSession] = []
        self.turns: list[SpokenTurn] = []
        self.fail = 0
        self.failure: NekoError = ModelUnreachableError("scripted", model="m", provider="p")
        self.attempts = 0
        self.gate: asyncio.Event | None = None

    def scripted_session(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        self.attempts += 1
        if self.fail:
            self.fail -= 1
            raise self.failure
        session = ScriptedSpeechSession(owner=owner, turns=self.turns)
        self.sessions.append(session)
        return session


@pytest.fixture
async def speaking(data_dir: Path) -> AsyncIterator[tuple[SpeakingNeko, str]]:
    settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
    with listen(settings.host, settings.port) as listener:
        async with SpeakingNeko(settings) as neko, serving(neko, listener):
            yield neko, f"ws://127.0.0.1:{listener.port}"


async def speak(page: Client, *, pause: bool = True) -> None:
    """Half a second of sound as a desktop page sends it, then quiet."""
    blocks = [LOUD] * 50 + ([QUIET] * 40 if pause else [])
    for block in blocks:
        await page.send("stream_data", input_type="audio", data=block)


def speech_ids(frames: list[Frame]) -> list[str]:
    return [frame["speech_id"] for frame in frames if frame["type"] == "audio_chunk"]


@pytest.mark.contract("ws-2-audio-unasked", "ws-9.2", "ws-4.5")
async def test_sound_without_a_start_becomes_a_spoken_turn(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await speak(page)
        seen = await page.until("neko_speech_end")
        kinds = types_of(seen)
        assert {"type": "session_started", "input_mode": "audio"} in seen
        assert kinds.index("user_activity") < kinds.index("user_transcript") < kinds.index("gemini_response")
        if not any(map(is_turn_end, seen)):
            await page.until(is_turn_end)
        assert text_of(page.frames) == "I hear you well."
        lines = await neko.memory.lines(NAME)
        assert [(line.role, line.text) for line in lines] == [("user", "hello"), ("assistant", "I hear you well.")]


@pytest.mark.contract("ws-2-audio-unasked")
async def test_the_microphones_48_khz_reach_the_model_as_16_khz(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await page.send("start_session", input_type="audio")
        await page.until("session_started")
        await speak(page)
        await page.until("neko_speech_end")
        samples = len(neko.sessions[0].heard) // 2
        assert abs(samples - 90 * DESKTOP_MS * 16) <= 25 * 16, "the converter holds back a little"


@pytest.mark.contract("ws-9.4", "ws-4.4")
async def test_header_and_sound_are_one_at_48_khz_in_large_frames(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    neko.turns = [SpokenTurn(deltas=["a "] * 10, sound=0.12)]
    async with client(url, NAME) as page:
        await speak(page)
        await page.until("neko_speech_end")
        frames = page.frames
        for place, frame in enumerate(frames):
            if frame["type"] == "binary":
                assert frames[place - 1]["type"] == "audio_chunk"
        sound = [frame["data"] for frame in frames if frame["type"] == "binary"]
        assert all(len(piece) % 2 == 0 and len(piece) >= 4 for piece in sound)
        assert abs(sum(map(len, sound)) / 96_000 - 1.2) < 0.02
        assert len(sound) <= 1_200 / 40  # of 40 ms and more
        assert len(set(speech_ids(frames))) == 1


@pytest.mark.contract("ws-9.6", "ws-4.4", "ws-4.5")
async def test_barge_in_cuts_at_the_start_of_speech(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    neko.turns = [SpokenTurn(deltas=["one ", "two "], stall_after=1), SpokenTurn(hears="stop", deltas=["sorry"])]
    async with client(url, NAME) as page:
        await speak(page)
        old = (await page.until("audio_chunk"))[-1]["speech_id"]
        await speak(page)
        seen = await page.until("neko_speech_end")
        cut = next(place for place, frame in enumerate(seen) if frame["type"] == "user_activity")
        assert seen[cut]["interrupted_speech_id"] == old
        assert old not in speech_ids(seen[cut:])
        assert types_of(seen).index("user_transcript") > cut
        if not any(frame["type"] == "neko_line" and frame["line"]["text"] == "sorry" for frame in seen):
            await page.until("neko_line")
        lines = await neko.memory.lines(NAME)
        assert [(line.text, line.status) for line in lines] == [
            ("hello", "complete"),
            ("one", "interrupted"),
            ("stop", "complete"),
            ("sorry", "complete"),
        ]


@pytest.mark.contract("ws-2-wrong-kind")
async def test_text_during_a_call_is_answered_in_the_call(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await speak(page)
        await page.until("neko_speech_end")
        await page.say("and by text?")
        text, seen = await page.reply()
        assert text
        assert not {"session_preparing", "session_started", "status"} & set(types_of(seen))
        await page.until("neko_speech_end")
        await speak(page)
        assert "user_transcript" in types_of(await page.until("neko_speech_end"))
        assert len(neko.sessions) == 1


@pytest.mark.contract("ws-2-wrong-kind")
async def test_a_client_that_starts_the_other_mode_switches(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await speak(page)
        await page.until("neko_speech_end")
        await page.send("start_session", input_type="text")
        assert (await page.until("session_started"))[-1]["input_mode"] == "text"
        await page.say("and by text?")
        assert (await page.reply())[0]
        assert len(neko.sessions) == 2


@pytest.mark.contract("ws-2-failing-start", "ws-9.7")
async def test_a_failing_start_backs_off_and_tells_each_attempt_once(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    neko.fail = 1000
    async with client(url, NAME) as page:
        for _ in range(100):
            await page.send("stream_data", input_type="audio", data=QUIET)
        seen = await page.quiet()
        failures = [frame for frame in seen if frame["type"] == "session_failed"]
        assert len(failures) == neko.attempts == 1
        assert failures[0]["input_mode"] == "audio"
        assert failures[0]["message"]


@pytest.mark.contract("ws-2-failing-start")
async def test_a_start_that_the_user_asks_for_is_tried_at_once_and_recovers(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    neko.fail = 2
    async with client(url, NAME) as page:
        for _ in range(2):
            await page.say("hello")
            await page.until("session_failed")
        await page.say("hello again")
        assert (await page.reply())[0]
        said = [line.text for line in await neko.memory.lines(NAME) if line.role == "user"]
        assert said == ["hello", "hello", "hello again"]


async def test_a_lost_provider_that_cannot_be_replaced_ends_the_session_and_keeps_the_socket(
    speaking: tuple[SpeakingNeko, str],
) -> None:
    neko, url = speaking
    neko.turns = [SpokenTurn(deltas=["one ", "two"], stall_after=1)]
    async with client(url, NAME) as page:
        await speak(page)
        await page.until("gemini_response")
        neko.fail, neko.failure = 1, ModelKeyRefusedError("scripted", model="m", provider="p")
        neko.sessions[0].lose(ModelServerError("gone", model="m", provider="p"))
        seen = await page.until("session_ended_by_server")
        assert "status" in types_of(seen)
        neko.turns = []
        await page.say("still there?")
        assert (await page.reply())[0]


async def test_pictures_go_to_a_session_that_watches(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await page.send("start_session", input_type="audio")
        await page.until("session_started")
        await page.send("stream_data", input_type="camera", data="data:image/jpeg;base64,/9j/4AAQ")
        await page.quiet()
        await page.send("end_session")
        await page.until("status")
        assert len(neko.sessions[0].images) == 1


@pytest.mark.contract("ws-1-binary")
async def test_announced_binary_frames_are_the_microphone(speaking: tuple[SpeakingNeko, str]) -> None:
    neko, url = speaking
    async with client(url, NAME) as page:
        await page.connection.send(bytes(640))
        assert await page.quiet() == [], "not announced: ignored"
        await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000)
        await page.until("session_started")
        loud, quiet = array("h", [9000, -9000] * 160).tobytes(), bytes(640)
        for block in [loud] * 25 + [quiet] * 20:
            await page.connection.send(block)
        await page.until("user_transcript")
        await page.until("neko_speech_end")
        heard = bytes(neko.sessions[0].heard)
        assert heard == loud * 25 + quiet * 20, "every sample, in order"
