"""A model that repeats itself is noticed."""

from __future__ import annotations

from neko.sessions.events import RepetitionWarning
from neko.sessions.repetition import RepetitionGuard


def test_the_third_near_identical_reply_is_a_warning_and_starts_over() -> None:
    guard = RepetitionGuard("Mio")
    said = "I really like the sea and the wind there."
    assert guard.check(said) is None
    assert guard.check(said + "!") is None
    assert guard.check(said) == RepetitionWarning("Mio")
    assert guard.check(said) is None


def test_different_replies_are_no_repetition() -> None:
    guard = RepetitionGuard("Mio")
    assert [guard.check(text) for text in ("the sea is wide", "tea is hot", "cats sleep", "ok")] == [None] * 4
