"""What the built-in model answers to a newcomer, in five languages: nine of ten is not enough."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from neko.language import LANGUAGES
from neko.sessions.models.builtin.phrasebook import phrasebook
from neko.sessions.models.builtin.rules import Rules
from neko.types.model_session import UserMessage
from tests.companion.exchanges import NOW, exchanges, reply_to

ENOUGH = 0.95
LEAST = {"en": 300, "zh-CN": 300, "ja": 300, "ko": 100, "zh-TW": 100}
WHAT_SHE_IS = {"en": "language model", "zh-CN": "语言模型", "zh-TW": "語言模型", "ja": "言語モデル", "ko": "언어 모델"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_newcomer_writes_is_answered_acceptably(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    faults = []
    counts = {True: [0, 0], False: [0, 0]}
    for exchange in exchanges(language):
        reply = reply_to(exchange, language)
        fault = exchange.fault(reply)
        counts[exchange.held_out][0] += fault is None
        counts[exchange.held_out][1] += 1
        if fault:
            faults.append(f"{' >> '.join(exchange.turns)} → {reply} ({fault})")
    right, total = (sum(column) for column in zip(*counts.values(), strict=True))
    with capsys.disabled():
        print(f"\n{language}: {right} of {total}; held out {counts[True][0]} of {counts[True][1]}")  # noqa: T201
    assert total >= LEAST[language]
    assert right / total >= ENOUGH, "\n".join(faults)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_she_is_comes_up_at_most_once_in_five_replies(language: str) -> None:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(2))
    replies = [rules.answer(UserMessage("1", "?! 1")) for _ in range(20)]
    told = [WHAT_SHE_IS[language] in reply for reply in replies]
    assert all(sum(told[at : at + 5]) <= 1 for at in range(16))
    assert any(told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_comes_twice_in_a_row(language: str) -> None:
    book = phrasebook(language)
    for name, phrases in book.phrases.items():
        assert len(set(phrases)) > 1 or name in ("hint", "recall_also"), name
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(1))
    replies = [rules.answer(UserMessage("1", "!? a")) for _ in range(12)]
    assert all(first != second for first, second in pairwise(replies))
