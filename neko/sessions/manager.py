"""One character's conversation with whoever is connected.

Actions are taken in order by one pump. What must act at once (stop, end, leaving) does its
visible part when it arrives and its clean-up in the pump. A session is started by the first
input that needs one; input that comes meanwhile waits in a bounded inbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from neko.audio.resample import PcmStream
from neko.errors import ModelError, NekoError
from neko.messages import Message, describe, message
from neko.sessions import prompt
from neko.sessions.actions import (
    Action,
    EndSession,
    Mode,
    Ping,
    RetryReply,
    ScreenshotResponse,
    SendAudio,
    SendImage,
    SendText,
    StartSession,
    StopReply,
)
from neko.sessions.audience import Audience
from neko.sessions.conversation import Conversation
from neko.sessions.events import (
    Event,
    Hello,
    LineStored,
    ModelChanged,
    Pong,
    RequestScreenshot,
    SessionEndedByServer,
    SessionFailed,
    SessionPreparing,
    SessionStarted,
    Status,
)
from neko.sessions.outbox import Outbox
from neko.sessions.parts import Parts, Voice
from neko.tasks import Owner
from neko.types import Line, ModelSession, SessionLost, SessionSetup, UserAudio, UserImage

logger = logging.getLogger(__name__)

MODEL_RATE = 16_000
_RECEIPTS = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An action in the inbox, with the monotonic time it came."""

    action: Action
    received: float


