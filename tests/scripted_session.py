"""A scripted speech-to-speech session: sound and text in; sound, text and transcripts out.

It hears by loudness: PCM16 mono 16 kHz above ``LOUD`` is speech, ``PAUSE`` of quiet after speech
ends the turn. Each turn, spoken or typed, takes the next ``SpokenTurn`` of the script. A reply
goes on through the user's speech until it is interrupted or the next turn begins.
"""

from __future__ import annotations

import array
import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

from neko.errors import NekoError
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner
from neko.types.model_session import (
    AudioDelta,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    ReplyDone,
    ReplyStarted,
    SessionLost,
    SessionSetup,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
    UserAudio,
    UserImage,
    UserMessage,
)
from tests.scripted_provider import tone

RATE_IN = 16_000
RATE_OUT = 24_000
LOUD = 500
PAUSE = 0.3
PIECE = 0.04


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """``hears`` is the transcript of a spoken turn; each delta comes with ``sound`` seconds of tone.

    ``stall_after`` deltas the reply waits for ``release``; ``error`` fails the reply at its end.
    """

    hears: str = "hello"
    deltas: Sequence[str] = ("I ", "hear ", "you ", "well.")
    sound: float = 0.08
    stall_after: int | None = None
    error: NekoError | None = None


class ScriptedSpeechSession:
    """See the module. ``heard`` is all sound that came, ``interrupts`` all calls of ``interrupt``."""

    def __init__(self, *, owner: TaskOwner, turns: Sequence[SpokenTurn] = ()) -> None:
        self.label = ModelLabel("scripted-voice", "Scripted")
        self.capabilities = ModelCapabilities(
            audio_input=True, audio_output=True, image_input=True, turn_detection=True, transcription=True
        )
        self.setup: SessionSetup | None = None
        self.heard = bytearray()
        self.images: list[bytes] = []
        self.interrupts: list[tuple[str, str]] = []
        self.history: list[tuple[str, str]] = []
        self._owner = owner
        self._turns = deque(turns)
        self._channel = EventChannel()
        self._released = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reply_id: str | None = None
        self._said = ""
        self._count = 0
        self._utterance_id = ""
        self._speaking = False
        self._quiet = 0.0

    def script(self, *turns: SpokenTurn) -> None:
        self._turns.extend(turns)

    def release(self) -> None:
        """Let a stalled reply go on."""
        self._released.set()

    def lose(self, error: NekoError) -> None:
        """The provider is gone."""
        self._end("failed", error)
        self._channel.put(SessionLost(error))
        self._channel.close()

    async def open(self, setup: SessionSetup) -> None:
        self.setup = setup

    async def send(self, item: ModelInput) -> None:
        if isinstance(item, UserAudio):
            self._hear(item.pcm)
        elif isinstance(item, UserImage):
            self.images.append(item.jpeg)
        elif isinstance(item, UserMessage):
            self.history.append(("user", item.text))
            self._reply(item.id, self._next_turn())

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        self.interrupts.append((reply_id, text))
        if reply_id == self._reply_id or self._channel.holds_end(reply_id):
            self._channel.withdraw(reply_id)
            self._reply_id, self._said = reply_id, text
            self._end("interrupted")

    def events(self) -> AsyncIterator[ModelEvent]:
        return self._channel.read()

    async def aclose(self) -> None:
        self._end("interrupted")
        self._channel.close()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _hear(self, pcm: bytes) -> None:
        """Voice activity, frame by frame."""
        self.heard += pcm
        samples = array.array("h", pcm)
        if max(map(abs, samples), default=0) > LOUD:
            self._quiet = 0.0
            if not self._speaking:
                self._speaking = True
                self._channel.put(SpeechStarted(self._utterance()))
        elif self._speaking:
            self._quiet += len(samples) / RATE_IN
            if self._quiet >= PAUSE:
                self._speaking = False
                turn = self._next_turn()
                self._channel.put(SpeechStopped(self._utterance_id))
                self._channel.put(Transcript(self._utterance_id, turn.hears))
                self.history.append(("user", turn.hears))
                self._count += 1
                self._reply(f"spoken-{self._count}", turn)

    def _utterance(self) -> str:
        self._utterance_id = f"utterance-{self._count + 1}"
        return self._utterance_id

    def _next_turn(self) -> SpokenTurn:
        return self._turns.popleft() if self._turns else SpokenTurn()

    def _reply(self, reply_id: str, turn: SpokenTurn) -> None:
        self._end("interrupted")
        self._reply_id, self._said = reply_id, ""
        self._channel.put(ReplyStarted(reply_id))
        self._task = self._owner.spawn(self._speak(reply_id, turn), name="scripted reply")

    async def _speak(self, reply_id: str, turn: SpokenTurn) -> None:
        pieces = max(1, round(turn.sound / PIECE)) if turn.sound else 0
        sound = tone(PIECE, rate=RATE_OUT)
        for count, text in enumerate((*turn.deltas, "")):
            if count == turn.stall_after:
                await self._released.wait()
            if not text:
                break
            self._said += text
            self._channel.put(TextDelta(reply_id, text))
            for _ in range(pieces):
                if not self._channel.put_delta(AudioDelta(reply_id, sound, RATE_OUT)):
                    await self._channel.room()
                await asyncio.sleep(0)
        self._end("failed" if turn.error else "complete", turn.error)

    def _end(self, reason: Literal["complete", "interrupted", "failed"], error: NekoError | None = None) -> None:
        if self._reply_id is None:
            return
        reply_id, self._reply_id = self._reply_id, None
        if self._said:
            self.history.append(("assistant", self._said))
        self._channel.put(ReplyDone(reply_id, reason, error))
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()


def speech(seconds: float) -> UserAudio:
    """Somebody talking, as far as the scripted ear can tell."""
    return UserAudio(tone(seconds, hertz=180, rate=RATE_IN))


def silence(seconds: float) -> UserAudio:
    return UserAudio(bytes(2 * int(seconds * RATE_IN)))
