"""The taking of turns between a user and one model session.

A turn begins with the user's words and ends, always, with ``TurnEnd``. Only one turn is open at
a time; whatever comes from a model for another one is dropped by its id. The lock keeps the
begin and the end of turns from interleaving, so that the log is in the order of the talk.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

from neko.audio.speech_pipeline import SpeechPipeline
from neko.errors import MemoryStoreError, NekoError
from neko.sessions import prompt
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies, Voice
from neko.sessions.events import (
    Audio,
    Event,
    HeardUser,
    LineStored,
    ReplyText,
    ResponseDiscarded,
    SpeakOnPage,
    SpeechEnded,
    State,
    StateChanged,
    TurnEnd,
    UserActivity,
)
from neko.sessions.repetition import RepetitionGuard
from neko.sessions.reply_stream import Turn
from neko.sessions.status_reporter import StatusReporter
from neko.tasks import TaskOwner
from neko.types.lines import Line, LineStatus, NewLine, Stored
from neko.types.memory import Recalled
from neko.types.model_session import (
    AudioDelta,
    ModelEvent,
    ModelSession,
    ReplyDone,
    ReplyStarted,
    Retrying,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
    UserMessage,
)

logger = logging.getLogger(__name__)


class TurnController:
    """Turns, their text, their sound and their place in the log, for one character."""

    def __init__(
        self, character: str, parts: SessionDependencies, clients: Clients, owner: TaskOwner, status: StatusReporter
    ) -> None:
        self._character = character
        self._parts = parts
        self._clients = clients
        self._status = status
        self._lock = asyncio.Lock()
        self._turn: Turn | None = None
        self._last_speech: str | None = None
        self._session: ModelSession | None = None
        self._session_id = uuid4().hex
        self._awaiting_words = False
        self._speech_fault_told = False
        self._repetition = RepetitionGuard(character)
        self.state: State = "idle"
        self.last_line_id = 0
        self.voice: Voice = parts.voice()
        self._speaker = SpeechPipeline(
            self.voice.engine,
            parts.executor,
            owner=owner,
            on_audio=self._on_audio,
            on_end=self._on_speech_end,
            on_fault=self._on_speech_fault,
            on_sentence=self._on_sentence,
        )

    # ── turns by text ─────────────────────────────────────────────────────────

    async def hear(self, text: str, images: int, client_id: str | None) -> tuple[Stored, list[Recalled]]:
        """The user's words: they cut what is running, are committed, and call up memories.

        Raises ``MemoryStoreError`` when they could not be kept.
        """
        async with self._lock:
            if self._turn:
                await self._cut()
            line = NewLine(
                session_id=self._session_id,
                turn_id=uuid4().hex,
                role="user",
                text=text,
                at=self._parts.now(),
                client_id=client_id,
                images=images,
            )
            keeping = asyncio.gather(self._store(line), self._recall(text))
            self._hush()  # while the disk works
            self._set_state("thinking")
            stored, recalled = await keeping
            # The receipt is sent when the question is on its way: it must not hold it up.
            asyncio.get_running_loop().call_soon(self._clients.emit, LineStored(stored.line))
            return stored, [found for found in recalled if found.line.id != stored.line.id]

    async def take_floor(self) -> None:
        """The user begins a turn: whatever runs is cut, text and sound."""
        async with self._lock:
            await self._cut()
            self._set_state("thinking")

    async def ask(
        self,
        session: ModelSession,
        line: Line,
        images: tuple[bytes, ...],
        recalled: list[Recalled],
        *,
        received: float,
        again: bool = False,
        replaces: int | None = None,
    ) -> None:
        """Open the turn that answers ``line`` and send it to the model. ``received``: monotonic seconds.

        ``again``: the line has been asked before; ``replaces`` is then the reply it got, if any.
        """
        persona = self._parts.persona()
        async with self._lock:
            if self._turn:
                await self._cut()
            turn = Turn(uuid4().hex, own_voice=session.capabilities.audio_output, replaces=replaces)
            turn.timeline.start = received
            turn.timeline.mark("committed")
            self._open(turn, persona.language)
            await session.send(
                UserMessage(
                    turn.id,
                    line.text or prompt.phrases(persona.language)["look"],
                    images,
                    tuple(recalled),
                    prompt.context(persona, recalled),
                    again=again,
                )
            )

    async def _recall(self, text: str) -> list[Recalled]:
        try:
            async with asyncio.timeout(self._parts.limits.recall):
                return await self._parts.memory.search(self._character, text, limit=6)
        except (TimeoutError, MemoryStoreError) as error:
            logger.warning("%s: recall gave up: %s", self._character, type(error).__name__)
            return []

    async def last_exchange(self) -> tuple[Line, Line | None] | None:
        """The last user line and the reply to it, if any."""
        reply: Line | None = None
        for line in reversed(await self._parts.memory.lines(self._character, limit=20)):
            if line.role == "user":
                return line, reply
            if line.role == "assistant":
                reply = line
        return None

    # ── cutting ───────────────────────────────────────────────────────────────

    def silence(self) -> None:
        """Stop sound at once and let nothing more of the running reply out."""
        if self._turn:
            self._turn.finished = True
        self._hush()

    def _hush(self) -> None:
        self._speaker.cancel()
        self._clients.drop_audio()
        self._clients.emit(UserActivity(self._last_speech))

    async def stop(self) -> None:
        """End the running turn as interrupted, keeping what was delivered."""
        async with self._lock:
            self._speaker.cancel()
            await self._cut(quiet=True)
            self._set_state("idle")

    def rest(self) -> None:
        """Nothing came of the turn that was about to begin."""
        if self._turn is None and not self._speaker.busy:
            self._set_state("idle")

    async def _cut(self, *, quiet: bool = False) -> None:
        if not quiet:
            self._hush()
        turn = self._turn
        if turn is None:
            return
        turn.finished = True
        delivered = turn.text[: len(turn.text) - self._clients.unsent_text(turn.id)]
        if self._session:
            await self._session.interrupt(turn.id, delivered)
        await self._close_turn(turn, delivered, "interrupted")

    # ── what the model says ───────────────────────────────────────────────────

    def adopt(self, session: ModelSession) -> None:
        """From now on this session answers; a new session id marks its lines in the log."""
        self._session = session
        self._session_id = uuid4().hex

    async def release(self) -> None:
        """Nobody answers any more: cut what runs and forget the session."""
        await self.stop()
        if self._session:
            self._parts.bus.session.publish({"event_type": "session_end", "lanlan_name": self._character})
        self._session = None
        self._awaiting_words = False

    async def on_event(self, event: ModelEvent) -> None:
        """Take one event of the adopted session (all but ``SessionLost``)."""
        match event:
            case TextDelta(reply_id, text):
                if turn := self._running(reply_id):
                    silent_so_far = not turn.text
                    self._tell_growth(turn, turn.grow(text))
                    if silent_so_far:
                        await asyncio.sleep(0)  # the first words leave before the rest is looked at
            case AudioDelta(reply_id, pcm, rate):
                if (turn := self._running(reply_id)) and not turn.silent:
                    turn.timeline.mark("first_audio")
                    self._speaker.feed_audio(pcm, rate)
            case ReplyStarted(reply_id):
                await self._on_reply_started(reply_id)
            case ReplyDone(reply_id, reason, error):
                await self._on_reply_done(reply_id, reason, error)
            case Retrying(reply_id, error):
                if self._running(reply_id):
                    self._status.error(error, level="info")
            case SpeechStarted():
                async with self._lock:
                    await self._cut()
                    self._set_state("listening")
            case SpeechStopped():
                self._awaiting_words = True
                self._set_state("thinking")
            case Transcript(_, text):
                await self._on_transcript(text)
            case _:
                logger.error("%s: unexpected event %s", self._character, type(event).__name__)

    def _running(self, reply_id: str) -> Turn | None:
        turn = self._turn
        return turn if turn and turn.id == reply_id and not turn.finished else None

    async def _on_reply_started(self, reply_id: str) -> None:
        if self._turn and self._turn.id == reply_id:
            return
        async with self._lock:  # the model took the floor itself: a spoken turn
            if self._turn:
                await self._cut()
            turn = Turn(reply_id, own_voice=self._session is not None and self._session.capabilities.audio_output)
            turn.held = [] if self._awaiting_words else None
            self._open(turn, self._parts.persona().language)

    async def _on_transcript(self, text: str) -> None:
        self._awaiting_words = False
        self._clients.emit(HeardUser(text))
        line = NewLine(self._session_id, uuid4().hex, "user", text, self._parts.now())
        stored = await self._store(line)
        self._clients.emit(LineStored(stored.line))
        if self._turn and not self._turn.finished:
            self._tell_growth(self._turn, self._turn.release())

    async def _on_reply_done(self, reply_id: str, reason: str, error: NekoError | None) -> None:
        async with self._lock:
            turn = self._running(reply_id)
            if turn is None:
                return
            turn.finished = True
            self._awaiting_words = False
            self._tell_growth(turn, turn.close())
            if not turn.silent:
                self._speaker.finish()
            if error:
                self._status.error(error)
            status: LineStatus = {"complete": "complete", "interrupted": "interrupted"}.get(reason, "failed")  # type: ignore[assignment]
            await self._close_turn(turn, turn.text, status)
            if warning := self._repetition.check(turn.text):
                self._clients.emit(warning)

    def _tell_growth(self, turn: Turn, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ReplyText):
                turn.timeline.mark("first_delta")
                if event.first and turn.replaces is not None:
                    self._clients.emit(ResponseDiscarded("retry", 1, 1, will_retry=True))
                self._clients.emit(event)
                if event.first:
                    self._set_state("speaking")
                if not (turn.own_voice or turn.silent):
                    self._speaker.feed(event.text)
            else:
                self._clients.emit(event)

    # ── the ends of a turn ────────────────────────────────────────────────────

    def _open(self, turn: Turn, language: str) -> None:
        self._turn = turn
        self._last_speech = turn.speech_id
        self._set_state("thinking")
        turn.silent = self.voice.kind == "off" or not self._clients.wants_audio
        if not turn.silent:
            self._speaker.begin(turn.speech_id, self.voice.settings, language)

    async def _close_turn(self, turn: Turn, text: str, status: LineStatus) -> None:
        self._turn = None
        if text.strip():
            await self._keep_reply(turn, text, status)
        turn.timeline.mark("turn_end")
        self._clients.emit(TurnEnd(turn.id))
        self.rest()
        self._parts.metrics.record_turn(turn.timeline)
        self._parts.bus.session.publish(
            {
                "event_type": "turn_end",
                "lanlan_name": self._character,
                "turn_id": turn.id,
                "status": status,
                "timings": dict(turn.timeline.marks),
            }
        )

    async def _keep_reply(self, turn: Turn, text: str, status: LineStatus) -> None:
        line = NewLine(
            self._session_id, turn.id, "assistant", text, self._parts.now(), status=status, replaces=turn.replaces
        )
        try:
            stored = await self._store(line)
        except NekoError as error:
            self._status.error(error)
            return
        self._clients.emit(LineStored(stored.line, turn.replaces))

    async def _store(self, line: NewLine) -> Stored:
        stored = await self._parts.memory.store(self._character, line)
        self.last_line_id = max(self.last_line_id, stored.line.id)
        return stored

    # ── sound ─────────────────────────────────────────────────────────────────

    async def use_voice(self, voice: Voice) -> None:
        """Speak with another engine or setting from the next reply on."""
        old, self.voice = self.voice, voice
        self._speaker.use(voice.engine)
        self._speech_fault_told = False
        await old.engine.aclose()

    async def _on_audio(self, speech_id: str, pcm: bytes) -> None:
        if self._turn and self._turn.speech_id == speech_id:
            self._turn.timeline.mark("first_audio")
        await self._clients.emit_audio(Audio(speech_id, pcm))

    def _on_speech_end(self, speech_id: str) -> None:
        self._clients.emit(SpeechEnded(speech_id))
        self.rest()

    def _on_sentence(self, speech_id: str, text: str, language: str) -> None:
        self._clients.emit(SpeakOnPage(speech_id, text, language))

    def _on_speech_fault(self, error: NekoError) -> None:
        if not self._speech_fault_told:
            self._speech_fault_told = True
            self._status.error(error)

    # ── telling ───────────────────────────────────────────────────────────────

    def caught_up(self) -> ReplyText | None:
        """The running reply so far, for a client that joins now."""
        return self._turn.caught_up() if self._turn else None

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._clients.emit(StateChanged(state))

    async def aclose(self) -> None:
        """Cut what runs and free the voice."""
        await self.release()
        await self._speaker.aclose()
