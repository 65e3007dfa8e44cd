"""Signs that the built-in voice says in words."""

from __future__ import annotations

import pytest

from neko.audio.engines.spelling import in_words


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("It costs $5.50, 20% off.", "en", "It costs 5.50 dollars, 20% off."),
        ("$1 or €1,000", "en", "1 dollar or 1,000 euros"),
        ("It is 21°C here", "en", "It is 21 degrees here"),
        ("价格是￥5.50，打8折，省20%。", "zh", "价格是5.50元，打8折，省百分之20。"),
        ("今天21℃", "zh", "今天21度"),
        ("¥500で100%です", "ja", "500えんで100パーセントです"),
        ("$5에 50% 할인", "ko", "5달러에 50 퍼센트 할인"),
        ("AT&T, no $ign", "en", "AT&T, no $ign"),
        ("5 € und 20%", "de", "5 € und 20%"),
    ],
)
def test_signs_are_said_as_people_say_them(text: str, language: str, said: str) -> None:
    assert in_words(text, language) == said
