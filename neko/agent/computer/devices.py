"""Mouse and keyboard as a task uses them, and what makes them let go again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import Key

if TYPE_CHECKING:
    from neko.agent.computer.actions import Button

Window = int
"""The system's number of a window; 0 where it has none, or where windows cannot be asked for."""


class StoppedError(Exception):
    """The action was cut off: by a cancelled task, or by the user's own hand."""


class Stop:
    """Ends what a thread does with mouse and keyboard, from another thread. ``reason`` of the first counts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    def set(self, reason: str) -> None:
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raises ``StoppedError`` when it is set."""
        if self._event.is_set():
            raise StoppedError(self.reason)

    def pause(self, seconds: float) -> None:
        """Wait; raises ``StoppedError`` as soon as it is set."""
        if self._event.wait(seconds):
            raise StoppedError(self.reason)


class Devices(Protocol):
    """Every call is short and takes effect before it returns; from one thread at a time. Raises ``ComputerError`` when
    the screen is gone. ``knows_windows``: what is asked of windows is answered."""

    knows_windows: bool

    def position(self) -> Point: ...

    def move(self, point: Point) -> None: ...

    def button(self, button: Button, *, down: bool) -> None: ...

    def notch(self, across: int, up: int) -> None:
        """Turn the wheel by one notch: ``up`` 1 or -1, or ``across`` 1 (right) or -1."""
        ...

    def key(self, key: Key, *, down: bool) -> None: ...

    def write(self, text: str, stop: Stop) -> None:
        """Type it, and leave the keyboard as it was. Raises ``StoppedError``, between two characters."""
        ...

    def held_by_user(self) -> Sequence[str]:
        """Modifiers and buttons that are down now."""
        ...

    def focus(self) -> Window:
        """The window that takes what is typed."""
        ...

    def window_at(self, point: Point) -> Window: ...

    def title(self, window: Window) -> str:
        """What a window calls itself; text from outside."""
        ...

    def program(self, window: Window) -> str:
        """What the window's program calls itself; "" where that cannot be asked."""
        ...

    def raise_window(self, window: Window) -> None:
        """Bring it to the front and give it the keyboard."""
        ...

    def close(self) -> None: ...


class Held:
    """What is down because of us. Everything that goes down goes through here, so that all of it comes up again."""

    def __init__(self, devices: Devices) -> None:
        self._devices: Final = devices
        self._keys: list[Key] = []
        self._buttons: list[Button] = []

    def press(self, key: Key) -> None:
        self._keys.append(key)
        self._devices.key(key, down=True)

    def release(self, key: Key) -> None:
        self._devices.key(key, down=False)
        self._keys.remove(key)

    def press_button(self, button: Button) -> None:
        self._buttons.append(button)
        self._devices.button(button, down=True)

    def release_button(self, button: Button) -> None:
        self._devices.button(button, down=False)
        self._buttons.remove(button)

    def release_all(self) -> None:
        """The last that went down comes up first; one that fails keeps no other down."""
        failed: Exception | None = None
        while self._buttons or self._keys:
            try:
                if self._buttons:
                    self._devices.button(self._buttons.pop(), down=False)
                else:
                    self._devices.key(self._keys.pop(), down=False)
            except Exception as error:
                failed = error
        if failed is not None:
            raise failed
