"""The life of a model session: started when one is needed, listened to, ended, replaced.

A start that fails is told once (a status, then ``session_failed``); the next one that nobody asked
for explicitly waits longer each time.
"""

from __future__ import annotations

import asyncio
import logging

from neko.errors import ModelError, NekoError
from neko.sessions import prompt
from neko.sessions.actions import Mode
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import AutoCloseMic, SessionEndedByServer, SessionFailed, SessionPreparing, SessionStarted
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.tasks import TaskOwner
from neko.types.model_session import ModelSession, SessionLost, SessionSetup

logger = logging.getLogger(__name__)


class ModelSessionSlot:
    """Holds the one session of a character. ``start`` and ``end`` are for one caller at a time."""

    def __init__(
        self,
        character: str,
        parts: SessionDependencies,
        owner: TaskOwner,
        clients: Clients,
        talk: TurnController,
        status: StatusReporter,
    ) -> None:
        self._character = character
        self._parts = parts
        self._owner = owner
        self._clients = clients
        self._talk = talk
        self._status = status
        self.session: ModelSession | None = None
        self.mode: Mode = "text"
        self._starting: tuple[Mode, asyncio.Task[None]] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before = 0.0

    @property
    def starting(self) -> Mode | None:
        """The mode of the start in progress."""
        return self._starting[0] if self._starting else None

    @property
    def resting(self) -> bool:
        """Nothing is up, and after failures it is too early for a start that nobody asked for."""
        idle = self.session is None and self._starting is None
        return idle and asyncio.get_running_loop().time() < self._not_before

    async def session_for(self, mode: Mode) -> ModelSession | None:
        """The session that takes this kind of input, started when there is none; ``None`` when that failed."""
        if self.session is not None and self.mode != mode:
            await self.end(say_so=True)
        if self.session is None:
            await self.start(mode)
        return self.session

    async def start(self, mode: Mode) -> None:
        """Start a session in place of any other; ``cancel_start`` stops it."""
        task = self._owner.spawn(self._open(mode), name=f"start {mode}")
        self._starting = (mode, task)
        try:
            await asyncio.wait({task})
        finally:
            self._starting = None
            task.cancel()

    def cancel_start(self) -> None:
        """Give up a start in progress, without a word."""
        if self._starting:
            self._starting[1].cancel()

    async def end(self, *, say_so: bool = False) -> None:
        """End the session, keeping what its running reply has delivered."""
        session, self.session = self.session, None
        listener, self._listener = self._listener, None
        await self._talk.release()
        if session is None:
            return
        if listener:
            listener.cancel()
        await self._close(session)
        if say_so:
            self._status.say("left", name=self._character)

    async def _open(self, mode: Mode) -> None:
        self._clients.emit(SessionPreparing(mode))
        if self.session:
            await self.end()
        self.mode = mode
        session: ModelSession | None = None
        try:
            async with asyncio.timeout(self._parts.limits.start[mode]):
                session = self._parts.model(mode, self._owner)
                await session.open(await self._setup())
        except (NekoError, TimeoutError) as error:
            await self._failed(mode, session, error)
            return
        except asyncio.CancelledError:
            if session:
                await self._close(session)
            raise
        self._failures = 0
        self.session = session
        self._talk.adopt(session)
        self._listener = self._owner.spawn(self._listen(session), name="listen")
        self._owner.spawn(self._prewarm_voice(), name="prewarm voice")
        self._clients.emit(SessionStarted(mode))

    async def _setup(self) -> SessionSetup:
        persona = self._parts.persona()
        try:
            async with asyncio.timeout(self._parts.limits.memory_at_start):
                recent = await self._parts.memory.recent(self._character)
        except (NekoError, TimeoutError) as error:
            logger.warning("%s: starting without memory: %s", self._character, type(error).__name__)
            self._status.say("memory_absent")
            recent = []
        instructions = prompt.compose(persona, recent, self._parts.now())
        voice = self._talk.voice.settings.voice
        return SessionSetup(self._character, persona.master, instructions, persona.language, voice)

    async def _failed(self, mode: Mode, session: ModelSession | None, error: Exception) -> None:
        if session:
            await self._close(session)
        limits = self._parts.limits
        pause = min(limits.longest_pause, limits.first_pause * 2**self._failures)
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause
        told = error if isinstance(error, NekoError) else self._too_slow()
        said = self._status.error(told)
        self._clients.emit(SessionFailed(mode, said.text))
        if mode == "audio" and told.permanent:
            self._clients.emit(AutoCloseMic(said.text))

    def _too_slow(self) -> NekoError:
        label = self._parts.label()
        return ModelError("start timed out", model=label.model, provider=label.provider)

    async def _prewarm_voice(self) -> None:
        try:
            async with asyncio.timeout(self._parts.limits.prewarm):
                await self._talk.voice.engine.prewarm(self._parts.persona().language)
        except NekoError as error:
            self._status.error(error)
        except TimeoutError:
            logger.warning("%s: the voice is slow to warm up", self._character)

    async def _listen(self, session: ModelSession) -> None:
        async for event in session.events():
            if isinstance(event, SessionLost):
                self._owner.spawn(self._lost(session, event.error), name="lost")
                return
            try:
                await self._talk.on_event(event)
            except NekoError as error:
                self._status.error(error)
            except Exception:
                logger.exception("%s: %s failed", self._character, type(event).__name__)
                self._status.say("internal")

    async def _lost(self, session: ModelSession, error: NekoError) -> None:
        if session is self.session:
            self._status.error(error)
            self._clients.emit(SessionEndedByServer(self.mode))
            await self.end()

    async def _close(self, session: ModelSession) -> None:
        try:
            async with asyncio.timeout(self._parts.limits.close):
                await session.aclose()
        except TimeoutError:
            logger.warning("%s: the model session did not close in time", self._character)
