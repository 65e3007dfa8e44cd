"""Where on which monitor: from what a model says to a point of the desktop. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neko.types.hands import ActionError

FULL: Final = 999
"""The last of the thousand steps that a model divides an axis into (``contract/agent.md`` §11)."""
_EDGE: Final = 1000
"""The end of the last step."""

NEAR: Final = 32
"""So far around a point, in the desktop's units, is what a click there is meant for: a button, or most of one."""


@dataclass(frozen=True, slots=True)
class Point:
    """In the desktop's own units, in which the mouse is moved too: pixels, on macOS points. Negative to the left of,
    and above, the first monitor."""

    x: int
    y: int

    def distance(self, other: Point) -> int:
        return max(abs(self.x - other.x), abs(self.y - other.y))


@dataclass(frozen=True, slots=True)
class Monitor:
    """``number`` counts from 1. Its place and size are in the units of ``Point``, which are not always those of its
    picture."""

    number: int
    left: int
    top: int
    width: int
    height: int
    primary: bool = False

    def point(self, x: float, y: float) -> Point:
        """What a model means, in thousandths: 0 is the first pixel and 999 the last, as is 1000, which some say for it.

        Raises ``ActionError`` for all else. Whoever means pixels is not understood by the size of a number: most of
        their places would be within the thousandths, and elsewhere.
        """
        if not (0 <= x <= _EDGE and 0 <= y <= _EDGE):
            raise ActionError(
                f"({x:g}, {y:g}) is no place on monitor {self.number}. Places are no pixels: say where in thousandths "
                "of the picture, x and y from 0 (left, top) to 999 (right, bottom)."
            )
        across, down = min(x, FULL) / FULL, min(y, FULL) / FULL
        return Point(self.left + round(across * (self.width - 1)), self.top + round(down * (self.height - 1)))

    def holds(self, point: Point) -> bool:
        return 0 <= point.x - self.left < self.width and 0 <= point.y - self.top < self.height

    def around(self, point: Point) -> Monitor:
        """The piece of it near this point, as if it were a monitor."""
        left, top = max(self.left, point.x - NEAR), max(self.top, point.y - NEAR)
        right = min(self.left + self.width, point.x + NEAR)
        bottom = min(self.top + self.height, point.y + NEAR)
        return Monitor(self.number, left, top, right - left, bottom - top)

    def in_picture(self, point: Point, width: int, height: int) -> tuple[int, int]:
        """Where a point is in a picture of the whole monitor that has this size."""
        return (
            round((point.x - self.left) * (width - 1) / max(self.width - 1, 1)),
            round((point.y - self.top) * (height - 1) / max(self.height - 1, 1)),
        )


def primary(monitors: Sequence[Monitor]) -> Monitor:
    """The one that the system calls so, else the one at the origin, else the first."""
    return next(
        (monitor for monitor in monitors if monitor.primary),
        next((monitor for monitor in monitors if monitor.left == 0 == monitor.top), monitors[0]),
    )


def numbered(monitors: Sequence[Monitor], number: int) -> Monitor:
    """Raises ``ActionError`` when there is no such monitor."""
    found = next((monitor for monitor in monitors if monitor.number == number), None)
    if found is None:
        raise ActionError(f"There is no monitor {number}; there are {len(monitors)}, counted from 1.")
    return found
