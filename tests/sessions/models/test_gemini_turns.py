"""A session with Gemini under thousands of messages in any order: what it tells of them is always a talk."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from neko.net import Network
from neko.providers import ModelEndpoint
from neko.sessions.models.realtime.gemini import GeminiSession
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AddContext,
    AudioDelta,
    ModelEvent,
    ReplyDone,
    ReplyStarted,
    Respond,
    SessionEnds,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    ToolCall,
    ToolResult,
    Transcript,
    UserMessage,
)

SEQUENCES = 150
ENDPOINT = ModelEndpoint("realtime", "gemini", "Scripted", "ws://127.0.0.1:9", "m", "k", api_type="gemini")
SOUND = {"mimeType": "audio/pcm;rate=24000", "data": b64encode(bytes(480)).decode()}


def content(**fields: Any) -> dict[str, Any]:
    return {"serverContent": fields}


MESSAGES = [
    content(modelTurn={"parts": [{"inlineData": SOUND}]}),
    content(outputTranscription={"text": "words "}),
    content(modelTurn={"parts": [{"inlineData": SOUND}]}, outputTranscription={"text": "both "}),
    content(inputTranscription={"text": "heard "}),
    content(inputTranscription={"text": "all of it", "finished": True}),
    content(inputTranscription={"text": "<noise>"}),
    content(inputTranscription={"text": " "}),
    content(interimInputTranscription={"text": "hea"}),
    content(waitingForInput=True),
    content(turnComplete=True, turnCompleteReason="NEED_MORE_INPUT"),
    content(turnComplete=True, turnCompleteReason="GENERATED_AUDIO_SAFETY"),
    content(interrupted=True),
    content(generationComplete=True),
    content(turnComplete=True),
    content(generationComplete=True, turnComplete=True),
    content(interrupted=True, turnComplete=True),
    {"toolCall": {"functionCalls": [{"id": "", "name": "nothing", "args": {}}]}},
    {"toolCallCancellation": {"ids": ["c"]}},
    {"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}},
]
STEPS = st.lists(
    st.one_of(
        st.sampled_from(MESSAGES),
        st.sampled_from(["ask", "respond", "context", "interrupt", "result", "wait", "give up"]),
    ),
    max_size=40,
)


class Listener:
    """Holds what a session tells to the order that the seam asks for."""

    def __init__(self) -> None:
        self.reply = ""
        self.replies: set[str] = set()
        self.speaking = ""
        self.unknown: dict[str, bool] = {}
        """Utterances whose words are still to come, and whether they are over."""

    def take(self, event: ModelEvent) -> None:
        match event:
            case ReplyStarted(reply_id=reply_id):
                assert not self.reply
                assert reply_id not in self.replies
                self.reply = reply_id
                self.replies.add(reply_id)
            case TextDelta() | AudioDelta() | ToolCall():
                assert event.reply_id == self.reply
            case ReplyDone():
                assert event.reply_id == self.reply
                assert (event.error is not None) == (event.reason == "failed")
                self.reply = ""
            case SpeechStarted(utterance_id=utterance_id):
                assert not self.unknown
                self.unknown[utterance_id] = False
            case SpeechStopped(utterance_id=utterance_id):
                assert self.unknown[utterance_id] is False
                self.unknown[utterance_id] = True
            case Transcript(utterance_id=utterance_id, final=False):
                assert utterance_id in self.unknown
            case Transcript(utterance_id=utterance_id) | SpeechRejected(utterance_id=utterance_id):
                assert self.unknown.pop(utterance_id) is True
            case _:
                assert isinstance(event, SessionEnds)


async def play(steps: list[str | Mapping[str, Any]]) -> None:
    async with TaskOwner("test") as owner:
        session = GeminiSession(ENDPOINT, owner=owner, network=Network())
        listener, count = Listener(), 0
        reading = asyncio.create_task(read(session, listener))
        for step in steps:
            match step:
                case "ask":
                    count += 1
                    await session.send(UserMessage(f"r{count}", "hello"))
                case "respond":
                    count += 1
                    await session.send(Respond(f"r{count}", "Greet."))
                case "context":
                    await session.send(AddContext("It rains."))
                case "interrupt":
                    await session.interrupt(listener.reply or f"r{count}", "")
                case "result":
                    await session.send(ToolResult("nobody", "x"))
                case "wait":
                    await asyncio.sleep(0)
                case "give up":
                    session._owed._look()
                case Mapping():
                    await session._take(step)
        await session.aclose()
        await reading
        assert not listener.reply
        assert not owner.tasks


async def read(session: GeminiSession, listener: Listener) -> None:
    async for event in session.events():
        listener.take(event)
        await asyncio.sleep(0)


@settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
@example(["ask", "ask", "wait", "interrupt"])
def test_what_it_tells_is_always_a_talk(steps: list[str | Mapping[str, Any]]) -> None:
    asyncio.run(play(steps))
