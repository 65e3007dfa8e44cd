"""Times and wishes for reminders are read as people say them, in every language that Neko speaks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from neko.agent.reminder_series import Wishes, read_wishes
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
    found = {words: read_wishes(words, NOW, name="Mio").wishes for _, words in rows("wishes.txt")}
    assert {words: [wish.text or "(timer)" for wish in wishes if wish.when] for words, wishes in found.items()} == {
        words: [wanted] for wanted, words in rows("wishes.txt")
    }


MORNING = datetime(2026, 11, 27, 10, 5)


def in_short(found: Wishes) -> str:
    """ "+" before all of it: something else is said, too."""
    told = []
    for wish in found.wishes:
        when = wish.when
        day = f"{when.due.day} " if when and when.due.date() != MORNING.date() else ""
        every = {"day": " daily", "week": " weekly"}.get(when.every, "") if when else ""
        text = wish.text or "(timer)"
        told.append(f"{day}{when.due:%H:%M}{every} {text}" if when else wish.kind)
    return ("" if found.alone else "+") + "; ".join(told)


def test_each_of_several_wishes_in_the_same_words_has_its_own_time_and_borrows_what_it_lacks() -> None:
    assert {words: in_short(read_wishes(words, MORNING)) for _, words in rows("series.txt")} == {
        words: wanted for wanted, words in rows("series.txt")
    }
