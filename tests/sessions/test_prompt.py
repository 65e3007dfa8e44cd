"""What a model is told."""

from __future__ import annotations

from datetime import datetime

import pytest

from neko.language import LANGUAGES
from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.sessions import prompt
from neko.sessions.prompt import Persona
from neko.types.memory import Evidence, RecentEntry

NOW = datetime(2026, 11, 21, 9, 5)


def persona(language: str = "en") -> Persona:
    return Persona("Mio", "Sam", "Mio loves tea.", {"Mio": {"age": "22"}, "Sam": {}}, language)


def test_the_pieces_come_in_the_order_of_the_contract() -> None:
    recent = [RecentEntry("system", "They met in May."), RecentEntry("user", "hi"), RecentEntry("assistant", "hello")]
    text = prompt.compose(persona(), recent, NOW)
    order = [
        "You are Mio",
        "Mio loves tea.",
        '"age": "22"',
        "2026-11-21 09:05",
        "They met in May.",
        "Sam | hi",
        "goes on",
    ]
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)
    assert "Mio | hello" in text


def test_the_prompt_is_bounded_and_keeps_the_latest_lines() -> None:
    recent = [RecentEntry("user", f"line {number} " + "word " * 50) for number in range(500)]
    text = prompt.compose(persona(), recent, NOW)
    assert "line 499" in text
    assert "line 3 " not in text
    assert estimate_tokens(text) < prompt.RECENT_BUDGET + 600


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    assert phrases(language).keys() == phrases("en").keys()
    assert "Mio" in prompt.compose(persona(language), [RecentEntry("user", "x")], NOW)


def test_recall_is_quoted_with_its_date_and_speaker() -> None:
    at = datetime(2026, 5, 3, 18, 0)
    evidence = Evidence("my cat is {Biscuit}", "user", "Anna", at, "line", (1,), "mentions cat", 1.0)
    text = prompt.context(persona(), [evidence])
    assert "2026-05-03 18:00, Anna: my cat is {Biscuit}" in text
    assert prompt.context(persona(), []) == ""
