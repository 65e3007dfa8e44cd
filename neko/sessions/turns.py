"""The turn machine: (state, event, now) → (state, effects). Pure; ``TurnController`` performs the effects.

A turn begins with the user's words (typed or spoken) or with a wish to speak first, and ends once,
with ``EndTurn``. One turn is open at a time; events of any other are dropped by their id. Deadlines
are part of the state (``State.deadline``) and come back as the event ``Tick``, so every state has a
way out. What is to be written to the log waits in ``State.log`` in the order of the talk.

All times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.arbiter import may_open
from neko.sessions.turn_effects import CutBy, Phase, Step
from neko.sessions.turn_events import BargeIn, Priority
from neko.sessions.turn_state import AwaitedWords, State, Turn, TurnTimeouts, Unasked, Utterance, committed
from neko.types import model_session as model
from neko.types.lines import LineStatus

_RECENT = 16
"""Ended turns whose late events are still recognised."""
_DEADLINE_SLACK_S = 1.0
"""By how much the deadline of silence may come early, so that not every delta moves it."""
_UNASKED = 64
"""Requests cut before they were asked that the model is still told of: as many as may wait to be written."""


def advance(state: State, event: on.Event, now: float, timeouts: TurnTimeouts) -> tuple[State, list[do.Effect]]:
    """The next state, and what is to be done, in order."""
    if state.phase is Phase.ENDED:
        return state, []
    transition = _Transition(state, now, timeouts)
    _HANDLERS[type(event)](transition, event)
    return transition.result()


def goes_on(state: State, reply_id: str, now: float, timeouts: TurnTimeouts) -> bool:
    """Would a further delta of this reply only be shown? So it is while its deadline was moved just now."""
    turn = state.turn
    return (
        turn is not None
        and turn.id == reply_id
        and turn.step is Step.REPLYING
        and turn.utterance_id is None
        and -_DEADLINE_SLACK_S < turn.due - now - timeouts.silence_timeout_s <= 0.0
    )


class _Transition:
    """One step of the machine: a draft of the next state, and the effects so far."""

    def __init__(self, state: State, now: float, timeouts: TurnTimeouts) -> None:
        self._old = state
        self._now = now
        self._timeouts = timeouts
        self._session_id = state.session_id
        self._text_input = state.text_input
        self._transcription = state.transcription
        self._barge_in = state.barge_in
        self._turn = state.turn
        self._utterance = state.utterance
        self._paused_until = state.paused_until
        self._speech_id = state.speech_id
        self._speech_due = state.speech_due
        self._writing = state.writing
        self._writing_due = state.writing_due
        self._unasked = state.unasked
        self._recent = state.recent
        self._transcribed = state.transcribed
        self._log = state.log
        self._closed = False
        self._effects: list[do.Effect] = []

    def result(self) -> tuple[State, list[do.Effect]]:
        self._flush_log()
        phase = self._phase()
        if phase is not self._old.phase:
            self._effects.append(do.ShowPhase(phase))
        state = State(
            phase,
            self._session_id,
            self._text_input,
            self._transcription,
            self._barge_in,
            self._turn,
            self._utterance,
            self._paused_until,
            self._speech_id,
            self._speech_due,
            self._writing,
            self._writing_due,
            self._unasked,
            self._recent,
            self._transcribed,
            self._log,
        )
        return state, self._effects

    def _phase(self) -> Phase:
        if self._closed:
            return Phase.ENDED
        if self._paused_until is not None:
            return Phase.PAUSED
        if self._utterance and self._utterance.speaking:
            return Phase.LISTENING
        if self._turn:
            replying = self._turn.step in (Step.REPLYING, Step.AWAITING_WORDS) and not self._turn.held
            return Phase.SPEAKING if replying else Phase.THINKING
        if self._utterance:
            return Phase.THINKING
        if self._speech_id:
            return Phase.SPEAKING
        if self._writing or self._log:
            return self._old.phase if self._old.phase in (Phase.THINKING, Phase.SPEAKING) else Phase.THINKING
        return Phase.IDLE

    # ── the user types, or she speaks first ───────────────────────────────────

    def on_user_words(self, event: on.UserWords, *, spoken: bool = False) -> None:
        by = CutBy.SPEECH if spoken else CutBy.END if event.committed else CutBy.WORDS
        self._cut(do.SilenceSound(begins=not event.committed), by)
        if self._utterance and not self._utterance.speaking:
            self._utterance = None
        if event.committed:
            self._open(event.turn_id, Priority.USER, event.request)
            return
        due = self._now + self._timeouts.commit_timeout_s
        self._turn = Turn(event.turn_id, Priority.USER, Step.COMMITTING, due, event.request)
        self._log += (do.WriteUserLine(event.turn_id, event.request),)

    def on_spoken_words(self, event: on.SpokenWords) -> None:
        """They open a turn as typed ones do; whoever goes on speaking is listened to before it is heard."""
        if event.utterance_id in self._transcribed:
            return
        self._transcribed = (*self._transcribed, event.utterance_id)[-_RECENT:]
        self._forget_words({event.utterance_id})
        self._effects.append(do.ShowWords(event.utterance_id, event.text))
        if self._utterance and self._utterance.id == event.utterance_id:
            self._utterance = None
        self.on_user_words(on.UserWords(event.turn_id, event.request), spoken=True)
        if self._utterance:
            self._pause()

    def on_speak_first(self, event: on.SpeakFirst) -> None:
        if not may_open(self._old, event.priority):
            self._effects.append(do.Refuse(event.turn_id))
            return
        self._cut(do.SilenceSound() if self._turn else do.DropSound())
        self._open(event.turn_id, event.priority, event.request)

    def on_committed(self, event: on.Committed) -> None:
        turn = self._turn
        if turn is None or turn.id != event.turn_id or turn.step is not Step.COMMITTING:
            request = None if event.answered else event.request
            self._unasked = committed(self._unasked, event.turn_id, request)
            return
        if event.answered:
            self._end_turn("complete")
        else:
            self._open(turn.id, turn.priority, event.request)

    def on_commit_failed(self, event: on.CommitFailed) -> None:
        self._effects.append(do.Report(event.error))
        if self._turn and self._turn.id == event.turn_id:
            self._end_turn("failed")

    def _open(self, turn_id: str, priority: Priority, request: Any) -> None:
        """Ask the session, or wait for one."""
        due = self._now + self._timeouts.start_timeout_s
        self._turn = Turn(turn_id, priority, Step.STARTING, due, request)
        if self._session_id is None or not self._text_input:
            self._effects.append(do.NeedSession())
        else:
            self._ask(self._turn)

    def _ask(self, turn: Turn) -> None:
        self._turn = replace(turn, step=Step.ASKED, due=self._now + self._timeouts.answer_timeout_s)
        self._effects.append(do.Ask(turn.id, turn.request, tuple(one.request for one in self._unasked)))
        self._unasked = ()

    # ── sessions ──────────────────────────────────────────────────────────────

    def on_session_ready(self, event: on.SessionReady) -> None:
        if self._session_id is not None and self._session_id != event.session_id:
            self._leave_session(sound_stays=event.follows)
        if event.follows:
            self._follow_unasked(event.turn_id)
        self._session_id = event.session_id
        self._text_input = event.text_input
        self._transcription = event.transcription
        self._barge_in = event.barge_in
        if self._turn and self._turn.step is Step.STARTING:
            if self._text_input:
                self._ask(self._turn)
            else:
                self._effects.append(do.NeedSession())

    def _follow_unasked(self, turn_id: str) -> None:
        """Another session has read what is in the log. What was typed last is asked it, unless words wait already."""
        newest = [one for one in self._unasked[-1:] if one.written and one.wanted]
        self._unasked = tuple(one for one in self._unasked if not one.written)
        if newest and self._turn is None and self._utterance is None:
            self._turn = Turn(
                turn_id, Priority.USER, Step.STARTING, self._now, newest[0].request
            )  # and is asked at once

    def on_session_unavailable(self, event: on.SessionUnavailable) -> None:
        if self._turn and self._turn.step is Step.STARTING:
            self._end_turn("failed")

    def on_session_gone(self, event: on.SessionGone) -> None:
        if event.session_id != self._session_id:
            return
        asked = event.unanswered or self._old.typed_again
        turn_id = event.turn_id
        if asked and self._turn:
            turn_id, self._turn = self._turn.id, None
        self._leave_session(sound_stays=event.broke)
        if asked:
            due = self._now + self._timeouts.start_timeout_s
            self._turn = Turn(turn_id, Priority.USER, Step.STARTING, due, asked, repeatable=False)

    def on_session_leaves(self, event: on.SessionLeaves) -> None:
        if event.session_id == self._session_id:
            self._text_input = False

    def _leave_session(self, *, sound_stays: bool = False) -> None:
        """Its reply is cut and the words it still owes will not come; a turn it was not asked stays. ``sound_stays``:
        so does the sound of a reply that is complete."""
        self._session_id = None
        if sound_stays and self._turn and self._turn.step is Step.AWAITING_WORDS:
            self._release(self._turn)
        if not (self._turn.waits if self._turn else sound_stays):
            self._cut(do.DropSound())
        self._utterance = None
        self._resume()
        self._log = tuple(entry for entry in self._log if not isinstance(entry, AwaitedWords))
        self._transcribed = ()

    # ── the user speaks ───────────────────────────────────────────────────────

    def on_speech_started(self, event: model.SpeechStarted) -> None:
        if self._barge_in is BargeIn.CUT and self._turn and self._turn.waits and self._turn.priority is Priority.USER:
            self._hush(do.SilenceSound(), CutBy.SPEECH)  # there is nothing of it yet that could be spoken over
        elif self._barge_in is BargeIn.CUT:
            self._cut(do.SilenceSound(), CutBy.SPEECH)
        elif self._turn or self._speech_id:
            self._pause()
        self._utterance = Utterance(event.utterance_id, True, self._now + self._timeouts.utterance_timeout_s)

    def _pause(self) -> None:
        """Hold the reply, heard or yet to come, until it is known whether the user has something to say."""
        if self._paused_until is None:
            self._effects.append(do.PauseSound())
        is_timed = self._barge_in is not BargeIn.PAUSE_UNTIL_TOLD
        self._paused_until = self._now + (
            self._timeouts.pause_timeout_s if is_timed else self._timeouts.utterance_timeout_s
        )

    def on_speech_lasts(self, event: model.SpeechLasts) -> None:
        if self._paused_until is not None and self._utterance and self._utterance.id == event.utterance_id:
            self._cut(do.SilenceSound(), CutBy.SPEECH)

    def on_speech_stopped(self, event: model.SpeechStopped) -> None:
        utterance = self._utterance
        if utterance and utterance.id == event.utterance_id and utterance.speaking:
            self._stop_listening(utterance)

    def _stop_listening(self, utterance: Utterance) -> Utterance:
        due = self._now + self._timeouts.spoken_answer_timeout_s
        if self._transcription:
            due = self._now + self._timeouts.transcript_timeout_s
            self._log += (AwaitedWords(utterance.id, due),)
            if self._paused_until is not None:
                self._paused_until = due
        self._utterance = replace(utterance, speaking=False, due=due)
        return self._utterance

    def on_transcript(self, event: model.Transcript) -> None:
        if event.utterance_id in self._transcribed:
            return
        text = event.text.strip()
        utterance = self._utterance if self._utterance and self._utterance.id == event.utterance_id else None
        if text and utterance and self._paused_until is not None:
            self._cut(do.SilenceSound(), CutBy.SPEECH)
        if not event.final:
            return
        self._transcribed = (*self._transcribed, event.utterance_id)[-_RECENT:]
        self._place_words(event.utterance_id, text)
        if utterance:
            due = self._now + self._timeouts.spoken_answer_timeout_s
            self._utterance = replace(utterance, speaking=False, due=due, words=text) if text else None
            self._resume()
        if self._turn and self._turn.utterance_id == event.utterance_id:
            self._release(replace(self._turn, words=text))

    def on_speech_rejected(self, event: model.SpeechRejected) -> None:
        if event.error:
            self._effects.append(do.Report(event.error))
        self.on_transcript(model.Transcript(event.utterance_id, ""))

    def on_reconnected(self, event: model.Reconnected) -> None:
        """The reply has ended; whatever the user was saying is lost with the connection."""
        self._utterance = None
        self._resume()
        for entry in self._log:
            if isinstance(entry, AwaitedWords):
                self._forget_words({entry.utterance_id})

    def _place_words(self, utterance_id: str, text: str) -> None:
        """Into the place that was kept for them; words that nothing was kept for go last."""
        words: tuple[do.LogEffect, ...] = ()
        if text:
            words = (do.WriteSpokenLine(utterance_id, text),)
            self._effects.append(do.ShowWords(utterance_id, text))
        for at, entry in enumerate(self._log):
            if isinstance(entry, AwaitedWords) and entry.utterance_id == utterance_id:
                self._log = (*self._log[:at], *words, *self._log[at + 1 :])
                return
        self._log += words

    def _resume(self) -> None:
        if self._paused_until is not None:
            self._paused_until = None
            self._effects.append(do.ResumeSound())

    # ── the model replies ─────────────────────────────────────────────────────

    def on_reply_started(self, event: model.ReplyStarted) -> None:
        if (self._turn and self._turn.id == event.reply_id) or event.reply_id in self._recent:
            return
        utterance = self._utterance
        if utterance is None:  # nobody asked for it: what it would answer has been superseded
            self._effects.append(do.Interrupt(event.reply_id))
            return
        is_other = event.utterance_id not in (None, utterance.id)
        if is_other and utterance.speaking:  # the user has gone on speaking over it
            self._effects.append(do.Interrupt(event.reply_id))
            return
        if utterance.speaking:
            utterance = self._stop_listening(utterance)
        if self._turn or self._speech_id:
            self._cut(do.SilenceSound(), CutBy.WORDS)
        awaited = event.utterance_id or utterance.id
        unknown = any(isinstance(entry, AwaitedWords) and entry.utterance_id == awaited for entry in self._log)
        due = self._now + self._timeouts.answer_timeout_s
        utterance_id, words = (awaited if unknown else None), ("" if is_other else utterance.words)
        self._turn = Turn(event.reply_id, Priority.USER, Step.ASKED, due, utterance_id=utterance_id, words=words)
        if not is_other:
            self._utterance = None

    def on_text_delta(self, event: model.TextDelta) -> None:
        turn = self._replying(event.reply_id)
        if turn is None or not event.text:
            return
        if turn.utterance_id is not None:
            self._turn = replace(turn, held=(*turn.held, event.text))
        else:
            self._effects.append(do.ShowText(turn.id, event.text))

    def on_text_withdrawn(self, event: model.TextWithdrawn) -> None:
        turn = self._replying(event.reply_id)
        if turn is None:
            return
        if turn.utterance_id is not None:
            self._turn = replace(turn, held=(event.kept,) if event.kept else ())
        else:
            self._effects.append(do.WithdrawText(turn.id, event.kept))

    def on_audio_delta(self, event: model.AudioDelta) -> None:
        if turn := self._replying(event.reply_id):
            self._turn = replace(turn, heard=True) if not turn.heard else turn
            self._effects.append(do.PlaySound(turn.id, event.pcm, event.rate))

    def _open_turn(self, reply_id: str) -> Turn | None:
        turn = self._turn
        return turn if turn and turn.id == reply_id and turn.step in (Step.ASKED, Step.REPLYING) else None

    def _replying(self, reply_id: str) -> Turn | None:
        """The open turn, now that something of its reply has come."""
        turn = self._open_turn(reply_id)
        if turn is None:
            return None
        if turn.step is Step.ASKED:
            self._effects.append(do.OpenReply(turn.id))
        timeout = self._timeouts.tool_timeout_s if turn.tools else self._timeouts.silence_timeout_s
        self._turn = replace(turn, step=Step.REPLYING, due=self._now + timeout)
        return self._turn

    def on_retrying(self, event: model.Retrying) -> None:
        if turn := self._open_turn(event.reply_id):
            due = self._now + event.delay + self._timeouts.answer_timeout_s
            self._turn = replace(turn, due=due, retry_told=True)
            if not turn.retry_told or event.delay >= do.LONG_WAIT_S:
                self._effects.append(do.ReportRetry(turn.id, event.error, event.delay))

    def on_reply_notice(self, event: model.ReplyNotice) -> None:
        if turn := self._open_turn(event.reply_id):
            self._turn = replace(turn, due=self._now + self._timeouts.answer_timeout_s)
            self._effects.append(do.Tell(turn.id, event.code, event.params, event.is_wait))

    def on_tool_call(self, event: model.ToolCall) -> None:
        if turn := self._open_turn(event.reply_id):
            due = self._now + self._timeouts.tool_timeout_s
            self._turn = replace(turn, tools=turn.tools | {event.call_id}, due=due, repeatable=False)
            self._effects.append(do.RunTool(turn.id, event))

    def on_tool_answered(self, event: on.ToolAnswered) -> None:
        if self._turn and event.call_id in self._turn.tools:
            due = self._now + self._timeouts.answer_timeout_s
            self._turn = replace(self._turn, tools=self._turn.tools - {event.call_id}, due=due)

    def on_reply_done(self, event: model.ReplyDone) -> None:
        turn = self._open_turn(event.reply_id)
        if turn is None:
            return
        turn = replace(turn, status=event.reason, failure=event.error)
        if turn.utterance_id is None:
            self._complete(turn)
            return
        dues = [e.due for e in self._log if isinstance(e, AwaitedWords) and e.utterance_id == turn.utterance_id]
        self._turn = replace(turn, step=Step.AWAITING_WORDS, due=min(dues, default=self._now))

    def _release(self, turn: Turn) -> None:
        """The user's words have their place, or never will: show what was held, and end what is complete."""
        if turn.held:
            self._effects.append(do.ShowText(turn.id, "".join(turn.held)))
        self._turn = turn = replace(turn, utterance_id=None, held=())
        if turn.step is Step.AWAITING_WORDS:
            self._complete(turn)

    def _complete(self, turn: Turn) -> None:
        self._effects.append(do.FinishReply(turn.id))
        if turn.failure:
            self._effects.append(do.Report(turn.failure))
        self._turn = turn
        self._end_turn(turn.status)

    # ── sound ─────────────────────────────────────────────────────────────────

    def on_sound_began(self, event: on.SoundBegan) -> None:
        if self._turn and self._turn.id == event.turn_id:
            self._speech_id = event.turn_id
            self._speech_due = self._now + self._timeouts.sound_timeout_s

    def on_sound_ended(self, event: on.SoundEnded) -> None:
        if self._speech_id == event.turn_id:
            self._speech_id = None
            if self._turn is None:
                self._resume()

    # ── ends ──────────────────────────────────────────────────────────────────

    def on_stop(self, event: on.Stop) -> None:
        self._cut(do.SilenceSound(begins=False))
        self._want_none()
        if self._utterance and not self._utterance.speaking:
            self._utterance = None

    def _want_none(self) -> None:
        self._unasked = tuple(replace(one, wanted=False) for one in self._unasked)

    def on_dismiss(self, event: on.Dismiss) -> None:
        self._cut(do.DropSound())
        if event.withdrawn:
            self._unasked = tuple(one for one in self._unasked if one.request.client_id not in event.withdrawn)
        self._want_none()
        self._leave_session()

    def on_close(self, event: on.Close) -> None:
        self.on_dismiss(on.Dismiss())
        self._closed = True

    def on_turn_written(self, event: on.TurnWritten) -> None:
        self._writing = tuple(turn_id for turn_id in self._writing if turn_id != event.turn_id)

    def _cut(self, silence: do.SilenceSound | do.DropSound, by: CutBy = CutBy.END) -> None:
        """End the running turn as it stands, and all sound."""
        self._hush(silence, by)
        if (turn := self._turn) is None:
            return
        if turn.held and turn.heard:
            self._effects.append(do.KeepText(turn.id, "".join(turn.held)))
        if turn.step in (Step.ASKED, Step.REPLYING, Step.AWAITING_WORDS):
            self._effects.append(do.Interrupt(turn.id, by))
        elif turn.priority is Priority.USER:
            cut = Unasked(turn.id, turn.request, written=turn.step is Step.STARTING)
            self._unasked = (*self._unasked, cut)[-_UNASKED:]
        self._end_turn("interrupted")

    def _hush(self, silence: do.SilenceSound | do.DropSound, by: CutBy) -> None:
        if by is CutBy.SPEECH and self._speech_id and (self._turn is None or self._turn.id != self._speech_id):
            self._effects.append(do.KeepHeard(self._speech_id))
        self._effects.append(silence)
        self._paused_until = None
        self._speech_id = None

    def _end_turn(self, status: LineStatus) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if turn.step in (Step.REPLYING, Step.AWAITING_WORDS):
            self._log += (do.WriteReply(turn.id, status),)
        asked = turn.step not in (Step.COMMITTING, Step.STARTING)
        self._log += (do.EndTurn(turn.id, status, asked),)
        self._recent = (*self._recent, turn.id)[-_RECENT:]

    def _flush_log(self) -> None:
        """Write what has no unknown words before it."""
        while self._log and not isinstance(entry := self._log[0], AwaitedWords):
            self._effects.append(entry)
            self._log = self._log[1:]
            if isinstance(entry, do.EndTurn):
                self._writing = (*self._writing, entry.turn_id)
                self._writing_due = self._now + self._timeouts.commit_timeout_s

    # ── deadlines ─────────────────────────────────────────────────────────────

    def on_tick(self, event: on.Tick) -> None:
        if self._paused_until is not None and self._now >= self._paused_until:
            self._end_pause()
        self._give_up_words()
        if self._utterance and self._now >= self._utterance.due:
            self._utterance = None
        if self._turn and self._now >= self._turn.due:
            self._give_up_turn(self._turn)
        if self._speech_id and self._now >= self._speech_due:
            self._effects.append(do.DropSound())
            self._speech_id = None
        if self._writing and self._now >= self._writing_due:
            self._writing = ()

    def _end_pause(self) -> None:
        """Speech that lasts is speech; anything else was none, and so is what a session tells nothing more of."""
        if self._utterance and self._utterance.speaking and self._barge_in is not BargeIn.PAUSE_UNTIL_TOLD:
            self._cut(do.SilenceSound(), CutBy.SPEECH)
        else:
            self._resume()

    def _give_up_words(self) -> None:
        self._forget_words({e.utterance_id for e in self._log if isinstance(e, AwaitedWords) and self._now >= e.due})

    def _forget_words(self, late: set[str]) -> None:
        """Keep no place in the log for these any more."""
        self._log = tuple(e for e in self._log if not isinstance(e, AwaitedWords) or e.utterance_id not in late)
        if self._turn and self._turn.utterance_id in late:
            self._release(self._turn)

    def _give_up_turn(self, turn: Turn) -> None:
        if turn.step is Step.AWAITING_WORDS:
            self._release(turn)
            return
        if turn.step in (Step.ASKED, Step.REPLYING):
            self._effects.append(do.DropSound())
            self._effects.append(do.Interrupt(turn.id))
            self._speech_id = None
        self._effects.append(do.ReportOverdue(turn.step))
        self._end_turn("failed")


