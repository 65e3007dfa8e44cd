"""Who may open a turn: user > approval > report > proactive."""

from __future__ import annotations

import pytest

from neko.sessions.arbiter import MOST_WAITING, Arbiter, Verdict
from neko.sessions.turn_effects import Phase, Step
from neko.sessions.turn_events import Priority, SpeakFirst
from neko.sessions.turn_state import State, Turn

IDLE = State()
BUSY = State(Phase.SPEAKING, turn=Turn("t0", Priority.USER, Step.REPLYING, due=60.0))


def wish(name: str, priority: Priority = Priority.REPORT) -> SpeakFirst:
    return SpeakFirst(name, priority, "instructions")


def test_in_silence_a_wish_is_granted_at_once() -> None:
    assert Arbiter().offer(wish("a"), IDLE, 0.0, 0.0) is Verdict.OPEN


def test_a_wish_without_patience_is_refused_while_somebody_speaks() -> None:
    assert Arbiter().offer(wish("a"), BUSY, 0.0, 0.0) is Verdict.REFUSE


def test_waiting_wishes_come_by_priority_then_by_age() -> None:
    arbiter = Arbiter()
    for name, priority in [("p", 0), ("r1", 1), ("a", 2), ("r2", 1)]:
        assert arbiter.offer(wish(name, Priority(priority)), BUSY, 0.0, 60.0) is Verdict.WAIT
    assert arbiter.next(BUSY, 1.0) is None
    granted = [arbiter.next(IDLE, 1.0) for _ in range(5)]
    assert [one.turn_id if one else None for one in granted] == ["a", "r1", "r2", "p", None]


def test_a_newer_wish_does_not_overtake_one_that_waits() -> None:
    arbiter = Arbiter()
    arbiter.offer(wish("first"), BUSY, 0.0, 60.0)
    assert arbiter.offer(wish("second"), IDLE, 1.0, 60.0) is Verdict.WAIT
    assert arbiter.offer(wish("third", Priority.APPROVAL), IDLE, 1.0, 60.0) is Verdict.OPEN


def test_a_wish_that_has_waited_too_long_is_forgotten() -> None:
    arbiter = Arbiter()
    arbiter.offer(wish("a"), BUSY, 0.0, 5.0)
    assert arbiter.next(IDLE, 5.0) is None


def test_when_the_user_speaks_what_was_to_fill_the_silence_is_forgotten() -> None:
    arbiter = Arbiter()
    arbiter.offer(wish("small talk", Priority.PROACTIVE), BUSY, 0.0, 60.0)
    arbiter.offer(wish("report"), BUSY, 0.0, 60.0)
    arbiter.user_spoke()
    granted = arbiter.next(IDLE, 1.0)
    assert granted is not None
    assert granted.turn_id == "report"
    assert len(arbiter) == 0


@pytest.mark.parametrize(
    ("priority", "verdict"), [(Priority.REPORT, Verdict.REFUSE), (Priority.APPROVAL, Verdict.WAIT)]
)
def test_when_too_many_wait_the_least_important_is_refused(priority: Priority, verdict: Verdict) -> None:
    arbiter = Arbiter()
    for number in range(MOST_WAITING):
        arbiter.offer(wish(str(number)), BUSY, 0.0, 60.0)
    assert arbiter.offer(wish("one more", priority), BUSY, 0.0, 60.0) is verdict
    assert len(arbiter) == MOST_WAITING
