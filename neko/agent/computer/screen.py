"""Pictures of the screen: taken by ``mss``, made small and marked by Pillow."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from neko.agent.approvals import LARGEST_PICTURE
from neko.agent.computer.geometry import Monitor, Point
from neko.tool_errors import ComputerError
from neko.types.hands import Picture

HIGHEST: Final = 1080
QUALITY: Final = 75
"""Height and JPEG quality of what a model sees (``contract/agent.md`` §11)."""
THUMBNAIL: Final = (320, 200)
_WITH_MOUSE: Final[dict[str, Any]] = {"with_cursor": True} if sys.platform == "linux" else {}
"""Elsewhere ``mss`` cannot draw it."""
_MARK_RADIUS: Final = 22
_MARK: Final = (230, 20, 60)
_HALO: Final = (255, 255, 255)
_SHADE: Final = 40
"""Of 255; a pixel that differs by less looks like what it was."""
MOST_CHANGED: Final = 0.05
"""Of all pixels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a monitor showed: three bytes a pixel, red, green, blue."""

    monitor: Monitor
    width: int
    height: int
    rgb: bytes = field(repr=False)


class Screen(Protocol):
    """Raises ``ComputerError`` when there is nothing to see."""

    def monitors(self) -> Sequence[Monitor]: ...

    def grab(self, monitor: Monitor, *, with_mouse: bool = True) -> Frame:
        """``monitor`` may be a piece of one. ``with_mouse``: also the mouse, where it can be drawn."""
        ...


class MssScreen:
    """Every call opens a connection of its own, as ``mss`` objects belong to a thread on some systems."""

    def monitors(self) -> Sequence[Monitor]:
        with _mss() as grabber:
            found = grabber.monitors[1:] or grabber.monitors[:1]
        if not found:
            raise ComputerError("no_display", "there is no monitor")
        return tuple(
            Monitor(number, each["left"], each["top"], each["width"], each["height"], bool(each.get("is_primary")))
            for number, each in enumerate(found, 1)
        )

    def grab(self, monitor: Monitor, *, with_mouse: bool = True) -> Frame:
        area = {"left": monitor.left, "top": monitor.top, "width": monitor.width, "height": monitor.height}
        with _mss(with_mouse=with_mouse) as grabber:
            shot = grabber.grab(area)
        return Frame(monitor, shot.width, shot.height, shot.rgb)


class PrivateScreen:
    """``screen``, unless ``is_private``: then it cannot be seen, also in the middle of a task."""

    def __init__(self, screen: Screen, is_private: Callable[[], bool]) -> None:
        self._screen = screen
        self._is_private = is_private

    def monitors(self) -> Sequence[Monitor]:
        return self._screen.monitors()

    def grab(self, monitor: Monitor, *, with_mouse: bool = True) -> Frame:
        if self._is_private():
            raise private()
        return self._screen.grab(monitor, with_mouse=with_mouse)


def private() -> ComputerError:
    """The user has switched on that nobody looks at the screen."""
    return ComputerError("private", "the privacy switch is on")


@contextmanager
def _mss(*, with_mouse: bool = True) -> Iterator[Any]:
    import mss

    try:
        with mss.MSS(**(_WITH_MOUSE if with_mouse else {})) as grabber:
            yield grabber
    except mss.ScreenShotError as error:
        raise ComputerError("screen_lost", f"mss: {error}") from error


# ── pictures ────────────────────────────────────────────────────────────────────


def picture(frame: Frame, spot: Point | None = None, start: Point | None = None) -> Picture:
    """For a model, and for the user: at most 1080 high, and no more bytes than a question shows. ``spot``: where a
    circle and a cross are drawn; ``start``: from where a line leads there."""
    from PIL import Image

    image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
    if image.height > HIGHEST:
        image = image.resize((round(image.width * HIGHEST / image.height), HIGHEST), Image.Resampling.LANCZOS)
    if spot is not None:
        end = frame.monitor.in_picture(spot, image.width, image.height)
        if start is not None:
            _mark_way(image, frame.monitor.in_picture(start, image.width, image.height), end)
        if frame.monitor.holds(spot):
            _mark(image, *end)
    made = _jpeg(image)
    while len(made.data) > LARGEST_PICTURE:
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))
        made = _jpeg(image)
    return made


def alike(before: Frame, now: Frame) -> bool:
    """They show the same, but for little: a caret, a shade under the mouse."""
    from PIL import Image, ImageChops

    if (before.width, before.height) != (now.width, now.height):
        return False
    images = (Image.frombytes("RGB", (frame.width, frame.height), frame.rgb) for frame in (before, now))
    changed = ImageChops.difference(*images).convert("L").histogram()[_SHADE:]
    return sum(changed) <= MOST_CHANGED * before.width * before.height


def thumbnail(frame: Frame) -> Picture:
    """For the card of a task."""
    from PIL import Image

    image = Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)
    image.thumbnail(THUMBNAIL)
    return _jpeg(image)


def _mark_way(image: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    for colour, width, radius in ((_HALO, 7, 10), (_MARK, 3, 8)):
        draw.line((*start, *end), fill=colour, width=width)
        draw.ellipse((start[0] - radius, start[1] - radius, start[0] + radius, start[1] + radius), fill=colour)


def _mark(image: Any, x: int, y: int) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    for colour, width in ((_HALO, 7), (_MARK, 3)):
        inner, outer = _MARK_RADIUS // 3, _MARK_RADIUS + 10
        draw.ellipse(
            (x - _MARK_RADIUS, y - _MARK_RADIUS, x + _MARK_RADIUS, y + _MARK_RADIUS), outline=colour, width=width
        )
        for near, far in ((-outer, -inner), (inner, outer)):
            draw.line((x + near, y, x + far, y), fill=colour, width=width)
            draw.line((x, y + near, x, y + far), fill=colour, width=width)


def _jpeg(image: Any) -> Picture:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    return Picture(file.getvalue(), "image/jpeg")
