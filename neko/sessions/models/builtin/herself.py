"""Questions about her, answered from her own card and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neko.sessions.models.builtin.phrasebook import Phrasebook, plain
from neko.sessions.models.builtin.wording import Wording

_FIELDS: Final = {
    "age": "age 年龄 年齡 年齢 나이",
    "gender": "gender sex 性别 性別 성별",
    "looks": "appearance looks 外貌 外表 外觀 外观 見た目 容姿 외모",
    "personality": "personality character 性格 個性 个性 성격",
    "likes": "likes hobbies hobby 喜欢 喜歡 爱好 愛好 兴趣 興趣 好きなもの 趣味 좋아하는것 취미",
    "dislikes": "dislikes hates 讨厌 討厭 苦手なもの 嫌いなもの 싫어하는것",
    "habits": "habits habit 小习惯 小習慣 习惯 習慣 癖 くせ 버릇 습관",
}
"""What fields of a card are called, in all languages: a card may be in another language than the talk."""


def trait(traits: Mapping[str, str], topic: str) -> str | None:
    """What the card says about this, or None."""
    names = _FIELDS[topic].split()
    return next((value for field, value in traits.items() if plain(field).replace(" ", "") in names), None)


def answer(book: Phrasebook, text: str, traits: Mapping[str, str], wording: Wording) -> str | None:
    """The answer to a question about something that a card tells; None when ``text`` asks something else."""
    if book.matches("self_likes_me", text):
        return wording.say(book, "self_likes_me")
    for topic in _FIELDS:
        if book.matches(f"self_{topic}", text):
            value = trait(traits, topic)
            name = "self_unknown" if value is None else f"self_{topic}"
            return wording.say(book, name, value=(value or "").rstrip(".。"))
    taste = book.match("self_taste", text)
    return _taste(book, taste["thing"], traits, wording) if taste else None


def unknown(book: Phrasebook, text: str, wording: Wording) -> str | None:
    """The answer to any other question about her: that she does not know; None when ``text`` is none."""
    if book.matches("question", text) and book.matches("you", text) and not book.matches("about_me", text):
        return wording.say(book, "self_unknown")
    return None


def _taste(book: Phrasebook, thing: str, traits: Mapping[str, str], wording: Wording) -> str:
    wanted = book.key_words(thing)
    for topic, name in (("likes", "self_taste_yes"), ("dislikes", "self_taste_no")):
        value = trait(traits, topic) or ""
        if wanted and wanted <= book.key_words(value):
            return wording.say(book, name, value=value.rstrip(".。"))
    return wording.say(book, "self_unknown")
