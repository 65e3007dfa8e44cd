"""How every model session behaves, whatever is behind it.

An implementation joins by a fixture ``subject`` that yields a ``Subject`` with an opened
session; ``test_model_sessions.py`` shows how.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from neko.tasks import TaskOwner
from neko.types.lines import Role
from neko.types.model_session import (
    AddContext,
    AudioDelta,
    EndOfSpeech,
    ModelEvent,
    ModelSession,
    Reconnected,
    ReplyDone,
    ReplyStarted,
    Respond,
    SessionEnds,
    SessionSetup,
    SpeechLasts,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
    UserAudio,
    UserImage,
    UserMessage,
)

WEATHER = Tool(
    "get_weather",
    "The weather at a place.",
    {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)
SETUP = SessionSetup(character="Mio", master="Sam", instructions="You are Mio.", language="en", tools=(WEATHER,))
ROLES: tuple[Role, ...] = ("system", "user", "assistant")
SECONDS = 5.0


@dataclass(slots=True)
class Subject:
    """An opened session with its events; ``owner`` owns its tasks. A session that does not answer speech by itself is
    asked with the words it heard, as a conversation does."""

    session: ModelSession
    owner: TaskOwner
    seen: list[ModelEvent] = field(default_factory=list)
    stream: AsyncIterator[ModelEvent] = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.session.events()

    async def next(self) -> ModelEvent:
        async with asyncio.timeout(SECONDS):
            while isinstance(event := await anext(self.stream), SessionEnds):
                pass
        self.seen.append(event)
        if isinstance(event, Transcript) and event.final and not self.session.capabilities.answers_speech:
            await self.ask(f"to {event.utterance_id}", event.text)
        return event

    async def until(self, kind: type[ModelEvent], reply_id: str | None = None) -> list[ModelEvent]:
        """Events up to and with the first of this kind (of this reply)."""
        events: list[ModelEvent] = []
        while True:
            events.append(await self.next())
            if isinstance(events[-1], kind) and reply_id in (None, getattr(events[-1], "reply_id", None)):
                return events

    async def rest(self) -> list[ModelEvent]:
        """Events to the end of the stream."""
        async with asyncio.timeout(SECONDS):
            return [event async for event in self.stream if not isinstance(event, SessionEnds)]

    async def ask(self, reply_id: str, text: str = "hello") -> None:
        async with asyncio.timeout(SECONDS):
            await self.session.send(UserMessage(reply_id, text))

    async def calls(self, count: int) -> list[ToolCall]:
        """The next tool calls."""
        calls: list[ToolCall] = []
        while len(calls) < count:
            event = await self.next()
            if isinstance(event, ToolCall):
                calls.append(event)
        return calls


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def of_reply(events: list[ModelEvent], reply_id: str) -> list[ModelEvent]:
    return [event for event in events if getattr(event, "reply_id", None) == reply_id]


class ModelSessionBehaviour:
    """The suite."""

    async def test_it_says_which_model_it_is(self, subject: Subject) -> None:
        assert subject.session.label.model
        assert subject.session.label.provider

    async def test_a_reply_starts_streams_text_and_ends_under_the_id_of_its_message(self, subject: Subject) -> None:
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert events[0] == ReplyStarted("a")
        assert events[-1] == ReplyDone("a", "complete")
        assert text_of(events).strip()
        assert events == of_reply(events, "a")

    async def test_sending_does_not_wait_for_the_reply(self, subject: Subject) -> None:
        await subject.ask("a")
        assert subject.seen == []
        await subject.until(ReplyDone)

    async def test_messages_in_turn_get_replies_in_turn(self, subject: Subject) -> None:
        for reply_id in ("a", "b", "c"):
            await subject.ask(reply_id)
            await subject.until(ReplyDone)
        done = [event for event in subject.seen if isinstance(event, ReplyDone)]
        assert done == [ReplyDone("a"), ReplyDone("b"), ReplyDone("c")]

    async def test_a_new_message_ends_the_running_reply_before_its_own_begins(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.ask("b")
        await subject.until(ReplyDone, "b")
        old_end = subject.seen.index(ReplyDone("a", "interrupted"))
        assert old_end < subject.seen.index(ReplyStarted("b"))
        assert of_reply(subject.seen[old_end + 1 :], "a") == []
        assert subject.seen[-1] == ReplyDone("b")

    async def test_an_interrupted_reply_ends_at_once_and_says_nothing_more(self, subject: Subject) -> None:
        await subject.ask("a")
        events = await subject.until(TextDelta)
        await subject.session.interrupt("a", text_of(events))
        assert await subject.next() == ReplyDone("a", "interrupted")
        await subject.ask("b")
        await subject.until(ReplyDone, "b")
        assert of_reply(subject.seen, "a")[-1] == ReplyDone("a", "interrupted")

    async def test_a_reply_can_be_interrupted_before_its_first_word(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.session.interrupt("a", "")
        events = await subject.until(ReplyDone)
        assert events == [ReplyStarted("a"), ReplyDone("a", "interrupted")]

    async def test_interrupting_an_unknown_reply_changes_nothing(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.session.interrupt("nobody", "")
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a")

    async def test_interrupting_a_finished_reply_changes_nothing(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(ReplyDone)
        await subject.session.interrupt("a", "")
        await subject.ask("b")
        events = await subject.until(ReplyDone)
        assert events[0] == ReplyStarted("b")

    async def test_input_it_cannot_take_is_dropped(self, subject: Subject) -> None:
        capabilities = subject.session.capabilities
        if not capabilities.audio_input:
            await subject.session.send(UserAudio(b"\x7f\x7f" * 1600))
        if not capabilities.image_input:
            await subject.session.send(UserImage(b"jpeg"))
        if not capabilities.audio_input or capabilities.turn_detection:
            await subject.session.send(EndOfSpeech())
        await subject.ask("a")
        assert (await subject.until(ReplyDone))[0] == ReplyStarted("a")

    async def test_the_result_of_a_call_that_nobody_made_is_ignored(self, subject: Subject) -> None:
        await subject.session.send(ToolResult("nobody", "sunny"))
        await subject.ask("a")
        await subject.session.send(ToolResult("nobody", "rainy"))
        events = await subject.until(ReplyDone)
        assert (events[0], events[-1]) == (ReplyStarted("a"), ReplyDone("a"))

    async def test_context_asks_for_no_reply(self, subject: Subject) -> None:
        for role in ROLES:
            await subject.session.send(AddContext("It is raining.", role))
        await subject.ask("a")
        events = await subject.until(ReplyDone)
        assert events[0] == ReplyStarted("a")
        assert events == of_reply(events, "a")

    async def test_context_leaves_a_running_reply_alone(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.session.send(AddContext("It is raining."))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "complete")

    async def test_it_speaks_without_a_message_under_the_id_it_is_given(self, subject: Subject) -> None:
        await subject.session.send(Respond("r", "Greet Sam, who has just come home."))
        events = await subject.until(ReplyDone)
        assert (events[0], events[-1]) == (ReplyStarted("r"), ReplyDone("r", "complete"))
        assert text_of(events).strip()
        assert events == of_reply(events, "r")

    async def test_speaking_first_can_be_interrupted(self, subject: Subject) -> None:
        await subject.session.send(Respond("r", "Greet Sam."))
        events = await subject.until(TextDelta)
        await subject.session.interrupt("r", text_of(events))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("r", "interrupted")

    async def test_a_message_ends_what_is_spoken_without_one(self, subject: Subject) -> None:
        await subject.session.send(Respond("r", "Greet Sam."))
        await subject.until(TextDelta)
        await subject.ask("a")
        await subject.until(ReplyDone, "a")
        assert of_reply(subject.seen, "r")[-1] == ReplyDone("r", "interrupted")
        assert subject.seen[-1] == ReplyDone("a", "complete")

    async def test_closing_ends_the_events(self, subject: Subject) -> None:
        await subject.session.aclose()
        assert await subject.rest() == []

    async def test_closing_in_mid_reply_ends_the_reply_first(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await subject.session.aclose()
        events = await subject.rest()
        assert events[-1] == ReplyDone("a", "interrupted")

    async def test_closing_twice_is_closing_once_and_leaves_no_task(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.session.aclose()
        await subject.session.aclose()
        await asyncio.sleep(0)
        assert not subject.owner.tasks

    async def test_a_reader_that_comes_late_misses_nothing(self, subject: Subject) -> None:
        await subject.ask("a")
        for _ in range(50):
            await asyncio.sleep(0)
        events = await subject.until(ReplyDone)
        assert events[0] == ReplyStarted("a")
        assert text_of(events).strip()

    async def test_a_voice_of_its_own_is_pcm16_with_its_rate(self, subject: Subject) -> None:
        await subject.ask("a")
        sound = [event for event in await subject.until(ReplyDone) if isinstance(event, AudioDelta)]
        assert bool(sound) == subject.session.capabilities.audio_output
        assert all(event.rate >= 8000 and event.pcm and len(event.pcm) % 2 == 0 for event in sound)


class RememberingSessionBehaviour:
    """What is asked of a session that keeps the talk itself; ``knowledge`` is what its model knows of it."""

    async def knowledge(self, subject: Subject) -> list[tuple[str, str]]:
        """Role and text, oldest first, as the model has them for its next reply."""
        raise NotImplementedError

    @pytest.mark.parametrize("role", ROLES)
    async def test_context_is_known_from_then_on(self, subject: Subject, role: Role) -> None:
        await subject.session.send(AddContext("The tea is ready.", role))
        assert [r for r, text in await self.knowledge(subject) if "The tea is ready." in text] == [role]
        assert [r for r, text in await self.knowledge(subject) if "The tea is ready." in text] == [role]

    async def test_lines_said_elsewhere_are_known_in_their_order(self, subject: Subject) -> None:
        await subject.session.send(AddContext("Where is the cat?", "user"))
        await subject.session.send(AddContext("On the roof.", "assistant"))
        lines = [(role, text) for role, text in await self.knowledge(subject) if role != "system"]
        assert lines[:2] == [("user", "Where is the cat?"), ("assistant", "On the roof.")]

    async def test_speaking_first_leaves_a_reply_and_no_line_of_the_user(self, subject: Subject) -> None:
        await subject.session.send(Respond("r", "Say that the parcel has come."))
        text = text_of(await subject.until(ReplyDone))
        known = await self.knowledge(subject)
        assert ("assistant", text) in known
        assert not [line for role, line in known if role == "user" and "parcel" in line]

    async def test_an_interrupted_reply_is_remembered_as_far_as_it_was_heard(self, subject: Subject) -> None:
        await subject.ask("a")
        text = text_of(await subject.until(TextDelta))
        await subject.session.interrupt("a", text[:3])
        await subject.until(ReplyDone)
        assert ("assistant", text[:3]) in await self.knowledge(subject)

    async def test_a_finished_reply_can_still_be_shortened_to_what_was_heard(self, subject: Subject) -> None:
        await subject.ask("a")
        text = text_of(await subject.until(ReplyDone))
        await subject.session.interrupt("a", text[:3], 120)
        assert ("assistant", text[:3]) in await self.knowledge(subject)
        assert not [event for event in of_reply(subject.seen, "a") if event == ReplyDone("a", "interrupted")]


class ToolSessionBehaviour:
    """What is asked of a session with tools; ``plan`` has the next reply call them, then go on."""

    @pytest.fixture
    def tool_result_timeout_s(self) -> float:
        """How long the session of ``subject`` waits for a result."""
        return 30.0

    def plan(self, subject: Subject, *places: str) -> None:
        """The next reply says something, asks for ``get_weather`` at these places, all at once, and goes on."""
        raise NotImplementedError

    def results(self, subject: Subject) -> list[tuple[str, str]]:
        """Call id and text of the results that the model was given, in the order of its calls."""
        raise NotImplementedError

    async def test_a_call_comes_whole_and_the_reply_goes_on_after_its_result(self, subject: Subject) -> None:
        self.plan(subject, "Oslo")
        await subject.ask("a")
        [call] = await subject.calls(1)
        before = text_of(subject.seen)
        assert (call.reply_id, call.name, call.arguments) == ("a", "get_weather", {"place": "Oslo"})
        await subject.session.send(ToolResult(call.call_id, "snow"))
        events = await subject.until(ReplyDone)
        assert before.strip()
        assert text_of(events).strip()
        assert events[-1] == ReplyDone("a", "complete")
        assert ReplyStarted("a") not in events
        assert self.results(subject) == [(call.call_id, "snow")]

    async def test_results_of_several_calls_may_come_in_any_order(self, subject: Subject) -> None:
        self.plan(subject, "Oslo", "Rome", "Lima")
        await subject.ask("a")
        calls = await subject.calls(3)
        assert [call.arguments["place"] for call in calls] == ["Oslo", "Rome", "Lima"]
        assert len({call.call_id for call in calls}) == 3
        for call in (calls[2], calls[0], calls[1]):
            await subject.session.send(ToolResult(call.call_id, f"fine in {call.arguments['place']}"))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "complete")
        assert self.results(subject) == [(call.call_id, f"fine in {call.arguments['place']}") for call in calls]

    async def test_the_reply_waits_for_the_last_result(self, subject: Subject) -> None:
        self.plan(subject, "Oslo", "Rome")
        await subject.ask("a")
        first, second = await subject.calls(2)
        await subject.session.send(ToolResult(first.call_id, "snow"))
        await subject.session.send(ToolResult(first.call_id, "a second answer to the same call"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert self.results(subject) == []
        await subject.session.send(ToolResult(second.call_id, "sun"))
        await subject.until(ReplyDone)
        assert self.results(subject) == [(first.call_id, "snow"), (second.call_id, "sun")]

    async def test_a_failed_result_is_an_answer_too(self, subject: Subject) -> None:
        self.plan(subject, "Oslo")
        await subject.ask("a")
        [call] = await subject.calls(1)
        await subject.session.send(ToolResult(call.call_id, "no such place", failed=True))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "complete")
        [(call_id, text)] = self.results(subject)
        assert call_id == call.call_id
        assert "no such place" in text

    async def test_a_reply_that_waits_for_a_result_can_be_interrupted(self, subject: Subject) -> None:
        self.plan(subject, "Oslo")
        await subject.ask("a")
        [call] = await subject.calls(1)
        await subject.session.interrupt("a", text_of(subject.seen))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "interrupted")
        await subject.session.send(ToolResult(call.call_id, "snow"))
        await subject.ask("b")
        events = await subject.until(ReplyDone)
        assert (events[0], events[-1]) == (ReplyStarted("b"), ReplyDone("b", "complete"))

    async def test_a_message_ends_a_reply_that_waits_for_a_result(self, subject: Subject) -> None:
        self.plan(subject, "Oslo")
        await subject.ask("a")
        await subject.calls(1)
        await subject.ask("b")
        await subject.until(ReplyDone, "b")
        assert of_reply(subject.seen, "a")[-1] == ReplyDone("a", "interrupted")
        assert subject.seen[-1] == ReplyDone("b", "complete")

    @pytest.mark.parametrize("tool_result_timeout_s", [0.05])
    async def test_a_result_that_never_comes_has_a_deadline_and_the_reply_goes_on(self, subject: Subject) -> None:
        self.plan(subject, "Oslo", "Rome")
        await subject.ask("a")
        first, second = await subject.calls(2)
        await subject.session.send(ToolResult(second.call_id, "sun"))
        events = await subject.until(ReplyDone)
        assert text_of(events).strip()
        assert events[-1] == ReplyDone("a", "complete")
        (missing, text), answered = self.results(subject)
        assert (missing, answered) == (first.call_id, (second.call_id, "sun"))
        assert text

    async def test_calls_of_different_replies_never_share_an_id(self, subject: Subject) -> None:
        ids: list[str] = []
        for reply_id in ("a", "b"):
            self.plan(subject, "Oslo")
            await subject.ask(reply_id)
            [call] = await subject.calls(1)
            ids.append(call.call_id)
            await subject.session.send(ToolResult(call.call_id, "snow"))
            await subject.until(ReplyDone)
        assert len(set(ids)) == 2


class HearingSessionBehaviour:
    """What is asked on top of a session that hears."""

    async def hear_a_turn(self, subject: Subject) -> None:
        """Play one whole spoken turn to it."""
        raise NotImplementedError

    async def begin_to_speak(self, subject: Subject) -> None:
        """Play the beginning of one."""
        raise NotImplementedError

    async def cough(self, subject: Subject) -> None:
        """Play a noise that is no speech."""
        raise NotImplementedError

    async def test_a_spoken_turn_is_transcribed_and_answered_in_this_order(self, subject: Subject) -> None:
        await self.hear_a_turn(subject)
        events = await subject.until(ReplyDone)
        kinds = [
            type(event)
            for event in events
            if not isinstance(event, TextDelta | AudioDelta | SpeechLasts)
            and (not isinstance(event, Transcript) or event.final)
        ]
        transcribed = [Transcript] if subject.session.capabilities.transcription else []
        assert kinds == [SpeechStarted, SpeechStopped, *transcribed, ReplyStarted, ReplyDone]
        assert all(event.text for event in events if isinstance(event, Transcript))
        assert len({event.reply_id for event in events if isinstance(event, TextDelta | AudioDelta | ReplyDone)}) == 1

    async def test_all_events_of_a_spoken_turn_name_its_utterance(self, subject: Subject) -> None:
        for _ in range(2):
            await self.hear_a_turn(subject)
            await subject.until(ReplyDone)
        answers = subject.session.capabilities.answers_speech
        kinds = SpeechStarted | SpeechStopped | Transcript | (ReplyStarted if answers else SpeechStopped)
        ids = [event.utterance_id for event in subject.seen if isinstance(event, kinds)]
        half = len(ids) // 2
        assert None not in ids
        assert len(set(ids[:half])) == len(set(ids[half:])) == 1
        assert ids[0] != ids[half]

    async def test_partial_transcripts_come_before_the_final_one(self, subject: Subject) -> None:
        await self.hear_a_turn(subject)
        events = await subject.until(ReplyDone)
        finals = [event.final for event in events if isinstance(event, Transcript)]
        assert finals == sorted(finals)
        assert finals.count(True) == subject.session.capabilities.transcription

    async def test_a_cough_is_rejected_and_nothing_follows(self, subject: Subject) -> None:
        await self.cough(subject)
        events = await subject.until(SpeechRejected)
        assert [type(event) for event in events] == [SpeechStarted, SpeechStopped, SpeechRejected]
        assert len({getattr(event, "utterance_id", None) for event in events}) == 1
        await subject.ask("a")
        assert await subject.next() == ReplyStarted("a")

    async def test_a_cough_does_not_end_a_running_reply(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await self.cough(subject)
        await subject.until(ReplyDone)
        assert ReplyDone("a", "complete") in subject.seen

    async def test_speech_over_a_reply_is_told_at_its_start_and_the_reply_can_be_cut(self, subject: Subject) -> None:
        await subject.ask("a")
        events = await subject.until(TextDelta)
        await self.begin_to_speak(subject)
        await subject.until(SpeechStarted)
        await subject.session.interrupt("a", text_of(events))
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "interrupted")

    async def test_spoken_replies_never_share_an_id(self, subject: Subject) -> None:
        for _ in range(2):
            await self.hear_a_turn(subject)
            await subject.until(ReplyDone)
        ids = [event.reply_id for event in subject.seen if isinstance(event, ReplyStarted)]
        assert len(ids) == len(set(ids)) == 2

    async def test_typing_during_a_call_is_ordinary_input(self, subject: Subject) -> None:
        await self.hear_a_turn(subject)
        await subject.until(ReplyDone)
        await subject.ask("typed")
        assert (await subject.until(ReplyDone))[0] == ReplyStarted("typed")


class ReconnectingSessionBehaviour:
    """What is asked of a session that mends its connection; ``break_connection`` cuts it."""

    async def break_connection(self, subject: Subject) -> None:
        raise NotImplementedError

    async def test_a_connection_that_breaks_while_nobody_talks_is_told(self, subject: Subject) -> None:
        await self.break_connection(subject)
        assert await subject.next() == Reconnected()
        await subject.ask("a")
        assert (await subject.until(ReplyDone))[-1] == ReplyDone("a", "complete")

    async def test_a_connection_that_breaks_in_a_reply_ends_it_first(self, subject: Subject) -> None:
        await subject.ask("a")
        await subject.until(TextDelta)
        await self.break_connection(subject)
        events = await subject.until(Reconnected)
        [end] = [event for event in events if isinstance(event, ReplyDone)]
        assert (end.reply_id, end.reason) == ("a", "failed")
        assert end.error is not None
        await subject.ask("b")
        events = await subject.until(ReplyDone)
        assert (events[0], events[-1]) == (ReplyStarted("b"), ReplyDone("b", "complete"))
