"""What a realtime session makes of a provider that does what providers do, over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from neko.audio.noise import noise_reducer_installed
from neko.audio.voice_activity import EnergyDetector
from neko.errors import (
    ModelBadRequestError,
    ModelCallNotBegunError,
    ModelContentFilteredError,
    ModelError,
    ModelKeyRefusedError,
    ModelOutOfCreditError,
    ModelRedirectedError,
    ModelSchemeError,
    ModelSessionEndedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnreachableError,
    NekoError,
)
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.realtime import talk as talking
from neko.sessions.models.realtime.described_pictures import Describe
from neko.sessions.models.realtime.dialects import DIALECTS
from neko.sessions.models.realtime.faults import ModelPartRefusedError
from neko.sessions.models.realtime.own_turns import Detection
from neko.sessions.models.realtime.reply_length import units
from neko.sessions.models.realtime.session import RealtimeSession, RealtimeTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    AudioDelta,
    EndOfSpeech,
    HearOn,
    HoldToTalk,
    ModelEvent,
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    SessionEnds,
    SessionLost,
    SessionNotice,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    ToolResult,
    Transcript,
    UserAudio,
    UserImage,
    UserMessage,
)
from tests.scripted_provider import tone
from tests.scripted_realtime import MS_A_CHARACTER, Caller, ScriptedRealtime, Turn
from tests.scripted_session import Call
from tests.seams.model_session import SETUP, Subject, text_of

QUICK = RealtimeTimeouts(connect_timeout_s=2.0, ready_timeout_s=0.3, owed_timeout_s=0.3, overload_pause_s=0.2)
DEALT_WITH = RealtimeTimeouts()
RATE = 16_000


@dataclass
class Talk(Subject):
    """A session with its provider."""

    provider: ScriptedRealtime = None  # type: ignore[assignment]

    @property
    def caller(self) -> Caller:
        return self.provider.last

    async def play(self, seconds: float, *, loud: bool = True) -> None:
        rate = self.session.capabilities.input_rate
        pcm = tone(seconds, hertz=180, rate=rate) if loud else bytes(2 * round(seconds * rate))
        await self.session.send(UserAudio(pcm))

    async def say_something(self) -> None:
        await self.play(0.2)
        await self.play(0.4, loud=False)

    async def lost(self) -> tuple[ReplyDone | None, NekoError]:
        """How the reply and the session ended."""
        events = await self.rest()
        assert isinstance(events[-1], SessionLost)
        ends = [event for event in events if isinstance(event, ReplyDone)]
        return (ends[-1] if ends else None), events[-1].error


@asynccontextmanager
async def talk(
    *turns: Turn,
    dialect: str = "openai",
    timeouts: RealtimeTimeouts = DEALT_WITH,
    speaks: bool = True,
    finds_turns_here: bool = False,
    describe: Describe | None = None,
    longest_units: int | None = None,
    **provided: Any,
) -> AsyncIterator[Talk]:
    async with ScriptedRealtime(dialect) as provider, TaskOwner("test") as owner:
        provider.script(*turns)
        for name, value in provided.items():
            setattr(provider, name, value)
        executor = ThreadPoolExecutor(1)
        session = RealtimeSession(
            provider.endpoint,
            provider.dialect,
            owner=owner,
            network=Network(),
            speaks=speaks,
            detection=Detection(EnergyDetector(), executor) if finds_turns_here else None,
            describe=describe,
            longest_units=longest_units,
            timeouts=timeouts,
        )
        try:
            await session.open(SETUP)
            yield Talk(session, owner, provider=provider)
        finally:
            await session.aclose()
            executor.shutdown()


# ── beginning ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_it_is_open_once_the_provider_has_taken_its_setup_in_its_own_words(dialect: str) -> None:
    async with talk(dialect=dialect) as subject:
        [update] = subject.caller.of("session.update")
        [request] = subject.provider.requests
        assert request.headers["Authorization"] == "Bearer sk-realtime"
        assert ("model=scripted-voice" in request.path) == (dialect != "free")
        said = json.dumps(update)
        assert SETUP.instructions in said
        assert ("get_weather" in said) == subject.session.capabilities.tools
        if dialect == "openai":
            sound = update["session"]["audio"]
            assert sound["input"]["format"] == sound["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
        else:
            assert update["session"]["input_audio_format"] == "pcm16"
        assert subject.session.capabilities.input_rate == (24_000 if dialect == "openai" else 16_000)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"refuses": (401, {"error": {"message": "Incorrect API key provided"}})}, ModelKeyRefusedError),
        ({"refuses": (402, {"error": {"message": "account is not in good standing"}})}, ModelOutOfCreditError),
        ({"greets": False}, ModelTimeoutError),
    ],
)
async def test_a_provider_that_does_not_take_it_is_told_at_once(how: dict[str, Any], error: type[NekoError]) -> None:
    with pytest.raises(error):
        async with talk(timeouts=QUICK, **how):
            pass


async def test_a_setup_that_is_refused_is_told_at_once_in_the_providers_words() -> None:
    refusal = {"type": "invalid_request_error", "code": "unknown_parameter", "message": "Unknown parameter: voice"}
    with pytest.raises(ModelError) as refused:
        async with talk(refuses_update=refusal):
            pass
    assert isinstance(refused.value, ModelBadRequestError), "which is not tried again"
    assert refused.value.said == "Unknown parameter: voice"


@pytest.mark.parametrize("closes", [(1000, ""), (1008, ""), (1011, "no room")])
async def test_a_call_that_is_closed_before_it_began_is_told_as_such(closes: tuple[int, str]) -> None:
    with pytest.raises(ModelCallNotBegunError) as refused:
        async with talk(closes=closes):
            pass
    assert refused.value.said == closes[1]


async def test_an_address_that_sends_elsewhere_is_told_with_the_other_one() -> None:
    with pytest.raises(ModelRedirectedError) as refused:
        async with talk(refuses=(302, {}), location="https://elsewhere.example/login?next=1"):
            pass
    assert refused.value.params["place"] == "https://elsewhere.example/login"


async def test_a_server_without_tls_is_told_as_such() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    provider = ScriptedRealtime()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, TaskOwner("test") as owner:
        port = server.sockets[0].getsockname()[1]
        endpoint = ModelEndpoint("realtime", "openai", "Scripted", f"wss://127.0.0.1:{port}", "voice", "sk-key")
        session = RealtimeSession(endpoint, provider.dialect, owner=owner, network=Network())
        with pytest.raises(ModelSchemeError) as refused:
            await session.open(SETUP)
        assert refused.value.params["scheme"] == "http"
        await session.aclose()


async def test_nobody_at_the_address_is_told_as_such() -> None:
    provider = ScriptedRealtime()
    async with provider:
        endpoint = provider.endpoint
    async with TaskOwner("test") as owner:
        session = RealtimeSession(endpoint, provider.dialect, owner=owner, network=Network(), timeouts=QUICK)
        with pytest.raises(ModelUnreachableError):
            await session.open(SETUP)
        await session.aclose()


@pytest.mark.parametrize(
    ("written", "query"),
    [("http://{}/v1/realtime", "?model=scripted-voice"), ("{}/v1/realtime?model=mine", "?model=mine")],
)
async def test_an_address_is_understood_however_it_is_written(written: str, query: str) -> None:
    async with ScriptedRealtime() as provider, TaskOwner("test") as owner:
        address = written.format(provider.address.removeprefix("ws://"))
        session = RealtimeSession(
            replace(provider.endpoint, base_url=address), provider.dialect, owner=owner, network=Network()
        )
        await session.open(SETUP)
        assert provider.requests[0].path == f"/v1/realtime{query}"
        await session.aclose()


async def test_when_the_provider_will_end_the_session_is_told() -> None:
    async with talk(expires_at=time.time() + 1800) as subject:
        event = await anext(subject.stream)
        assert isinstance(event, SessionEnds)
        assert event.at - asyncio.get_running_loop().time() == pytest.approx(1800, abs=5)


# ── ends and faults ───────────────────────────────────────────────────────────


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", ModelStreamBrokenError),
        ("normal close", ModelSessionEndedError),
        ("abnormal close", ModelError),
        ("silence", ModelTimeoutError),
    ],
)
@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_a_provider_that_leaves_in_mid_reply_is_lost_and_the_reply_has_ended_first(
    fault: Any, error: type[NekoError], dialect: str
) -> None:
    async with talk(Turn(fault=fault), timeouts=QUICK, dialect=dialect) as subject:
        await subject.ask("a")
        end, reason = await subject.lost()
        assert end is not None
        assert (end.reply_id, end.reason, end.error) == ("a", "failed", reason)
        assert isinstance(reason, error)
        await subject.session.send(UserMessage("b", "anybody there?"))  # nobody hears it, and nothing breaks


async def test_a_close_while_nobody_talks_is_a_loss_with_the_providers_words() -> None:
    async with talk() as subject:
        await subject.caller.close(1008, "Your account is not in good standing")
        end, reason = await subject.lost()
        assert end is None
        assert isinstance(reason, ModelOutOfCreditError)


@pytest.mark.few(1)
@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize(
    "fault", ["cut", "normal close", "abnormal close", "silence", "no reply", "no created", "failed"]
)
async def test_whatever_becomes_of_a_spoken_turn_the_next_is_answered_or_the_session_is_lost(
    fault: Any, dialect: str
) -> None:
    async with talk(Turn(hears="hello", fault=fault), Turn(), timeouts=QUICK, dialect=dialect) as subject:
        ends: list[ModelEvent] = []
        while not ends or isinstance(ends[-1], ReplyDone):
            if len(ends) > 1 and isinstance(ends[-1], ReplyDone) and ends[-1].reason == "complete":
                return
            await subject.say_something()
            while not isinstance(event := await subject.next(), ReplyDone | SessionLost):
                pass
            ends.append(event)
        assert isinstance(ends[-1], SessionLost)


async def test_words_that_are_recognised_and_never_answered_are_a_loss() -> None:
    async with talk(Turn(hears="hello", fault="no reply"), timeouts=QUICK) as subject:
        await subject.say_something()
        [*_, words] = await subject.until(Transcript)
        assert isinstance(words, Transcript)
        assert words.text == "hello"
        _, reason = await subject.lost()
        assert isinstance(reason, ModelTimeoutError)


async def test_a_cough_and_what_is_answered_in_writing_are_owed_nothing() -> None:
    async with talk(Turn(hears=""), Turn(hears="hello", fault="no reply"), timeouts=QUICK) as subject:
        await subject.say_something()
        await subject.say_something()
        await subject.until(Transcript)
        await subject.ask("a")
        await subject.until(ReplyDone)
        await asyncio.sleep(2 * QUICK.owed_timeout_s)
        await subject.ask("b")
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("b")


async def test_words_that_are_never_recognised_and_never_answered_are_a_loss() -> None:
    async with talk(Turn(hears=None, deltas=(), fault="silence", fault_after=0), timeouts=QUICK) as subject:
        subject.provider.script(Turn(hears=None, waits=True))
        await subject.say_something()
        _, reason = await subject.lost()
        assert isinstance(reason, ModelTimeoutError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (
            {"type": "invalid_request_error", "code": "invalid_api_key", "message": "invalid api key"},
            ModelKeyRefusedError,
        ),
        ({"type": "server_error", "code": "Arrearage", "message": "账户已欠费"}, ModelOutOfCreditError),
        ({"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}, ModelSessionEndedError),
    ],
)
async def test_an_error_after_which_nothing_can_come_is_a_loss(error: dict[str, str], kind: type[NekoError]) -> None:
    async with talk(Turn(fault="error", error=error)) as subject:
        await subject.ask("a")
        _, reason = await subject.lost()
        assert isinstance(reason, kind)


async def test_any_other_error_leaves_the_reply_alone() -> None:
    async with talk(Turn(fault="error")) as subject:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert events[-1] == ReplyDone("a")
        assert text_of(events) == "I hear you well."


@pytest.mark.parametrize("turn", [Turn(late=True), Turn(late=True, twice=True), Turn(twice=True)])
async def test_neither_an_error_nor_words_that_come_late_or_twice_cut_the_reply_to_them(turn: Turn) -> None:
    said = "something else went wrong"
    error = {"type": "error", "error": {"type": "server_error", "message": said}}
    async with talk(replace(turn, between=[json.dumps(error)])) as subject:
        await subject.say_something()
        events = await subject.until(ReplyDone)
        kinds = [type(event) for event in events]
        assert (kinds.count(SpeechStarted), kinds.count(Transcript), kinds.count(SpeechRejected)) == (1, 1, 0)
        assert isinstance(end := events[-1], ReplyDone)
        assert (end.reason, text_of(events)) == ("complete", "I hear you well.")
        assert [event.error.said for event in events if isinstance(event, SessionNotice)] == [said]


async def test_speech_that_is_told_of_only_when_it_is_whole_is_answered() -> None:
    async with talk(Turn(), Turn(late=True), tells_of_speech=False) as subject:
        for _ in range(2):
            await subject.say_something()
            events = await subject.until(ReplyDone)
            told = [type(event) for event in events if not isinstance(event, AudioDelta | TextDelta)]
            assert told[:2] == [SpeechStarted, SpeechStopped]
            assert told.count(SpeechStarted) == told.count(Transcript) == 1
            assert isinstance(end := events[-1], ReplyDone)
            assert end.reason == "complete"


async def test_an_overloaded_provider_is_sent_no_sound_for_a_moment_and_whoever_has_it_keeps_it() -> None:
    overload = {"type": "server_error", "code": "503", "message": "The server is overloaded, try again later"}
    async with talk(Turn(fault="error", error=overload), timeouts=QUICK) as subject:
        await subject.ask("a")
        await subject.until(ReplyDone)
        with pytest.raises(ModelError):
            await subject.play(0.1, loud=False)
        await asyncio.sleep(QUICK.overload_pause_s)
        await subject.play(0.2, loud=False)
        await subject.provider.until(lambda: bool(subject.caller.of("input_audio_buffer.append")))
        assert len(subject.caller.heard) == 2 * round(0.2 * 24_000)


async def test_an_error_about_no_reply_is_told_in_the_providers_words_and_makes_nobody_deaf() -> None:
    error = {"type": "invalid_request_error", "message": "Invalid value: 'image'"}
    async with talk(Turn(fault="error", error=error)) as subject:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        [notice] = [event.error for event in events if isinstance(event, SessionNotice)]
        assert isinstance(notice, ModelPartRefusedError)
        assert notice.said == error["message"]
        await subject.play(0.1, loud=False)
        await subject.provider.until(lambda: bool(subject.caller.of("input_audio_buffer.append")))


async def test_a_reply_that_fails_or_is_cancelled_there_ends_as_such() -> None:
    filtered = {"type": "invalid_request_error", "code": "content_filter", "message": "flagged by content_filter"}
    async with talk(Turn(fault="failed", error=filtered), Turn(fault="cancelled")) as subject:
        await subject.ask("a")
        end = (await subject.until(ReplyDone))[-1]
        assert isinstance(end, ReplyDone)
        assert end.reason == "failed"
        assert isinstance(end.error, ModelContentFilteredError)
        await subject.ask("b")
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("b", "interrupted")
        await subject.ask("c")
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("c")


@pytest.mark.parametrize("dialect", ["openai", "glm"])
async def test_a_reply_that_nobody_announced_is_one_all_the_same(dialect: str) -> None:
    async with talk(Turn(fault="no created"), Turn(fault="no created"), dialect=dialect) as subject:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert (text_of(events), events[-1]) == ("I hear you well.", ReplyDone("a"))
        await subject.say_something()
        events = await subject.until(ReplyDone)
        assert text_of(events) == "I hear you well."


async def test_what_comes_after_the_end_of_its_reply_is_dropped() -> None:
    async with talk(Turn(fault="done first", fault_after=2)) as subject:
        await subject.ask("a")
        assert text_of(await subject.until(ReplyDone)) == "I hear "
        await subject.ask("b")
        events = await subject.until(ReplyDone)
        assert events[0] == ReplyStarted("b")
        assert text_of(events) == "I hear you well."


async def test_what_is_no_event_means_nothing() -> None:
    between = (
        "[DONE]",
        b"\x00\xff",
        "[]",
        '{"type": 7}',
        '{"type": "response.mystery.delta", "delta": "?"}',
        '{"type": "response.audio.delta", "delta": "no base64!"}',
        '{"type": "response.audio.delta"}',
        '{"type": "response.audio.delta", "item_id": ["?"], "delta": ""}',
        f'{{"type": "session.updated", "session": {{"expires_at": {"9" * 400}}}}}',
        '{"type": "response.done"}x',
        '{"type": "error"}',
        '{"type": "conversation.item.input_audio_transcription.delta", "item_id": "unknown", "delta": "?"}',
        '{"type": "response.done", "response": {"id": "resp_unknown", "status": "completed"}}',
    )
    async with talk(Turn(between=between)) as subject:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert (text_of(events), events[-1]) == ("I hear you well.", ReplyDone("a"))
        assert {type(event) for event in events} == {ReplyStarted, TextDelta, AudioDelta, ReplyDone}


async def test_a_provider_that_is_still_busy_is_asked_again_after_that() -> None:
    async with talk(Turn(waits=True, hears="hello")) as subject:
        await subject.say_something()
        started = (await subject.until(TextDelta))[-1]
        assert isinstance(started, TextDelta)
        await subject.ask("a", "and now?")  # the reply before is cancelled first, and its end awaited
        events = await subject.until(ReplyDone, "a")
        assert ReplyDone(started.reply_id, "interrupted") in events
        kinds = [event["type"] for event in subject.caller.events]
        assert kinds.index("response.cancel") < kinds.index("response.create")


# ── the noise of the room ─────────────────────────────────────────────────────


@pytest.mark.skipif(not noise_reducer_installed(), reason="needs the extra hearing")
@pytest.mark.parametrize("wanted", [True, False])
async def test_noise_is_taken_out_before_a_provider_that_does_not_do_it_is_sent_the_sound(*, wanted: bool) -> None:
    async with talk(dialect="step") as subject:
        rush = np.random.default_rng(3).normal(0, 100, RATE * 2).astype("<i2").tobytes()  # too low to be speech
        for at in range(0, len(rush), 640):
            await subject.session.send(UserAudio(rush[at : at + 640], reduce_noise=wanted))
        await subject.provider.until(lambda: len(subject.caller.heard) >= len(rush))
        heard = np.frombuffer(bytes(subject.caller.heard), "<i2").astype(float)
        assert len(heard) == RATE * 2
        assert bool(np.sqrt(np.mean(heard[RATE:] ** 2)) < 50) is wanted


async def test_a_provider_that_can_take_noise_out_is_told_when_that_changes() -> None:
    async with talk() as subject:
        for wanted in (False, True, True, False):
            await subject.session.send(UserAudio(bytes(960), reduce_noise=wanted))
        await subject.provider.until(lambda: len(subject.caller.heard) >= 4 * 960)
        [opening, *updates] = [update["session"]["audio"]["input"] for update in subject.caller.of("session.update")]
        assert opening["noise_reduction"] is None
        assert updates == [{"noise_reduction": {"type": "far_field"}}, {"noise_reduction": None}]


# ── what is cut ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limit", ["LONGEST_REPLY", "LONGEST_SOUND_S"])
async def test_a_reply_without_an_end_is_cancelled_kept_and_told(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(talking, limit, {"LONGEST_REPLY": 9, "LONGEST_SOUND_S": 9 * MS_A_CHARACTER / 1000}[limit])
    async with talk(Turn(deltas=("on and ", "on and ", "on and "), waits=True)) as subject:
        await subject.ask("a")
        await subject.until(TextDelta)
        subject.provider.released.set()
        events = await subject.until(ReplyDone)
        assert (events[-1], [event.code for event in events if isinstance(event, ReplyNotice)]) == (
            ReplyDone("a"),
            ["reply_too_long"],
        )
        await subject.provider.until(lambda: bool(subject.caller.of("response.cancel")))
        await subject.ask("b")
        assert (await subject.until(ReplyDone, "b"))[0] == ReplyStarted("b")


async def test_a_cut_reply_is_cancelled_by_name_and_shortened_to_what_was_heard() -> None:
    async with talk(Turn(deltas=("one two ", "three"), waits=True)) as subject:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.session.interrupt("a", "one", 3 * MS_A_CHARACTER)
        assert await subject.next() == ReplyDone("a", "interrupted")
        await subject.provider.until(lambda: bool(subject.caller.of("conversation.item.truncate")))
        [cancel] = subject.caller.of("response.cancel")
        assert cancel["response_id"].startswith("resp_")
        assert [line.text for line in subject.caller.known if line.role == "assistant"] == ["one"]


async def test_the_users_words_over_a_reply_are_never_lost() -> None:
    async with talk(Turn(waits=True), Turn(hears="stop it", late=True)) as subject:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.say_something()
        await subject.until(SpeechStarted)
        await subject.session.interrupt("a", "I ")
        events = await subject.until(ReplyDone, None)
        while not any(isinstance(event, Transcript) for event in events):
            events.append(await subject.next())
        assert [event.text for event in events if isinstance(event, Transcript)] == ["stop it"]


async def test_asked_again_the_provider_forgets_the_last_exchange_first() -> None:
    async with talk() as subject:
        await subject.ask("a", "first")
        await subject.until(ReplyDone)
        await subject.session.send(UserMessage("b", "first", again=True))
        await subject.until(ReplyDone)
        users = [line.text for line in subject.caller.known if line.role == "user"]
        assert users == ["first"]


# ── speaking ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", ["openai", "glm", "qwen"])
async def test_while_the_key_is_held_nothing_ends_the_turn_but_letting_go(dialect: str) -> None:
    async with talk(dialect=dialect) as subject:
        await subject.session.send(HoldToTalk())
        for _ in range(2):
            await subject.say_something()
        await subject.session.send(EndOfSpeech())
        events = await subject.until(ReplyDone)
        kinds = [type(event) for event in events if not isinstance(event, TextDelta | AudioDelta)]
        assert kinds == [SpeechStarted, SpeechStopped, Transcript, ReplyStarted, ReplyDone]
        assert len(subject.caller.of("input_audio_buffer.commit")) == 1
        assert not subject.caller.is_manual
        await subject.say_something()  # and from then on the provider listens for the end again
        await subject.until(ReplyDone)


async def test_a_key_that_is_only_touched_asks_for_nothing() -> None:
    async with talk() as subject:
        await subject.session.send(HoldToTalk())
        await subject.session.send(EndOfSpeech())
        assert [type(await subject.next()) for _ in range(3)] == [SpeechStarted, SpeechStopped, SpeechRejected]
        await subject.ask("a")
        await subject.until(ReplyDone)
        assert len(subject.caller.of("response.create")) == 1


async def test_a_microphone_that_is_shut_in_mid_sentence_ends_it() -> None:
    async with talk() as subject:
        await subject.play(0.2)
        await subject.until(SpeechStarted)
        await subject.session.send(EndOfSpeech())
        assert isinstance((await subject.until(ReplyDone))[0], SpeechStopped)


async def test_all_that_is_heard_arrives_in_order_under_ids_of_its_own() -> None:
    async with talk() as subject:
        sent = b""
        for number in range(200):
            piece = number.to_bytes(2, "little") * 240
            sent += piece
            await subject.session.send(UserAudio(piece))
        await subject.provider.until(lambda: len(subject.caller.heard) == len(sent))
        assert bytes(subject.caller.heard) == sent
        ids = [event["event_id"] for event in subject.caller.events]
        assert len(set(ids)) == len(ids) == 201


# ── what it is shown and told ─────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", ["openai", "qwen", "glm"])
async def test_a_live_picture_is_sent_with_what_is_said(dialect: str) -> None:
    async with talk(dialect=dialect) as subject:
        assert subject.session.capabilities.images_in_speech_only
        await subject.play(0.2)
        await subject.session.send(UserImage(b"jpeg"))
        await subject.play(0.4, loud=False)
        await subject.until(ReplyDone)
        assert subject.caller.pictures == [b"jpeg"]


async def test_a_provider_that_takes_no_text_is_told_by_its_instructions() -> None:
    async with talk(dialect="qwen") as subject:
        await subject.session.send(AddContext("It is raining."))
        await subject.ask("a", "Shall I take the umbrella?")
        await subject.until(ReplyDone)
        kinds = [event["type"] for event in subject.caller.events[1:]]
        assert kinds == ["session.update", "session.update", "response.create"]
        instructions = subject.caller.session["instructions"]
        assert SETUP.instructions in instructions
        assert "It is raining." in instructions
        assert "Shall I take the umbrella?" in instructions
        await subject.session.send(AddContext("It stopped."))
        await subject.provider.until(lambda: "It stopped." in subject.caller.session["instructions"])
        assert "Sam: Shall I take the umbrella?" in subject.caller.session["instructions"]


# ── her own voice, and turns that are found here ──────────────────────────────


@pytest.mark.parametrize("dialect", ["openai", "step"])
async def test_a_model_that_is_spoken_for_only_writes_and_its_sound_is_nobodys(dialect: str) -> None:
    async with talk(Turn(), dialect=dialect, speaks=False) as subject:
        assert not subject.session.capabilities.audio_output
        await subject.say_something()
        events = await subject.until(ReplyDone)
        assert text_of(events) == "I hear you well."
        assert not [event for event in events if isinstance(event, AudioDelta)]


async def test_of_what_was_written_for_another_voice_the_provider_remembers_what_was_heard() -> None:
    long = Turn(deltas=("one two ", "three four"))
    async with talk(long, Turn(hears="stop"), speaks=False) as subject:
        await subject.ask("a")
        await subject.until(ReplyDone)
        await subject.session.interrupt("a", "one two", 800)
        await subject.ask("b", "and now?")
        await subject.until(ReplyDone)
        said = [(line.role, line.text.partition("\n")[2] or line.text) for line in subject.caller.known]
        assert ("assistant", "one two") in said
        assert not any("three" in text for _, text in said)


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_turns_that_are_found_here_are_sent_committed_and_answered(dialect: str) -> None:
    async with talk(Turn(hears="Hello."), dialect=dialect, finds_turns_here=True) as subject:
        assert subject.caller.is_manual
        await subject.play(2.0, loud=False)
        assert not subject.caller.heard, "what is no speech stays here"
        await subject.play(0.5)
        await subject.play(1.6, loud=False)
        events = await subject.until(ReplyDone)
        kinds = [type(event) for event in events]
        assert kinds.index(SpeechStarted) < kinds.index(SpeechStopped) < kinds.index(ReplyStarted)
        assert [event.text for event in events if isinstance(event, Transcript)] == ["Hello."]
        assert text_of(events) == "I hear you well."
        rate = subject.session.capabilities.input_rate
        heard_s = len(subject.caller.heard) / (2 * rate)
        assert 0.5 + 0.4 < heard_s < 0.5 + 0.5 + 0.8, "a moment before it, and the pause that ended it"


async def test_a_click_is_no_turn_and_a_short_word_is_one() -> None:
    async with talk(Turn(hears="No."), finds_turns_here=True) as subject:
        await subject.play(1.0, loud=False)
        await subject.play(0.06)
        await subject.play(1.0, loud=False)
        await subject.play(0.14)
        await subject.play(1.6, loud=False)
        events = await subject.until(ReplyDone)
        assert sum(isinstance(event, SpeechStarted) for event in events) == 1
        assert len(subject.caller.of("input_audio_buffer.commit")) == 1


async def test_turns_that_are_found_here_end_with_the_key_and_with_the_microphone() -> None:
    async with talk(Turn(hears="One."), Turn(hears="Two."), finds_turns_here=True) as subject:
        await subject.play(1.0, loud=False)
        await subject.play(0.5)
        await subject.session.send(EndOfSpeech())
        first = await subject.until(ReplyDone)
        await subject.session.send(HoldToTalk())
        await subject.play(0.5)
        await subject.play(2.0, loud=False)
        assert len(subject.caller.of("input_audio_buffer.commit")) == 1
        await subject.session.send(EndOfSpeech())
        second = await subject.until(ReplyDone)
        heard = [event.text for event in (*first, *second) if isinstance(event, Transcript)]
        assert heard == ["One.", "Two."]
        assert len(subject.caller.of("session.update")) == 1


async def test_the_next_session_hears_on_with_the_moment_before_and_what_is_known_of_the_room() -> None:
    async with (
        talk(finds_turns_here=True) as before,
        talk(Turn(hears="Hi."), finds_turns_here=True) as subject,
    ):
        await before.play(1.0, loud=False)
        await before.play(0.05)
        await subject.session.send(HearOn(before.session))
        await subject.play(0.4)
        await subject.play(1.6, loud=False)
        events = await subject.until(ReplyDone)
        assert [event.text for event in events if isinstance(event, Transcript)] == ["Hi."]
        assert not before.caller.heard


async def test_speech_over_her_cancels_her_where_turns_are_found_here() -> None:
    async with talk(Turn(waits=True), Turn(hears="Stop."), finds_turns_here=True) as subject:
        await subject.play(1.0, loud=False)
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.play(0.3)
        await subject.until(SpeechStarted)
        await subject.session.interrupt("a", "I", 40)
        await subject.play(1.6, loud=False)
        events = await subject.until(ReplyDone)
        events += await subject.until(ReplyDone)
        assert [event.reason for event in events if isinstance(event, ReplyDone)] == ["interrupted", "complete"]
        assert subject.caller.of("response.cancel")


# ── pictures for a model that takes none ──────────────────────────────────────


class Describer:
    """Says what the bytes of a picture say; ``asked``: which ones it was shown."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.error: NekoError | None = None

    async def __call__(self, jpeg: bytes) -> str:
        self.asked.append(jpeg)
        if self.error:
            raise self.error
        return jpeg.decode()


