"""One character's conversation with whoever is connected.

``handle`` takes an action and returns at once: the turn machine decides what becomes of words
(``turns.py``), the slot starts and ends sessions (``session_slot.py``), the microphone has a way of
its own (``microphone.py``), and what is changed of what was said goes by ``edits`` (``log_edits.py``).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from neko.errors import CharacterError, ModelTimeoutError, NekoError
from neko.sessions import turn_events as on
from neko.sessions.actions import (
    Action,
    EndSession,
    HeardOnPage,
    MuteMicrophone,
    Ping,
    PushToTalk,
    ReduceNoise,
    ReportPlayback,
    ReportSight,
    RetryReply,
    ScreenshotResponse,
    SendAudio,
    SendImage,
    SendText,
    Sharing,
    StartSession,
    StopReply,
)
from neko.sessions.arbiter import Verdict
from neko.sessions.arrivals import Arrivals
from neko.sessions.clients import Clients
from neko.sessions.conversation_state import ConversationState, conversation_state
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import (
    Event,
    HearingReady,
    LineStored,
    ModelChanged,
    OffRecord,
    Pong,
    SessionEndedByServer,
)
from neko.sessions.last_exchange import LastExchange
from neko.sessions.log_edits import LogEdits
from neko.sessions.log_writer import TextRequest
from neko.sessions.manners import Presence
from neko.sessions.microphone import Microphone
from neko.sessions.outbox import GOING_AWAY, Outbox
from neko.sessions.privacy import Privacy
from neko.sessions.renewal import Moment
from neko.sessions.renewals import Renewals
from neko.sessions.said_lines import ReadLines
from neko.sessions.session_handle import SessionHandle
from neko.sessions.session_slot import ModelSessionSlot
from neko.sessions.speech_watch import Deaf, SpeechWatch
from neko.sessions.spoken_input import SpokenInput
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.turn_controller import TurnController
from neko.sessions.turn_events import Priority
from neko.sessions.unwanted_lines import UnwantedLines
from neko.sessions.visual_input import VisualInput
from neko.sessions.wishes import SpeakRequest
from neko.tasks import TaskOwner, to_the_end
from neko.types.lines import NewLine
from neko.types.model_session import (
    ForgetLines,
    ModelEvent,
    NameTold,
    SessionEnds,
    SessionNotice,
    UserImage,
    WordsAwaited,
)

logger = logging.getLogger(__name__)

_SHOWN_UNKEPT = 40
"""Lines that are not in the log yet, of which a client that comes, and a model, are told: the newest ones."""
_STREAMED = SendAudio | SendImage
_STREAM_PAUSE_S = 2.0
"""Seconds without sound or pictures from a client after which the next begin anew: its user has switched them on."""


class TextOutcome(Enum):
    """What became of a text."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    """It was sent before; its receipt has been or will be sent."""
    BLANK = "blank"
    REFUSED = "refused"
    """Too much waits to be written, which has been told."""


@dataclass(frozen=True, slots=True)
class TextReceipt:
    """``turn_id`` is that of the ``TurnEnd`` to come when the text was accepted."""

    outcome: TextOutcome
    turn_id: str = ""


class SessionManager:
    """Brings clients, turns, sessions and the microphone of one character together. A crash here stays here."""

    def __init__(self, character: str, dependencies: SessionDependencies) -> None:
        self.character = character
        self._dependencies = dependencies
        self._owner = TaskOwner(f"session:{character}")
        self._clients = Clients(return_timeout_s=dependencies.timeouts.return_timeout_s)
        self._status = StatusReporter(self._clients, lambda: dependencies.persona().language)
        self.visual_input = VisualInput(
            dependencies.limits.images,
            self._clients,
            self._status,
            current=lambda: self._slot.current,
            send=lambda jpeg: self._turns.send(UserImage(jpeg)),
            is_private=dependencies.is_private,
        )
        parts = character, dependencies, self._clients, self._owner, self._status, self.visual_input
        self._turns = TurnController(*parts, lambda: self._slot.need("text"), lambda: self._renewals.look())
        self._unwanted = UnwantedLines(character, dependencies.memory, self._clients, self._status.report)
        self._slot = ModelSessionSlot(character, dependencies, self._owner, self._clients, self._status, self)
        self._watch = SpeechWatch(
            self._owner,
            dependencies.detection,
            is_free=lambda: self._turns.machine.moment is Moment.QUIET and not self.spoken_input.held,
            on_change=lambda: self._renewals.look(),
            on_deaf=self._on_deaf_session,
        )
        self._microphone = Microphone(
            self._owner,
            dependencies.executor,
            hears_utterance=lambda: self._is_owed_to_speech,
            watch=self._watch,
            on_fault=self._on_microphone_fault,
        )
        self._renewals = Renewals(
            self._slot,
            lambda: dependencies.renewal_times(dependencies.timeouts.renewal),
            self._moment,
            self._microphone.speech_may_begin,
            self._turns.session.fold,
            self._microphone.sound_ago,
            self._leave_call,
        )
        self.spoken_input = SpokenInput(
            self._microphone,
            self._slot,
            self._turns,
            self._status,
            self.emit,
            dependencies.timeouts.quiet_call_timeout_s,
        )
        self.edits = LogEdits(character, dependencies, self._turns, self._slot, self.begin_anew, self.emit)
        seen = self._clients, self._status, self.visual_input, self._turns, self._slot
        self.privacy = Privacy(dependencies, *seen, self._microphone)
        self._last_exchange = LastExchange(character, dependencies, self._turns, self._status)
        self._arrivals = Arrivals(*parts, self._turns, self._slot, unkept=lambda: self.unkept, end=self._end)
        self._actions = 0
        self._retrying: asyncio.Task[None] | None = None
        self._streamed: WeakKeyDictionary[Outbox, float] = WeakKeyDictionary()

    # ── clients ───────────────────────────────────────────────────────────────

    async def attach(self, outbox: Outbox) -> None:
        """Make this client the owner: greet it, and let it catch up with a running reply."""
        await self._arrivals.attach(outbox)

    def detach(self, outbox: Outbox) -> None:
        """The client is gone. What runs goes on without it; the session ends quietly when nobody comes for long."""
        self._arrivals.detach(outbox)

    @contextmanager
    def tap(self, outbox: Outbox) -> Iterator[None]:
        """Read along without owning the conversation."""
        self._clients.add_tap(outbox)
        try:
            yield
        finally:
            self._clients.remove_tap(outbox)

    @contextmanager
    def view(self, outbox: Outbox) -> Iterator[None]:
        """Read along without being reckoned with: the conversation goes on as if nobody were there."""
        self._clients.add_viewer(outbox)
        try:
            yield
        finally:
            self._clients.remove_viewer(outbox)

    def emit(self, event: Event) -> None:
        """Tell the clients something that does not come from the conversation itself."""
        self._clients.emit(event)

    def tell(self, sentence: Callable[[str], Event]) -> None:
        """The same for an event that holds a sentence, made for the language of each client."""
        self._status.tell(sentence)

    def close_clients(self, code: int, reason: str) -> None:
        """Close every client of this character."""
        self._clients.close(code, reason)

    # ── actions ───────────────────────────────────────────────────────────────

    async def take(self, action: Action, sender: Outbox) -> None:
        """Take an action of a connected client.

        One that has been taken over is silent; by what its user does there it becomes the owner again. Words are
        kept whoever says them.
        """
        if isinstance(action, Ping):
            sender.put(Pong())
            return
        if isinstance(action, ReportSight):
            sender.in_sight = action.in_sight
            return
        if sender is not self._clients.owner and not sender.closed and self._is_deed(action, sender):
            await self.attach(sender)
        if isinstance(action, _STREAMED):
            self._streamed[sender] = self._now()
        if sender is self._clients.owner or isinstance(action, SendText):
            self.handle(action)

    def _is_deed(self, action: Action, sender: Outbox) -> bool:
        """Has the user of a silent client done something? Sound and pictures that go on are none."""
        if isinstance(action, SendImage) and action.kind == "live":
            return False
        if isinstance(action, _STREAMED):
            return self._now() - self._streamed.get(sender, -math.inf) > _STREAM_PAUSE_S
        return isinstance(action, SendText | StartSession | StopReply | RetryReply)

    def handle(self, action: Action) -> None:
        """Take an action of the owner, or of the program itself. Never waits."""
        if self.privacy.blocks(action):
            return
        if isinstance(action, SendText | StopReply | EndSession | StartSession):
            self._actions += 1
        match action:
            case Ping() | ReportSight():
                pass  # of a client, not of the conversation
            case SendText():
                self.say(action)
            case SendAudio() | ReportPlayback() | MuteMicrophone() | ReduceNoise() | PushToTalk() | HeardOnPage():
                self.spoken_input.take(action)
            case SendImage() | Sharing() | ScreenshotResponse():
                self.visual_input.take(action)
            case StopReply():
                self._turns.dispatch(on.Stop())
            case RetryReply():
                if self._turns.open_turn:
                    self._turns.dispatch(on.Stop())
                if self._retrying is not None:
                    self._retrying.cancel()  # it may wait still, and be unwanted by now
                before = self._actions
                retry = self._last_exchange.retry(self._now(), lambda: before == self._actions)
                self._retrying = self._owner.spawn(retry, name="retry")
            case StartSession(mode, fresh):
                if mode == "audio":
                    self._status.call_begins()
                    self._turns.voice.echo_cancelled = action.echo_cancelled
                if fresh:
                    self.visual_input.clear()
                    self._microphone.forget()
                if mode == "audio" and not fresh and self._slot.become_call():
                    self._tell_hearing()
                else:
                    self._slot.restart(mode)
            case EndSession():
                if self._end():
                    self._status.notify("left", name=self.character)

    def say(self, action: SendText) -> TextReceipt:
        """The user typed something: its turn begins at once, before anything else that waits."""
        client_id, text = action.client_id, action.words
        images = self.visual_input.with_words(blank=not text)
        if client_id and (line := self._turns.log.receipt(client_id)):
            self.emit(LineStored(line))
            return TextReceipt(TextOutcome.REPEATED)
        if client_id and self._turns.log.is_on_its_way(client_id):
            self._turns.log.tell_again(client_id)
            return TextReceipt(TextOutcome.REPEATED)
        if not text and not images:
            return TextReceipt(TextOutcome.BLANK)
        if self._turns.is_closed:
            return TextReceipt(TextOutcome.REFUSED)
        if self._turns.log.typed_lines_waiting >= self._dependencies.limits.waiting_lines:
            self._status.notify("inbox_full")
            return TextReceipt(TextOutcome.REFUSED)
        request = TextRequest(text, self._now(), images, client_id)
        keep = partial(self._turns.log.write_short_answer, request)
        if not images and (turn_id := self._turns.agent.takes(text, keep, spoken=False)):
            return TextReceipt(TextOutcome.ACCEPTED, turn_id)
        turn_id = self._turns.ask(request)
        return TextReceipt(TextOutcome.ACCEPTED, turn_id)

    def speak_first(self, instructions: str, priority: Priority, *, timeout_s: float = 0.0) -> Verdict:
        """Have her speak without being asked: a greeting, a report, a question for approval.

        By ``priority`` it is spoken now, waits up to ``timeout_s`` seconds for the floor, or is refused.
        """
        return self._turns.speak_first(instructions, priority, timeout_s=timeout_s)

    def open_talk(self, request: SpeakRequest) -> str | None:
        """Have her speak of her own accord, if the floor is free at this moment: the id of the turn."""
        turn_id = uuid4().hex
        verdict = self._turns.wish(on.SpeakFirst(turn_id, Priority.PROACTIVE, request), 0.0)
        return turn_id if verdict is Verdict.OPEN else None

    def presence(self, spoke: datetime | None) -> Presence:
        """Whether it suits the user to be spoken to; ``spoke`` is when they last said something."""
        owner = self._clients.owner
        return Presence(
            is_here=owner is not None and owner.in_sight,
            is_busy=not self._turns.is_idle or self.spoken_input.held or self._slot.starting is not None,
            in_call=self.is_called,
            is_private=self._turns.log.off_record,
            spoke=spoke,
        )

    def hear_agent(self, message: Mapping[str, Any]) -> None:
        """Take a message of the bus topic ``agent`` about this character: what comes of it she says herself."""
        self._turns.agent.hear(message)
        if self._turns.agent.results_wait:
            self._renewals.results_wait()

    def stop_everything(self) -> None:
        """Stop what she says, what the model does and all that the agent does for this character, at once."""
        self._turns.agent.stop_everything()

    def _end(self) -> bool:
        """End the session and whatever waits; was there one?"""
        self.visual_input.clear()
        self._turns.dispatch(on.Dismiss())
        ended = self._slot.drop()
        self._microphone.close()
        self._microphone.forget()
        return ended

    def _leave_call(self) -> None:
        """Nobody is in this call any more."""
        self._slot.drop()
        self._microphone.close()

    # ── what becomes of sessions (``SlotObserver``) ───────────────────────────

    @property
    def voice_name(self) -> str:
        return self._turns.voice.voice.settings.voice

    @property
    def unkept(self) -> Sequence[NewLine]:
        return self._turns.log.unkept[-_SHOWN_UNKEPT:]

    @property
    def pending(self) -> Sequence[TextRequest]:
        return self._turns.pending

    def on_session_starting(self) -> None:
        current = self._slot.current
        if not (current and current.takes("audio")):
            self._microphone.wait()

    def on_session_ready(self, handle: SessionHandle, *, follows: bool) -> None:
        waiting = self._turns.machine.waiting if follows else self._turns.pending
        asked = [(one.line.id if one.line else 0, one.text) for one in waiting if isinstance(one, TextRequest)]
        if follows:
            self._microphone.wait()
        self._turns.session.use(handle, follows=follows, unread=self._turns.log.said.unread(handle.read, asked))
        self.visual_input.follow(handle)
        if handle.takes("audio"):
            self._turns.link.when_told(lambda: self._microphone.listen(handle.session))
            self._tell_hearing()
        else:
            self._microphone.close()
        self._renewals.began(handle)
        self._prewarm_voice(handle)

    def on_successor_ready(self, handle: SessionHandle) -> None:
        self._renewals.prepared()
        if self._slot.current is None:
            self._prewarm_voice(handle)

    def _prewarm_voice(self, handle: SessionHandle) -> None:
        own_voice = handle.session.capabilities.audio_output
        self._owner.spawn(self._turns.voice.prewarm(own_voice=own_voice), name="prewarm voice")

    def on_successor_failed(self) -> None:
        self._renewals.failed()
        if self._slot.current and self._slot.current.leaves:
            self._turns.dispatch(on.SessionUnavailable())

    def on_successor_wanted(self) -> None:
        self._renewals.outdated()

    def contradicts(self, read: ReadLines) -> bool:
        return self._turns.log.said.contradicts(read)

    def _moment(self) -> Moment:
        machine = self._turns.machine
        if self.spoken_input.held:
            return Moment.BUSY
        awaits_sign = machine.moment is Moment.QUIET and not machine.waiting and self._watch.awaited
        return Moment.BUSY if awaits_sign else machine.moment

    @property
    def _is_owed_to_speech(self) -> bool:
        """Has the session been sent speech of which it has not told all that comes of it?"""
        return self._turns.machine.hears_utterance or self._watch.unheard or self._microphone.says_again

    def _on_deaf_session(self, deaf: Deaf, seconds: float) -> None:
        current = self._slot.current
        if current is None or self.spoken_input.held:
            return
        label = current.session.label
        logger.warning("%s: %s gives no sign of speech for %g s", self.character, label.model, seconds)
        if deaf is Deaf.LOST:
            sign = ModelTimeoutError("deaf", model=label.model, provider=label.provider, seconds=round(seconds))
            self._slot.lose(sign)
        else:
            self._status.notify("hears_nothing", model=label.model, provider=label.provider)

    def _tell_hearing(self) -> None:
        """In a call: what turns speech into words."""
        current = self._slot.current
        if current and current.mode == "audio" and (hearing := current.session.capabilities.hearing):
            self.emit(HearingReady(hearing.name, hearing.local))

    def on_session_unavailable(self) -> None:
        self._turns.dispatch(on.SessionUnavailable())
        current = self._slot.current
        if not (current and current.takes("audio")):
            self._microphone.close()

    def on_session_gone(self, handle: SessionHandle) -> None:
        self._renewals.left()
        self._turns.session.leave()
        self._turns.log.said.forget()
        self._microphone.wait()

    def on_session_broken(self, handle: SessionHandle, error: NekoError) -> bool:
        self._renewals.left()
        if self._is_owed_to_speech:
            self._microphone.rewind()
        told = self._turns.session.lose(error)
        self._microphone.wait()
        if told:
            self._turns.log.then(partial(self._status.report, told))  # after the end of its turn
        return told is not None

    def on_session_lost(self, handle: SessionHandle, error: NekoError) -> None:
        def tell() -> None:
            self._status.report(error)
            self.emit(SessionEndedByServer(handle.mode))

        self._turns.dispatch(on.SessionUnavailable())
        self._turns.log.then(tell)

    def on_session_event(self, session_id: str, event: ModelEvent) -> None:
        if isinstance(event, ForgetLines):
            self._turns.log.leave_out(event.lines)
            self._owner.spawn(to_the_end(self._unwanted.forget(event)), name="forget lines")
            return
        if isinstance(event, NameTold):
            if not self._turns.log.last_is_off_record:
                self._owner.spawn(to_the_end(self._call_user(event.name)), name="name of the user")
            return
        if isinstance(event, WordsAwaited):
            self._status.notify("words_awaited", engine=event.engine)
            return
        if isinstance(event, SessionEnds):
            if self._slot.current and self._slot.current.id == session_id:
                self._renewals.ends(event.at)
            return
        if isinstance(event, SessionNotice):
            self._status.report_once(event.error)
            return
        if self._slot.current and self._slot.current.id == session_id:
            self._watch.sign(event)
            self.spoken_input.on_model_event(event)
        self.visual_input.on_model_event(event)
        self._turns.on_model_event(session_id, event)

    async def _call_user(self, name: str) -> None:
        """A name that no card can hold is remembered with what was said, as before."""
        try:
            await self._dependencies.call_user(name)
        except CharacterError as error:
            logger.info("%s: the user's name is not kept: %s", self.character, error)
        except NekoError as error:
            self._status.report(error)

    def _on_microphone_fault(self, error: BaseException) -> None:
        self._status.report(error if isinstance(error, NekoError) else NekoError(type(error).__name__))

    # ── changes from outside ──────────────────────────────────────────────────

    def keep_nothing(self, on: bool) -> None:
        """From now on nothing of what is said is kept, or it is kept again."""
        self._turns.log.off_record = on
        self.emit(OffRecord(on))

    @property
    def keeps_nothing(self) -> bool:
        return self._turns.log.off_record

    def begin_anew(self) -> None:
        """What the model was told counts no more: what runs is cut, and the next input starts a session."""
        self._turns.dispatch(on.Dismiss())
        self._slot.drop()

    def follow_change(self) -> None:
        """What the model was told, or which one it is, is another: from the next words on that counts, and nothing is
        cut. In a call the next session takes over at a quiet moment."""
        current = self._slot.current
        if current is None or self._slot.starting or (current.mode == "text" and self._turns.is_idle):
            self.begin_anew()
            return
        current.leaves = True
        self._turns.dispatch(on.SessionLeaves(current.id))
        self._renewals.outdated()

    def model_changed(self) -> None:
        """The configuration may name another model: what failed before may succeed now."""
        self._slot.forget_failures()
        self.emit(ModelChanged(self._dependencies.label()))

    def follow_voice(self) -> None:
        """Speak with another voice from the next sentence on, if another is chosen."""
        if self._dependencies.voice_choice() != self._turns.voice.voice.choice:
            self._turns.voice.use(self._dependencies.voice())
            if self._turns.has_own_voice or self._turns.answers_speech:
                self.follow_change()

    @property
    def client_language(self) -> str | None:
        """The language of the owner, or of the last one, if it has named one."""
        return self._clients.language

    @property
    def language(self) -> str:
        return self._dependencies.persona().language

    @property
    def active(self) -> bool:
        """Is a session up?"""
        return self._slot.current is not None

    def look(self) -> ConversationState:
        """How all of it is just now."""
        return conversation_state(self._turns, self._slot, self._clients)

    @property
    def is_called(self) -> bool:
        """Is a call up?"""
        current = self._slot.current
        return current is not None and current.mode == "audio"

    @property
    def in_call(self) -> bool:
        """Does the session that is up take sound?"""
        current = self._slot.current
        return current is not None and current.takes("audio")

    async def aclose(self) -> None:
        """End the session, keep what was said, end every task; idempotent."""
        self._arrivals.close()
        try:
            await self._turns.aclose()
            await self._slot.aclose()
        finally:
            await self._owner.aclose()
            self._clients.close(GOING_AWAY, "stopping")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
