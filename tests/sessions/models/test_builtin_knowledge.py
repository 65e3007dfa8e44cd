"""What the built-in companion answers to who asks what she knows about them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

import pytest

from neko.sessions.models.builtin.rules import Rules
from neko.types.memory import Fact
from neko.types.model_session import UserMessage

NOW = datetime(2026, 5, 10, 12, 0)

QUESTIONS = {
    "en": [
        "What do you know about me?",
        "what do u remember about me",
        "Tell me everything you know about me!",
        "What have I told you about myself?",
        "Hey Mio, what have you learned about me so far?",
        "Do you remember anything about me?",
    ],
    "zh-CN": [
        "你知道我的什么？",
        "你都记得我些什么",
        "关于我，你知道些什么？",
        "说说你知道的关于我的一切",
        "你了解我多少？",
        "我都跟你说过什么",
    ],
    "zh-TW": [
        "你知道我的什麼？",
        "你都記得我些什麼",
        "關於我，你知道些什麼？",
        "說說你知道的關於我的一切",
        "我都跟你說過什麼",
    ],
    "ja": [
        "私のこと何を知ってる？",
        "私について何を覚えていますか",
        "僕のことどれくらい知ってる?",
        "私について知っていることを教えて",
    ],
    "ko": [
        "나에 대해 뭘 알아?",
        "나에 대해 무엇을 기억하고 있어?",
        "저에 대해 뭐 알고 있어요?",
        "나에 대해 아는 걸 말해 줘",
    ],
}
CASES = [(language, text) for language, texts in QUESTIONS.items() for text in texts]
OTHERS = {
    "en": ["What do you know about cats?", "What do you know?", "What do you remember about Oslo?"],
    "zh-CN": ["你知道猫的什么？", "你知道奥斯陆吗"],
    "zh-TW": ["你知道貓的什麼？"],
    "ja": ["猫について何を知ってる？"],
    "ko": ["고양이에 대해 뭘 알아?"],
}
EXPECTED = {
    "en": ("- home: Oslo", "- Clara, job: violins", "“What she remembers”"),
    "zh-CN": ("- 住处: Oslo", "- Clara, 工作: violins", "菜单"),
    "zh-TW": ("- 住處: Oslo", "- Clara, 工作: violins", "選單"),
    "ja": ("- 住まい: Oslo", "- Clara, 仕事: violins", "メニュー"),
    "ko": ("- 사는 곳: Oslo", "- Clara, 일: violins", "메뉴"),
}


def fact(number: int, attribute: str, value: str, subject: str = "user", *, pinned: bool = False) -> Fact:
    return Fact(number, subject, attribute, value, NOW, None, NOW, None, (number,), pinned=pinned)


FACTS = (fact(1, "job", "violins", "Clara"), fact(2, "home", "Oslo"), fact(3, "hobby", "stamps", "character"))


def reply(language: str, text: str, known: Sequence[Fact] = ()) -> str:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(1))
    if rules.asks_what_is_known(text):
        rules.known = known
    return rules.answer(UserMessage("m", text))


@pytest.mark.parametrize(("language", "text"), CASES)
def test_she_tells_what_she_knows_of_them_and_where_to_set_it_right(language: str, text: str) -> None:
    told = reply(language, text, FACTS)
    home, clara, place = EXPECTED[language]
    assert told.index(home) < told.index(clara)
    assert place in told
    assert "stamps" not in told
    assert "{" not in told


@pytest.mark.parametrize(("language", "text"), CASES)
def test_without_anything_known_she_says_how_she_remembers(language: str, text: str) -> None:
    told = reply(language, text)
    assert told != reply(language, text, FACTS)
    assert told in {reply_of(language, seed) for seed in range(20)}


def reply_of(language: str, seed: int) -> str:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(seed))
    return rules.answer(UserMessage("m", QUESTIONS[language][0]))


@pytest.mark.parametrize(("language", "text"), [(one, text) for one, texts in OTHERS.items() for text in texts])
def test_a_question_about_something_else_is_no_such_question(language: str, text: str) -> None:
    assert "Oslo" not in reply(language, text, FACTS).replace("奥斯陆", "")


def test_of_many_facts_the_pinned_and_the_newest_are_told() -> None:
    told = reply("en", QUESTIONS["en"][0], [fact(n, "likes", f"thing {n}.", pinned=n == 1) for n in range(1, 31)])
    shown = [n for n in range(1, 31) if f"thing {n}." in told]
    assert shown == [1, *range(20, 31)]
    assert "18 more" in told


def test_who_they_are_is_told_however_much_else_is_known() -> None:
    newer = [fact(n, "likes", f"thing {n}.") for n in range(2, 31)]
    told = reply("en", QUESTIONS["en"][0], [fact(1, "name", "Anna"), *newer])
    assert "- name: Anna" in told
    assert "18 more" in told
