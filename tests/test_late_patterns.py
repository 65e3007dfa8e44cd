"""Patterns that are compiled when they are used, or ahead of that by who knows that they will be."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from neko import late_patterns
from neko.late_patterns import compile_of, late_pattern


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been compiled so far."""
    found: list[str] = []

    class Recorder:
        @staticmethod
        def compile(pattern: str, flags: int = 0) -> Any:
            found.append(pattern)
            return re.compile(pattern, flags)

    monkeypatch.setattr(late_patterns, "re", Recorder)
    return found


def test_a_pattern_is_compiled_once_and_when_it_is_used(compiled: list[str]) -> None:
    words = late_pattern("[a-z]+", re.IGNORECASE)
    assert (words.pattern, compiled) == ("[a-z]+", [])
    assert words.findall("Ab c1") == ["Ab", "c"]
    assert words.sub("-", "Ab1") == "-1"
    assert compiled == ["[a-z]+"]


def test_those_of_a_package_are_compiled_ahead_of_their_use(compiled: list[str]) -> None:
    words = late_pattern("[a-z]{2}")
    compile_of("neko.nowhere")
    assert "[a-z]{2}" not in compiled
    for _ in range(2):
        compile_of(__package__)
    assert compiled.count("[a-z]{2}") == 1
    assert words.match("ab")
    assert compiled.count("[a-z]{2}") == 1


def test_a_start_compiles_no_pattern_that_replies_are_read_with() -> None:
    program = (
        "import neko.serve\n"
        "from neko import late_patterns\n"
        "late = [one for some in late_patterns._waiting.values() for one in some]\n"
        "print(len(late), [one.pattern for one in late if one._compiled])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    number, _, early = answer.stdout.strip().partition(" ")
    assert early == "[]"
    assert int(number) > 100
