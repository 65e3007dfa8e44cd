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
from neko.errors import NekoError
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
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies, Voice
from neko.sessions.events import (
    Event,
    Hello,
    LineStored,
    ModelChanged,
    Pong,
    RequestScreenshot,
)
from neko.sessions.outbox import Outbox
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.tasks import TaskOwner
from neko.types.lines import Line
from neko.types.model_session import UserAudio, UserImage

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

    def __init__(self, character: str, parts: SessionDependencies) -> None:
        self.character = character
        self._parts = parts
        self._owner = TaskOwner(f"session:{character}")
        self._clients = Clients()
        self._status = StatusReporter(self._clients, lambda: parts.persona().language)
        self._talk = TurnController(character, parts, self._clients, self._owner, self._status)
        self._life = ModelSessionSlot(character, parts, self._owner, self._clients, self._talk, self._status)
        self._inbox: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._images: list[bytes] = []
        self._receipts: dict[str, Line] = {}
        self._microphone: PcmStream | None = None
        self._screenshot: asyncio.Future[bytes] | None = None
        self._pumping = self._owner.spawn(self._pump(), name="pump")

    # ── clients ───────────────────────────────────────────────────────────────

    async def attach(self, outbox: Outbox) -> None:
        """Make this client the owner: greet it, and let it catch up with a running reply."""
        last = await self._parts.memory.lines(self.character, limit=1)
        self._clients.attach(outbox)
        persona = self._parts.persona()
        outbox.put(
            Hello(
                self.character,
                persona.master,
                self._talk.state,
                self._life.session.label if self._life.session else self._parts.label(),
                self._talk.voice.kind,
                persona.language,
                max(last[-1].id if last else 0, self._talk.last_line_id),
            )
        )
        if so_far := self._talk.caught_up():
            outbox.put(so_far)

    def detach(self, outbox: Outbox) -> None:
        """The client is gone; when it was the owner its session ends quietly."""
        if self._clients.detach(outbox):
            self._end()

    @contextmanager
    def tap(self, outbox: Outbox) -> Iterator[None]:
        """Read along without owning the conversation."""
        self._clients.add_tap(outbox)
        try:
            yield
        finally:
            self._clients.remove_tap(outbox)

    def emit(self, event: Event) -> None:
        """Tell the clients something that does not come from the conversation itself."""
        self._clients.emit(event)

    def close_clients(self, code: int, reason: str) -> None:
        """Close every client of this character."""
        self._clients.close(code, reason)

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
                    self._status.say("inbox_full")

    def _is_starting(self, mode: Mode) -> bool:
        waiting = (w.action.mode for w in self._inbox if isinstance(w.action, StartSession))
        return mode in waiting or self._life.starting == mode

    def _put(self, action: Action, *, first: bool = False) -> None:
        waiting = _Waiting(action, asyncio.get_running_loop().time())
        if first:
            self._inbox.appendleft(waiting)
        else:
            self._inbox.append(waiting)
        self._wake.set()

    def _put_audio(self, action: SendAudio) -> None:
        if self._life.resting:
            return
        oldest = asyncio.get_running_loop().time() - self._parts.limits.waiting_audio
        self._inbox = deque(w for w in self._inbox if not isinstance(w.action, SendAudio) or w.received >= oldest)
        self._put(action)

    def _end(self, *, say_so: bool = False) -> None:
        self._inbox.clear()
        self._images.clear()
        self._life.cancel_start()
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
                self._status.error(error)
                self._talk.rest()
            except Exception:
                logger.exception("%s: %s failed", self.character, type(waiting.action).__name__)
                self._status.say("internal")
                self._talk.rest()

    async def _process(self, waiting: _Waiting) -> None:
        match waiting.action:
            case EndSession():
                await self._life.end(say_so=waiting.received >= 0)
                self._microphone = None
            case StopReply():
                await self._talk.stop()
            case StartSession(mode):
                await self._life.start(mode)
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
            self._talk.rest()  # sent again after a reconnect, and answered since
            return
        if session := await self._life.session_for("text"):
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
            self._status.say("nothing_to_retry")
            return
        line, reply = exchange
        await self._talk.take_floor()
        if session := await self._life.session_for("text"):
            replaces = reply.id if reply else None
            await self._talk.ask(session, line, (), [], received=received, again=True, replaces=replaces)

    async def _take_image(self, jpeg: bytes) -> None:
        if self._life.session and self._life.mode == "audio":
            await self._life.session.send(UserImage(jpeg))
        else:
            self._images = [*self._images, jpeg][-self._parts.limits.images :]

    async def _take_audio(self, pcm: bytes, rate: int) -> None:
        session = None if self._life.resting else await self._life.session_for("audio")
        if session is None:
            return
        if rate != MODEL_RATE:
            self._microphone = self._microphone or PcmStream(rate, MODEL_RATE)
            loop = asyncio.get_running_loop()
            pcm = await loop.run_in_executor(self._parts.executor, self._microphone.process, pcm)
        await session.send(UserAudio(pcm))

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
        return self._life.session is not None

    async def aclose(self) -> None:
        """End the session, keep what was said, end every task."""
        self._pumping.cancel()
        self._life.cancel_start()
        await self._life.end()
        await self._talk.aclose()
        await self._owner.aclose()
