"""What is shown live reaches a session that watches at the pace of the contract, and no picture is lost to a rule."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from neko.sessions.live_picture import GAP_S, IDLE_GAP_S, PicturePace


def sent_of(offered: list[float], spoken: list[tuple[float, bool]], *, in_speech_only: bool = False) -> list[float]:
    """Which of the pictures ``offered`` at these times pass, the user beginning and ending to speak at others."""
    pace, passed = PicturePace(), []
    for now, what in sorted([*((at, None) for at in offered), *spoken], key=lambda one: one[0]):
        if what is not None:
            pace.speech(now, lasts=what)
        elif pace.due(now, in_speech_only=in_speech_only) <= now:
            pace.sent(now)
            passed.append(now)
    return passed


EVERY_HALF = [at / 2 for at in range(40)]


def test_while_nobody_speaks_five_gaps_lie_between_two_pictures() -> None:
    assert sent_of(EVERY_HALF, []) == [0.0, IDLE_GAP_S, 2 * IDLE_GAP_S]


def test_speech_counts_for_as_long_as_it_lasts_and_two_seconds_more() -> None:
    passed = sent_of(EVERY_HALF, [(0.1, True), (9.9, False)])
    gaps = [later - sooner for sooner, later in pairwise(passed)]
    assert gaps[:7] == [GAP_S] * 7, "up to 10.5 s, also long after speech began"
    assert passed[-1] - passed[-2] == IDLE_GAP_S


def test_a_picture_that_is_not_sent_uses_nothing_up() -> None:
    assert sent_of([0.0, 1.0, 4.9, 5.1], [(5.0, True)], in_speech_only=True) == [5.1]
    assert PicturePace().due(0.0, in_speech_only=True) == math.inf


@pytest.mark.parametrize("late", [0.0, 1.4])
def test_speech_that_begins_shortens_a_long_wait(late: float) -> None:
    pace = PicturePace()
    pace.sent(0.0)
    assert pace.due(late) == IDLE_GAP_S
    pace.speech(late, lasts=True)
    assert pace.due(late) == GAP_S
