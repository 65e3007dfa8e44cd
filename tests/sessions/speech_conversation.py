"""A conversation over a scripted speech-to-speech session, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from neko.audio.voice_activity import VoiceDetector
from neko.bus import Bus
from neko.metrics import Metrics
from neko.sessions.actions import Mode, Ping, SendAudio, StartSession
from neko.sessions.dependencies import SessionDependencies, SessionTimeouts, Voice
from neko.sessions.events import Event, Pong, SessionStarted
from neko.sessions.manager import SessionManager
from neko.sessions.models.realtime.own_turns import Detection
from neko.sessions.outbox import Outbox
from neko.sessions.prompt import Persona
from neko.sessions.turn_state import TurnTimeouts
from neko.tasks import TaskOwner
from neko.types.model_session import ModelLabel, ModelSession, Toolbox
from neko.types.speech import VoiceSettings
from tests.scripted_memory import ScriptedMemory
from tests.scripted_provider import tone
from tests.scripted_session import ScriptedSpeechSession, SpokenTurn
from tests.scripted_speech import ScriptedSpeech

NAME = "Mio"
QUICK = SessionTimeouts(
    turn=TurnTimeouts(transcript_timeout_s=0.2, spoken_answer_timeout_s=0.3), mend_pauses_s=(0.01, 0.02)
)
TALK = tone(0.5, hertz=180, rate=16_000)
QUIET = bytes(2 * 6_400)


@dataclass
class SpeechConversation:
    """``sessions`` are those made so far; ``turns`` is the script of the next one; ``fail`` is raised by it."""

    outbox: Outbox = field(default_factory=Outbox)
    sessions: list[ScriptedSpeechSession] = field(default_factory=list)
    turns: list[SpokenTurn] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    fail: Exception | None = None
    manager: SessionManager = field(init=False)
    lorebook: list[Any] = field(default_factory=list)
    memory: ScriptedMemory = field(default_factory=ScriptedMemory)
    speech: ScriptedSpeech = field(default_factory=ScriptedSpeech)

    def open_model(self, mode: Mode, owner: TaskOwner) -> ModelSession:
        if self.fail:
            raise self.fail
        session = ScriptedSpeechSession(owner=owner, turns=self.turns, **self.options)
        self.sessions.append(session)
        return session

    def speak(self) -> None:
        """Half a second of speech, then quiet."""
        for sound in (TALK, QUIET):
            for at in range(0, len(sound), 640):
                self.manager.handle(SendAudio(sound[at : at + 640], 16_000))

    async def until(self, wanted: type[Event] | Event | Callable[[Event], bool]) -> list[Event]:
        """Events up to and with the first that fits: is of this type, equals this one, or satisfies the condition."""

        def fits(event: Event) -> bool:
            if isinstance(wanted, type):
                return isinstance(event, wanted)
            return bool(wanted(event)) if callable(wanted) else event == wanted

        events: list[Event] = []
        async with asyncio.timeout(15):
            while not events or not fits(events[-1]):
                event = await self.outbox.get()
                assert event is not None
                events.append(event)
        return events

    async def waiting(self) -> list[Event]:
        """Everything the client has been told by now."""
        await self.manager.take(Ping(), self.outbox)
        return (await self.until(Pong))[:-1]

    async def lines(self) -> list[tuple[str, str, str]]:
        """The log: role, text, status."""
        return [(line.role, line.text, line.status) for line in await self.memory.lines(NAME)]


@asynccontextmanager
async def speech_conversation(
    executor: Any,
    *,
    timeouts: SessionTimeouts = QUICK,
    toolbox: Toolbox | None = None,
    kind: Callable[..., SpeechConversation] = SpeechConversation,
    opens_ahead: bool = False,
    detector: Callable[[], VoiceDetector] | None = None,
    lorebook: Sequence[Any] = (),
    **options: Any,
) -> AsyncIterator[SpeechConversation]:
    """A conversation with one client; ``options`` go to the scripted sessions."""
    talk = kind(options=options, lorebook=list(lorebook))
    bus = Bus()
    dependencies = SessionDependencies(
        memory=talk.memory,
        bus=bus,
        metrics=Metrics(),
        executor=executor,
        persona=lambda: Persona(NAME, "Sam", "You are Mio.", {}, "en", lorebook=talk.lorebook),
        model=talk.open_model,
        label=lambda: ModelLabel("scripted-voice", "Scripted"),
        voice=lambda: Voice("scripted", talk.speech, VoiceSettings()),
        toolbox=toolbox,
        opens_ahead=lambda: opens_ahead,
        detection=(lambda: Detection(detector(), executor)) if detector else None,
        timeouts=timeouts,
    )
    talk.manager = SessionManager(NAME, dependencies)
    await talk.manager.attach(talk.outbox)
    try:
        yield talk
    finally:
        await talk.manager.aclose()
        await bus.aclose()


async def in_call(talk: SpeechConversation, *turns: SpokenTurn) -> None:
    """A call is up; ``turns`` are its script."""
    talk.turns = list(turns)
    talk.manager.handle(StartSession("audio"))
    await talk.until(SessionStarted)
