"""How every model session behaves, whatever is behind it.

An implementation joins by a fixture ``subject`` that yields a ``Subject`` with an opened
session; ``test_model_sessions.py`` shows how.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from neko.tasks import TaskOwner
from neko.types.model_session import (
    AudioDelta,
    ModelEvent,
    ModelSession,
    ReplyDone,
    ReplyStarted,
    SessionSetup,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
    UserAudio,
    UserImage,
    UserMessage,
)

SETUP = SessionSetup(character="Mio", master="Sam", instructions="You are Mio.", language="en")
SECONDS = 5.0


@dataclass(slots=True)
class Subject:
    """An opened session with its events; ``owner`` owns its tasks."""

    session: ModelSession
    owner: TaskOwner
    seen: list[ModelEvent] = field(default_factory=list)
    stream: AsyncIterator[ModelEvent] = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.session.events()

    async def next(self) -> ModelEvent:
        async with asyncio.timeout(SECONDS):
            event = await anext(self.stream)
        self.seen.append(event)
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
            return [event async for event in self.stream]

    async def ask(self, reply_id: str, text: str = "hello") -> None:
        async with asyncio.timeout(SECONDS):
            await self.session.send(UserMessage(reply_id, text))


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
        await subject.ask("a")
        assert (await subject.until(ReplyDone))[0] == ReplyStarted("a")

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


class HearingSessionBehaviour:
    """What is asked on top of a session that hears; ``hear_a_turn`` plays one spoken turn to it."""

    async def hear_a_turn(self, subject: Subject) -> None:
        raise NotImplementedError

    async def begin_to_speak(self, subject: Subject) -> None:
        raise NotImplementedError

    async def test_a_spoken_turn_is_told_transcribed_and_answered_in_this_order(self, subject: Subject) -> None:
        await self.hear_a_turn(subject)
        events = await subject.until(ReplyDone)
        kinds = [type(event) for event in events if not isinstance(event, TextDelta | AudioDelta)]
        assert kinds == [SpeechStarted, SpeechStopped, Transcript, ReplyStarted, ReplyDone]
        assert all(event.text for event in events if isinstance(event, Transcript))
        assert len({event.reply_id for event in events if isinstance(event, TextDelta | AudioDelta | ReplyDone)}) == 1

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