_HANDLERS: dict[type, Any] = {
    on.UserWords: _Transition.on_user_words,
    on.SpokenWords: _Transition.on_spoken_words,
    on.SpeakFirst: _Transition.on_speak_first,
    on.Committed: _Transition.on_committed,
    on.CommitFailed: _Transition.on_commit_failed,
    on.SessionReady: _Transition.on_session_ready,
    on.SessionUnavailable: _Transition.on_session_unavailable,
    on.SessionGone: _Transition.on_session_gone,
    on.SessionLeaves: _Transition.on_session_leaves,
    model.SpeechStarted: _Transition.on_speech_started,
    model.SpeechLasts: _Transition.on_speech_lasts,
    model.SpeechStopped: _Transition.on_speech_stopped,
    model.Transcript: _Transition.on_transcript,
    model.ReplyStarted: _Transition.on_reply_started,
    model.TextDelta: _Transition.on_text_delta,
    model.TextWithdrawn: _Transition.on_text_withdrawn,
    model.AudioDelta: _Transition.on_audio_delta,
    model.Retrying: _Transition.on_retrying,
    model.ReplyNotice: _Transition.on_reply_notice,
    model.SpeechRejected: _Transition.on_speech_rejected,
    model.Reconnected: _Transition.on_reconnected,
    model.ToolCall: _Transition.on_tool_call,
    on.ToolAnswered: _Transition.on_tool_answered,
    model.ReplyDone: _Transition.on_reply_done,
    on.SoundBegan: _Transition.on_sound_began,
    on.SoundEnded: _Transition.on_sound_ended,
    on.TurnWritten: _Transition.on_turn_written,
    on.Stop: _Transition.on_stop,
    on.Dismiss: _Transition.on_dismiss,
    on.Close: _Transition.on_close,
    on.Tick: _Transition.on_tick,
}
