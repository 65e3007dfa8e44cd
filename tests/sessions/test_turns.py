"""The turn machine, one turn at a time: no loop, no files, no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from neko.errors import MemoryStoreError, ModelRateLimitedError, ModelServerError
from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.arbiter import may_open
from neko.sessions.turn_effects import Phase, Step
from neko.sessions.turn_events import BargeIn, Priority
from neko.types import model_session as model
from neko.types.model_session import ToolCall
from tests.sessions.checked_machine import TIMEOUTS, Machine

# ── what happens, one turn at a time ──────────────────────────────────────────


def up(**changes: Any) -> Machine:
    """A machine whose session is up."""
    machine = Machine()
    machine.take(on.SessionReady("s1", **changes))
    return machine


def answered(machine: Machine, turn_id: str = "t1", *deltas: str) -> None:
    """A typed turn whose reply is under way."""
    machine.take(on.UserWords(turn_id, turn_id), on.Committed(turn_id, turn_id), model.ReplyStarted(turn_id))
    machine.take(*(model.TextDelta(turn_id, delta) for delta in deltas))


def kinds(effects: Sequence[do.Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def test_typed_words_are_committed_before_a_session_is_asked_for() -> None:
    machine = Machine()
    assert kinds(machine.take(on.UserWords("t1", "hi"))) == [do.SilenceSound, do.WriteUserLine, do.ShowPhase]
    assert machine.take(on.Committed("t1", "hi")) == [do.NeedSession()]
    assert machine.take(on.SessionReady("s1")) == [do.Ask("t1", "hi")]


def test_a_reply_is_shown_written_and_ended() -> None:
    machine = up()
    answered(machine, "t1", "Hel", "lo")
    seen = machine.take(model.ReplyDone("t1"))
    assert seen == [do.FinishReply("t1"), do.WriteReply("t1", "complete"), do.EndTurn("t1", "complete")]
    assert machine.take(on.TurnWritten("t1")) == [do.ShowPhase(Phase.IDLE)]


def test_what_was_no_reply_is_taken_back_and_the_reply_begins_anew() -> None:
    machine = up()
    answered(machine, "t1", "I should greet.")
    assert machine.take(model.TextWithdrawn("t1", "")) == [do.WithdrawText("t1", "")]
    assert machine.take(model.TextDelta("t1", "Hello")) == [do.ShowText("t1", "Hello")]
    assert machine.take(model.TextWithdrawn("t2", "")) == []


def test_what_waits_for_the_users_words_is_taken_back_unseen() -> None:
    machine = up(transcription=True)
    machine.take(model.SpeechStarted("u1"), model.SpeechStopped("u1"), model.ReplyStarted("r1", "u1"))
    machine.take(model.TextDelta("r1", "I should greet."), model.TextWithdrawn("r1"), model.TextDelta("r1", "Hello"))
    assert do.ShowText("r1", "Hello") in machine.take(model.Transcript("u1", "Hi"))


def test_that_it_is_tried_again_is_told_once_a_turn() -> None:
    machine = up()
    again = model.Retrying("t1", ModelServerError(model="m", provider="p"), 2, 1.0)
    machine.take(on.UserWords("t1", "t1"), on.Committed("t1", "t1"), model.ReplyStarted("t1"))
    assert machine.take(again) == [do.ReportRetry("t1", again.error, 1.0)]
    assert machine.take(again) == []
    assert machine.state.deadline == 1.0 + TIMEOUTS.answer_timeout_s


def test_each_long_wait_for_another_try_is_told() -> None:
    machine = up()
    again = model.Retrying("t1", ModelRateLimitedError(model="m", provider="p"), 2, 30.0)
    machine.take(on.UserWords("t1", "t1"), on.Committed("t1", "t1"), model.ReplyStarted("t1"))
    told = [do.ReportRetry("t1", again.error, 30.0)]
    assert [machine.take(again), machine.take(again)] == [told, told]


def test_a_notice_about_the_open_reply_is_told_and_one_about_any_other_is_not() -> None:
    machine = up()
    answered(machine, "t1")
    late = model.ReplyNotice("t1", "model_late", {}, is_wait=True)
    assert machine.take(late) == [do.Tell("t1", "model_late", {}, is_wait=True)]
    assert machine.take(model.ReplyNotice("t0", "model_late", {})) == []


def test_the_end_of_a_reply_that_is_still_heard_leaves_her_speaking() -> None:
    machine = up()
    answered(machine, "t1", "Hello")
    machine.take(on.SoundBegan("t1"), model.ReplyDone("t1"), on.TurnWritten("t1"))
    assert machine.state.phase is Phase.SPEAKING
    assert machine.take(on.SoundEnded("t1")) == [do.ShowPhase(Phase.IDLE)]


def test_newer_words_cut_the_reply_and_come_after_it_in_the_log() -> None:
    machine = up()
    answered(machine, "t1", "so far")
    seen = machine.take(on.UserWords("t2", "two"))
    assert seen[:5] == [
        do.SilenceSound(),
        do.Interrupt("t1", do.CutBy.WORDS),
        do.WriteReply("t1", "interrupted"),
        do.EndTurn("t1", "interrupted"),
        do.WriteUserLine("t2", "two"),
    ]
    assert machine.take(model.TextDelta("t1", "late")) == []


def test_words_that_were_cut_before_the_model_was_asked_are_told_with_the_next() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.UserWords("t2", "two"))
    assert machine.take(on.Committed("t1", "one")) == []
    assert do.Ask("t2", "two") in machine.take(on.Committed("t2", "two"))
    asked = next(effect for effect in machine.effects if isinstance(effect, do.Ask))
    assert asked.before == ("one",)


def test_words_that_were_cut_are_told_as_the_line_that_they_became() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.UserWords("t2", "two"))
    machine.take(on.Committed("t1", "one, kept as line 1"))
    asked = next(effect for effect in machine.take(on.Committed("t2", "two")) if isinstance(effect, do.Ask))
    assert asked.before == ("one, kept as line 1",)


def test_words_that_were_cut_and_turn_out_to_be_answered_are_not_told_again() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.UserWords("t2", "two"))
    machine.take(on.Committed("t1", "one", answered=True))
    assert next(effect for effect in machine.take(on.Committed("t2", "two")) if isinstance(effect, do.Ask)).before == ()


def test_words_that_could_not_be_kept_are_reported_and_their_turn_ends() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"))
    error = MemoryStoreError()
    assert machine.take(on.CommitFailed("t1", error))[:2] == [do.Report(error), do.EndTurn("t1", "failed", asked=False)]


def test_a_session_that_cannot_be_had_ends_the_turn() -> None:
    machine = Machine()
    machine.take(on.UserWords("t1", "one"), on.Committed("t1", "one"))
    assert do.EndTurn("t1", "failed", asked=False) in machine.take(on.SessionUnavailable())


def test_a_session_that_goes_ends_its_reply_but_not_a_turn_it_was_never_asked() -> None:
    machine = up()
    answered(machine, "t1", "so far")
    assert do.EndTurn("t1", "interrupted") in machine.take(on.SessionGone("s1"))
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.SessionGone("s1"))
    assert machine.take(on.Committed("t1", "one")) == [do.NeedSession()]


def test_what_a_lost_session_was_asked_is_asked_the_next_one_if_nothing_came_of_it() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.Committed("t1", "one"), on.SessionGone("s1", broke=True))
    assert machine.take(on.SessionReady("s2", follows=True)) == [do.Ask("t1", "one")]


def test_what_was_typed_before_the_kind_of_talk_changed_is_asked_the_next_session() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.Committed("t1", "one"))
    assert not [one for one in machine.take(on.SessionGone("s1")) if isinstance(one, do.EndTurn)]
    assert machine.take(on.SessionReady("s2")) == [do.Ask("t1", "one")]


def test_speech_that_begins_before_typed_words_are_asked_leaves_them_to_be_asked() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), model.SpeechStarted("u1"))
    assert do.Ask("t1", "one") in machine.take(on.Committed("t1", "one"))


@pytest.mark.parametrize("end", ["complete", "stopped"])
def test_typed_words_that_speech_was_answered_before_are_asked_the_session_they_wait_for(end: str) -> None:
    machine = up()
    machine.take(on.SessionLeaves("s1"), on.UserWords("t1", "one"), on.Committed("t1", "one"))
    machine.take(model.SpeechStarted("u1"), model.SpeechStopped("u1"), model.ReplyStarted("t2"))
    machine.take(*([on.Stop()] if end == "stopped" else [model.TextDelta("t2", "yes"), model.ReplyDone("t2")]))
    asked = [one for one in machine.take(on.SessionReady("s2", follows=True, turn_id="t3")) if isinstance(one, do.Ask)]
    assert asked == ([] if end == "stopped" else [do.Ask("t3", "one")])


def test_words_that_are_still_being_written_are_told_the_session_that_follows() -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.UserWords("t2", "two"), on.SessionReady("s2", follows=True))
    machine.take(on.Committed("t1", "one"))
    assert do.Ask("t2", "two", ("one",)) in machine.take(on.Committed("t2", "two"))


@pytest.mark.parametrize("sign", [model.TextDelta("t1", "so far"), model.ToolCall("t1", "c1", "write", {})])
def test_what_a_lost_session_has_begun_to_answer_or_to_do_is_not_asked_again(sign: on.Event) -> None:
    machine = up()
    machine.take(on.UserWords("t1", "one"), on.Committed("t1", "one"), sign)
    assert do.EndTurn("t1", "interrupted") in machine.take(on.SessionGone("s1", broke=True))


def test_events_of_a_session_that_is_not_this_one_change_nothing() -> None:
    machine = up()
    answered(machine, "t1", "so far")
    before = machine.state
    assert machine.take(on.SessionGone("s0")) == []
    assert machine.state == before


# ── spoken turns ──────────────────────────────────────────────────────────────


def spoke(machine: Machine, utterance_id: str = "u1") -> None:
    machine.take(model.SpeechStarted(utterance_id), model.SpeechStopped(utterance_id))


def test_a_spoken_turn_is_heard_then_thought_about_then_answered() -> None:
    machine = up(transcription=True)
    machine.take(model.SpeechStarted("u1"))
    assert machine.state.phase is Phase.LISTENING
    machine.take(model.SpeechStopped("u1"))
    assert machine.state.phase is Phase.THINKING
    assert machine.take(model.Transcript("u1", "hello")) == [
        do.ShowWords("u1", "hello"),
        do.WriteSpokenLine("u1", "hello"),
    ]
    machine.take(model.ReplyStarted("r1", "u1"), model.TextDelta("r1", "Hi"))
    assert machine.state.phase is Phase.SPEAKING


def test_a_cough_leaves_no_trace() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(model.Transcript("u1", "  "))
    assert machine.state.phase is Phase.IDLE
    assert machine.log == []


def test_a_cough_of_which_nobody_says_anything_is_over_after_a_while() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.rest()
    assert machine.state.phase is Phase.IDLE
    assert machine.now <= TIMEOUTS.transcript_timeout_s


@pytest.mark.parametrize("turn_detection", ["told", "untold"])
def test_rejected_speech_ends_the_listening_at_once(turn_detection: str) -> None:
    machine = up(transcription=True)
    machine.take(model.SpeechStarted("u1"))
    if turn_detection == "told":
        machine.take(model.SpeechStopped("u1"))
    assert machine.take(model.SpeechRejected("u1")) == [do.ShowPhase(Phase.IDLE)]
    assert machine.state.deadline is None


def test_a_reconnection_forgets_what_was_being_said_and_keeps_nothing_waiting_for_it() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(on.UserWords("t1", "typed"))
    assert machine.log == []
    machine.take(model.Reconnected())
    assert machine.log == [do.WriteUserLine("t1", "typed")]
    assert machine.state.utterance is None


def test_a_reconnection_resumes_a_paused_reply() -> None:
    machine = up(transcription=True, barge_in=BargeIn.PAUSE)
    answered(machine, "t1", "so far")
    machine.take(model.SpeechStarted("u1"))
    assert do.ResumeSound() in machine.take(model.Reconnected())


def test_typed_words_need_another_session_when_this_one_takes_no_text() -> None:
    machine = up(text_input=False)
    machine.take(on.UserWords("t1", "typed"))
    assert machine.take(on.Committed("t1", "typed")) == [do.NeedSession()]
    assert do.Ask("t1", "typed") in machine.take(on.SessionReady("s2"))


def test_a_reply_waits_for_the_words_it_answers() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(model.ReplyStarted("r1", "u1"))
    assert do.ShowText not in kinds(machine.take(model.TextDelta("r1", "I "), model.TextDelta("r1", "hear")))
    seen = machine.take(model.Transcript("u1", "hello"))
    assert seen[:2] == [do.ShowWords("u1", "hello"), do.ShowText("r1", "I hear")]
    assert machine.log == [do.WriteSpokenLine("u1", "hello")]


def test_words_that_come_after_the_end_of_the_reply_stand_before_it_in_the_log() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(model.ReplyStarted("r1", "u1"), model.TextDelta("r1", "yes"), model.ReplyDone("r1"))
    assert machine.log == []
    machine.take(model.Transcript("u1", "hello"))
    assert machine.log == [
        do.WriteSpokenLine("u1", "hello"),
        do.WriteReply("r1", "complete"),
        do.EndTurn("r1", "complete"),
    ]


def test_a_reply_does_not_wait_for_ever_for_words_that_never_come() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(model.ReplyStarted("r1", "u1"), model.TextDelta("r1", "yes"), model.ReplyDone("r1"))
    seen = machine.wait()
    assert do.ShowText("r1", "yes") in seen
    assert do.EndTurn("r1", "complete") in seen
    assert machine.now <= TIMEOUTS.transcript_timeout_s
    machine.take(model.Transcript("u1", "hello"))
    assert machine.log[-1] == do.WriteSpokenLine("u1", "hello"), "late words are kept"


def test_late_words_of_one_utterance_do_not_release_the_reply_to_another() -> None:
    machine = up(transcription=True)
    spoke(machine, "u1")
    spoke(machine, "u2")
    machine.take(model.ReplyStarted("r2", "u2"), model.TextDelta("r2", "two"))
    assert do.ShowText not in kinds(machine.take(model.Transcript("u1", "one")))
    assert do.ShowText("r2", "two") in machine.take(model.Transcript("u2", "two?"))
    assert machine.log == [do.WriteSpokenLine("u1", "one"), do.WriteSpokenLine("u2", "two?")]


def test_words_typed_while_others_are_recognised_come_after_them_in_the_log() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(on.UserWords("t1", "typed"))
    assert machine.log == []
    machine.take(model.Transcript("u1", "spoken"))
    assert machine.log == [do.WriteSpokenLine("u1", "spoken"), do.WriteUserLine("t1", "typed")]


def test_a_reply_to_speech_that_typed_words_superseded_is_refused() -> None:
    machine = up(transcription=True)
    spoke(machine)
    machine.take(model.Transcript("u1", "spoken"), on.UserWords("t1", "typed"))
    assert machine.take(model.ReplyStarted("r1", "u1")) == [do.Interrupt("r1")]


# ── barge-in ──────────────────────────────────────────────────────────────────


def test_speech_cuts_a_reply_at_once() -> None:
    machine = up(transcription=True)
    answered(machine, "t1", "so far")
    assert machine.take(model.SpeechStarted("u1"))[:2] == [
        do.SilenceSound(),
        do.Interrupt("t1", do.CutBy.SPEECH),
    ]


def test_speech_may_pause_a_reply_until_words_come() -> None:
    machine = up(transcription=True, barge_in=BargeIn.PAUSE)
    answered(machine, "t1", "so far")
    assert machine.take(model.SpeechStarted("u1")) == [do.PauseSound(), do.ShowPhase(Phase.PAUSED)]
    assert do.SilenceSound() in machine.take(model.Transcript("u1", "wait", final=False))
    assert machine.state.phase is Phase.LISTENING


def test_a_cough_resumes_a_paused_reply() -> None:
    machine = up(transcription=True, barge_in=BargeIn.PAUSE)
    answered(machine, "t1", "so far")
    machine.take(on.SoundBegan("t1"))
    spoke(machine)
    assert machine.take(model.Transcript("u1", "")) == [do.ResumeSound(), do.ShowPhase(Phase.SPEAKING)]


def test_speech_that_lasts_cuts_a_paused_reply_without_any_words() -> None:
    machine = up(transcription=True, barge_in=BargeIn.PAUSE)
    answered(machine, "t1", "so far")
    machine.take(model.SpeechStarted("u1"))
    assert do.EndTurn("t1", "interrupted") in machine.wait()
    assert machine.now == TIMEOUTS.pause_timeout_s


def test_speech_of_which_nothing_more_comes_cuts_nothing_where_the_session_tells_what_lasts() -> None:
    machine = up(transcription=True, barge_in=BargeIn.PAUSE_UNTIL_TOLD)
    answered(machine, "t1", "so far")
    machine.take(on.SoundBegan("t1"), model.SpeechStarted("u1"))
    assert do.ResumeSound() in machine.wait()
    assert machine.now > TIMEOUTS.pause_timeout_s
    machine.take(model.SpeechStarted("u2"))
    assert do.EndTurn("t1", "interrupted") in machine.take(model.SpeechLasts("u2"))


# ── tools, retries, speaking first ────────────────────────────────────────────


def test_a_turn_that_waits_for_a_tool_has_the_tools_patience() -> None:
    machine = up()
    answered(machine, "t1", "Let me see. ")
    call = ToolCall("t1", "c1", "weather", {})
    assert machine.take(call) == [do.RunTool("t1", call)]
    assert machine.state.deadline == TIMEOUTS.tool_timeout_s
    machine.take(on.ToolAnswered("c1"), model.TextDelta("t1", "Sunny."))
    assert machine.state.deadline == TIMEOUTS.silence_timeout_s


@pytest.mark.parametrize(
    ("running", "asked", "allowed"),
    [
        (None, Priority.PROACTIVE, True),
        (Priority.PROACTIVE, Priority.REPORT, True),
        (Priority.REPORT, Priority.APPROVAL, True),
        (Priority.APPROVAL, Priority.REPORT, False),
        (Priority.REPORT, Priority.REPORT, False),
        (Priority.USER, Priority.APPROVAL, False),
    ],
)
def test_the_higher_priority_has_the_floor(running: Priority | None, asked: Priority, allowed: bool) -> None:
    machine = up()
    if running is Priority.USER:
        answered(machine, "t0", "x")
    elif running is not None:
        machine.take(on.SpeakFirst("t0", running, "report"))
    assert may_open(machine.state, asked) is allowed
    seen = machine.take(on.SpeakFirst("t1", asked, "new"))
    assert (do.Ask("t1", "new") in seen) is allowed
    assert (do.Refuse("t1") in seen) is not allowed


def test_the_user_cuts_whatever_she_says_of_her_own() -> None:
    machine = up()
    machine.take(on.SpeakFirst("t1", Priority.APPROVAL, "may I?"))
    assert do.EndTurn("t1", "interrupted") in machine.take(on.UserWords("t2", "no"))


def test_nothing_happens_after_the_end() -> None:
    machine = up()
    answered(machine, "t1", "so far")
    assert do.EndTurn("t1", "interrupted") in machine.take(on.Close())
    assert machine.take(on.UserWords("t2", "hello?")) == []
    assert machine.state.deadline is None or machine.state.phase is Phase.ENDED


def test_a_state_is_only_data() -> None:
    machine = up()
    answered(machine, "t1", "x")
    assert replace(machine.state) == machine.state
    assert machine.state.turn is not None
    assert machine.state.turn.step is Step.REPLYING
