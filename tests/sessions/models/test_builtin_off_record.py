"""Off the record the built-in companion does not say that she keeps what she is told."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from neko.sessions.models.builtin.phrasebook import phrasebook
from neko.sessions.models.builtin.rules import Rules
from neko.types.model_session import UserMessage

NOW = datetime(2026, 5, 10, 12, 0)

TOLD = {
    "en": ["My secret word is zanzibar.", "Remember that I am allergic to walnuts.", "My name is Clara."],
    "zh-CN": ["我的秘密是我怕黑。", "记住我的车停在三楼。", "我叫小明。"],
    "zh-TW": ["我的秘密是我怕黑。", "記住我的車停在三樓。", "我叫小明。"],
    "ja": ["私の秘密は暗いところが苦手なことです。", "くるみアレルギーだって覚えておいて。", "私の名前は健です。"],
    "ko": ["내 비밀번호는 바나나야.", "호두 알레르기가 있다는 걸 기억해 줘.", "제 이름은 민수예요."],
}


@pytest.mark.parametrize(("language", "text"), [(one, text) for one, texts in TOLD.items() for text in texts])
def test_what_is_kept_nowhere_is_not_said_to_be_kept(language: str, text: str) -> None:
    rules = Rules("Mio", "Sam", language, lambda: NOW, random.Random(1))
    book = phrasebook(language)
    kept = {rules.answer(UserMessage(f"k{n}", text)) for n in range(4)}
    unkept = {rules.answer(UserMessage(f"m{n}", text, off_record=True)) for n in range(4)}
    assert unkept == set(book.phrases["off_record"])
    assert not kept & unkept
