"""Signs in words, where espeak-ng would skip them or say them in English."""

from __future__ import annotations

import re

_CURRENCIES = {
    "en": {"$": " dollars", "€": " euros", "£": " pounds", "¥": " yen", "￥": " yen", "₩": " won"},
    "zh": {"$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "￥": "元", "₩": "韩元"},
    "ja": {"$": "ドル", "€": "ユーロ", "£": "ポンド", "¥": "えん", "￥": "えん", "₩": "ウォン"},
    "ko": {"$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "￥": "엔", "₩": "원"},
}
_PERCENT = {"zh": r"百分之\1", "ja": r"\1パーセント", "ko": r"\1 퍼센트"}
_DEGREES = {"en": r"\1 degrees", "zh": r"\1度", "ja": r"\1ど", "ko": r"\1도"}

_NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
_AMOUNT = re.compile(r"([$€£¥￥₩])\s?" + _NUMBER)
_PERCENTAGE = re.compile(_NUMBER + r"\s?[%％]")
_TEMPERATURE = re.compile(_NUMBER + r"\s?(?:°\s?[CF]?|℃|℉)")


def in_words(text: str, language: str) -> str:
    """Amounts of money, percentages and degrees as they are said; ``language`` is "en", "zh", "ja", "ko" or other."""
    if language in _CURRENCIES:
        text = _AMOUNT.sub(lambda found: _amount(found[2], _CURRENCIES[language][found[1]]), text)
        text = _TEMPERATURE.sub(_DEGREES[language], text)
    if language in _PERCENT:
        text = _PERCENTAGE.sub(_PERCENT[language], text)
    return text


def _amount(number: str, unit: str) -> str:
    return number + (unit.removesuffix("s") if number == "1" else unit)
