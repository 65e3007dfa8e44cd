"""When she may speak of her own accord."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.sessions.manners import (
    LEAST_SILENCE,
    MOST_UNANSWERED,
    Manners,
    Presence,
    Record,
    Verdict,
    is_within,
    judge,
    read_quiet,
)

NOON = datetime(2026, 11, 28, 12)
HERE = Presence(is_here=True)
ON = Manners(on=True, every=timedelta(minutes=30), per_day=3, quiet=(time(22), time(8)))


@pytest.mark.parametrize(
    ("presence", "verdict"),
    [
        (HERE, Verdict.NOW),
        (Presence(is_here=False), Verdict.AWAY),
        (replace(HERE, is_private=True), Verdict.PRIVATE),
        (replace(HERE, in_call=True), Verdict.IN_CALL),
        (replace(HERE, is_busy=True), Verdict.BUSY),
        (replace(HERE, spoke=NOON - timedelta(seconds=29)), Verdict.TALKING),
        (replace(HERE, spoke=NOON - LEAST_SILENCE), Verdict.NOW),
        (replace(HERE, spoke=NOON + timedelta(hours=1)), Verdict.NOW),  # the clock was set back
    ],
)
def test_she_speaks_when_it_suits(presence: Presence, verdict: Verdict) -> None:
    assert judge(ON, presence, Record(), NOON) is verdict


def test_she_never_does_until_she_is_asked_to() -> None:
    assert judge(replace(ON, on=False), HERE, Record(), NOON) is Verdict.OFF


@pytest.mark.parametrize(
    ("hour", "verdict"), [(21, Verdict.NOW), (22, Verdict.QUIET_HOURS), (3, Verdict.QUIET_HOURS), (8, Verdict.NOW)]
)
def test_the_night_is_quiet(hour: int, verdict: Verdict) -> None:
    assert judge(ON, HERE, Record(), NOON.replace(hour=hour)) is verdict


def test_a_day_has_its_number_and_the_next_one_begins_anew() -> None:
    record = Record()
    for hour in (9, 12, 15):
        record = record.spoke(f"at {hour}", NOON.replace(hour=hour)).answered()
    assert judge(ON, HERE, record, NOON.replace(hour=20)) is Verdict.SPENT
    assert judge(ON, HERE, record, NOON.replace(hour=9) + timedelta(days=1)) is Verdict.NOW


def test_who_does_not_answer_is_left_alone_for_longer_and_then_altogether() -> None:
    once = Record().spoke("a", NOON)
    assert judge(ON, HERE, once, NOON + timedelta(minutes=45)) is Verdict.TOO_SOON, "twice the pause"
    assert judge(ON, HERE, once.answered(), NOON + timedelta(minutes=45)) is Verdict.NOW
    twice = once.spoke("b", NOON + timedelta(hours=1))
    assert judge(ON, HERE, twice, NOON + timedelta(days=3)) is Verdict.UNANSWERED
    assert judge(ON, HERE, twice.answered(), NOON + timedelta(hours=2)) is Verdict.NOW


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22:00-08:00", (time(22), time(8))),
        ("22-8", (time(22), time(8))),
        (" 23.30 – 7.15 ", (time(23, 30), time(7, 15))),
        ("24:00-6:00", (time(0), time(6))),
        ("", None),
        ("8-8", None),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, hours: tuple[time, time] | None) -> None:
    assert read_quiet(text) == hours


@pytest.mark.parametrize("text", ["night", "22", "25:00-8:00", "22:61-8"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_quiet(text)


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=60), st.integers(1, 6))
def test_whatever_happens_the_limits_hold(steps: list[tuple[int, bool]], per_day: int) -> None:
    """Minutes pass, the user sometimes says something, and she speaks whenever she may."""
    manners, record, now = replace(ON, per_day=per_day), Record(), NOON
    spoken: list[datetime] = []
    silent_for = 0
    for minutes, says in steps:
        now += timedelta(minutes=minutes)
        if says:
            record, silent_for = record.answered(), 0
        if judge(manners, HERE, record, now) is Verdict.NOW:
            record, silent_for = record.spoke("x", now), silent_for + 1
            spoken.append(now)
        assert silent_for <= MOST_UNANSWERED
    assert all(later - earlier >= manners.every for earlier, later in pairwise(spoken))
    assert manners.quiet
    assert not any(is_within(manners.quiet, at.time()) for at in spoken)
    assert all(sum(other.date() == at.date() for other in spoken) <= per_day for at in spoken)
