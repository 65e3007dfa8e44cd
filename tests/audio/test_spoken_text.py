"""What has been heard of a reply, by how much of its sound was played."""

from __future__ import annotations

import pytest

from neko.audio.spoken_text import SpokenText


def spoken() -> SpokenText:
    text = SpokenText()
    text.add("Hello there, Sam. ", 1_000)
    text.add("The weather is fine today. ", 3_000)
    text.add("明天也会很好。", 4_000)
    return text


@pytest.mark.parametrize(
    ("played_ms", "heard"),
    [
        (0, ""),
        (400, "Hello there,"),
        (1_000, "Hello there, Sam."),
        (2_000, "Hello there, Sam. The weather is"),
        (3_000, "Hello there, Sam. The weather is fine today."),
        (3_500, "Hello there, Sam. The weather is fine today. 明天也会"),
        (60_000, "Hello there, Sam. The weather is fine today. 明天也会很好。"),
    ],
)
def test_it_goes_to_the_word_that_was_being_said(played_ms: float, heard: str) -> None:
    assert spoken().until(played_ms) == heard


def test_a_piece_that_is_not_spoken_counts_with_the_one_before() -> None:
    text = SpokenText()
    text.add("*smiles* ", 0)
    text.add("Hello. ", 500)
    assert text.until(0) == "*smiles*"
    assert text.until(500) == "*smiles* Hello."
