"""The user's own hand is told from ours."""

from __future__ import annotations

import pytest

from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import key_named
from neko.agent.computer.watch import OwnDoing, StopKey

ESC = key_named("esc")


@pytest.fixture
def own() -> OwnDoing:
    return OwnDoing(StopKey.named("esc esc"))


def test_a_mouse_that_we_never_moved_is_the_users_to_move(own: OwnDoing) -> None:
    assert not own.users_move(Point(1, 1), 0.0)


def test_where_we_moved_it_is_ours_also_when_it_is_heard_of_late(own: OwnDoing) -> None:
    for step in range(10):
        own.moving(Point(100 * step, 0), 0.1 * step)
    assert not any(own.users_move(Point(100 * step, 0), 1.0) for step in range(10))
    assert own.left_at() == Point(900, 0)


def test_a_bump_is_no_hand_but_a_slow_move_is(own: OwnDoing) -> None:
    own.moving(Point(100, 100), 0.0)
    assert not own.users_move(Point(103, 98), 5.0)
    assert [own.users_move(Point(100 + step, 100), 5.0) for step in (6, 7, 30)] == [False, True, True]


def test_where_it_once_was_is_not_where_we_left_it(own: OwnDoing) -> None:
    own.moving(Point(100, 100), 0.0)
    own.moving(Point(500, 500), 10.0)
    assert own.users_move(Point(100, 100), 10.1)


def test_a_hand_that_draws_slowly_against_small_steps_of_ours_is_one_and_a_desk_that_shakes_is_none(
    own: OwnDoing,
) -> None:
    own.grasping()
    for step, shaken in enumerate((3, -3, 1, 1, 1, 1, 1, 1, -2, 2)):
        own.moving(Point(2 * step, 0), 0.015 * step)
        assert not own.users_pull(Point(2 * step + shaken, 0))
    drawn = []
    for step in range(3):
        own.moving(Point(2 * step, 0), 0.015 * step)
        drawn.append(own.users_pull(Point(2 * step, 3)))
    assert drawn == [False, False, True]


def test_the_stop_key_counts_twice_within_a_second(own: OwnDoing) -> None:
    assert [own.users_stop("esc", at) for at in (0.0, 2.0, 2.9)] == [False, False, True]
    assert [own.users_stop("esc", at) for at in (3.0, 3.5)] == [False, True], "a third does not stop again at once"
    assert not own.users_stop("a", 3.6)


def test_our_own_escape_does_not_stop_us(own: OwnDoing) -> None:
    own.pressing(ESC, 0.0)
    own.pressing(ESC, 0.2)
    assert not own.users_stop("esc", 0.1)
    assert not own.users_stop("esc", 0.3)
    assert [own.users_stop("esc", at) for at in (0.4, 0.5)] == [False, True]


def test_a_press_of_ours_that_is_never_heard_hides_the_users_for_a_moment_only(own: OwnDoing) -> None:
    own.pressing(ESC, 0.0)
    assert [own.users_stop("esc", at) for at in (5.0, 5.5)] == [False, True]


@pytest.mark.parametrize(("words", "name", "times"), [("esc esc", "esc", 2), ("F12", "f12", 1), ("pause", "pause", 1)])
def test_a_stop_key_is_named_once_for_each_press(words: str, name: str, times: int) -> None:
    stop_key = StopKey.named(words)
    assert (stop_key.key.name, stop_key.times) == (name, times)


@pytest.mark.parametrize("words", ["", "esc f12", "no-such-key", "esc esc esc esc"])
def test_what_is_no_stop_key_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="key"):
        StopKey.named(words)
