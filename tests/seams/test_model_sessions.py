"""The behaviour suite of model sessions, run on each of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from neko.audio.voice_activity import EnergyDetector
from neko.errors import ModelServerError
from neko.llm.client import Timeouts
from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.builtin.session import BuiltinSession
from neko.sessions.models.cascade.session import CascadeSession, Ears
from neko.sessions.models.chat import ChatSession
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner
from neko.types.model_session import (
    EndOfSpeech,
    ModelEvent,
    ReplyDone,
    ReplyStarted,
    SessionLost,
    SpeechStopped,
    TextDelta,
    ToolCall,
    Transcript,
)
from tests.scripted_hearing import ScriptedHearing, Words
from tests.scripted_provider import Script, ScriptedProvider, tool_calls
from tests.scripted_session import Call, Interruption, ScriptedSpeechSession, SpokenTurn, silence, speech
from tests.seams.model_session import (
    SETUP,
    HearingSessionBehaviour,
    ModelSessionBehaviour,
    ReconnectingSessionBehaviour,
    RememberingSessionBehaviour,
    Subject,
    ToolSessionBehaviour,
)

STREAMED = Script([f"word{number} " for number in range(40)])


class TestChatSession(ModelSessionBehaviour, RememberingSessionBehaviour, ToolSessionBehaviour):
    """Over real HTTP, with the scripted provider."""

    @pytest.fixture
    async def subject(self, tool_result_timeout_s: float) -> AsyncIterator[Subject]:
        async with ScriptedProvider(default=STREAMED) as provider, TaskOwner("test") as owner:
            self.provider = provider
            endpoint = ModelEndpoint("conversation", "custom", "Scripted", provider.base_url, "scripted-1", "key")
            timeouts = Timeouts(tool_result_timeout_s=tool_result_timeout_s)
            session = ChatSession(endpoint, None, owner=owner, network=Network(), timeouts=timeouts)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def knowledge(self, subject: Subject) -> list[tuple[str, str]]:
        await subject.ask("probe", "What do you know?")
        await subject.until(ReplyDone, "probe")
        return [(message["role"], message["content"]) for message in self.provider.chats[-1].json["messages"]]

    def plan(self, subject: Subject, *places: str) -> None:
        calls = [(f"call_{count}", "get_weather", json.dumps({"place": place})) for count, place in enumerate(places)]
        self.provider.script(tool_calls(*calls, text=["Let me ", "see. "]))

    def results(self, subject: Subject) -> list[tuple[str, str]]:
        messages = self.provider.chats[-1].json["messages"]
        return [(m["tool_call_id"], m["content"]) for m in messages if m["role"] == "tool"]


class TestBuiltinSession(ModelSessionBehaviour):
    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = BuiltinSession(owner=owner)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()


class TestCascadeSession(ModelSessionBehaviour, HearingSessionBehaviour):
    """A chat model over real HTTP that is given ears: loudness, and a scripted recogniser."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with ScriptedProvider(default=STREAMED) as provider, TaskOwner("test") as owner:
            self.provider = provider
            endpoint = ModelEndpoint("conversation", "custom", "Scripted", provider.base_url, "scripted-1", "key")
            channel = EventChannel()
            chat = ChatSession(endpoint, None, owner=owner, network=Network(), channel=channel)
            self.hearing = ScriptedHearing()
            with ThreadPoolExecutor(1) as executor:
                ears = Ears(self.hearing, EnergyDetector(), executor)
                session = CascadeSession(chat, channel, ears, owner=owner)
                await session.open(SETUP)
                yield Subject(session, owner)
                await session.aclose()

    async def hear_a_turn(self, subject: Subject) -> None:
        for item in (silence(0.1), speech(0.5), silence(1.6)):
            await subject.session.send(item)

    async def begin_to_speak(self, subject: Subject) -> None:
        await subject.session.send(silence(0.1))
        await subject.session.send(speech(0.2))

    async def cough(self, subject: Subject) -> None:
        self.hearing.script(Words("Thank you.", no_speech=0.9))
        await self.hear_a_turn(subject)

    async def test_speech_over_a_reply_is_told_at_its_start_and_the_reply_can_be_cut(self, subject: Subject) -> None:
        self.provider.script(Script(["word ", "word "], stall_after=1))
        await super().test_speech_over_a_reply_is_told_at_its_start_and_the_reply_can_be_cut(subject)


def scripted(subject: Subject) -> ScriptedSpeechSession:
    assert isinstance(subject.session, ScriptedSpeechSession)
    return subject.session


