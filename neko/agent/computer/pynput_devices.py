"""Mouse and keyboard of Windows and macOS, by pynput. Windows cannot be asked for there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from neko.agent.computer.actions import Button
from neko.agent.computer.devices import Stop, Window
from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import Key, key_named
from neko.agent.computer.x11_typing import GAP_S


class PynputDevices:
    """``Devices`` without windows."""

    knows_windows = False

    def __init__(self) -> None:
        from pynput import keyboard, mouse

        self._codes: Any = keyboard
        self._buttons: Any = mouse.Button
        self._keyboard: Any = keyboard.Controller()
        self._mouse: Any = mouse.Controller()

    def position(self) -> Point:
        x, y = self._mouse.position
        return Point(round(x), round(y))

    def move(self, point: Point) -> None:
        self._mouse.position = (point.x, point.y)

    def button(self, button: Button, *, down: bool) -> None:
        known = getattr(self._buttons, button)
        (self._mouse.press if down else self._mouse.release)(known)

    def notch(self, across: int, up: int) -> None:
        self._mouse.scroll(across, up)

    def key(self, key: Key, *, down: bool) -> None:
        code = getattr(self._codes.Key, key.pynput, None) if key.pynput else None
        if code is None:
            code = self._codes.KeyCode.from_char(key.name)
        (self._keyboard.press if down else self._keyboard.release)(code)

    def write(self, text: str, stop: Stop) -> None:
        for unit in _units(text):
            stop.check()
            if unit in "\n\t":
                key = key_named(unit)
                self.key(key, down=True)
                self.key(key, down=False)
            else:
                code = self._codes.KeyCode.from_char(unit)
                self._keyboard.press(code)
                self._keyboard.release(code)
            stop.pause(GAP_S)

    def held_by_user(self) -> Sequence[str]:
        return ()

    def focus(self) -> Window:
        return 0

    def window_at(self, point: Point) -> Window:
        return 0

    def title(self, window: Window) -> str:
        return ""

    def program(self, window: Window) -> str:
        return ""

    def raise_window(self, window: Window) -> None: ...

    def close(self) -> None: ...


def _units(text: str) -> Iterator[str]:
    """Characters; on Windows, which takes UTF-16, the two halves of those that have two (``KEYEVENTF_UNICODE``)."""
    for character in text:
        if ord(character) > 0xFFFF and sys.platform == "win32":
            halves = character.encode("utf-16-le")
            yield chr(int.from_bytes(halves[:2], "little"))
            yield chr(int.from_bytes(halves[2:], "little"))
        else:
            yield character
