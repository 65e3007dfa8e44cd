"""Whether the computer can be used: a real X server is found, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from neko.agent.computer.hand import ComputerHand
from neko.tool_errors import ComputerError
from neko.types.hands import Job

pytestmark = pytest.mark.slow


async def test_a_probe_finds_the_screen(display: str) -> None:
    hand = ComputerHand()
    await hand.probe()
    assert hand.readiness("en").ready


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({}, "computer_no_display", "DISPLAY"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "computer_wayland", "X11"),
        ({"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}, "computer_wayland", "X11"),
    ],
)
async def test_without_a_usable_screen_a_sentence_says_what_to_do(
    environ: dict[str, str], code: str, words: str, tmp_path: Path
) -> None:
    hand = ComputerHand(environ=environ, platform="linux")
    await hand.probe()
    told = hand.readiness("en")
    assert (told.ready, told.code) == (False, code)
    assert words in told.reason
    with pytest.raises(ComputerError):
        await hand.open(Job("task", "Neko", "", tmp_path))


async def test_a_display_that_is_named_but_not_there_is_found_out_by_the_probe(
    monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setenv("DISPLAY", ":9999")
    hand = ComputerHand()
    assert hand.readiness("en").ready, "nothing is known against it yet"
    await hand.probe()
    assert not hand.readiness("en").ready
    assert not hand.readiness("ja").reason.isascii()
