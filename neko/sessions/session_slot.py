"""The model sessions of one character: the one that answers, and the one that is being prepared.

A session is started when an input needs it and takes the place of the one before only when it is
ready; when it fails, the one before goes on. A start that fails is told once (a status, then ``session_failed``);
the next one that nobody asked for explicitly waits longer each time. Events are those of the current session, by its
handle.

A successor is prepared unseen (``renew``), and takes over at a moment that others choose (``take_over``), told what was
said since it read the log. A session whose events end has been lost: a successor that is there, or on its way, takes
over; in a call, or when words wait, one is made, and tried for again for a while (a network that changes is back in
seconds). The second such loss within a short while is told. If none can be had the loss is told, and the next input
starts one.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from uuid import uuid4

from neko.errors import (
    ModelCallLostError,
    ModelError,
    ModelSessionEndedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    NekoError,
)
from neko.i18n import describe
from neko.memory_errors import MemoryLateError
from neko.sessions import prompt
from neko.sessions.actions import Mode
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import AutoCloseMic, SessionFailed, SessionPreparing, SessionStarted
from neko.sessions.look_tool import may_look
from neko.sessions.lorebook import book_of
from neko.sessions.prompt_lines import Instructions
from neko.sessions.recall_tool import is_more_kept
from neko.sessions.said_lines import ReadLines
from neko.sessions.session_handle import SessionHandle
from neko.sessions.slot_observer import SlotObserver
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.tool_runner import offered
from neko.sessions.unkept_lines import began_with_memory, began_without_memory, memory_failed
from neko.tasks import TaskOwner, in_thread, is_cancelled
from neko.types import facts
from neko.types.memory import RecentEntry
from neko.types.model_session import (
    ModelSession,
    SessionEnds,
    SessionLost,
    SessionSetup,
    TextDelta,
    Tool,
)

logger = logging.getLogger(__name__)


class SlowStartError(NekoError):
    """This computer did not get a session ready in time. ``params``: seconds."""

    code = "slow_start"
    permanent = False


_MENDS = 3
_MENDS_WITHIN_S = 60.0
"""So many sessions that were lost within this time are replaced unasked."""
_TOLD_AT = 2
"""At this one of them the user is told that something is wrong."""


class SlotState(Enum):
    EMPTY = "empty"
    STARTING = "starting"
    READY = "ready"
    REPLACING = "replacing"
    """Ready, while its successor is being prepared."""


class _Purpose(Enum):
    START = "start"
    """An input waits for it, which is told."""
    RENEWAL = "renewal"
    """It waits for its moment."""
    AHEAD = "ahead"
    """It waits for somebody to ask for it."""
    MEND = "mend"
    """It replaces one that was lost as soon as it can."""


@dataclass(slots=True, eq=False)
class _Preparation:
    """A session that is being prepared, or, with its ``handle``, waits; its id will be the session's. ``lost``: what it
    is to replace, ``tries``: how often that has failed; ``pauses``: it is not being tried yet."""

    mode: Mode
    purpose: _Purpose = _Purpose.START
    id: str = field(default_factory=lambda: uuid4().hex)
    task: asyncio.Task[None] | None = None
    handle: SessionHandle | None = None
    lost: SessionHandle | None = None
    tries: int = 0
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class _Backoff:
    """Starts that failed in a row, and the monotonic time before which no other is tried unasked."""

    failures: int = 0
    not_before: float = 0.0


class ModelSessionSlot:
    """Holds ``current`` and prepares its successor. Nothing here waits but its own tasks."""

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        owner: TaskOwner,
        clients: Clients,
        status: StatusReporter,
        observer: SlotObserver,
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._timeouts = dependencies.timeouts
        self._owner = owner
        self._clients = clients
        self._status = status
        self._observer = observer
        self.current: SessionHandle | None = None
        self._next: _Preparation | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._backoffs: dict[Mode, _Backoff] = {"text": _Backoff(), "audio": _Backoff()}
        self._losses: deque[float] = deque(maxlen=_MENDS)

    @property
    def state(self) -> SlotState:
        if self.current is None:
            return SlotState.STARTING if self._next else SlotState.EMPTY
        return SlotState.REPLACING if self._next else SlotState.READY

    @property
    def starting(self) -> Mode | None:
        """The mode of the start in progress, which is not what is prepared unseen."""
        return self._next.mode if self._next and self._next.purpose in (_Purpose.START, _Purpose.MEND) else None

    def backing_off(self, mode: Mode) -> bool:
        """After failures: is it too early for a start of this kind that nobody asked for?"""
        return self.starting is None and asyncio.get_running_loop().time() < self._backoffs[mode].not_before

    def need(self, mode: Mode) -> None:
        """See to it that this kind of input has a session: a new one unless one takes it or is on its way."""
        if self.current and self.current.leaves:
            if self._next is None and not self.current.takes(mode):
                self._observer.on_successor_wanted()
        elif self.starting is None and not (self.current and self.current.takes(mode)):
            self.start(mode)

    def start(self, mode: Mode) -> None:
        """Prepare a new session, in place of any other; one for the same mode that is ready or on its way serves this
        too."""
        if self._next and self._next.mode == mode and not self._next.pauses:
            if self._next.purpose is not _Purpose.START:
                self._want(self._next)
            return
        self._give_up_next()
        self._begin(_Preparation(mode))
        self._observer.on_session_starting()

    def _want(self, preparation: _Preparation) -> None:
        """Somebody asks for what was prepared unseen."""
        preparation.purpose, preparation.lost = _Purpose.START, None
        self._clients.emit(SessionPreparing(preparation.mode))
        if preparation.handle:
            self._promote(preparation, preparation.handle)
        else:
            self._observer.on_session_starting()

    def renew(self) -> None:
        """Prepare a successor of the current session."""
        if self.current and self._next is None:
            self._begin(_Preparation(self.current.mode, _Purpose.RENEWAL))

    def prepare_ahead(self, mode: Mode) -> None:
        """Open a session that nobody has asked for yet, if it costs nothing to keep it open; for a while."""
        if self.current is None and self._next is None:
            ahead = _Preparation(mode, _Purpose.AHEAD)
            self._begin(ahead)
            asyncio.get_running_loop().call_later(self._timeouts.ahead_s, self._expire, ahead)

    def _expire(self, ahead: _Preparation) -> None:
        if self._next is ahead and ahead.purpose is _Purpose.AHEAD:
            self._give_up_next()

    def take_over(self) -> bool:
        """Let the successor that is ready answer from now on; False when there is none, or it was told what is no
        longer so: then it is given up."""
        ready = self._next
        if ready is None or ready.purpose is not _Purpose.RENEWAL or ready.handle is None:
            return False
        if self._observer.contradicts(ready.handle.read):
            self._give_up_next()
            return False
        self._promote(ready, ready.handle)
        return True

    def lose(self, error: NekoError) -> None:
        """The current session hears nothing, though its connection may stand: as one that broke off."""
        if self.current:
            self._lost(self.current, error)

    def discard(self) -> None:
        """Give up what is prepared unseen."""
        if self._next and self._next.purpose in (_Purpose.RENEWAL, _Purpose.AHEAD):
            self._give_up_next()

    def _begin(self, preparation: _Preparation) -> None:
        self._next = preparation
        name = f"{preparation.purpose.value} {preparation.mode}"
        preparation.task = self._owner.spawn(self._prepare(preparation), name=name)

    def _give_up_next(self) -> None:
        given_up, self._next = self._next, None
        if given_up is None:
            return
        if given_up.task:
            given_up.task.cancel()
        if given_up.handle:
            self._close_quietly(given_up.handle)

    def restart(self, mode: Mode) -> None:
        """A client asks for a new session: the current one is left at once; a start on its way serves this too."""
        if self._next and self._next.mode == mode and self._next.purpose is _Purpose.START:
            return
        handle, self.current = self.current, None
        if handle:
            self._retire(handle)
            self._observer.on_session_gone(handle)
        self.start(mode)

    def become_call(self) -> bool:
        """A call begins in the talk that is under way, if its session has ears and is still asked: nothing is cut,
        nothing forgotten."""
        handle = self.current
        if handle is None or handle.leaves or handle.mode == "audio" or self.starting is not None:
            return False
        if not handle.session.capabilities.hearing:
            return False
        self.discard()
        handle.mode = "audio"
        self._clients.emit(SessionPreparing("audio"))
        self._clients.emit(SessionStarted("audio"))
        return True

    def drop(self) -> bool:
        """Give up a start in progress and leave the current session; was there any?"""
        starts = self.starting is not None
        self._give_up_next()
        handle, self.current = self.current, None
        if starts:
            self._observer.on_session_unavailable()
        if handle:
            self._retire(handle)
            self._observer.on_session_gone(handle)
        return handle is not None

    async def aclose(self) -> None:
        """Leave every session and wait until it is closed."""
        starting = self._next.task if self._next else None
        self.drop()
        if starting:
            await asyncio.wait({starting}, timeout=self._timeouts.close_timeout_s)
        if self._closing:
            await asyncio.wait(self._closing, timeout=self._timeouts.close_timeout_s)

    # ── starting ──────────────────────────────────────────────────────────────

    async def _prepare(self, start: _Preparation) -> None:
        if start.purpose is _Purpose.START:
            self._clients.emit(SessionPreparing(start.mode))
        if start.pauses:
            await asyncio.sleep(self._timeouts.mend_pauses_s[start.tries - 1])
            start.pauses = False
        session: ModelSession | None = None
        slow = asyncio.get_running_loop().call_later(
            self._timeouts.slow_start_s, lambda: self._tell_slow(start, session)
        )
        try:
            session = self._dependencies.model(start.mode, self._owner)
            if start.purpose is _Purpose.AHEAD and not session.capabilities.idles_free:
                self._expire(start)
                self._close_later(session)
                return
            connects = session.capabilities.connects
            async with asyncio.timeout(self._timeouts.start_timeout_s(start.mode, connects=connects)):
                began = self._dependencies.now()
                setup, instructions, read = await self._setup(session, began)
                await session.open(setup)
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception) and is_cancelled():
                if session:
                    self._close_later(session)
                raise
            self._failed(start, session, error)
        else:
            self._prepared(start, SessionHandle(session, start.mode, start.id, instructions, began, setup.tools, read))
        finally:
            slow.cancel()

    def _tell_slow(self, start: _Preparation, session: ModelSession | None) -> None:
        if start.purpose is _Purpose.START and not (session and session.capabilities.connects):
            self._status.notify("starting_slowly")

    def _prepared(self, start: _Preparation, handle: SessionHandle) -> None:
        if self._next is not start:
            self._close_later(handle.session)
            return
        start.task = None
        handle.listener = self._owner.spawn(self._listen(handle), name="listen")
        if start.purpose in (_Purpose.RENEWAL, _Purpose.AHEAD):
            start.handle = handle
            self._observer.on_successor_ready(handle)
        else:
            self._promote(start, handle)

    def _promote(self, start: _Preparation, handle: SessionHandle) -> None:
        self._next = None
        self._backoffs[start.mode] = _Backoff()
        previous, self.current = self.current, handle
        follows = start.purpose is not _Purpose.START
        if previous and follows:
            self._close_quietly(previous)
        elif previous:
            self._retire(previous)
        if not follows:
            self._clients.emit(SessionStarted(handle.mode))
            self._dependencies.bus.session.publish(facts.session_started(self._character, handle.mode))
        self._observer.on_session_ready(handle, follows=follows)

    async def _setup(self, session: ModelSession, began: datetime) -> tuple[SessionSetup, Instructions, ReadLines]:
        memory = self._dependencies.memory
        try:
            async with asyncio.timeout(self._timeouts.recent_timeout_s):
                await self._dependencies.read_settings()
                recent = await memory.recent(self._character, with_left=True)
                known = await memory.facts(self._character)
                questions = await memory.open_questions(self._character)
        except (NekoError, TimeoutError) as error:
            logger.warning("%s: starting without memory: %s", self._character, type(error).__name__)
            if isinstance(error, NekoError):
                memory_failed(self._dependencies.faults, self._character, error)
            else:
                began_without_memory(self._dependencies.faults, self._character, self._memory_is_late())
            recent, known, questions = [], [], []
        else:
            began_with_memory(self._dependencies.faults, self._character)
        persona = self._dependencies.persona()
        await in_thread(book_of, persona.lorebook)
        unkept = self._observer.unkept
        said = [*recent, *(RecentEntry(line.role, line.text, at=line.at) for line in unkept)]
        answers_now = self.current is not None and self.current.takes("text")
        asked = self._observer.pending if session.capabilities.text_input and not answers_now else ()
        pending, is_again = [request.text for request in asked], bool(asked) and asked[-1].again
        before = prompt.before(said, pending, again=is_again)
        to_come = [entry.id for entry in said[len(before) :]]
        read = ReadLines.of(recent, unkept, besides=0 if is_again else len(to_come))
        gist, most = self._dependencies.gist, session.capabilities.most_tokens
        instructions = await in_thread(prompt.compose, persona, before, began, known, questions, gist, most)
        setup = SessionSetup(
            self._character,
            persona.master,
            instructions.text,
            persona.language,
            self._observer.voice_name,
            await self._tools(session, instructions.lines.union(to_come), pending),
            tuple(before),
            {name: str(value) for name, value in persona.traits.get(self._character, {}).items()},
            self._dependencies.known,
            gist,
        )
        return setup, instructions, read

    def _memory_is_late(self) -> NekoError:
        seconds = self._timeouts.recent_timeout_s
        return MemoryLateError("a session began without memory", file="", reason="slow", seconds=f"{seconds:g}")

    async def _tools(self, session: ModelSession, shown: Collection[int], pending: Sequence[str]) -> tuple[Tool, ...]:
        """What the session is told of; ``shown`` are the lines that it has before it or is about to have, besides
        the words that are ``pending``."""
        if not session.capabilities.tools:
            return ()
        is_more = False
        with suppress(NekoError, TimeoutError):  # the next turn tells
            async with asyncio.timeout(self._timeouts.recent_timeout_s):
                is_more = bool(self._dependencies.also_knows()) or await is_more_kept(
                    self._dependencies.memory, self._character, shown, pending
                )
        language = self._dependencies.persona().language
        words = " ".join(pending)
        look = may_look(session.capabilities, words, self._dependencies)
        return offered(self._dependencies.toolbox, words, language, recall=is_more, look=look)

    def _failed(self, start: _Preparation, session: ModelSession | None, error: BaseException) -> None:
        if session:
            self._close_later(session)
        if self._next is not start:
            return
        self._next = None
        if not isinstance(error, NekoError | TimeoutError):
            logger.error("%s: a session could not be made", self._character, exc_info=error)
        connects = session is None or session.capabilities.connects
        cause = error if isinstance(error, NekoError) else self._start_error(start.mode, error, connects=connects)
        if start.lost:
            self._try_again(start, start.lost, cause)
            return
        if start.purpose is not _Purpose.START:
            logger.warning("%s: no session could be prepared: %s", self._character, error)
            if self.current and self.current.leaves:
                self._status.report(cause)
            self._observer.on_successor_failed()
            return
        self._backoffs[start.mode] = self._longer(self._backoffs[start.mode], cause)
        self._status.report(cause)
        self._status.tell(lambda language: SessionFailed(start.mode, describe(cause, language).text))
        if start.mode == "audio" and cause.permanent:
            self._status.tell(lambda language: AutoCloseMic(describe(cause, language).text))
        self._observer.on_session_unavailable()

    def _start_error(self, mode: Mode, error: BaseException, *, connects: bool) -> NekoError:
        label = self._dependencies.label()
        if isinstance(error, TimeoutError):
            seconds = round(self._timeouts.start_timeout_s(mode, connects=connects))
            if not connects:
                return SlowStartError("no start", seconds=seconds)
            return ModelTimeoutError("no start", model=label.model, provider=label.provider, seconds=seconds)
        return ModelError(f"no start: {type(error).__name__}", model=label.model, provider=label.provider)

    def _longer(self, backoff: _Backoff, cause: NekoError) -> _Backoff:
        """The pause after one more failure; what cannot succeed is not tried again unasked."""
        pause_s = min(self._timeouts.longest_pause_s, self._timeouts.first_pause_s * 2**backoff.failures)
        not_before = math.inf if cause.permanent else asyncio.get_running_loop().time() + pause_s
        return _Backoff(backoff.failures + 1, not_before)

    def forget_failures(self) -> None:
        """Another model is configured: what failed before may succeed now."""
        self._backoffs = {"text": _Backoff(), "audio": _Backoff()}

    # ── listening ─────────────────────────────────────────────────────────────

    async def _listen(self, handle: SessionHandle) -> None:
        """Hand on the events of a session; their end, however it comes, is the loss of the session."""
        label = handle.session.label
        error: NekoError = ModelStreamBrokenError("its events ended", model=label.model, provider=label.provider)
        replying = ""
        try:
            async for event in handle.session.events():
                if isinstance(event, SessionLost):
                    error = event.error
                    break
                if isinstance(event, SessionEnds):
                    handle.ends_at = event.at
                self._observer.on_session_event(handle.id, event)
                if isinstance(event, TextDelta) and event.reply_id != replying:
                    replying = event.reply_id
                    await asyncio.sleep(0)  # the first words leave before the rest is looked at
        except NekoError as failure:
            error = failure
        except (Exception, asyncio.CancelledError) as failure:
            if not isinstance(failure, Exception) and is_cancelled():
                raise
            logger.exception("%s: the events of a session broke off", self._character)
        self._lost(handle, error)

    def _lost(self, handle: SessionHandle, error: NekoError) -> None:
        if self._next and self._next.handle is handle:
            self._give_up_next()
            self._observer.on_successor_failed()
        if handle is not self.current:
            return
        self.current = None
        self._close_quietly(handle)
        told = self._observer.on_session_broken(handle, error)
        words_wait = bool(self._observer.pending)
        prepared = self._next.handle if self._next else None
        if words_wait or (prepared and self._observer.contradicts(prepared.read)):
            self.discard()  # it may have read the words that it would be asked
        successor = self._next
        if successor and successor.purpose is _Purpose.START:
            self._dependencies.bus.session.publish(facts.session_ended(self._character))
        elif successor and not self._is_hopeless():
            self._tell_of_losses(handle, told=told)
            successor.purpose, successor.lost = _Purpose.MEND, handle
            if successor.handle:
                self._promote(successor, successor.handle)
        elif (words_wait or handle.mode == "audio") and successor is None and not self._is_hopeless():
            self._tell_of_losses(handle, told=told)
            self._begin(_Preparation(handle.mode, _Purpose.MEND, lost=handle))
        else:
            self.discard()
            if handle.mode == "audio" and isinstance(error, ModelStreamBrokenError | ModelSessionEndedError):
                label = handle.session.label
                error = ModelCallLostError(str(error), model=label.model, provider=label.provider)
            self._give_up(handle, error)

    def _try_again(self, start: _Preparation, lost: SessionHandle, cause: NekoError) -> None:
        """No successor of a lost session could be had: that may be otherwise in a moment."""
        pauses_s, most_s = self._timeouts.mend_pauses_s[start.tries :], self._timeouts.mend_within_s
        since_s = asyncio.get_running_loop().time() - self._losses[-1]
        if cause.permanent or not pauses_s or since_s + pauses_s[0] > most_s:
            self._give_up(lost, cause)
            return
        if start.tries == 0:
            self._status.report_tries(cause)
        again = _Preparation(start.mode, _Purpose.MEND, lost=lost, tries=start.tries + 1, pauses=True)
        self._begin(again)

    def _give_up(self, handle: SessionHandle, error: NekoError) -> None:
        self._backoffs[handle.mode] = self._longer(_Backoff(len(self._losses)), error)  # sound may be on its way still
        self._dependencies.bus.session.publish(facts.session_ended(self._character))
        self._observer.on_session_lost(handle, error)

    def _is_hopeless(self) -> bool:
        """Have so many been lost lately that another would be, too? This loss counts from now on."""
        now = asyncio.get_running_loop().time()
        many = len(self._losses) == _MENDS and now - self._losses[0] < _MENDS_WITHIN_S
        self._losses.append(now)
        return many

    def _tell_of_losses(self, handle: SessionHandle, *, told: bool) -> None:
        """One loss that is mended is nobody's concern; the second within a short while is told, and no further one.
        ``told``: the user knows of this one, by the reply that it cost."""
        lately = sum(self._losses[-1] - at < _MENDS_WITHIN_S for at in self._losses)
        if lately == _TOLD_AT and not told:
            self._status.notify("sessions_break_off", provider=handle.session.label.provider)

    # ── closing ───────────────────────────────────────────────────────────────

    def _retire(self, handle: SessionHandle) -> None:
        self._dependencies.bus.session.publish(facts.session_ended(self._character))
        self._close_quietly(handle)

    def _close_quietly(self, handle: SessionHandle) -> None:
        if handle.listener and handle.listener is not asyncio.current_task():
            handle.listener.cancel()
        self._close_later(handle.session)

    def _close_later(self, session: ModelSession) -> None:
        if self._owner.closed:
            return
        task = self._owner.spawn(self._close(session), name="close a session")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, session: ModelSession) -> None:
        try:
            async with asyncio.timeout(self._timeouts.close_timeout_s):
                await session.aclose()
        except TimeoutError:
            logger.warning("%s: the model session did not close in time", self._character)