class SessionManager:
    """Drives a model session for one character. Has its own tasks; a crash here stays here."""

    def __init__(self, character: str, parts: Parts) -> None:
        self.character = character
        self._parts = parts
        self._owner = Owner(f"session:{character}")
        self._audience = Audience()
        self._talk = Conversation(character, parts, self._audience, self._owner)
        self._inbox: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._session: ModelSession | None = None
        self._mode: Mode = "text"
        self._starting: tuple[Mode, asyncio.Task[None]] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._images: list[bytes] = []
        self._receipts: dict[str, Line] = {}
        self._microphone: PcmStream | None = None
        self._screenshot: asyncio.Future[bytes] | None = None
        self._pumping = self._owner.spawn(self._pump(), name="pump")

    # ── clients ───────────────────────────────────────────────────────────────

    async def attach(self, outbox: Outbox) -> None:
        """Make this client the owner: greet it, and let it catch up with a running reply."""
        last = await self._parts.memory.lines(self.character, limit=1)
        self._audience.attach(outbox)
        persona = self._parts.persona()
        outbox.put(
            Hello(
                self.character,
                persona.master,
                self._talk.state,
                self._session.label if self._session else self._parts.label(),
                self._talk.voice.kind,
                persona.language,
                max(last[-1].id if last else 0, self._talk.last_line_id),
            )
        )
        if so_far := self._talk.caught_up():
            outbox.put(so_far)

    def detach(self, outbox: Outbox) -> None:
        """The client is gone; when it was the owner its session ends quietly."""
        if self._audience.detach(outbox):
            self._end()

    @contextmanager
    def tap(self, outbox: Outbox) -> Iterator[None]:
        """Read along without owning the conversation."""
        self._audience.add_tap(outbox)
        try:
            yield
        finally:
            self._audience.remove_tap(outbox)

    def emit(self, event: Event) -> None:
        """Tell the clients something that does not come from the conversation itself."""
        self._audience.emit(event)

    def close_clients(self, code: int, reason: str) -> None:
        """Close every client of this character."""
        self._audience.close(code, reason)

    # ── actions ───────────────────────────────────────────────────────────────

    def handle(self, action: Action) -> None:
        """Take an action. Never waits; what takes time happens in the pump, in order."""
        match action:
            case Ping():
                self.emit(Pong())
            case EndSession():
                self._end(say_so=True)
            case StopReply():
                self._talk.silence()
                self._put(action, first=True)
            case StartSession(mode, fresh):
                if fresh:
                    self._inbox.clear()
                    self._images.clear()
                if not self._is_starting(mode):
                    self._put(action)
            case ScreenshotResponse(jpeg):
                if self._screenshot and not self._screenshot.done():
                    self._screenshot.set_result(jpeg)
            case SendAudio():
                self._put_audio(action)
            case _:
                if len(self._inbox) < self._parts.limits.inbox:
                    self._put(action)
                else:
                    self._say("inbox_full")

    def _is_starting(self, mode: Mode) -> bool:
        waiting = (w.action.mode for w in self._inbox if isinstance(w.action, StartSession))
        return mode in waiting or (self._starting is not None and self._starting[0] == mode)

    def _put(self, action: Action, *, first: bool = False) -> None:
        waiting = _Waiting(action, asyncio.get_running_loop().time())
        if first:
            self._inbox.appendleft(waiting)
        else:
            self._inbox.append(waiting)
        self._wake.set()

    def _put_audio(self, action: SendAudio) -> None:
        now = asyncio.get_running_loop().time()
        if self._session is None and self._starting is None and now < self._not_before:
            return
        oldest = now - self._parts.limits.waiting_audio
        self._inbox = deque(w for w in self._inbox if not isinstance(w.action, SendAudio) or w.received >= oldest)
        self._put(action)

    def _end(self, *, say_so: bool = False) -> None:
        self._inbox.clear()
        self._images.clear()
        if self._starting:
            self._starting[1].cancel()
        self._inbox.append(_Waiting(EndSession(), 0.0 if say_so else -1.0))
        self._wake.set()

    # ── the pump ──────────────────────────────────────────────────────────────

    async def _pump(self) -> None:
        while True:
            while not self._inbox:
                self._wake.clear()
                await self._wake.wait()
            waiting = self._inbox.popleft()
            try:
                await self._process(waiting)
            except NekoError as error:
                self._tell(error)
                self._talk.rest()
            except Exception:
                logger.exception("%s: %s failed", self.character, type(waiting.action).__name__)
                self._say("internal")
                self._talk.rest()

    async def _process(self, waiting: _Waiting) -> None:
        match waiting.action:
            case EndSession():
                await self._end_session(say_so=waiting.received >= 0)
            case StopReply():
                await self._talk.stop()
            case StartSession(mode):
                await self._start(mode)
            case SendText(text, client_id):
                await self._take_text(text.strip(), client_id, waiting.received)
            case RetryReply():
                await self._retry(waiting.received)
            case SendImage(jpeg):
                await self._take_image(jpeg)
            case SendAudio(pcm, rate):
                await self._take_audio(pcm, rate)

    async def _take_text(self, text: str, client_id: str | None, received: float) -> None:
        if client_id and client_id in self._receipts:
            self.emit(LineStored(self._receipts[client_id]))
            return
        images = tuple(self._images)
        self._images.clear()
        if not text and not images:
            return
        stored, recalled = await self._talk.hear(text, len(images), client_id)
        line = stored.line
        if client_id:
            self._remember_receipt(client_id, line)
        if not stored.fresh and await self._parts.memory.lines(self.character, after=line.id, limit=1):
            return  # sent again after a reconnect, and answered since
        if session := await self._session_for("text"):
            await self._talk.ask(session, line, images, recalled, received=received)
        else:
            self._talk.rest()

    def _remember_receipt(self, client_id: str, line: Line) -> None:
        self._receipts[client_id] = line
        if len(self._receipts) > _RECEIPTS:
            del self._receipts[next(iter(self._receipts))]

    async def _retry(self, received: float) -> None:
        exchange = await self._talk.last_exchange()
        if exchange is None:
            self._say("nothing_to_retry")
            return
        line, reply = exchange
        await self._talk.take_floor()
        if session := await self._session_for("text"):
            replaces = reply.id if reply else None
            await self._talk.ask(session, line, (), [], received=received, again=True, replaces=replaces)

    async def _take_image(self, jpeg: bytes) -> None:
        if self._session and self._mode == "audio":
            await self._session.send(UserImage(jpeg))
        else:
            self._images = [*self._images, jpeg][-self._parts.limits.images :]

    async def _take_audio(self, pcm: bytes, rate: int) -> None:
        session = await self._session_for("audio")
        if session is None:
            return
        if rate != MODEL_RATE:
            self._microphone = self._microphone or PcmStream(rate, MODEL_RATE)
            loop = asyncio.get_running_loop()
            pcm = await loop.run_in_executor(self._parts.executor, self._microphone.process, pcm)
        await session.send(UserAudio(pcm))

    # ── the session ───────────────────────────────────────────────────────────

    async def _session_for(self, mode: Mode) -> ModelSession | None:
        """The session that takes this kind of input, started when there is none; ``None`` when that failed."""
        if self._session is not None and self._mode != mode:
            await self._end_session(say_so=True)
        if self._session is None:
            await self._start(mode)
        return self._session

    async def _start(self, mode: Mode) -> None:
        if mode == "audio" and asyncio.get_running_loop().time() < self._not_before:
            return
        task = self._owner.spawn(self._open(mode), name=f"start {mode}")
        self._starting = (mode, task)
        try:
            await asyncio.wait({task})
        finally:
            self._starting = None
            task.cancel()

    async def _open(self, mode: Mode) -> None:
        self.emit(SessionPreparing(mode))
        if self._session:
            await self._end_session()
        self._mode = mode
        session: ModelSession | None = None
        try:
            async with asyncio.timeout(self._parts.limits.start[mode]):
                session = self._parts.model(mode, self._owner)
                await session.open(await self._setup())
        except (NekoError, TimeoutError) as error:
            await self._start_failed(mode, session, error)
            return
        except asyncio.CancelledError:
            if session:
                await self._close(session)
            raise
        self._failures = 0
        self._adopt(session)
        self.emit(SessionStarted(mode))

    async def _setup(self) -> SessionSetup:
        persona = self._parts.persona()
        try:
            async with asyncio.timeout(self._parts.limits.memory_at_start):
                recent = await self._parts.memory.recent(self.character)
        except (NekoError, TimeoutError) as error:
            logger.warning("%s: starting without memory: %s", self.character, type(error).__name__)
            self._say("memory_absent")
            recent = []
        instructions = prompt.compose(persona, recent, self._parts.now())
        return SessionSetup(
            self.character, persona.master, instructions, persona.language, self._talk.voice.settings.voice
        )

    def _adopt(self, session: ModelSession) -> None:
        self._session = session
        self._talk.adopt(session)
        self._listener = self._owner.spawn(self._listen(session), name="listen")
        self._owner.spawn(self._prewarm_voice(), name="prewarm voice")

    async def _start_failed(self, mode: Mode, session: ModelSession | None, error: Exception) -> None:
        if session:
            await self._close(session)
        limits = self._parts.limits
        pause = min(limits.longest_pause, limits.first_pause * 2**self._failures)
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause
        said = self._tell(error if isinstance(error, NekoError) else self._too_slow())
        self.emit(SessionFailed(mode, said.text))

    def _too_slow(self) -> NekoError:
        label = self._parts.label()
        return ModelError("start timed out", model=label.model, provider=label.provider)

    async def _prewarm_voice(self) -> None:
        try:
            async with asyncio.timeout(self._parts.limits.prewarm):
                await self._talk.voice.engine.prewarm(self._parts.persona().language)
        except NekoError as error:
            self._tell(error)
        except TimeoutError:
            logger.warning("%s: the voice is slow to warm up", self.character)

    async def _listen(self, session: ModelSession) -> None:
        async for event in session.events():
            if isinstance(event, SessionLost):
                self._owner.spawn(self._lost(session, event.error), name="lost")
                return
            try:
                await self._talk.on_event(event)
            except NekoError as error:
                self._tell(error)
            except Exception:
                logger.exception("%s: %s failed", self.character, type(event).__name__)
                self._say("internal")

    async def _lost(self, session: ModelSession, error: NekoError) -> None:
        if session is self._session:
            self._tell(error)
            self.emit(SessionEndedByServer(self._mode))
            await self._end_session()

    async def _end_session(self, *, say_so: bool = False) -> None:
        session, self._session = self._session, None
        listener, self._listener = self._listener, None
        self._microphone = None
        await self._talk.release()
        if session is None:
            return
        if listener:
            listener.cancel()
        await self._close(session)
        if say_so:
            self._say("left", name=self.character)

    async def _close(self, session: ModelSession) -> None:
        try:
            async with asyncio.timeout(self._parts.limits.close):
                await session.aclose()
        except TimeoutError:
            logger.warning("%s: the model session did not close in time", self.character)

    # ── changes from outside ──────────────────────────────────────────────────

    def model_changed(self) -> None:
        """The configuration names another model: the next input starts a session with it."""
        self._end()
        self.emit(ModelChanged(self._parts.label()))

    async def use_voice(self, voice: Voice) -> None:
        """Speak with another engine or setting from the next reply on."""
        await self._talk.use_voice(voice)

    async def request_screenshot(self, wait: float = 3.0) -> bytes | None:
        """Ask the page for a picture of the screen: a JPEG, or ``None`` when it does not answer in time."""
        self._screenshot = asyncio.get_running_loop().create_future()
        self.emit(RequestScreenshot())
        try:
            async with asyncio.timeout(wait):
                return await self._screenshot
        except TimeoutError:
            return None
        finally:
            self._screenshot = None

    @property
    def active(self) -> bool:
        """Is a session up?"""
        return self._session is not None

    async def aclose(self) -> None:
        """End the session, keep what was said, end every task."""
        self._pumping.cancel()
        if self._starting:
            self._starting[1].cancel()
        await self._end_session()
        await self._talk.aclose()
        await self._owner.aclose()

    # ── telling ───────────────────────────────────────────────────────────────

    def _tell(self, error: NekoError) -> Message:
        said = describe(error, self._parts.persona().language)
        self.emit(Status(said.text, said.code, said.remedy, said.link, level="error"))
        return said

    def _say(self, code: str, **params: str) -> None:
        said = message(code, self._parts.persona().language, params)
        self.emit(Status(said.text, said.code, said.remedy, said.link))
