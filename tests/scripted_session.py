"""A scripted speech-to-speech session: sound and text in; sound, text, transcripts and tool calls out.

It hears by loudness: PCM16 mono 16 kHz above ``LOUD`` is speech, ``PAUSE`` of quiet after speech
ends the turn (with ``turn_detection=False`` only ``EndOfSpeech`` does). Each turn, spoken, typed or
asked for by ``Respond``, takes the next ``SpokenTurn`` of the script. A reply goes on through the
user's speech until it is interrupted or the next turn begins.
"""

from __future__ import annotations

import array
import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from neko.errors import ModelStreamBrokenError, NekoError
from neko.sessions.models.event_channel import EventChannel
from neko.tasks import TaskOwner
from neko.types.hearing import HearingCapabilities
from neko.types.lines import Role
from neko.types.model_session import (
    AddContext,
    AudioDelta,
    EndOfSpeech,
    HearOn,
    ModelCapabilities,
    ModelEvent,
    ModelInput,
    ModelLabel,
    ModelSession,
    Reconnected,
    ReplyDone,
    ReplyStarted,
    Respond,
    SessionLost,
    SessionSetup,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    ToolCall,
    ToolResult,
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
class Call:
    """A tool call that the scripted model makes."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One turn of the script.

    ``hears`` is the transcript of a spoken turn (None: none ever comes), after ``partials``, its earlier
    versions. ``transcript`` says when it comes: when the speech stops, after the reply's first delta, or
    after its end. ``rejected``: a cough, nothing follows. Each delta comes with ``sound`` seconds of
    tone. ``stall_after`` deltas the reply waits for ``release``. After the deltas come ``calls``, all at
    once, and after all their results ``deltas_after_calls``. ``error`` fails the reply at its end.
    """

    hears: str | None = "hello"
    partials: Sequence[str] = ()
    transcript: Literal["at stop", "in reply", "after reply"] = "at stop"
    rejected: bool = False
    deltas: Sequence[str] = ("I ", "hear ", "you ", "well.")
    sound: float = 0.08
    stall_after: int | None = None
    calls: Sequence[Call] = ()
    deltas_after_calls: Sequence[str] = ("That ", "is ", "done.")
    error: NekoError | None = None


@dataclass(frozen=True, slots=True)
class Interruption:
    """One call of ``interrupt``."""

    reply_id: str
    text: str
    played_ms: int | None


@dataclass(slots=True)
class _Entry:
    """What the scripted model remembers: a line, or a note."""

    role: Role
    text: str
    reply_id: str = ""


class ScriptedSpeechSession:
    """See the module. ``heard`` is all sound that came, ``interrupts`` all calls of ``interrupt``,
    ``results`` all tool results that were waited for, ``requests`` the instructions of ``Respond``;
    unless it ``tells_speech`` that speech began is told with its end; ``deaf``: it hears nothing at all;
    ``hears_on_from`` is the session of ``HearOn``."""

    def __init__(
        self,
        *,
        owner: TaskOwner,
        turns: Sequence[SpokenTurn] = (),
        turn_detection: bool = True,
        transcription: bool = True,
        tool_result_timeout_s: float = 30.0,
        connects: bool = True,
        idles_free: bool = False,
        connected: asyncio.Event | None = None,
        hearing: HearingCapabilities | None = None,
        audio_output: bool = True,
        tells_speech: bool = True,
        deaf: bool = False,
    ) -> None:
        self.label = ModelLabel("scripted-voice", "Scripted")
        self.capabilities = ModelCapabilities(
            audio_input=True,
            audio_output=audio_output,
            image_input=True,
            input_rate=RATE_IN,
            tools=True,
            truncation=True,
            turn_detection=turn_detection,
            transcription=transcription,
            answers_speech=True,
            hearing=hearing,
            connects=connects,
            idles_free=idles_free,
        )
        self._connected = connected
        self._tells_speech = tells_speech
        self._deaf = deaf
        self.setup: SessionSetup | None = None
        self.heard = bytearray()
        self.images: list[bytes] = []
        self.interrupts: list[Interruption] = []
        self.results: list[ToolResult] = []
        self.requests: list[str] = []
        self.hears_on_from: ModelSession | None = None
        self._owner = owner
        self._turns = deque(turns)
        self._tool_result_timeout_s = tool_result_timeout_s
        self._channel = EventChannel()
        self._released = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._entries: list[_Entry] = []
        self._reply_id: str | None = None
        self._reply_text = ""
        self._waiting: dict[str, asyncio.Future[ToolResult]] = {}
        self._late_transcript: Transcript | None = None
        self._turn: SpokenTurn | None = None
        self._utterances = 0
        self._calls = 0
        self._quiet_s = 0.0
        self._failure: Exception | None = None

    @property
    def history(self) -> list[tuple[Role, str]]:
        """What the model remembers, oldest first: role and text."""
        return [(entry.role, entry.text) for entry in self._entries]

    # ── the script ────────────────────────────────────────────────────────────

    def script(self, *turns: SpokenTurn) -> None:
        """Queue turns."""
        self._turns.extend(turns)

    def release(self) -> None:
        """Let a stalled reply go on."""
        self._released.set()

    def emit(self, *events: ModelEvent) -> None:
        """Emit any events, as they are."""
        for event in events:
            self._channel.put(event)

    def lose(self, error: NekoError) -> None:
        """The provider is gone; a reply that nothing has come of is left open."""
        if self._reply_text:
            self._end("failed", error)
        self._channel.put(SessionLost(error))
        self._channel.close()

    def reconnect(self) -> None:
        """The connection breaks, which ends the reply, and is there again."""
        self._end("failed", ModelStreamBrokenError(model=self.label.model, provider=self.label.provider))
        self._turn = None
        self._channel.put(Reconnected())

    def end_events(self, error: Exception | None = None) -> None:
        """A defect: ``events()`` ends, or raises ``error``, without ``SessionLost`` or the end of the reply."""
        if self._task is not None:
            self._task.cancel()
        self._reply_id = None
        self._failure = error
        self._channel.close()

    # ── ModelSession ──────────────────────────────────────────────────────────

    async def open(self, setup: SessionSetup) -> None:
        self.setup = setup
        if self._connected:
            await self._connected.wait()

    async def send(self, item: ModelInput) -> None:
        match item:
            case UserAudio(pcm):
                self._hear(pcm)
            case UserImage(jpeg):
                self.images.append(jpeg)
            case EndOfSpeech():
                if not self.capabilities.turn_detection and self._turn is not None:
                    self._stop_hearing(self._turn)
            case HearOn(before):
                self.hears_on_from = before
            case AddContext(text, role):
                self._entries.append(_Entry(role, text))
            case UserMessage(message_id, text):
                self._entries.append(_Entry("user", text))
                self._reply(message_id, self._next_turn())
            case Respond(message_id, instructions):
                self.requests.append(instructions)
                self._reply(message_id, self._next_turn())
            case ToolResult(call_id):
                waiting = self._waiting.pop(call_id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(item)

    async def interrupt(self, reply_id: str, text: str, played_ms: int | None = None) -> None:
        self.interrupts.append(Interruption(reply_id, text, played_ms))
        if reply_id == self._reply_id or self._channel.holds_end(reply_id):
            self._channel.withdraw(reply_id)
            self._reply_id, self._reply_text = reply_id, text
            self._end("interrupted")
        else:
            self._remember_reply(reply_id, text, only_known=True)

    async def events(self) -> AsyncIterator[ModelEvent]:
        async for event in self._channel.read():
            yield event
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        self._end("interrupted")
        self._channel.close()
        if self._task is not None:
            await asyncio.wait([self._task])

    # ── hearing ───────────────────────────────────────────────────────────────

    def _hear(self, pcm: bytes) -> None:
        """Voice activity, frame by frame."""
        self.heard += pcm
        if self._deaf:
            return
        samples = array.array("h", pcm)
        if max(map(abs, samples), default=0) > LOUD:
            self._quiet_s = 0.0
            if self._turn is None:
                self._turn = self._next_turn()
                self._utterances += 1
                if self._tells_speech:
                    self._channel.put(SpeechStarted(self._utterance_id))
                for text in self._turn.partials:
                    self._channel.put(Transcript(self._utterance_id, text, final=False))
        elif self._turn is not None:
            self._quiet_s += len(samples) / RATE_IN
            if self._quiet_s >= PAUSE and self.capabilities.turn_detection:
                self._stop_hearing(self._turn)

    @property
    def _utterance_id(self) -> str:
        return f"utterance-{self._utterances}"

    def _stop_hearing(self, turn: SpokenTurn) -> None:
        """The user's turn is over: say what was heard, and answer it."""
        self._turn = None
        if not self._tells_speech:
            self._channel.put(SpeechStarted(self._utterance_id))
        self._channel.put(SpeechStopped(self._utterance_id))
        if turn.rejected:
            self._channel.put(SpeechRejected(self._utterance_id))
            return
        self._end("interrupted")
        if turn.hears is not None:
            self._entries.append(_Entry("user", turn.hears))
            if self.capabilities.transcription:
                self._late_transcript = Transcript(self._utterance_id, turn.hears)
        if turn.transcript == "at stop":
            self._transcribe()
        self._reply(f"spoken-{self._utterances}", turn, self._utterance_id)

    def _transcribe(self) -> None:
        transcript, self._late_transcript = self._late_transcript, None
        if transcript is not None:
            self._channel.put(transcript)

    # ── replying ──────────────────────────────────────────────────────────────

    def _next_turn(self) -> SpokenTurn:
        return self._turns.popleft() if self._turns else SpokenTurn()

    def _reply(self, reply_id: str, turn: SpokenTurn, utterance_id: str | None = None) -> None:
        self._end("interrupted")
        self._reply_id, self._reply_text = reply_id, ""
        self._channel.put(ReplyStarted(reply_id, utterance_id))
        self._task = self._owner.spawn(self._answer(reply_id, turn), name="scripted reply")

    async def _answer(self, reply_id: str, turn: SpokenTurn) -> None:
        for count, text in enumerate(turn.deltas):
            if count == turn.stall_after:
                await self._released.wait()
            await self._speak(reply_id, text, turn.sound)
            if turn.transcript == "in reply":
                self._transcribe()
        if turn.stall_after is not None and turn.stall_after >= len(turn.deltas):
            await self._released.wait()
        if turn.calls:
            await self._call(reply_id, turn.calls)
            for text in turn.deltas_after_calls:
                await self._speak(reply_id, text, turn.sound)
        self._end("failed" if turn.error else "complete", turn.error)

    async def _speak(self, reply_id: str, text: str, seconds: float) -> None:
        self._reply_text += text
        self._channel.put(TextDelta(reply_id, text))
        sound = tone(PIECE, rate=RATE_OUT)
        for _ in range(max(1, round(seconds / PIECE)) if seconds else 0):
            if not self._channel.put_delta(AudioDelta(reply_id, sound, RATE_OUT)):
                await self._channel.drain()
            await asyncio.sleep(0)

    async def _call(self, reply_id: str, calls: Sequence[Call]) -> None:
        """Ask for all calls at once and wait for their results, each with its deadline."""
        futures: dict[str, asyncio.Future[ToolResult]] = {}
        for call in calls:
            self._calls += 1
            call_id = f"call-{self._calls}"
            futures[call_id] = asyncio.get_running_loop().create_future()
            self._channel.put(ToolCall(reply_id, call_id, call.name, call.arguments))
        self._waiting = dict(futures)
        await asyncio.wait(futures.values(), timeout=self._tool_result_timeout_s)
        self._waiting = {}
        for call_id, future in futures.items():
            late = ToolResult(call_id, "no result in time", failed=True)
            self.results.append(future.result() if future.done() else late)

    def _end(self, reason: Literal["complete", "interrupted", "failed"], error: NekoError | None = None) -> None:
        if self._reply_id is None:
            return
        reply_id, self._reply_id = self._reply_id, None
        self._waiting = {}
        self._remember_reply(reply_id, self._reply_text)
        self._channel.put(ReplyDone(reply_id, reason, error))
        self._transcribe()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _remember_reply(self, reply_id: str, text: str, *, only_known: bool = False) -> None:
        """Keep a reply's text in place of an earlier version of it."""
        known = next((entry for entry in self._entries if entry.reply_id == reply_id), None)
        if known is not None:
            known.text = text
        elif text and not only_known:
            self._entries.append(_Entry("assistant", text, reply_id))


def speech(seconds: float) -> UserAudio:
    """Somebody talking, as far as the scripted ear can tell."""
    return UserAudio(tone(seconds, hertz=180, rate=RATE_IN))


def silence(seconds: float) -> UserAudio:
    return UserAudio(bytes(2 * int(seconds * RATE_IN)))
