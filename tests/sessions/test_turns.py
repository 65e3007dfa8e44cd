"""The turn machine on a virtual clock: no loop, no files, no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.errors import MemoryStoreError, ModelServerError
from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.arbiter import may_open
from neko.sessions.turn_effects import Phase, Step
from neko.sessions.turn_events import BargeIn, Priority
from neko.sessions.turn_state import AwaitedWords, State, TurnTimeouts
from neko.sessions.turns import advance
from neko.types import model_session as model
from neko.types.model_session import ToolCall

TIMEOUTS = TurnTimeouts()
SEQUENCES = 5_000
LONGEST = 40


@dataclass
class Machine:
    """Steps the machine and checks what holds for every sequence of events.

    ``tagged``: every delta and sound names the turn it belongs to, which must be the one it is shown for.
    ``log`` holds what was written with the moment it belongs to, the number of the event that made it due.
    """

    state: State = field(default_factory=State)
    now: float = 0.0
    effects: list[do.Effect] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    written: list[tuple[int, do.LogEffect]] = field(default_factory=list)
    phases: set[Phase] = field(default_factory=set)
    tagged: bool = False
    count: int = 0
    moments: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def log(self) -> list[do.LogEffect]:
        return [entry for _, entry in self.written]

    def take(self, *events: on.Event) -> list[do.Effect]:
        """The effects of these events, checked."""
        seen: list[do.Effect] = []
        for one in events:
            before = self.state
            self.state, effects = advance(self.state, one, self.now, TIMEOUTS)
            self._check(before, one, effects)
            seen += effects
        self.effects += seen
        return seen

    def wait(self) -> list[do.Effect]:
        """Let time run to the next deadline."""
        deadline = self.state.deadline
        assert deadline is not None
        self.now = max(self.now, deadline)
        return self.take(on.Tick())

    def rest(self) -> None:
        """Let all deadlines pass, with nobody answering anything."""
        for _ in range(100):
            if self.state.deadline is None:
                return
            self.wait()
        raise AssertionError(f"no way out of {self.state}")

    def _check(self, before: State, taken: on.Event, effects: Sequence[do.Effect]) -> None:
        self.phases.add(self.state.phase)
        self._note_moments(before, taken)
        if self.state.turn and (before.turn is None or before.turn.id != self.state.turn.id):
            self.opened.append(self.state.turn.id)
        opened = set(self.opened)
        current = {turn.id for turn in (before.turn, self.state.turn) if turn}
        for effect in effects:
            match effect:
                case do.ShowText(turn_id, text) if self.tagged and text.replace(tag(turn_id), ""):
                    raise AssertionError(f"{text} was shown for {turn_id}")
                case do.PlaySound(turn_id, pcm, _) if self.tagged and pcm != tag(turn_id).encode():
                    raise AssertionError(f"{pcm!r} was played for {turn_id}")
                case do.ShowText(turn_id) | do.PlaySound(turn_id) | do.OpenReply(turn_id) | do.FinishReply(turn_id):
                    assert turn_id in current, f"{effect} belongs to no open turn"
                    assert not self.ended[turn_id], f"{effect} comes after the end of its turn"
                case do.EndTurn(turn_id):
                    self.ended[turn_id] += 1
                    assert turn_id in opened
                    assert self.ended[turn_id] == 1, f"{turn_id} ended twice"
                case do.Ask(turn_id):
                    assert self.state.turn is not None
                    assert self.state.turn.id == turn_id
                    assert self.state.session_id is not None
                case _:
                    pass
            match effect:
                case do.WriteUserLine(turn_id):
                    self.written.append((self.moments["typed", turn_id], effect))
                case do.WriteSpokenLine(utterance_id):
                    self.written.append((self.moments["spoken", utterance_id], effect))
                case do.WriteReply(turn_id) | do.EndTurn(turn_id):
                    self.written.append((self.moments["ended", turn_id], effect))

    def _note_moments(self, before: State, taken: on.Event) -> None:
        """When each line became due: typed; its speech over, or its words there when nothing waited; its turn over."""
        self.count += 1
        after = self.state
        if isinstance(taken, on.UserWords):
            self.moments["typed", taken.turn_id] = self.count
        if before.turn and (after.turn is None or after.turn.id != before.turn.id):
            self.moments["ended", before.turn.id] = self.count
        awaited = {entry.utterance_id for entry in before.log if isinstance(entry, AwaitedWords)}
        for entry in after.log:
            if isinstance(entry, AwaitedWords) and entry.utterance_id not in awaited:
                self.moments["spoken", entry.utterance_id] = self.count
        if isinstance(taken, model.Transcript) and taken.utterance_id not in {*awaited, *before.transcribed}:
            self.moments["spoken", taken.utterance_id] = self.count


def tag(turn_id: str) -> str:
    return f"[{turn_id}]"


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
        do.Interrupt("t1"),
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
    assert machine.take(model.SpeechStarted("u1"))[:2] == [do.SilenceSound(), do.Interrupt("t1")]


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


# ── every sequence ────────────────────────────────────────────────────────────

_TURNS = st.sampled_from([0, 0, 0, 0, 0, 1, 2])
"""How many turns or utterances back: mostly the newest."""
_OPS = st.one_of(
    st.tuples(st.just("type"), st.booleans()),
    st.tuples(st.sampled_from(["typed turn", "spoken turn"]), st.booleans()),
    st.tuples(st.just("first"), st.sampled_from(list(Priority)[:3])),
    st.tuples(st.sampled_from(["commit", "commit answered", "commit failed"]), _TURNS),
    st.tuples(st.sampled_from(["ready", "gone", "unavailable", "stop", "dismiss", "reconnected"]), st.booleans()),
    st.tuples(st.sampled_from(["speech", "silence", "words", "partial", "cough"]), _TURNS),
    st.tuples(st.sampled_from(["reply", "text", "sound", "retry", "tool", "tool done"]), _TURNS),
    st.tuples(st.sampled_from(["end", "fail", "spoken reply"]), _TURNS),
    st.tuples(st.sampled_from(["sounding", "sounded", "written"]), _TURNS),
    st.tuples(st.just("wait"), st.floats(0.01, 200)),
    st.tuples(st.just("deadline"), st.just(0)),
)


class _World:
    """Turns abstract operations into events with ids that exist: the newest ones and older ones."""

    def __init__(self) -> None:
        self.machine = Machine(tagged=True)
        self.turns: list[str] = []
        self.utterances: list[str] = []
        self.sessions = 0

    def play(self, operation: tuple[str, Any]) -> None:
        name, value = operation
        machine = self.machine
        if name == "typed turn":
            turn = self._new_turn()
            machine.take(on.UserWords(turn, "words"), on.Committed(turn, "words"), model.TextDelta(turn, tag(turn)))
            machine.take(*([on.SoundBegan(turn)] if value else []))
        elif name == "spoken turn":
            for step in ("speech", "silence", "words" if value else "partial", "spoken reply", "text"):
                machine.take(*self._events(step, 0))
        elif name == "wait":
            machine.now += value
            machine.take(on.Tick())
        elif name == "deadline":
            if machine.state.deadline is not None:
                machine.wait()
        else:
            machine.take(*self._events(name, value))

    def _events(self, name: str, value: Any) -> Iterator[on.Event]:
        turn = self.turns[-1 - value] if isinstance(value, int) and value < len(self.turns) else "nobody"
        speech = self.utterances[-1 - value] if isinstance(value, int) and value < len(self.utterances) else "none"
        match name:
            case "type":
                yield on.UserWords(self._new_turn(), "words", committed=value)
            case "first":
                yield on.SpeakFirst(self._new_turn(), value, "instructions")
            case "commit" | "commit answered":
                yield on.Committed(turn, "words", answered=name != "commit")
            case "commit failed":
                yield on.CommitFailed(turn, MemoryStoreError())
            case "ready":
                self.sessions += 1
                barge_in = BargeIn.PAUSE if value else BargeIn.CUT
                yield on.SessionReady(
                    f"s{self.sessions}", transcription=value or self.sessions % 2 == 0, barge_in=barge_in
                )
            case "gone":
                yield on.SessionGone(f"s{self.sessions}")
            case "unavailable":
                yield on.SessionUnavailable()
            case "stop":
                yield on.Stop()
            case "dismiss":
                yield on.Dismiss()
            case "speech":
                self.utterances.append(f"u{len(self.utterances)}")
                yield model.SpeechStarted(self.utterances[-1])
            case "silence":
                yield model.SpeechStopped(speech)
            case "words" | "partial":
                yield model.Transcript(speech, "hello", final=name == "words")
            case "cough":
                yield model.SpeechRejected(speech)
            case "reconnected":
                yield model.Reconnected()
            case "spoken reply":
                yield model.ReplyStarted(self._new_turn(), speech if value else None)
            case _:
                yield from self._reply(name, turn)

    def _reply(self, name: str, turn: str) -> Iterator[on.Event]:
        match name:
            case "reply":
                yield model.ReplyStarted(turn)
            case "text":
                yield model.TextDelta(turn, tag(turn))
            case "sound":
                yield model.AudioDelta(turn, tag(turn).encode(), 24_000)
            case "retry":
                yield model.Retrying(turn, ModelServerError(model="m", provider="p"), 2, 1.0)
            case "tool":
                yield ToolCall(turn, f"call {turn}", "tool", {})
            case "tool done":
                yield on.ToolAnswered(f"call {turn}")
            case "end":
                yield model.ReplyDone(turn)
            case "fail":
                yield model.ReplyDone(turn, "failed", ModelServerError(model="m", provider="p"))
            case "sounding":
                yield on.SoundBegan(turn)
            case "sounded":
                yield on.SoundEnded(turn)
            case "written":
                yield on.TurnWritten(turn)

    def _new_turn(self) -> str:
        self.turns.append(f"t{len(self.turns)}")
        return self.turns[-1]


_played = Counter[str]()


def play_and_check(session: bool | None, operations: list[tuple[str, Any]], close: bool) -> None:
    world = _World()
    if session is not None:
        world.play(("ready", session))
    for operation in operations:
        world.play(operation)
    machine = world.machine
    if close:
        machine.take(on.Close())
    else:
        machine.rest()
    assert machine.state.phase is (Phase.ENDED if close else Phase.IDLE), "no state without a way out"
    assert machine.state.turn is None
    assert {turn: machine.ended[turn] for turn in machine.opened} == dict.fromkeys(machine.opened, 1)
    _check_order(machine)
    _played["sequences"] += 1
    _played["turns"] += len(machine.opened)
    _played.update(machine.phases)


@pytest.mark.parametrize(
    "sequences",
    [
        pytest.param(SEQUENCES, marks=[pytest.mark.slow, pytest.mark.timeout(240)]),
        pytest.param(20 * SEQUENCES, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_happens_every_turn_ends_once_and_the_log_is_in_the_order_of_the_talk(
    sequences: int, record_property: Callable[[str, object], None]
) -> None:
    _played.clear()
    operations = st.lists(_OPS, min_size=5, max_size=LONGEST)
    random_talk = given(st.sampled_from([None, True, False]), operations, st.booleans())
    settings(max_examples=sequences, suppress_health_check=list(HealthCheck))(random_talk(play_and_check))()
    phases = [phase for phase in Phase if phase is not Phase.ENDED]
    seen = ", ".join(f"{phase} {_played[phase]}" for phase in phases)
    text = f"Turn machine: {_played['sequences']} sequences, {_played['turns']} turns; seen in {seen}."
    record_property("summary", text)
    assert _played["sequences"] >= sequences
    assert all(_played[phase] for phase in phases), "a state was never reached"


def _check_order(machine: Machine) -> None:
    """The log is in the order of the talk, and a reply stands right before the end of its turn."""
    moments = [moment for moment, _ in machine.written]
    assert moments == sorted(moments)
    for number, entry in enumerate(machine.log):
        if isinstance(entry, do.WriteReply):
            end = machine.log[number + 1]
            assert isinstance(end, do.EndTurn)
            assert end.turn_id == entry.turn_id


def test_a_state_is_only_data() -> None:
    machine = up()
    answered(machine, "t1", "x")
    assert replace(machine.state) == machine.state
    assert machine.state.turn is not None
    assert machine.state.turn.step is Step.REPLYING
