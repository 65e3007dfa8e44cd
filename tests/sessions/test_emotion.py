"""What a text feels like, by word lists."""

from __future__ import annotations

import pytest

from neko.sessions.emotion import classify


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("That's wonderful, I'm so glad!", "happy"),
        ("I'm sorry, that is so sad.", "sad"),
        ("太好了,真开心!", "happy"),
        ("我好难过,想哭。", "sad"),
        ("ごめんね、本当に残念。", "sad"),
        ("우와, 정말? 놀라워!", "surprised"),
        ("Hmph, how dare you!", "angry"),
        ("Good night, rest well and breathe slowly.", "relaxed"),
        ("WOW! I did not see that coming.", "surprised"),
        ("They came by boat, really?", "surprised"),
        ("The train leaves at nine.", "neutral"),
        ("", "neutral"),
    ],
)
def test_the_words_decide(text: str, emotion: str) -> None:
    assert classify(text).emotion == emotion


def test_part_of_a_longer_word_does_not_count() -> None:
    assert classify("The skyscraper is in Madison.").emotion == "neutral"


def test_confidence_is_a_share() -> None:
    assert 0.3 <= classify("I am happy").confidence <= 1.0
