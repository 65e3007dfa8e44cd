"""What people state of themselves is found by rule, as a note that can be read on its own."""

from __future__ import annotations

import pytest

from neko.memory.fact_rules import stated


@pytest.mark.parametrize(
    ("language", "sentence", "found"),
    [
        ("en", "My favourite film is Spirited Away.", [("likes", "favourite film is Spirited Away")]),
        ("zh", "我最喜欢的颜色是蓝色。", [("likes", "最喜欢的颜色是蓝色")]),
        ("ja", "私のいちばん好きな色は青です。", [("likes", "いちばん好きな色は青")]),
        ("ko", "제가 제일 좋아하는 색은 파란색이에요.", [("likes", "제일 좋아하는 색은 파란색")]),
        ("en", "I live in Oslo and work as a baker.", [("home", "Oslo"), ("job", "baker")]),
        ("en", "My mum's name is Ruth.", [("family", "mum's name is Ruth")]),
        ("zh", "我下周五要去北京出差。", [("plan", "下周五要去北京出差")]),
        ("zh-TW", "我下週五要去台北出差。", [("plan", "下週五要去台北出差")]),
    ],
)
def test_a_statement_is_kept_with_what_it_is_about(language: str, sentence: str, found: list[tuple[str, str]]) -> None:
    assert stated(sentence, language) == found


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh", "我喜欢的人离开了。"),
        ("zh", "我最讨厌的人是他。"),
        ("zh", "我明天会告诉你答案。"),
        ("ja", "好きな人は誰ですか"),
        ("en", "My mum's cat is fat."),
        ("en", "I know a man and work as usual."),
    ],
)
def test_what_only_looks_like_a_statement_is_none(language: str, sentence: str) -> None:
    assert stated(sentence, language) == []
