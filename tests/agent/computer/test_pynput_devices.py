"""What drives Windows and macOS, driven here on X11, which pynput knows as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from neko.agent.computer.devices import Held, Stop, StoppedError
from neko.agent.computer.geometry import Point
from neko.agent.computer.keys import key_named
from neko.agent.computer.pynput_devices import PynputDevices, _units
from tests.agent.computer.conftest import Onlooker

pytestmark = pytest.mark.slow


@pytest.fixture
def devices(display: str) -> Iterator[PynputDevices]:
    devices = PynputDevices()
    yield devices
    devices.close()


def test_the_mouse_goes_where_it_is_sent_and_its_buttons_come_up_again(
    devices: PynputDevices, onlooker: Onlooker
) -> None:
    devices.move(Point(1279, 799))
    assert devices.position() == onlooker.pointer() == Point(1279, 799)
    held = Held(devices)
    held.press_button("middle")
    held.press_button("left")
    assert onlooker.pressed_buttons() == 0b11
    devices.notch(0, -1)
    held.release_all()
    assert onlooker.pressed_buttons() == 0


def test_keys_are_pressed_together_and_come_up_again(devices: PynputDevices, onlooker: Onlooker) -> None:
    held = Held(devices)
    for name in ("ctrl", "shiftright", "pagedown"):
        held.press(key_named(name))
    assert len(onlooker.pressed_keys()) == 3
    held.release_all()
    assert not onlooker.pressed_keys()


def test_it_types_until_it_is_stopped(devices: PynputDevices, onlooker: Onlooker) -> None:
    window = onlooker.window()
    devices.write("ab\n\tc", Stop())
    assert [name for name, _ in window.pressed_with()] == ["a", "b", "Return", "Tab", "c"]
    stop = Stop()
    stop.set("enough")
    with pytest.raises(StoppedError, match="enough"):
        devices.write("d", stop)


def test_windows_is_given_both_halves_of_a_character_that_has_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    halves = list(_units("a🐱"))
    assert [ord(unit) for unit in halves] == [0x61, 0xD83D, 0xDC31]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert list(_units("a🐱")) == ["a", "🐱"]
