"""Words that she is saying herself are her echo; anything else is the user's."""

from __future__ import annotations

import pytest

from neko.sessions.own_words import are_own

EN = "Every evening she climbed the hill to watch the lights come on,"
SAID = {
    "en": EN,
    "zh-CN": "每天傍晚她都爬上山坡，看灯一盏一盏地亮起来，",
    "zh-TW": "每天傍晚她都爬上山坡，看燈一盞一盞地亮起來，",
    "ja": "毎晩、彼女は丘に登って、明かりがひとつずつ灯るのを眺めていました。",
    "ko": "매일 저녁 고양이는 언덕에 올라가서 불빛이 하나씩 켜지는 것을 바라보았어요.",
}


@pytest.mark.parametrize(
    ("language", "heard"),
    [
        ("en", "climbed the hill"),
        ("en", "The hill to watch!"),
        ("en", "Every evening she climb the till to watch the light"),
        ("en", "EVENING"),
        ("zh-CN", "爬上山坡"),
        ("zh-CN", "她都爬上山坡看灯一盏"),
        ("zh-TW", "爬上山坡，看燈"),
        ("ja", "丘に登って明かりが"),
        ("ja", "ひとつずつ灯るのお"),
        ("ko", "언덕에 올라가서"),
        ("ko", "불빛이 하나씩 켜지는"),
    ],
)
def test_what_she_is_saying_is_her_echo(language: str, heard: str) -> None:
    assert are_own(heard, SAID[language])


@pytest.mark.parametrize(
    ("language", "heard"),
    [
        ("en", "Stop."),
        ("en", "Wait, what hill?"),
        ("en", "Can you tell me another story?"),
        ("en", "No, I want to watch a film"),
        ("zh-CN", "等一下"),
        ("zh-CN", "停，我想听别的"),
        ("zh-TW", "等等，我想問一件事"),
        ("ja", "ちょっと待って"),
        ("ja", "別の話をして"),
        ("ko", "잠깐만"),
        ("ko", "다른 이야기 해 줘"),
        ("en", ""),
        ("en", "…"),
    ],
)
def test_anything_else_is_the_users(language: str, heard: str) -> None:
    assert not are_own(heard, SAID[language])


def test_where_it_is_not_known_what_she_says_everything_is_the_users() -> None:
    assert not are_own("climbed the hill", "")
