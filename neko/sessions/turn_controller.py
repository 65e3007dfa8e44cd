"""Drives the turn machine of one character: events in, effects performed.

``dispatch`` never waits: what is seen or heard happens in it, what takes time is handed to the log,
the sender of the session or a task, and comes back as an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from neko.errors import NekoError
from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions import turn_state
from neko.sessions.agent_talk import AgentTalk
from neko.sessions.answering_session import AnsweringSession
from neko.sessions.arbiter import Arbiter, Verdict
from neko.sessions.clients import Clients
from neko.sessions.dependencies import SessionDependencies
from neko.sessions.events import (
    Event,
    ReplyText,
    ResponseDiscarded,
    SpeechEnded,
    State,
    StateChanged,
    TurnAbandoned,
    TurnEnd,
    TurnTimes,
    UserTranscribed,
)
from neko.sessions.floor import TurnFloor
from neko.sessions.heard_words import HeardWords
from neko.sessions.help_offers import HelpOffers
from neko.sessions.log_writer import LogWriter, TextRequest
from neko.sessions.recall_tool import RecallTool
from neko.sessions.repetition import RepetitionGuard
from neko.sessions.reply_stream import ReplyStream
from neko.sessions.reply_voice import ReplyVoice
from neko.sessions.session_context import SessionContext
from neko.sessions.session_link import SessionLink
from neko.sessions.status_reporter import StatusReporter
from neko.sessions.tool_runner import ToolRunner
from neko.sessions.turn_effects import Phase
from neko.sessions.turn_events import Priority
from neko.sessions.turns import advance, goes_on
from neko.sessions.visual_input import VisualInput
from neko.sessions.wishes import SpeakRequest
from neko.tasks import TaskOwner
from neko.types import facts
from neko.types.lines import Remark
from neko.types.model_session import (
    ForgetLines,
    HistoryCut,
    HistoryFills,
    ModelEvent,
    ModelInput,
    NameTold,
    SessionEnds,
    SessionLost,
    SessionNotice,
    SpeechRejected,
    SpeechStarted,
    TextDelta,
    ToolResult,
    Transcript,
    WordsAwaited,
)

logger = logging.getLogger(__name__)

_NOT_FOR_TURNS = SessionEnds | SessionNotice | SessionLost | ForgetLines | NameTold | WordsAwaited
_SHOWN: dict[Phase, State] = {
    Phase.IDLE: "idle",
    Phase.LISTENING: "listening",
    Phase.THINKING: "thinking",
    Phase.SPEAKING: "speaking",
    Phase.PAUSED: "listening",
    Phase.ENDED: "idle",
}
_DRAIN_TIMEOUT_S = 5.0


class TurnController:
    """Turns, their text, their sound and their place in the log, for one character.

    ``need_session`` is called when a session is wanted for text; ``session.use`` or
    ``SessionUnavailable`` answers. ``on_change`` is called when the state is another one.
    """

    def __init__(
        self,
        character: str,
        dependencies: SessionDependencies,
        clients: Clients,
        owner: TaskOwner,
        status: StatusReporter,
        pictures: VisualInput,
        need_session: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._character = character
        self._dependencies = dependencies
        self._clients = clients
        self._owner = owner
        self._status = status
        self._pictures = pictures
        self._need_session = need_session
        self._on_change = on_change
        self._clock = asyncio.get_running_loop().time
        self._state = turn_state.State()
        self._events: deque[on.Event] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._advancing = False
        self._arbiter = Arbiter()
        self.link = SessionLink(dependencies, owner, status.report)
        self._streams: dict[str, ReplyStream] = {}
        self._current: ReplyStream | None = None
        self._repetition = RepetitionGuard(character)
        self.help = HelpOffers(clients, dependencies.helplines, lambda: dependencies.persona().language)
        self._context = SessionContext(character, dependencies, owner, self.help, self.send)
        self.session = AnsweringSession(self, self._context, owner)
        self.log = LogWriter(character, dependencies, owner, clients, status, self._context.lines)
        recall = RecallTool(character, dependencies, self._context.lines)
        offer_again = self._context.offer_again
        self._tools = ToolRunner(
            character, dependencies, recall, pictures.ask, owner, self._on_tool_result, offer_again
        )
        floor = TurnFloor(self, dependencies.timeouts.question_read_s)
        self.agent = AgentTalk(character, dependencies, clients, owner, floor, self._context.time)
        self.heard = HeardWords(self, clients, pictures)
        self._closed = False
        self.voice = ReplyVoice(
            character,
            dependencies,
            clients,
            owner,
            status,
            on_first_sound=self._on_first_sound,
            on_made=self._on_sound_made,
            on_first_played=self._on_first_played,
            on_heard=self._on_sound_heard,
            in_call=lambda: self.link.handle is not None and self.link.handle.mode == "audio",
            on_played=lambda news: self.send(news, lambda error: logger.debug("not told to who hears: %s", error)),
        )

    # ── what begins a turn ────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        """What a client sees of the phase."""
        return _SHOWN[self._state.phase]

    @property
    def pending(self) -> tuple[TextRequest, ...]:
        """What was typed and no session was asked yet, in order."""
        requests = (*(one.request for one in self._state.unasked), *self._state.waiting)
        return tuple(request for request in requests if isinstance(request, TextRequest))

    @property
    def is_idle(self) -> bool:
        """Does nothing run, sound or await its place in the log?"""
        return self._state.phase is Phase.IDLE

    @property
    def is_closed(self) -> bool:
        """Is the conversation over for good?"""
        return self._closed

    @property
    def open_turn(self) -> turn_state.Turn | None:
        """The turn that is under way."""
        return self._state.turn

    @property
    def latest_reply(self) -> ReplyStream | None:
        """The reply that was shown last, or is being shown."""
        return self._current

    @property
    def machine(self) -> turn_state.State:
        """Where the turn machine is."""
        return self._state

    @property
    def is_paused(self) -> bool:
        """Is a reply held because the user may have begun to speak?"""
        return self._state.paused_until is not None

    @property
    def answers_speech(self) -> bool:
        """Does the session reply to what it hears by itself?"""
        return self.link.capabilities is not None and self.link.capabilities.answers_speech

    @property
    def has_own_voice(self) -> bool:
        """Does the model speak itself?"""
        return self.link.capabilities is not None and self.link.capabilities.audio_output

    def user_spoke(self) -> None:
        """What she wanted to say out of silence is stale."""
        self._arbiter.user_spoke()

    def ask(self, request: TextRequest, *, committed: bool = False) -> str:
        """The user typed something, or (``committed``) wants the same answered again; the id of the turn."""
        turn_id = uuid4().hex
        stream = self.stream(turn_id)
        stream.timeline.start = request.received
        stream.replaces = request.replaces
        self._arbiter.user_spoke()
        self.dispatch(on.UserWords(turn_id, request, committed))
        return turn_id

    def speak_first(self, instructions: str, priority: Priority, *, timeout_s: float = 0.0) -> Verdict:
        """Have her speak without being asked; waits up to ``timeout_s`` for the floor, by its priority."""
        request = SpeakRequest(self._clock(), instructions)
        return self.wish(on.SpeakFirst(uuid4().hex, priority, request), timeout_s)

    def wish(self, wish: on.SpeakFirst, timeout_s: float) -> Verdict:
        """The same for any wish."""
        now = self._clock()
        verdict = self._arbiter.offer(wish, self._state, now, now + timeout_s)
        if verdict is Verdict.OPEN:
            self.dispatch(wish)
        return verdict

    # ── the session ───────────────────────────────────────────────────────────

    def send(self, item: ModelInput, on_error: Callable[[NekoError], object] | None = None) -> None:
        """Hand something to the current session, in order with the questions; a failure goes to ``on_error``, or is
        told."""
        self.link.send(item, on_error)

    def on_model_event(self, session_id: str, event: ModelEvent) -> None:
        """Take an event of a session; those of any but the current one are not for turns."""
        if session_id != self._state.session_id or isinstance(event, _NOT_FOR_TURNS):
            return
        if isinstance(event, HistoryFills | HistoryCut):
            self._context.on_history(event)
            return
        if isinstance(event, TextDelta) and self._current and not self._advancing:
            timeouts = self._dependencies.timeouts.turn
            if goes_on(self._state, event.reply_id, self._clock(), timeouts):  # the hot path: no state changes
                self._show(self._current, self._current.feed(event.text))
                return
        if isinstance(event, Transcript | SpeechRejected):
            if isinstance(event, Transcript) and not event.final:
                self.send(self._context.words_to_come(event.text.strip()))
            self.heard.take(event)
            return
        if isinstance(event, SpeechStarted):
            self.send(self._context.words_to_come())
            self.heard.begin(event)
        else:
            self.dispatch(event)

    # ── the machine ───────────────────────────────────────────────────────────

    def dispatch(self, event: on.Event) -> None:
        """Let the machine take an event and do what it says. Events that effects cause come after it."""
        self._events.append(event)
        if self._advancing:
            return
        self._advancing = True
        before = self._state
        try:
            while self._events:
                self._advance(self._events.popleft())
                self._give_the_floor()
        finally:
            self._advancing = False
            if self._state is not before:
                self._set_timer()
                self._on_change()

    def _advance(self, event: on.Event) -> None:
        self._state, effects = advance(self._state, event, self._clock(), self._dependencies.timeouts.turn)
        for effect in effects:
            try:
                _PERFORM[type(effect)](self, effect)
            except Exception:
                logger.exception("%s: %s failed", self._character, type(effect).__name__)
                self._status.notify("internal", level="error")

    def _give_the_floor(self) -> None:
        while len(self._arbiter) and (wish := self._arbiter.next(self._state, self._clock())):
            if wish.request.wanted():
                self._events.append(wish)
                return

    def _set_timer(self) -> None:
        """A timer that comes too early finds nothing due and is set again: deltas move the deadline all the time."""
        deadline = self._state.deadline
        if self._timer and (deadline is None or self._timer.when() > deadline or self._timer.cancelled()):
            self._timer.cancel()
            self._timer = None
        if deadline is not None and self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.dispatch(on.Tick())

    # ── effects: asking ───────────────────────────────────────────────────────

    def _write_user_line(self, effect: do.WriteUserLine) -> None:
        turn_id = effect.turn_id

        def committed(request: TextRequest, answered: bool) -> None:
            self.stream(turn_id).timeline.mark("committed")
            self.dispatch(on.Committed(turn_id, request, answered))

        text, keep = effect.request.text, not self.log.off_record
        look = self.agent.beside(self.help.look(text, turn_id, effect.request.client_id), text, keep=keep)
        looking = self._owner.spawn(look, name="look for danger")
        self.log.write_user_line(
            effect.request, committed, lambda e: self.dispatch(on.CommitFailed(turn_id, e)), looking
        )

    def _write_spoken_line(self, effect: do.WriteSpokenLine) -> None:
        self.log.write_spoken_line(text := effect.text, self._pictures.seen())
        look = self.agent.beside(self.help.look(text, ""), text, keep=not self.log.off_record, confirm=True)
        self._owner.spawn(look, name="look for danger")

    def _interrupt(self, effect: do.Interrupt) -> None:
        """The reply ends with what has been sent of it."""
        stream = self._streams.get(effect.turn_id)
        heard = self.voice.heard(stream) if stream and effect.by is do.CutBy.SPEECH else None
        if stream and heard is not None:
            self._clients.withdraw_text(effect.turn_id)
            stream.text = heard
        elif stream:
            unsent = min(self._clients.withdraw_text(effect.turn_id), len(stream.text) - stream.delivered)
            stream.text = stream.text[: len(stream.text) - unsent]
        kept = stream.better_kept("interrupted") if stream else None
        self.link.interrupt(effect.turn_id, kept.text if kept else stream.text if stream else "")
        if effect.by is not do.CutBy.END and self._tools.hand_over(effect.turn_id):
            self.agent.goes_on_beside(effect.turn_id)
        self.agent.broke_off(self._tools.end(effect.turn_id))

    def _keep_heard(self, effect: do.KeepHeard) -> None:
        """What the model and the log remember of a reply that was cut in its sound alone."""
        stream = self._current
        heard = self.voice.heard(stream) if stream and stream.turn_id == effect.turn_id else None
        if stream is None or heard is None or heard == stream.text.rstrip():
            return
        if not heard:
            self.agent.not_heard(stream.turn_id)
        self.link.interrupt(stream.turn_id, heard)
        self.log.shorten_reply(stream.turn_id, heard)

    def _on_tool_result(self, result: ToolResult) -> None:
        self.agent.model_saw(result.output)
        if result.images and self._state.turn and result.call_id in self._state.turn.tools:
            self.stream(self._state.turn.id).pictures.extend(result.images)
        self.send(result)
        self.dispatch(on.ToolAnswered(result.call_id))

    # ── effects: showing ──────────────────────────────────────────────────────

    def stream(self, turn_id: str) -> ReplyStream:
        """The reply of a turn, made when first asked for."""
        stream = self._streams.get(turn_id)
        if stream is None:
            stream = self._streams[turn_id] = ReplyStream(turn_id)
        return stream

    def _open_reply(self, effect: do.OpenReply) -> None:
        stream = self._current = self.stream(effect.turn_id)
        stream.own_voice = self.has_own_voice
        stream.silent = self.voice.is_silent()
        self.voice.begin(stream)
        self.agent.turn_shown(effect.turn_id)
        if not stream.silent:
            self.dispatch(on.SoundBegan(effect.turn_id))

    def _show_text(self, effect: do.ShowText) -> None:
        stream = self.stream(effect.turn_id)
        self._show(stream, stream.feed(effect.text))

    def _show(self, stream: ReplyStream, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ReplyText):
                stream.timeline.mark("first_delta")
                if event.first and stream.replaces is not None and not stream.is_anew:
                    self._clients.emit(ResponseDiscarded("retry", 1, 1, will_retry=True))
                self._clients.emit(event)
                if event.first and not stream.is_anew:
                    self._publish(facts.reply_started(self._character, stream.turn_id))
                if not (stream.own_voice or stream.silent):
                    self.voice.feed(event.text)
            else:
                self._clients.emit(event)

    def _withdraw_text(self, effect: do.WithdrawText) -> None:
        """The clients drop what they have of the reply, its sound is cut, and it begins anew."""
        stream = self._current = self._streams[effect.turn_id] = self.stream(effect.turn_id).anew()
        self._clients.drop_text(effect.turn_id)
        self._clients.drop_audio()
        self._clients.emit(ResponseDiscarded("thought", 1, 1, will_retry=True))
        self.voice.begin(stream)
        if effect.text:
            self._show(stream, stream.feed(effect.text))

    def _keep_text(self, effect: do.KeepText) -> None:
        stream = self.stream(effect.turn_id)
        stream.feed(effect.text)
        stream.finish()
        stream.delivered = len(stream.text)

    def _play_sound(self, effect: do.PlaySound) -> None:
        stream = self.stream(effect.turn_id)
        if not stream.silent:
            stream.timeline.mark("first_audio")
            self.voice.feed_audio(effect.pcm, effect.rate)

    def _finish_reply(self, effect: do.FinishReply) -> None:
        stream = self.stream(effect.turn_id)
        self._show(stream, stream.finish())
        if stream is self._current:
            self.voice.finish(stream)

    def _show_phase(self, effect: do.ShowPhase) -> None:
        if effect.phase is not Phase.ENDED:
            state = _SHOWN[effect.phase]
            self._clients.emit(StateChanged(state))
            self._publish(facts.state_entered(self._character, state))

    def _report(self, effect: do.Report) -> None:
        self._status.report(effect.error)

    def _tell(self, effect: do.Tell) -> None:
        if not effect.is_wait:
            self.stream(effect.turn_id).note(effect.code, effect.params)
        self._status.notify_of_reply(effect.turn_id, effect.code, effect.params, is_wait=effect.is_wait)

    def tell_remark(self, turn_id: str, remark: Remark) -> None:
        """Something is to be known of this reply, which nobody asked for, before it is there."""
        self.stream(turn_id).note(remark.code, remark.params)
        self.stream(turn_id).may_pass = True
        self._status.notify_of_reply(turn_id, remark.code, remark.params, is_wait=False)

    # ── effects: ending ───────────────────────────────────────────────────────

    def _write_reply(self, effect: do.WriteReply) -> None:
        stream = self.stream(effect.turn_id)
        old = stream.better_kept(effect.status)
        if old is None:
            self.log.write_reply(stream, effect.status)
        elif stream.text:
            self._clients.emit(ResponseDiscarded("retry", 1, 1, will_retry=False, message=old.text))

    def _end_turn(self, effect: do.EndTurn) -> None:
        self.log.then(partial(self._turn_ended, effect))

    def _turn_ended(self, end: do.EndTurn) -> None:
        """All of the turn is written: tell the clients and whoever watches."""
        self._tools.end(end.turn_id)
        turn_id, status = end.turn_id, end.status
        stream = self._streams.pop(turn_id, None) or ReplyStream(turn_id)
        stream.timeline.mark("turn_end")
        replied = end.asked or status == "interrupted"
        self._clients.emit(TurnEnd(turn_id) if replied else TurnAbandoned(turn_id))
        self.dispatch(on.TurnWritten(turn_id))
        self.agent.turn_ended(turn_id, stream.text, status)
        if status == "complete" and (warning := self._repetition.check(stream.text)):
            self._clients.emit(warning)
        if not stream.spoken:
            self._dependencies.metrics.record("turn", stream.timeline)
        self._publish(facts.turn_ended(self._character, turn_id, status, stream.timeline.marks))

    def _publish(self, fact: facts.Fact) -> None:
        self._dependencies.bus.session.publish(fact)

    # ── sound ─────────────────────────────────────────────────────────────────

    def _on_first_sound(self, speech_id: str) -> None:
        if self._current and self._current.speech_id == speech_id:
            self._current.timeline.mark("first_audio")
            if self._current.spoken:
                self._dependencies.metrics.record("spoken_turn", self._current.timeline)
                self._clients.emit(TurnTimes(self._current.turn_id, dict(self._current.timeline.marks)))

    def _on_first_played(self, speech_id: str, played_ms: float) -> None:
        if self._current and self._current.spoken and self._current.speech_id == speech_id:
            heard = self._clock() - played_ms / 1000 - self._current.timeline.start
            self._dependencies.metrics.histogram("spoken_turn.first_played").record(heard)

    def _on_sound_made(self, speech_id: str) -> None:
        self.log.then(partial(self._sound_made, speech_id))  # after the end of its turn

    def _sound_made(self, speech_id: str) -> None:
        self._clients.emit(SpeechEnded(speech_id))
        self.voice.made(speech_id)

    def _on_sound_heard(self, speech_id: str) -> None:
        if self._current and self._current.speech_id == speech_id:
            self.dispatch(on.SoundEnded(self._current.turn_id))

    # ── clients, the end ──────────────────────────────────────────────────────

    def reply_so_far(self) -> ReplyText | None:
        """The running reply, for a client that joins now."""
        turn = self._state.turn
        return self._current.so_far() if turn and self._current and self._current.turn_id == turn.id else None

    def count_as_delivered(self) -> None:
        """Somebody else is about to listen: what has been sent of the running reply stays said, whoever leaves."""
        turn = self._state.turn
        if turn and (stream := self._streams.get(turn.id)):
            stream.delivered = max(stream.delivered, len(stream.text) - self._clients.unsent_text(turn.id))

    async def aclose(self) -> None:
        """Cut what runs, write what is not written yet and free the voice; idempotent."""
        if self._closed:
            return
        self._arbiter.clear()
        self.dispatch(on.Close())
        self._closed = True
        if self._timer:
            self._timer.cancel()
        await self.log.close(_DRAIN_TIMEOUT_S)
        await self.voice.aclose()


_PERFORM: dict[type, Callable[[TurnController, Any], None]] = {
    do.ShowPhase: TurnController._show_phase,
    do.SilenceSound: lambda controller, effect: controller.voice.silence(begins=effect.begins),
    do.DropSound: lambda controller, _: controller.voice.drop(),
    do.PauseSound: lambda controller, _: controller.voice.pause(),
    do.ResumeSound: lambda controller, _: controller.voice.resume(),
    do.WriteUserLine: TurnController._write_user_line,
    do.ShowWords: lambda controller, effect: controller._clients.emit(UserTranscribed(effect.text)),
    do.WriteSpokenLine: TurnController._write_spoken_line,
    do.WriteReply: TurnController._write_reply,
    do.EndTurn: TurnController._end_turn,
    do.NeedSession: lambda controller, _: controller._need_session(),
    do.Ask: lambda controller, effect: controller.session.ask(effect),
    do.Interrupt: TurnController._interrupt,
    do.KeepHeard: TurnController._keep_heard,
    do.OpenReply: TurnController._open_reply,
    do.ShowText: TurnController._show_text,
    do.WithdrawText: TurnController._withdraw_text,
    do.KeepText: TurnController._keep_text,
    do.PlaySound: TurnController._play_sound,
    do.FinishReply: TurnController._finish_reply,
    do.RunTool: lambda controller, effect: controller._tools.run(effect.turn_id, effect.call),
    do.Report: TurnController._report,
    do.ReportRetry: lambda controller, e: controller._status.report_retry(e.turn_id, e.error, e.delay),
    do.Tell: TurnController._tell,
    do.ReportOverdue: lambda controller, e: controller._status.report_overdue(e.step, controller._dependencies),
    do.Refuse: lambda controller, effect: logger.debug("the floor is taken: %s", effect.turn_id),
}
