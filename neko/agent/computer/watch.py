"""Tells the user's own hand from ours: a mouse that is not where we left it, and the stop key."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import Key, key_named
from neko.errors import NekoError

JITTER: Final = 6
"""How far, in pixels, a mouse may be from where we left it: a desk that is bumped is no hand."""
WITHIN_S: Final = 1.0
"""In which a stop key that is to be pressed more than once is pressed so often."""
_ROUNDING: Final = 1
"""Pixels by which a system that scales its screen may tell another place than the one we moved it to."""
_REMEMBERED: Final = 256
_OURS_FOR_S: Final = 2.0
_END_TRIES: Final = 5
_END_STEP_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class StopKey:
    key: Key
    times: int

    @classmethod
    def named(cls, words: str) -> StopKey:
        """ "esc esc": Esc, twice; "f12": F12, once. Raises ``ValueError``."""
        names = words.split()
        if not 1 <= len(names) <= 3 or len(set(names)) != 1:
            raise ValueError("a stop key is one key's name, once to three times, as in: esc esc")
        return cls(key_named(names[0]), len(names))


class OwnDoing:
    """What we did, and whether what is seen is that. Safe between threads; ``now`` is in seconds."""

    def __init__(self, stop_key: StopKey) -> None:
        self._stop_key = stop_key
        self._lock = threading.Lock()
        self._moves: deque[tuple[Point, float]] = deque(maxlen=_REMEMBERED)
        self._pulled = (0, 0)
        self._presses: deque[float] = deque(maxlen=_REMEMBERED)
        self._seen: deque[float] = deque(maxlen=stop_key.times)

    def moving(self, point: Point, now: float) -> None:
        """We are about to move the mouse there."""
        with self._lock:
            self._moves.append((point, now))

    def left_at(self) -> Point | None:
        """Where we left it; None before we moved it."""
        with self._lock:
            return self._moves[-1][0] if self._moves else None

    def grasping(self) -> None:
        """We are about to move it in many small steps."""
        with self._lock:
            self._pulled = (0, 0)

    def users_pull(self, point: Point) -> bool:
        """Has the user, between our small steps, drawn it away from where each one left it? A slow hand does so by less
        than a bump each time; what goes to and fro adds up to nothing."""
        with self._lock:
            if not self._moves:
                return False
            ours = self._moves[-1][0]
            across, down = (by if abs(by) > _ROUNDING else 0 for by in (point.x - ours.x, point.y - ours.y))
            self._pulled = (self._pulled[0] + across, self._pulled[1] + down)
            return max(map(abs, self._pulled)) > JITTER

    def pressing(self, key: Key, now: float) -> None:
        """We are about to press a key."""
        if key.name == self._stop_key.key.name:
            with self._lock:
                self._presses.append(now)

    def users_move(self, point: Point, now: float) -> bool:
        """Did the user bring the mouse to this place?"""
        with self._lock:
            if not self._moves:
                return False
            recent = [ours for ours, at in self._moves if now - at < _OURS_FOR_S] or [self._moves[-1][0]]
        return all(point.distance(ours) > JITTER for ours in recent)

    def users_stop(self, name: str, now: float) -> bool:
        """Has the user, with this press of a key, pressed the stop key as often as it takes?"""
        if name != self._stop_key.key.name:
            return False
        with self._lock:
            while self._presses and now - self._presses[0] > _OURS_FOR_S:
                self._presses.popleft()
            if self._presses:
                self._presses.popleft()
                return False
            self._seen.append(now)
            done = len(self._seen) == self._stop_key.times and now - self._seen[0] <= WITHIN_S
            if done:
                self._seen.clear()
            return done


class UserWatch:
    """Listens to mouse and keyboard by pynput, in threads of its own. In them ``position`` is asked where the mouse is,
    and ``moved``, ``stopped`` and, at each press of a button, ``clicked`` are called."""

    def __init__(
        self,
        own: OwnDoing,
        position: Callable[[], Point],
        moved: Callable[[], None],
        stopped: Callable[[], None],
        clicked: Callable[[], None] = lambda: None,
    ) -> None:
        self._own = own
        self._position = position
        self._moved = moved
        self._stopped = stopped
        self._clicked = clicked
        self._listeners: list[Any] = []

    def start(self) -> None:
        """Returns when it listens."""
        from pynput import keyboard, mouse

        self._listeners = [
            mouse.Listener(on_move=self._on_move, on_click=self._on_click),
            keyboard.Listener(on_press=self._on_press),
        ]
        for listener in self._listeners:
            listener.daemon = True
            listener.start()
        for listener in self._listeners:
            listener.wait()

    def close(self) -> None:
        while self._listeners:
            _end(self._listeners.pop())

    def _on_move(self, x: float, y: float, injected: bool = False) -> None:
        """What is heard may be late: it counts when the mouse is elsewhere still."""
        if injected or not self._own.users_move(Point(round(x), round(y)), time.monotonic()):
            return
        with suppress(NekoError):  # whoever acts finds out that the screen is gone
            if self._own.users_move(self._position(), time.monotonic()):
                self._moved()

    def _on_click(self, _x: float, _y: float, _button: Any, pressed: bool, injected: bool = False) -> None:
        if pressed and not injected:
            self._clicked()

    def _on_press(self, key: Any, injected: bool = False) -> None:
        if injected or key is None:
            return
        name = getattr(key, "name", None) or getattr(key, "char", None) or ""
        if self._own.users_stop(_OUR_NAMES.get(name, name), time.monotonic()):
            self._stopped()


def _end(listener: Any) -> None:
    """Within a second. On X11 pynput asks to end over the connection that waits, where that lies in a queue until
    something happens (pynput 1.8, ``_util/xorg.py``): it is asked over the other one, and again if that came before the
    waiting began."""
    other = getattr(listener, "_display_stop", None)
    if other is None:
        listener.stop()
    for _ in range(_END_TRIES):
        with suppress(Exception):
            if other is not None:
                other.record_disable_context(listener._context)
                other.flush()
        with suppress(Exception):
            listener.join(_END_STEP_S)
        if not listener.is_alive():
            return


_OUR_NAMES: Final = {
    "page_up": "pageup",
    "page_down": "pagedown",
    "print_screen": "printscreen",
    "scroll_lock": "scrolllock",
    "caps_lock": "capslock",
    "num_lock": "numlock",
    "menu": "apps",
    "cmd": "win",
    "ctrl_r": "ctrlright",
    "shift_r": "shiftright",
    "alt_r": "altright",
    "cmd_r": "winright",
}