def notes(subject: Talk) -> list[str]:
    return [line.text for line in subject.caller.known if "picture" in line.text]


async def test_live_pictures_are_described_at_first_and_then_once_in_what_the_user_says() -> None:
    describe = Describer()
    async with talk(Turn(), Turn(), dialect="step", describe=describe) as subject:
        able = subject.session.capabilities
        assert (able.image_input, able.images_in_speech_only, able.looks) == (True, False, True)
        for number in range(3):
            await subject.session.send(UserImage(b"shot %d" % number))
        await subject.provider.until(lambda: len(notes(subject)) == 2)
        await subject.say_something()
        await subject.until(SpeechStarted)
        await subject.session.send(UserImage(b"shot 3"))
        await subject.until(ReplyDone)
        await subject.provider.until(lambda: len(notes(subject)) == 4)
        assert describe.asked == [b"shot 0", b"shot 2"]
        assert "shot 2" in notes(subject)[-1]
        assert "is told in a moment" in notes(subject)[-2]


async def test_what_is_on_a_picture_is_told_with_the_words_that_it_came_with() -> None:
    describe = Describer()
    async with talk(dialect="step", describe=describe) as subject:
        await subject.session.send(UserMessage("a", "What is this?", (b"a black cat",)))
        assert text_of(await subject.until(ReplyDone)) == "I hear you well."
        assert "a black cat" in subject.caller.known[0].text
        assert "What is this?" in subject.caller.known[0].text
        describe.error = ModelError("scripted: no such model", model="m", provider="p")
        await subject.session.send(UserMessage("b", "And this?", (b"a dog",)))
        await subject.until(ReplyDone)
        assert "could not be looked at" in next(line.text for line in subject.caller.known if "And this?" in line.text)


