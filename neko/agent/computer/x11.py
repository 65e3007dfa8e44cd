"""Mouse, keyboard and windows of an X server, by the extension XTEST: what it makes looks to every program as if the
user had done it.

Protocol: X11R7.7, XTEST 2.2, EWMH 1.5 (``_NET_ACTIVE_WINDOW``). ``python-xlib`` comes with pynput.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from neko.agent.computer.actions import Button
from neko.agent.computer.devices import Stop, Window
from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import Key
from neko.agent.computer.x11_guard import Guard
from neko.agent.computer.x11_typing import Keyboard
from neko.tool_errors import ComputerError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_KEY_PRESS: Final = 2
_KEY_RELEASE: Final = 3
_BUTTON_PRESS: Final = 4
_BUTTON_RELEASE: Final = 5
_MOTION: Final = 6
_BUTTONS: Final[dict[Button, int]] = {"left": 1, "middle": 2, "right": 3}
_WHEEL: Final = {(0, 1): 4, (0, -1): 5, (-1, 0): 6, (1, 0): 7}
_MASKS: Final = (
    (1 << 0, "Shift"),
    (1 << 2, "Ctrl"),
    (1 << 3, "Alt"),
    (1 << 6, "Super"),
    (1 << 8, "the left mouse button"),
    (1 << 9, "the middle mouse button"),
    (1 << 10, "the right mouse button"),
)
_DEEPEST: Final = 16


def _log(error: object, _request: object = None) -> None:
    """A request without an answer has failed: mostly for a window that is gone."""
    logger.debug("X server: %s", error)


@contextmanager
def _connected() -> Iterator[None]:
    """A server that is gone is a ``ComputerError``."""
    from Xlib import error

    try:
        yield
    except (error.ConnectionClosedError, OSError) as failure:
        raise ComputerError("screen_lost", f"the X server is gone: {failure}") from failure


def _asks_the_server(method: Callable[Concatenate[X11Devices, P], T]) -> Callable[Concatenate[X11Devices, P], T]:
    """One at a time."""

    def asking(self: X11Devices, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock, _connected():
            return method(self, *args, **kwargs)

    return asking


class X11Devices:
    """``Devices`` of the display that ``DISPLAY`` names. Raises ``ComputerError`` when it cannot be used."""

    knows_windows = True

    def __init__(self, name: str | None = None) -> None:
        from Xlib import display, error

        self._lock = threading.RLock()
        try:
            self._display: Any = display.Display(name)
        except (error.DisplayError, error.ConnectionClosedError, OSError) as failure:
            raise ComputerError("no_display", f"no X server answers: {failure}") from failure
        self._display.set_error_handler(_log)
        self._root: Any = self._display.screen().root
        if not self._display.has_extension("XTEST"):
            self._display.close()
            raise ComputerError("no_display", "this X server has no XTEST")
        self._keyboard = Keyboard(self._display, self._fake_key, self._lock)
        self._guard = Guard(self._display.get_display_name())

    # ── mouse ───────────────────────────────────────────────────────────────────

    @_asks_the_server
    def position(self) -> Point:
        pointer = self._root.query_pointer()
        return Point(pointer.root_x, pointer.root_y)

    @_asks_the_server
    def move(self, point: Point) -> None:
        self._fake(_MOTION, 0, point.x, point.y)

    @_asks_the_server
    def button(self, button: Button, *, down: bool) -> None:
        self._press(_BUTTON_PRESS, _BUTTON_RELEASE, _BUTTONS[button], down=down)

    @_asks_the_server
    def notch(self, across: int, up: int) -> None:
        number = _WHEEL[across, up]
        self._fake(_BUTTON_PRESS, number)
        self._fake(_BUTTON_RELEASE, number)

    # ── keyboard ────────────────────────────────────────────────────────────────

    @_asks_the_server
    def key(self, key: Key, *, down: bool) -> None:
        self._keyboard.key(key.keysym, down=down)

    def write(self, text: str, stop: Stop) -> None:
        """It takes its time: others may ask for the mouse meanwhile."""
        with _connected():
            self._keyboard.write(text, stop)

    @_asks_the_server
    def held_by_user(self) -> Sequence[str]:
        mask = self._root.query_pointer().mask
        return [name for bit, name in _MASKS if mask & bit]

    # ── windows ─────────────────────────────────────────────────────────────────

    @_asks_the_server
    def focus(self) -> Window:
        active = self._property(self._root, "_NET_ACTIVE_WINDOW")
        if active:
            return int(active[0])
        focus = self._display.get_input_focus().focus
        if isinstance(focus, int):  # none, or whatever the mouse is on
            pointer = self._root.query_pointer()
            return self._top_level_at(Point(pointer.root_x, pointer.root_y))
        return int(focus.id)

    @_asks_the_server
    def window_at(self, point: Point) -> Window:
        return self._top_level_at(point)

    @_asks_the_server
    def title(self, window: Window) -> str:
        return self._title_below(self._window(window), 3) if window else ""

    @_asks_the_server
    def program(self, window: Window) -> str:
        """The class of it (ICCCM 4.1.2.5), which no page in a browser can change."""
        if not window:
            return ""
        named = self._property(self._client_of(self._window(window)), "WM_CLASS")
        parts = named.decode("utf-8", "replace").split("\0") if isinstance(named, bytes) else [str(named or "")]
        return next((part for part in (*parts[1:2], *parts) if part), "")

    @_asks_the_server
    def raise_window(self, window: Window) -> None:
        """By the window manager, and without one by hand."""
        from Xlib import X, error
        from Xlib.protocol import event

        target = self._window(window)
        with suppress(error.XError):
            if self._property(self._root, "_NET_SUPPORTING_WM_CHECK"):
                client = self._client_of(target)
                message = event.ClientMessage(
                    window=client,
                    client_type=self._display.intern_atom("_NET_ACTIVE_WINDOW"),
                    data=(32, [2, X.CurrentTime, 0, 0, 0]),
                )
                self._root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
            else:
                target.configure(stack_mode=X.Above)
                target.set_input_focus(X.RevertToPointerRoot, X.CurrentTime)
            self._display.sync()

    def close(self) -> None:
        self._guard.close()
        with suppress(Exception):
            self._keyboard.restore()
        with suppress(Exception), self._lock:
            self._display.close()

    def _top_level_at(self, point: Point) -> Window:
        """The child of the root that is there: a program's window, or the frame that a window manager draws around."""
        found = self._root.translate_coords(self._root, point.x, point.y).child
        return int(found.id) if hasattr(found, "id") else 0

    def _window(self, number: Window) -> Any:
        return self._display.create_resource_object("window", number)

    def _property(self, window: Any, name: str) -> Any:
        from Xlib import X, error

        try:
            found = window.get_full_property(self._display.intern_atom(name), X.AnyPropertyType)
        except error.XError:
            return None
        return found.value if found is not None and len(found.value) else None

    def _client_of(self, frame: Any) -> Any:
        """The program's own window, which may be inside a frame: the one with ``WM_STATE``, or with ``WM_CLASS``."""
        waiting = [frame]
        for _ in range(_DEEPEST):
            if not waiting:
                break
            window = waiting.pop(0)
            if self._property(window, "WM_STATE") or self._property(window, "WM_CLASS"):
                return window
            waiting.extend(self._children(window))
        return frame

    def _children(self, window: Any) -> list[Any]:
        from Xlib import error

        try:
            return list(window.query_tree().children)
        except error.XError:
            return []

    def _title_below(self, window: Any, deeper: int) -> str:
        for name in ("_NET_WM_NAME", "WM_NAME"):
            value = self._property(window, name)
            if isinstance(value, bytes):
                return value.decode("utf-8", "replace")
            if isinstance(value, str):
                return value
        if deeper:
            for child in self._children(window)[:_DEEPEST]:
                if found := self._title_below(child, deeper - 1):
                    return found
        return ""

    # ── XTEST ───────────────────────────────────────────────────────────────────

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        self._display.xtest_fake_input(kind, detail, x=x, y=y)
        self._display.sync()

    def _fake_key(self, keycode: int, down: bool) -> None:
        self._press(_KEY_PRESS, _KEY_RELEASE, keycode, down=down)

    def _press(self, press: int, release: int, number: int, *, down: bool) -> None:
        if down:
            self._guard.note(release, number, down=True)
        self._fake(press if down else release, number)
        if not down:
            self._guard.note(release, number, down=False)
