"""What befalls many characters at once."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from neko.app.faults import Faults
from neko.faults import StandingFaults
from neko.sessions.unkept_lines import memory_failed, memory_too_slow


def test_a_memory_that_is_too_slow_for_many_characters_is_told_once_on_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    standing = StandingFaults()
    Faults(standing, cast(Any, SimpleNamespace(opened={})), lambda: "en")
    with caplog.at_level(logging.ERROR, "neko.app.faults"):
        for number in range(3):
            memory_failed(standing, f"c{number}", memory_too_slow())
    assert len(caplog.records) == 1
    assert len(standing.all()) == 3, "each is told to its own client"
