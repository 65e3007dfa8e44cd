"""The behaviour suite of model sessions over a scripted Gemini, and what is its own: turns that have no names, an end
that is told early, sessions that go on over another connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from neko.errors import (
    ModelContentFilteredError,
    ModelError,
    ModelKeyRefusedError,
    ModelServerError,
    ModelTimeoutError,
    NekoError,
)
from neko.net import Network
from neko.sessions.models.realtime import gemini_messages as messages
from neko.sessions.models.realtime.gemini import GeminiSession, load
from neko.sessions.models.realtime.session import RealtimeTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    AudioDelta,
    EndOfSpeech,
    HoldToTalk,
    ModelEvent,
    OfferTools,
    Reconnected,
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    SessionEnds,
    SessionLost,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Tool,
    ToolResult,
    Transcript,
    UserAudio,
    UserImage,
    UserMessage,
)
from tests.scripted_gemini import ScriptedGemini
from tests.scripted_provider import tone
from tests.scripted_realtime import Fault, Turn
from tests.scripted_session import Call
from tests.seams.model_session import (
    SETUP,
    HearingSessionBehaviour,
    ModelSessionBehaviour,
    ReconnectingSessionBehaviour,
    Subject,
    ToolSessionBehaviour,
    text_of,
)

LAMP = Tool("switch_lamp", "Switch the lamp on or off.", {"type": "object", "properties": {}})
LONG = Turn(deltas=[f"word{number} " for number in range(40)])


class GeminiBehaviour(ModelSessionBehaviour, HearingSessionBehaviour, ToolSessionBehaviour):
    """Over a real WebSocket."""

    resumable = False

    @pytest.fixture
    async def subject(self, tool_result_timeout_s: float) -> AsyncIterator[Subject]:
        async with ScriptedGemini(always=LONG) as provider, TaskOwner("test") as owner:
            self.provider = provider
            provider.resumable = self.resumable
            timeouts = RealtimeTimeouts(tool_result_timeout_s=tool_result_timeout_s)
            session = GeminiSession(provider.endpoint, owner=owner, network=Network(), timeouts=timeouts)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def hear_a_turn(self, subject: Subject) -> None:
        await speak(subject, 0.2)
        await pause(subject)

    async def begin_to_speak(self, subject: Subject) -> None:
        self.provider.script(Turn())
        await speak(subject, 0.05)

    async def cough(self, subject: Subject) -> None:
        self.provider.script(Turn(hears=""))
        await self.hear_a_turn(subject)

    def plan(self, subject: Subject, *places: str) -> None:
        calls = [Call("get_weather", {"place": place}) for place in places]
        self.provider.script(Turn(deltas=["Let me see. "], calls=calls))

    def results(self, subject: Subject) -> list[tuple[str, str]]:
        return self.provider.last.outputs


class TestGemini(GeminiBehaviour):
    pass


class TestGeminiResumed(ReconnectingSessionBehaviour):
    resumable = True
    provider: ScriptedGemini
    subject = GeminiBehaviour.subject

    @pytest.fixture
    def tool_result_timeout_s(self) -> float:
        return 30.0

    async def break_connection(self, subject: Subject) -> None:
        caller = self.provider.last
        await self.provider.until(lambda: bool(caller.messages))
        caller.abort()


async def speak(subject: Subject, seconds: float) -> None:
    await subject.session.send(UserAudio(tone(seconds, hertz=180, rate=16_000)))


async def given_a_handle(subject: Subject) -> None:
    """The provider has told by what name the session can be resumed."""
    assert isinstance(subject.session, GeminiSession)
    async with asyncio.timeout(10):
        while not subject.session._handle:  # noqa: ASYNC110 nothing tells
            await asyncio.sleep(0.005)


async def pause(subject: Subject) -> None:
    await subject.session.send(UserAudio(bytes(2 * 6_400)))


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedGemini]:
    async with ScriptedGemini() as provider:
        yield provider


@pytest.fixture
async def subject(provider: ScriptedGemini) -> AsyncIterator[Subject]:
    async with TaskOwner("test") as owner:
        timeouts = RealtimeTimeouts(owed_timeout_s=0.2, ready_timeout_s=0.5)
        session = GeminiSession(provider.endpoint, owner=owner, network=Network(), timeouts=timeouts)
        yield Subject(session, owner)
        await session.aclose()
        assert not owner.tasks


async def end_of(subject: Subject) -> NekoError:
    """Why the session is lost."""
    events = await subject.rest()
    assert isinstance(events[-1], SessionLost)
    assert all(event.error is not None for event in events if isinstance(event, ReplyDone))
    return events[-1].error


# ── what is said ──────────────────────────────────────────────────────────────


async def test_it_is_set_up_as_the_contract_says(subject: Subject, provider: ScriptedGemini) -> None:
    """[realtime 2.2]"""
    await subject.session.open(SETUP)
    setup = provider.last.setup
    assert setup["model"] == "models/scripted-voice"
    assert setup["generationConfig"]["responseModalities"] == ["AUDIO"]
    assert setup["generationConfig"]["temperature"] == 1.1
    assert setup["systemInstruction"]["parts"] == [{"text": SETUP.instructions}]
    assert setup["tools"][0] == {"googleSearch": {}}
    assert [one["name"] for one in setup["tools"][1]["functionDeclarations"]] == ["get_weather"]
    assert setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"] == {"voiceName": "Leda"}
    assert provider.requests[0].headers["x-goog-api-key"]
    assert "key" not in provider.requests[0].path
    assert provider.requests[0].path.endswith(".v1beta.GenerativeService.BidiGenerateContent")


async def test_notes_wait_for_the_end_of_what_is_said_and_come_before_the_next_words(
    subject: Subject, provider: ScriptedGemini
) -> None:
    provider.script(Turn(waits=True))
    await subject.session.open(SETUP)
    await subject.session.send(AddContext("It rains.", "system"))
    await subject.ask("a")
    await subject.until(TextDelta)
    await subject.session.send(AddContext("Hello.", "assistant"))
    provider.released.set()
    await subject.until(ReplyDone)
    await subject.ask("b", "well?")
    await subject.until(ReplyDone)
    roles = [("user", "[It rains.]"), ("user", "hello"), ("model", "Hello."), ("user", "well?")]
    assert provider.last.known == roles


async def test_pictures_are_seen_with_words_and_live(subject: Subject, provider: ScriptedGemini) -> None:
    await subject.session.open(SETUP)
    await subject.session.send(UserImage(b"live"))
    await subject.session.send(UserMessage("a", "see", (b"whole",)))
    await subject.until(ReplyDone)
    assert provider.last.pictures == [b"live", b"whole"]


async def test_pictures_of_a_result_are_seen_before_it_is_told(subject: Subject, provider: ScriptedGemini) -> None:
    provider.script(Turn(calls=[Call("get_weather", {"place": "Oslo"})]))
    await subject.session.open(SETUP)
    await subject.ask("a")
    [call] = await subject.calls(1)
    await subject.session.send(ToolResult(call.call_id, "the map", images=(b"map",)))
    await subject.until(ReplyDone)
    kinds = [next(iter(message)) for message in provider.last.messages]
    assert kinds[-2:] == ["realtimeInput", "toolResponse"]
    assert provider.last.pictures == [b"map"]


async def test_it_is_told_how_much_of_a_reply_was_heard(subject: Subject, provider: ScriptedGemini) -> None:
    provider.script(Turn(waits=True))
    await subject.session.open(SETUP)
    await subject.ask("a")
    await subject.until(TextDelta)
    await subject.session.interrupt("a", "I")
    await subject.ask("b", "go on")
    await subject.until(ReplyDone, "b")
    assert '"I"' in provider.last.known[-2][1]
    assert provider.last.known[-1] == ("user", "go on")


async def test_without_a_voice_of_its_own_only_its_words_come(provider: ScriptedGemini) -> None:
    async with TaskOwner("test") as owner:
        session = GeminiSession(provider.endpoint, owner=owner, network=Network(), speaks=False)
        await session.open(SETUP)
        subject = Subject(session, owner)
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert text_of(events) == "I hear you well."
        assert not [event for event in events if isinstance(event, AudioDelta)]
        await session.aclose()


# ── turns without names ───────────────────────────────────────────────────────


async def test_of_a_reply_that_goes_on_for_too_long_the_rest_is_nobodys(provider: ScriptedGemini) -> None:
    provider.turns.append(Turn(deltas=["And so on it goes. "] * 40))
    async with TaskOwner("test") as owner:
        session = GeminiSession(provider.endpoint, owner=owner, network=Network(), longest_units=20)
        await session.open(SETUP)
        subject = Subject(session, owner)
        await subject.ask("a")
        first = await subject.until(ReplyDone)
        await subject.ask("b")
        second = await subject.until(ReplyDone)
        await session.aclose()
    assert len(text_of(first).split()) <= 35
    assert [event.code for event in first if isinstance(event, ReplyNotice)] == ["reply_too_long"]
    assert {event.reply_id for event in second if isinstance(event, TextDelta)} == {"b"}
    assert "goes" not in text_of(second)


async def test_speech_over_a_reply_ends_it_at_once_and_its_words_are_kept(
    subject: Subject, provider: ScriptedGemini
) -> None:
    """[realtime 4.2]"""
    provider.script(Turn(waits=True), Turn(hears="stop it", deltas=["Sorry."]))
    await subject.session.open(SETUP)
    await subject.ask("a")
    await subject.until(TextDelta)
    await speak(subject, 0.2)
    events = await subject.until(ReplyDone)
    assert [type(event) for event in events if not isinstance(event, AudioDelta)] == [SpeechStarted, ReplyDone]
    assert events[-1] == ReplyDone("a", "interrupted")
    await pause(subject)
    events = await subject.until(ReplyDone)
    assert [event.text for event in events if isinstance(event, Transcript) and event.final] == ["stop it"]
    assert text_of(events) == "Sorry."


async def test_words_over_a_reply_that_come_before_its_interruption_are_kept(
    subject: Subject, provider: ScriptedGemini
) -> None:
    provider.script(Turn(waits=True))
    await subject.session.open(SETUP)
    await subject.ask("a")
    await subject.until(TextDelta)
    caller = provider.last
    for said in ({"inputTranscription": {"text": "stop"}}, {"interrupted": True}, {"turnComplete": True}):
        await caller.content(**said)
    await caller.content(inputTranscription={"text": " it", "finished": True})
    await subject.until(SpeechStopped)
    final = await subject.next()
    assert isinstance(final, Transcript)
    assert (final.text, final.final) == ("stop it", True)


@pytest.mark.parametrize("late", [False, True])
async def test_words_that_come_late_are_of_the_speech_that_is_answered(
    subject: Subject, provider: ScriptedGemini, late: bool
) -> None:
    provider.script(Turn(hears="what is it", late=late))
    await subject.session.open(SETUP)
    await speak(subject, 0.2)
    await pause(subject)
    events = await subject.until(ReplyDone)
    finals = [event for event in events if isinstance(event, Transcript) and event.final]
    started = [event for event in events if isinstance(event, SpeechStarted)]
    [reply] = [event for event in events if isinstance(event, ReplyStarted)]
    assert [one.text for one in finals] == ["what is it"]
    assert [one.utterance_id for one in started] == [finals[0].utterance_id] == [reply.utterance_id]


async def test_a_rest_of_the_words_may_come_when_she_answers_already(
    subject: Subject, provider: ScriptedGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neko.sessions.models.realtime.gemini._REST_S", 0.05)
    provider.script(Turn(waits=True))
    await subject.session.open(SETUP)
    caller = provider.last
    await caller.content(inputTranscription={"text": "what is"})
    await subject.ask("typed meanwhile")
    await subject.until(TextDelta)
    await caller.content(inputTranscription={"text": " it"})
    await subject.until(SpeechStopped)
    final = await subject.next()
    assert isinstance(final, Transcript)
    assert (final.text, final.final) == ("what is it", True)
    provider.released.set()
    await subject.until(ReplyDone)


async def test_what_means_nothing_is_passed_over(subject: Subject, provider: ScriptedGemini) -> None:
    odd = (
        "[DONE]",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"serverContent": 5}',
        '{"serverContent": {"modelTurn": {"parts": [7, {"inlineData": {"mimeType": "audio/pcm", "data": "?"}}]}}}',
        '{"serverContent": {"modelTurn": {"parts": '
        '[{"inlineData": {"mimeType": "audio/pcm;rate=0000", "data": "AAAA"}}]}}}',
        '{"serverContent": {"outputTranscription": {"text": 4}, "newField": {}}}',
        '{"toolCall": {"functionCalls": "x"}}',
        '{"toolCallCancellation": {"ids": ["nobody"]}}',
        '{"goAway": {"timeLeft": "soon"}}',
        '{"sessionResumptionUpdate": {"newHandle": 3}}',
        '{"unheardOf": {"a": 1}}',
    )
    provider.script(Turn(between=odd))
    await subject.session.open(SETUP)
    await subject.ask("a")
    events = await subject.until(ReplyDone)
    assert events[-1] == ReplyDone("a")
    assert text_of(events) == "I hear you well."


async def test_a_turn_without_anything_in_it_is_told(subject: Subject, provider: ScriptedGemini) -> None:
    provider.script(Turn(deltas=[]))
    await subject.session.open(SETUP)
    await subject.ask("a")
    done = (await subject.until(ReplyDone))[-1]
    assert isinstance(done, ReplyDone)
    assert done.reason == "failed"
    assert done.error is not None


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("PROHIBITED_INPUT_CONTENT", ModelContentFilteredError),
        ("GENERATED_AUDIO_SAFETY", ModelContentFilteredError),
        ("MALFORMED_FUNCTION_CALL", ModelServerError),
    ],
)
async def test_why_a_turn_broke_off_is_told(
    subject: Subject, provider: ScriptedGemini, reason: str, kind: type[ModelError]
) -> None:
    broken = json.dumps({"serverContent": {"turnComplete": True, "turnCompleteReason": reason}})
    provider.script(Turn(waits=True, between=[broken]))
    await subject.session.open(SETUP)
    await subject.ask("a")
    done = (await subject.until(ReplyDone))[-1]
    assert isinstance(done, ReplyDone)
    assert isinstance(done.error, kind)


async def test_it_may_wait_for_the_user_to_go_on(subject: Subject, provider: ScriptedGemini) -> None:
    await subject.session.open(SETUP)
    caller = provider.last
    await caller.content(interimInputTranscription={"text": "I think"})
    await subject.until(SpeechStarted)
    await caller.content(inputTranscription={"text": "I think that"})
    await caller.content(waitingForInput=True)
    await subject.until(SpeechStopped)
    words = await subject.next()
    assert isinstance(words, Transcript)
    assert (words.text, words.final) == ("I think that", True)
    await caller.content(turnComplete=True, turnCompleteReason="NEED_MORE_INPUT")
    await subject.ask("a")
    assert (await subject.until(ReplyDone))[-1] == ReplyDone("a")


# ── ends and faults ───────────────────────────────────────────────────────────


async def next_of(subject: Subject) -> ModelEvent:
    async with asyncio.timeout(5):
        return await anext(subject.stream)


async def test_its_end_is_told_early(subject: Subject, provider: ScriptedGemini) -> None:
    clock = asyncio.get_running_loop().time
    await subject.session.open(SETUP)
    first = await next_of(subject)
    assert isinstance(first, SessionEnds)
    assert first.at - clock() == pytest.approx(600, abs=10)
    await provider.last.send(goAway={"timeLeft": "45.5s"})
    last = await next_of(subject)
    assert isinstance(last, SessionEnds)
    assert last.at - clock() == pytest.approx(45.5, abs=10)


@pytest.mark.parametrize("fault", ["cut", "normal close", "abnormal close", "silence"])
async def test_a_session_that_breaks_in_a_reply_is_lost_with_it(
    subject: Subject, provider: ScriptedGemini, fault: Fault
) -> None:
    provider.script(Turn(fault=fault))
    await subject.session.open(SETUP)
    await subject.ask("a")
    error = await end_of(subject)
    assert isinstance(error, ModelError)
    assert not error.permanent
    await subject.session.send(UserAudio(bytes(320)))


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (1007, "API key not valid. Please pass a valid API key.", ModelKeyRefusedError),
        (1008, "models/x is not found for API version v1beta, or is not supported", ModelError),
        (1011, "You exceeded your current quota, please check your plan and billing details.", ModelError),
        (1011, "Resource has been exhausted (e.g. check quota).", ModelError),
        (1000, "", ModelError),
    ],
)
async def test_a_setup_that_is_refused_is_told_in_the_providers_words(
    subject: Subject, provider: ScriptedGemini, code: int, reason: str, kind: type[NekoError]
) -> None:
    provider.refuses_setup = code, reason
    with pytest.raises(kind) as refused:
        await subject.session.open(SETUP)
    assert refused.value.said == reason


async def test_a_provider_that_takes_nothing_is_not_waited_for_for_ever(
    subject: Subject, provider: ScriptedGemini
) -> None:
    provider.is_deaf = True
    with pytest.raises(ModelError):
        await subject.session.open(SETUP)


async def test_a_session_goes_on_by_its_handle_and_loses_no_sound(subject: Subject, provider: ScriptedGemini) -> None:
    provider.resumable = True
    provider.script(Turn(fault="cut"))
    await subject.session.open(SETUP)
    await subject.ask("a")
    await subject.until(ReplyDone)
    sound = [bytes([number, 0]) * 160 for number in range(20)]
    for piece in sound:
        await subject.session.send(UserAudio(piece))
    await subject.until(Reconnected)
    await provider.until(lambda: len(provider.calls) == 2 and len(provider.last.heard) == 20 * 320)
    assert bytes(provider.last.heard) == b"".join(sound)
    assert provider.last.setup["sessionResumption"]["handle"].startswith("handle-")


async def test_a_session_that_breaks_again_at_once_is_given_up(subject: Subject, provider: ScriptedGemini) -> None:
    provider.resumable = True
    provider.script(Turn(fault="cut"), Turn(fault="cut"))
    await subject.session.open(SETUP)
    await subject.ask("a")
    await subject.until(Reconnected)
    await subject.ask("b")
    assert isinstance(await end_of(subject), ModelError)
    assert len(provider.calls) == 2


async def test_other_functions_are_offered_by_resuming_the_session_before_the_next_words(
    subject: Subject, provider: ScriptedGemini
) -> None:
    provider.resumable = True
    await subject.session.open(SETUP)
    await given_a_handle(subject)
    await subject.session.send(OfferTools((LAMP,)))
    await subject.ask("a")
    assert (await subject.until(ReplyDone))[-1] == ReplyDone("a")
    first, second = provider.calls
    assert not first.known
    assert [text for _, text in second.known] == ["hello"]
    assert second.setup["tools"][-1]["functionDeclarations"][0]["name"] == LAMP.name
    assert second.setup["sessionResumption"]["handle"]
    await provider.until(lambda: bool(subject.session._is_fresh))  # type: ignore[attr-defined]
    await subject.session.send(OfferTools(()))
    await subject.ask("b")
    await subject.until(ReplyDone)
    assert len(provider.calls) == 2, "fewer are no reason to resume it"


async def test_a_session_that_cannot_be_resumed_keeps_the_functions_it_was_set_up_with(
    subject: Subject, provider: ScriptedGemini
) -> None:
    await subject.session.open(SETUP)
    await subject.session.send(OfferTools((LAMP,)))
    await subject.ask("a")
    assert (await subject.until(ReplyDone))[-1] == ReplyDone("a")
    assert len(provider.calls) == 1


async def test_while_the_key_is_held_no_pause_ends_the_turn_and_without_it_the_provider_listens_again(
    subject: Subject, provider: ScriptedGemini
) -> None:
    provider.resumable = True
    await subject.session.open(SETUP)
    await given_a_handle(subject)
    provider.script(Turn(hears="one, two"))
    await subject.session.send(HoldToTalk())
    for _ in range(2):
        await speak(subject, 0.2)
        await pause(subject)
    await subject.session.send(EndOfSpeech())
    seen = await subject.until(ReplyDone)
    assert [event.text for event in seen if isinstance(event, Transcript) and event.final] == ["one, two"]
    assert sum(isinstance(event, SpeechStarted) for event in seen) == 1
    assert not any(isinstance(event, Reconnected) for event in seen)
    held = provider.last
    assert held.is_manual
    assert len(held.heard) == 2 * (6_400 + 2 * 6_400)
    provider.script(Turn(hears="three"))
    await speak(subject, 0.4)
    await pause(subject)
    seen = await subject.until(ReplyDone)
    assert [event.text for event in seen if isinstance(event, Transcript) and event.final] == ["three"]
    assert not provider.last.is_manual
    assert len(provider.last.heard) == 2 * 6_400 + 2 * 6_400


async def test_a_key_that_is_pressed_where_no_session_can_be_resumed_ends_the_turn_when_it_is_let_go(
    subject: Subject, provider: ScriptedGemini
) -> None:
    await subject.session.open(SETUP)
    await subject.session.send(HoldToTalk())
    await speak(subject, 0.2)
    await subject.session.send(EndOfSpeech())
    assert any(isinstance(event, Transcript) for event in await subject.until(ReplyDone))
    assert len(provider.calls) == 1


async def test_what_was_taken_to_be_speech_is_given_up_when_nothing_comes_of_it(
    subject: Subject, provider: ScriptedGemini
) -> None:
    await subject.session.open(SETUP)
    await provider.last.content(interrupted=True)
    assert isinstance((await subject.until(SpeechRejected))[0], SpeechStarted)
    await subject.ask("a")
    assert (await subject.until(ReplyDone))[-1] == ReplyDone("a")


async def test_words_that_nobody_answers_are_no_session_that_only_looks_alive(
    subject: Subject, provider: ScriptedGemini
) -> None:
    await subject.session.open(SETUP)
    await provider.last.content(inputTranscription={"text": "hello?"})
    events = await subject.rest()
    assert isinstance(events[-1], SessionLost)
    assert isinstance(events[-1].error, ModelTimeoutError)
    [*_, words] = [event for event in events if isinstance(event, Transcript)]
    assert (words.text, words.final) == ("hello?", True), "so that they are kept, and asked another session"


async def test_words_that_are_being_answered_when_the_session_breaks_are_kept(
    subject: Subject, provider: ScriptedGemini
) -> None:
    await subject.session.open(SETUP)
    await provider.last.content(inputTranscription={"text": "what time is it"})
    await provider.last.content(outputTranscription={"text": "No"})
    await subject.until(TextDelta)
    provider.last.abort()
    events = await subject.rest()
    assert isinstance(events[-1], SessionLost)
    assert [(event.text, event.final) for event in events if isinstance(event, Transcript)] == [
        ("what time is it", True)
    ]


async def test_a_session_that_cannot_be_mended_is_lost(subject: Subject, provider: ScriptedGemini) -> None:
    provider.resumable = True
    provider.script(Turn(fault="cut"))
    await subject.session.open(SETUP)
    provider.refuses_setup = 1008, "no such session"
    await subject.ask("a")
    assert isinstance(await end_of(subject), ModelError)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("", "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.GenerativeService"),
        ("https://proxy.example/v1beta/openai/", "wss://proxy.example/ws/google.ai.generativelanguage.v1beta"),
        ("ws://127.0.0.1:9/ws/own?x=1", "ws://127.0.0.1:9/ws/own?x=1"),
    ],
)
def test_where_it_is(base: str, url: str) -> None:
    assert messages.address(base).startswith(url)


def test_what_is_no_message() -> None:
    assert [load(raw) for raw in (b"", b"[1]", b"{}", b"x" * 9)] == [None, None, {}, None]
