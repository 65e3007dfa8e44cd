"""Does one action, in a thread: in short steps, between which it can be stopped; at the end everything is let go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from neko.agent.computer.actions import (
    Button,
    Click,
    ComputerAction,
    DoubleClick,
    Drag,
    Hotkey,
    Move,
    Press,
    RightClick,
    Scroll,
    Write,
)
from neko.agent.computer.devices import Devices, Held, Stop
from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import Key
from neko.agent.computer.watch import OwnDoing
from neko.types.hands import ActionError

USER_MOVED: Final = "moved"
STEP_S: Final = 0.015
"""Between two movements of a drag, two notches of the wheel, a press and its release."""
BETWEEN_CLICKS_S: Final = 0.04
USERS_KEYS_S: Final = 1.5
"""What the user gets to let go of keys that would change what ours mean."""


class Performer:
    """Does actions with ``devices``; tells ``own`` beforehand."""

    def __init__(self, devices: Devices, own: OwnDoing) -> None:
        self._devices = devices
        self._own = own
        self._held = Held(devices)

    def perform(self, action: ComputerAction, point: Point | None, stop: Stop, start: Point | None = None) -> None:
        """``point``: where; ``start``: where a drag begins. Raises ``StoppedError``; nothing stays pressed, whatever
        happens."""
        try:
            stop.check()
            self._wait_for_users_keys(stop)
            self._do(action, point, start, stop)
        finally:
            self._held.release_all()

    def release_all(self) -> None:
        self._held.release_all()

    def _do(self, action: ComputerAction, point: Point | None, start: Point | None, stop: Stop) -> None:
        first = start if isinstance(action, Drag) else point
        if first is not None:
            self._move(first, stop)
        match action:
            case Click(clicks=clicks, button=button):
                self._click(button, clicks, stop)
            case DoubleClick():
                self._click("left", 2, stop)
            case RightClick():
                self._click("right", 1, stop)
            case Move():
                pass
            case Drag(button=button, duration=duration) if point is not None:
                self._drag(point, button, duration, stop)
            case Scroll(clicks=clicks, sideways=sideways):
                self._scroll(clicks, sideways, stop)
            case Write(text=text):
                self._devices.write(text, stop)
            case Press(key=key, times=times) if len(key) == 1:
                self._devices.write(key * times, stop)
            case Press(times=times):
                for _ in range(times):
                    self._together(action.keys, stop)
            case Hotkey():
                self._together(action.keys, stop)
            case _:
                raise ActionError(f"{action.name} is nothing to do with mouse or keyboard.")

    def _move(self, point: Point, stop: Stop) -> None:
        self._own.moving(point, time.monotonic())
        self._devices.move(point)
        stop.pause(STEP_S)

    def _click(self, button: Button, times: int, stop: Stop) -> None:
        for number in range(times):
            if number:
                stop.pause(BETWEEN_CLICKS_S)
            self._check_mouse(stop)
            self._held.press_button(button)
            stop.pause(STEP_S)
            self._held.release_button(button)

    def _drag(self, end: Point, button: Button, duration: float, stop: Stop) -> None:
        start = self._devices.position()
        steps = max(2, round(duration / STEP_S))
        self._held.press_button(button)
        self._own.grasping()
        stop.pause(STEP_S)
        for step in range(1, steps + 1):
            self._check_mouse(stop)
            self._check_pull(stop)
            self._move(
                Point(
                    start.x + round((end.x - start.x) * step / steps), start.y + round((end.y - start.y) * step / steps)
                ),
                stop,
            )
        self._held.release_button(button)

    def _scroll(self, clicks: int, sideways: bool, stop: Stop) -> None:
        one = 1 if clicks > 0 else -1
        for _ in range(abs(clicks)):
            self._check_mouse(stop)
            self._devices.notch(one if sideways else 0, 0 if sideways else one)
            stop.pause(STEP_S)

    def _together(self, keys: Sequence[Key], stop: Stop) -> None:
        for key in keys:
            self._own.pressing(key, time.monotonic())
            self._held.press(key)
            stop.pause(STEP_S)
        for key in reversed(keys):
            self._held.release(key)
        stop.pause(STEP_S)

    def _check_mouse(self, stop: Stop) -> None:
        """Also where nothing listens: the mouse is where we left it."""
        if self._own.users_move(self._devices.position(), time.monotonic()):
            stop.set(USER_MOVED)
        stop.check()

    def _check_pull(self, stop: Stop) -> None:
        """Nobody draws against us: each of our steps puts the mouse back to where we want it."""
        if self._own.users_pull(self._devices.position()):
            stop.set(USER_MOVED)
        stop.check()

    def _wait_for_users_keys(self, stop: Stop) -> None:
        until = time.monotonic() + USERS_KEYS_S
        while held := self._devices.held_by_user():
            if time.monotonic() > until:
                raise ActionError(f"The user holds {' and '.join(held)} down. Wait, then try again.")
            stop.pause(STEP_S)
