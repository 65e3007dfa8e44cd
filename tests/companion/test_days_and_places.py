"""Days, times elsewhere and measures: right, or declined."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from neko.sessions.models.builtin.numerals import number, with_digits
from neko.sessions.models.builtin.rules import Rules
from neko.types.model_session import UserMessage

WINTER = datetime(2026, 11, 27, 15, 39, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)


def ask(text: str, now: datetime = WINTER, language: str = "en") -> str:
    return Rules("Mio", "Sam", language, lambda: now, random.Random(4)).answer(UserMessage("1", text))


@pytest.mark.parametrize(
    ("question", "now", "part"),
    [
        ("what time is it in London?", SUMMER, "00:30"),
        ("what time is it in London?", WINTER, "15:39"),
        ("what time is it in Kathmandu?", WINTER, "21:24"),
        ("what time is it in Tokyo?", WINTER, "Saturday"),
        ("what time is it in New York?", SUMMER, "19:30"),
        ("time difference between New York and Berlin", WINTER, " 6 hours"),
        ("what day was 29 February 2024?", WINTER, "Thursday"),
        ("how old is somebody born on 29 February 2000", WINTER, "26"),
        ("how old is somebody born on 28 November 2000", WINTER, "25"),
        ("how many days until 27 November?", WINTER, "today"),
        ("how many days until halloween?", SUMMER, "122"),
        ("what day was it 100 days ago?", WINTER, "19 August 2026"),
        ("what day is next monday", WINTER, "30 November"),
        ("-40 f in c", WINTER, "-40 °C"),
        ("how many ounces are in a pound?", WINTER, "16 oz"),
        ("half a mile in m", WINTER, "804.67 m"),
    ],
)
def test_it_is_right(question: str, now: datetime, part: str) -> None:
    assert part in ask(question, now)


@pytest.mark.parametrize(
    "question",
    [
        "what day is 30 February 2027?",
        "what's the date in 999999 days",
        "how many days until the apocalypse?",
        "what time is it in Atlantis?",
        "what day is easter",
        "how much is 5 dollars in yen?",
    ],
)
def test_what_cannot_be_told_is_declined(question: str) -> None:
    answer = ask(question)
    assert not any(character.isdigit() for character in answer.replace("4 July", "")), answer
    assert "2026" not in answer


def test_a_date_that_can_be_read_in_two_ways_is_asked_about() -> None:
    answer = ask("what day was 04/07/2020?")
    assert "4 July 2020" in answer
    assert "7 April 2020" in answer


@pytest.mark.parametrize(
    ("written", "value"),
    [("十二", 12), ("二十", 20), ("三百六十五", 365), ("两千零八", 2008), ("一万二千", 12_000)],
)
def test_chinese_numerals(written: str, value: int) -> None:
    assert number(written) == value
    assert with_digits(f"{written}块") == f"{value}块"


def test_a_second_place_needs_no_second_question() -> None:
    rules = Rules("Mio", "Sam", "en", lambda: WINTER, random.Random(4))
    rules.answer(UserMessage("1", "what time is it in Tokyo?"))
    assert "16:39" in rules.answer(UserMessage("2", "and in Paris?"))
    assert "16:39" not in rules.answer(UserMessage("3", "I live in Paris"))


@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("what time will it be in 3 hours?", "en", "18:39"),
        ("what time was it 20 minutes ago?", "en", "15:19"),
        ("what time is it in 2 hours in Tokyo?", "en", "02:39"),
        ("三个小时后是几点？", "zh-CN", "18:39"),
        ("三個小時後是幾點？", "zh-TW", "18:39"),
        ("3時間後は何時？", "ja", "18:39"),
        ("3시간 후면 몇 시야?", "ko", "18:39"),
        ("how many days until chinese new year?", "en", "71"),
        ("离春节还有几天", "zh-CN", "71"),
        ("離中秋節還有幾天", "zh-TW", "292"),
        ("春节是哪天？", "zh-CN", "2027年2月6日"),
        ("除夕是几号", "zh-CN", "2月5日"),
        ("端午节是什么时候", "zh-CN", "6月9日"),
        ("旧正月まであと何日？", "ja", "71"),
        ("설날까지 며칠 남았어?", "ko", "72"),
    ],
)
def test_hours_from_now_and_feasts_that_follow_the_moon(question: str, language: str, part: str) -> None:
    assert part in ask(question, language=language)


@pytest.mark.parametrize(
    ("told", "said"),
    [("내 이름은 민수야", "민수라고"), ("내 이름은 지훈이야", "지훈이라고"), ("내 이름은 Sam이야", "Sam이라고")],
)
def test_a_korean_particle_follows_the_sound_of_the_name(told: str, said: str) -> None:
    replies = (
        Rules("Mio", "Sam", "ko", lambda: WINTER, random.Random(seed)).answer(UserMessage("1", told))
        for seed in range(20)
    )
    assert any(said in reply for reply in replies)