@pytest.mark.parametrize("dialect", ["step", "qwen"])
async def test_what_is_on_the_picture_of_a_result_is_told_with_it(dialect: str) -> None:
    turn = Turn(deltas=["Let me see. "], calls=[Call("get_weather", {"place": "here"})])
    async with talk(turn, dialect=dialect, describe=Describer()) as subject:
        await subject.ask("a")
        [call] = await subject.calls(1)
        await subject.session.send(ToolResult(call.call_id, "The screen.", images=(b"a mail",)))
        await subject.until(ReplyDone)
        [(_, output)] = subject.caller.outputs
        assert output.startswith("The screen.")
        assert "a mail" in output


# ── replies that go on and on ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("one two  three", 3), ("今天天气", 4), ("ねこはねこ", 5), ("고양이", 3), ("I like 猫 a lot.", 5)],
)
def test_the_length_of_a_reply_is_counted_alike_in_all_scripts(text: str, count: int) -> None:
    assert units(text) == count


@pytest.mark.parametrize("speaks", [True, False])
async def test_a_reply_that_goes_on_for_too_long_is_stopped_at_the_end_of_a_sentence(speaks: bool) -> None:
    more = Turn(deltas=["And so on ", "it goes. "] * 40, pauses=True)
    async with talk(more, speaks=speaks, longest_units=20) as subject:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        text = text_of(events).rstrip()
        assert 20 < units(text) <= 30
        assert text.endswith(".")
        assert [event.code for event in events if isinstance(event, ReplyNotice)] == ["reply_too_long"]
        assert isinstance(events[-1], ReplyDone)
        assert events[-1].reason == "complete"
        await subject.provider.until(lambda: bool(subject.caller.of("response.cancel")))
        await subject.ask("b", "go on")
        await subject.until(ReplyDone, "b")
        if speaks:
            assert subject.caller.of("conversation.item.truncate")
        else:
            assert text in [line.text.rstrip() for line in subject.caller.known]


async def test_a_voice_that_never_pauses_is_stopped_all_the_same() -> None:
    async with talk(Turn(deltas=["And so on it goes. "] * 40), longest_units=20) as subject:
        await subject.ask("a")
        assert units(text_of(await subject.until(ReplyDone))) <= 35
