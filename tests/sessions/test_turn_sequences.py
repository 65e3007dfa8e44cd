"""The turn machine over thousands of random sequences of events, on a virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neko.errors import MemoryStoreError, ModelServerError
from neko.sessions import turn_effects as do
from neko.sessions import turn_events as on
from neko.sessions.turn_effects import Phase
from neko.sessions.turn_events import BargeIn, Priority
from neko.types import model_session as model
from neko.types.model_session import ToolCall
from tests.sessions.checked_machine import Machine, tag

SEQUENCES = 1_000
LONGEST = 40


_TURNS = st.sampled_from([0, 0, 0, 0, 0, 1, 2])
"""How many turns or utterances back: mostly the newest."""
_OPS = st.one_of(
    st.tuples(st.just("type"), st.booleans()),
    st.tuples(st.sampled_from(["typed turn", "spoken turn"]), st.booleans()),
    st.tuples(st.just("first"), st.sampled_from(list(Priority)[:3])),
    st.tuples(st.sampled_from(["commit", "commit answered", "commit failed"]), _TURNS),
    st.tuples(st.sampled_from(["ready", "gone", "unavailable", "stop", "dismiss", "reconnected"]), st.booleans()),
    st.tuples(st.sampled_from(["speech", "silence", "words", "partial", "cough"]), _TURNS),
    st.tuples(st.sampled_from(["reply", "text", "withdrawn", "sound", "retry", "notice", "tool", "tool done"]), _TURNS),
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
                barge_in = list(BargeIn)[self.sessions % 3] if value else BargeIn.CUT
                yield on.SessionReady(
                    f"s{self.sessions}", transcription=value or self.sessions % 2 == 0, barge_in=barge_in
                )
            case "gone":
                yield on.SessionGone(f"s{self.sessions}", broke=value)
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
            case "withdrawn":
                yield model.TextWithdrawn(turn, tag(turn))
            case "sound":
                yield model.AudioDelta(turn, tag(turn).encode(), 24_000)
            case "retry":
                yield model.Retrying(turn, ModelServerError(model="m", provider="p"), 2, 1.0)
            case "notice":
                yield model.ReplyNotice(turn, "model_late", {})
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
        pytest.param(100 * SEQUENCES, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
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
