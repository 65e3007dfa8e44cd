"""Times and wishes for reminders are read as people say them, in every language that Neko speaks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from neko.agent.reminder_words import read_wish
from neko.agent.when import Read, read_when

NOW = datetime(2026, 11, 27, 20, 5)
"""A Friday."""


def rows(name: str) -> list[list[str]]:
    """What is wanted, and the words."""
    written = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [line.split(" | ") for line in written.splitlines()]


def said(read: Read) -> str:
    if read.when is None:
        return "PAST" if read.is_past else "None"
    return f"{read.when.due:%Y-%m-%d %H:%M} {read.when.every}".rstrip()


def test_a_time_is_read_as_it_is_said() -> None:
    assert {words: said(read_when(words, NOW)) for _, words in rows("times.txt")} == {
        words: wanted for wanted, words in rows("times.txt")
    }


def test_what_is_to_be_told_is_what_is_left_of_the_words() -> None:
    found = {words: read_wish(words, NOW, name="Mio") for _, words in rows("wishes.txt")}
    assert {words: (wish.text or "(timer)") if wish and wish.when else None for words, wish in found.items()} == {
        words: wanted for wanted, words in rows("wishes.txt")
    }
