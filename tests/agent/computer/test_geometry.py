"""Places in thousandths reach every corner of every monitor."""

from __future__ import annotations

import pytest

from neko.agent.computer.geometry import Monitor, Point, numbered, primary
from neko.types.hands import ActionError

FULL_HD = Monitor(1, 0, 0, 1920, 1080, primary=True)
LEFT_ABOVE = Monitor(2, -2560, -360, 2560, 1440)
RETINA = Monitor(1, 0, 0, 1512, 982)
MONITORS = (FULL_HD, LEFT_ABOVE, RETINA, Monitor(1, 0, 0, 1, 1), Monitor(3, 1920, 0, 1000, 1000))


@pytest.mark.parametrize("monitor", MONITORS)
def test_the_corners_are_the_first_and_the_last_pixel(monitor: Monitor) -> None:
    assert monitor.point(0, 0) == Point(monitor.left, monitor.top)
    last = Point(monitor.left + monitor.width - 1, monitor.top + monitor.height - 1)
    assert monitor.point(999, 999) == monitor.point(1000, 1000) == last
    assert monitor.holds(last)
    assert not monitor.holds(Point(last.x + 1, last.y))


def test_each_of_a_thousand_steps_is_on_the_monitor_and_in_order() -> None:
    across = [LEFT_ABOVE.point(step, 0).x for step in range(1000)]
    assert across == sorted(set(across))
    assert across[500] == -2560 + round(500 * 2559 / 999)


@pytest.mark.parametrize(("x", "y"), [(1001, 0), (500, 1079), (1500, 500), (-1, 5), (50_000, 50_000), (500, -0.6)])
def test_pixels_are_refused_and_it_is_said_how_a_place_is_given(x: float, y: float) -> None:
    with pytest.raises(ActionError, match="in thousandths of the picture"):
        FULL_HD.point(x, y)


def test_the_mark_is_where_the_click_will_be_in_a_picture_of_any_size() -> None:
    assert RETINA.in_picture(RETINA.point(999, 999), 3024, 1964) == (3023, 1963)
    assert LEFT_ABOVE.in_picture(LEFT_ABOVE.point(0, 0), 1920, 1080) == (0, 0)
    assert RETINA.in_picture(Point(756, 491), 3024, 1964) == pytest.approx((1512, 982), abs=1)


def test_the_first_monitor_is_the_one_that_the_system_calls_so_or_that_is_at_the_origin() -> None:
    assert primary([LEFT_ABOVE, FULL_HD]) is FULL_HD
    assert primary([LEFT_ABOVE, RETINA]) is RETINA
    assert primary([LEFT_ABOVE]) is LEFT_ABOVE
    assert numbered([FULL_HD, LEFT_ABOVE], 2) is LEFT_ABOVE
    with pytest.raises(ActionError, match="there are 2"):
        numbered([FULL_HD, LEFT_ABOVE], 3)