class TestScriptedSpeechSession(
    ModelSessionBehaviour,
    RememberingSessionBehaviour,
    ToolSessionBehaviour,
    HearingSessionBehaviour,
    ReconnectingSessionBehaviour,
):
    """Speech to speech."""

    @pytest.fixture
    async def subject(self, tool_result_timeout_s: float) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = ScriptedSpeechSession(owner=owner, tool_result_timeout_s=tool_result_timeout_s)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def knowledge(self, subject: Subject) -> list[tuple[str, str]]:
        return list(scripted(subject).history)

    def plan(self, subject: Subject, *places: str) -> None:
        calls = [Call("get_weather", {"place": place}) for place in places]
        scripted(subject).script(SpokenTurn(deltas=["Let me see. "], calls=calls))

    def results(self, subject: Subject) -> list[tuple[str, str]]:
        return [(result.call_id, result.output) for result in scripted(subject).results]

    async def hear_a_turn(self, subject: Subject) -> None:
        await subject.session.send(speech(0.2))
        await subject.session.send(silence(0.4))

    async def begin_to_speak(self, subject: Subject) -> None:
        await subject.session.send(speech(0.05))

    async def cough(self, subject: Subject) -> None:
        scripted(subject).script(SpokenTurn(rejected=True))
        await self.hear_a_turn(subject)

    async def break_connection(self, subject: Subject) -> None:
        scripted(subject).reconnect()

    async def test_a_lost_provider_is_the_last_event(self, subject: Subject) -> None:
        error = ModelServerError(model="scripted-voice", provider="Scripted")
        scripted(subject).script(SpokenTurn(stall_after=1))
        await subject.ask("a")
        await subject.until(TextDelta)
        scripted(subject).lose(error)
        events = await subject.rest()
        assert events[-2:] == [ReplyDone("a", "failed", error), SessionLost(error)]

    async def test_how_much_of_its_voice_was_heard_is_recorded(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.session.interrupt("a", "I", 40)
        assert scripted(subject).interrupts == [Interruption("a", "I", 40)]
        assert scripted(subject).history[-1] == ("assistant", "I")

    async def test_partial_transcripts_carry_the_id_of_their_utterance(self, subject: Subject) -> None:
        scripted(subject).script(SpokenTurn(hears="a cup of tea", partials=["a", "a cup"]))
        await self.hear_a_turn(subject)
        events = await subject.until(ReplyDone)
        heard = [event for event in events if isinstance(event, Transcript)]
        assert [(event.text, event.final) for event in heard] == [
            ("a", False),
            ("a cup", False),
            ("a cup of tea", True),
        ]
        assert len({event.utterance_id for event in heard}) == 1

    @pytest.mark.parametrize(
        ("when", "order"),
        [
            ("at stop", [SpeechStopped, Transcript, ReplyStarted, ReplyDone]),
            ("in reply", [SpeechStopped, ReplyStarted, Transcript, ReplyDone]),
            ("after reply", [SpeechStopped, ReplyStarted, ReplyDone, Transcript]),
        ],
    )
    async def test_a_transcript_can_come_late(self, subject: Subject, when: str, order: list[type[ModelEvent]]) -> None:
        scripted(subject).script(SpokenTurn(transcript=when, deltas=["one ", "two"]))  # type: ignore[arg-type]
        await self.hear_a_turn(subject)
        await subject.until(order[-1])
        assert [type(event) for event in subject.seen if isinstance(event, tuple(order))] == order
        assert scripted(subject).history == [("user", "hello"), ("assistant", "one two")]

    async def test_a_turn_can_stay_without_a_transcript(self, subject: Subject) -> None:
        scripted(subject).script(SpokenTurn(hears=None))
        await self.hear_a_turn(subject)
        events = await subject.until(ReplyDone)
        assert not [event for event in events if isinstance(event, Transcript)]

    @pytest.mark.parametrize("error", [None, OSError("broken")])
    async def test_its_events_can_end_or_fail_without_a_word(self, subject: Subject, error: Exception | None) -> None:
        scripted(subject).script(SpokenTurn(stall_after=1))
        await subject.ask("a")
        await subject.until(TextDelta)
        scripted(subject).end_events(error)
        if error is None:
            assert not [event for event in await subject.rest() if isinstance(event, ReplyDone | SessionLost)]
        else:
            with pytest.raises(OSError, match="broken"):
                await subject.rest()

    async def test_a_reply_that_waits_for_a_result_says_so_by_its_call(self, subject: Subject) -> None:
        self.plan(subject, "Oslo")
        await self.hear_a_turn(subject)
        [call] = await subject.calls(1)
        assert call == ToolCall("spoken-1", "call-1", "get_weather", {"place": "Oslo"})


class TestScriptedPushToTalkSession(ModelSessionBehaviour, HearingSessionBehaviour):
    """Speech to speech where the end of the user's turn is told to it."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = ScriptedSpeechSession(owner=owner, turn_detection=False)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def hear_a_turn(self, subject: Subject) -> None:
        await subject.session.send(speech(0.2))
        await subject.session.send(EndOfSpeech())

    async def begin_to_speak(self, subject: Subject) -> None:
        await subject.session.send(speech(0.05))

    async def cough(self, subject: Subject) -> None:
        scripted(subject).script(SpokenTurn(rejected=True))
        await self.hear_a_turn(subject)

    async def test_it_waits_for_the_end_of_speech_through_any_pause(self, subject: Subject) -> None:
        await subject.session.send(speech(0.2))
        await subject.session.send(silence(2.0))
        await subject.session.send(speech(0.2))
        await subject.session.send(EndOfSpeech())
        events = await subject.until(ReplyDone)
        assert len([event for event in events if isinstance(event, SpeechStopped)]) == 1

    async def test_an_end_of_speech_without_speech_is_ignored(self, subject: Subject) -> None:
        await subject.session.send(EndOfSpeech())
        await subject.ask("a")
        assert await subject.next() == ReplyStarted("a")


class TestScriptedSessionWithoutTranscription(ModelSessionBehaviour, HearingSessionBehaviour):
    """Speech to speech that never says what it heard."""

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        async with TaskOwner("test") as owner:
            session = ScriptedSpeechSession(owner=owner, transcription=False)
            await session.open(SETUP)
            yield Subject(session, owner)
            await session.aclose()

    async def hear_a_turn(self, subject: Subject) -> None:
        await subject.session.send(speech(0.2))
        await subject.session.send(silence(0.4))

    async def begin_to_speak(self, subject: Subject) -> None:
        await subject.session.send(speech(0.05))

    async def cough(self, subject: Subject) -> None:
        scripted(subject).script(SpokenTurn(rejected=True))
        await self.hear_a_turn(subject)
