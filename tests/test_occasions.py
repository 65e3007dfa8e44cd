"""What the calendar of the talk has for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from neko.app.occasions import Kind, birthdays, dated, hello
from neko.types.memory import USER, Fact

NOW = datetime(2026, 11, 28, 10)
YESTERDAY = NOW - timedelta(days=1)


def fact(attribute: str, value: str, said: datetime = YESTERDAY, subject: str = USER) -> Fact:
    return Fact(1, subject, attribute, value, said, None, said, None, (1,))


@pytest.mark.parametrize(
    ("value", "said", "kind", "text"),
    [
        ("an exam tomorrow", YESTERDAY, Kind.TODAY, "an exam"),
        ("my Driving Test on 29 November", YESTERDAY, Kind.TOMORROW, "my Driving Test"),
        ("an exam tomorrow", NOW - timedelta(days=2), Kind.HOW_WAS_IT, "an exam"),
        ("my exam on 28.11", NOW - timedelta(days=20), Kind.TODAY, "my exam"),
        ("exam on Nov. 28", NOW - timedelta(days=20), Kind.TODAY, "exam"),
        ("exam on 11/28", NOW - timedelta(days=20), Kind.TODAY, "exam"),
        ("Tomorrow is my exam in maths", YESTERDAY, Kind.TODAY, "my exam in maths"),
        ("明日は数学の試験", YESTERDAY, Kind.TODAY, "数学の試験"),
        ("내일은 수학 시험", YESTERDAY, Kind.TODAY, "수학 시험"),
        ("明天我有考试", YESTERDAY, Kind.TODAY, "我有考试"),
        ("土曜日に面接", YESTERDAY, Kind.TODAY, "面接"),
        ("내일 시험이 있어", YESTERDAY, Kind.TODAY, "시험이 있어"),
        ("Morgen um 10 ist meine Prüfung in Mathe", YESTERDAY, Kind.TODAY, "meine Prüfung in Mathe"),
        ("übermorgen um zehn Uhr eine Prüfung", YESTERDAY, Kind.TOMORROW, "eine Prüfung"),
        ("am Samstag um 9 ein Vorstellungsgespräch", YESTERDAY, Kind.TODAY, "ein Vorstellungsgespräch"),
    ],
)
def test_what_was_planned_for_a_day_comes_up_around_it(value: str, said: datetime, kind: Kind, text: str) -> None:
    [found] = dated([fact("plan", value, said)], NOW)
    assert (found.kind, found.text) == (kind, text)


@pytest.mark.parametrize(
    "one",
    [
        fact("plan", "an exam tomorrow", NOW),
        fact("birthday", "28 November", NOW),
        fact("plan", "finish chapter 3.10"),
        fact("plan", "an exam on 1.12"),
        fact("plan", "an exam next month"),
        fact("plan", "learn Norwegian"),
        fact("plan", "run every day"),
        fact("likes", "tomorrow"),
        fact("plan", "an exam tomorrow", subject="Anna"),
        fact("birthday", "12 March"),
        fact("birthday", "28 November", subject="Anna"),
        fact("birthday", "when it is warm"),
    ],
)
def test_nothing_comes_up_that_was_just_said_has_no_day_or_is_of_another(one: Fact) -> None:
    assert dated([one], NOW) == []


@pytest.mark.parametrize(
    "value",
    [
        *("28 November", "November 28th, 1990", "28 November 2001", "Nov. 28", "28. November", "28.11.", "28.11.1990"),
        *("1990-11-28", "2001-11-28", "11/28/1990", "28/11/1990", "11/28"),
        *("11月28日", "1990年11月28日", "十一月二十八号", "十一月二十八", "11月28號", "11월 28일", "1990년 11월 28일"),
    ],
)
def test_a_birthday_is_noticed_and_comes_first(value: str) -> None:
    found = dated([fact("plan", "an exam tomorrow"), fact("birthday", value)], NOW)
    assert [one.kind for one in found] == [Kind.BIRTHDAY, Kind.TODAY]


@pytest.mark.parametrize(
    ("value", "today", "is_kept"),
    [
        ("12/01/1999", "2026-12-01", True),
        ("1.12.", "2026-12-01", True),
        ("29 February", "2028-02-29", True),
        ("29 February", "2028-02-28", False),
        ("February 29, 1996", "2026-02-28", True),
        ("2月29日", "2026-03-01", False),
        ("31 February", "2026-02-28", False),
        ("农历12月1日", "2026-12-01", False),
        ("11-29", "2026-11-29", True),
        ("--11-29", "2026-11-29", True),
        ("29-11-1990", "2026-11-29", True),
        ("05-06-1990", "2026-06-05", True),
        ("1-2-3", "2026-01-02", False),
        ("29 novembre", "2026-11-29", True),
        ("29 de noviembre de 1990", "2026-11-29", True),
        ("1er août", "2026-08-01", True),
    ],
)
def test_a_birthday_is_kept_every_year(value: str, today: str, is_kept: bool) -> None:
    assert bool(dated([fact("birthday", value)], datetime.fromisoformat(f"{today} 10:00"))) == is_kept


@pytest.mark.parametrize(
    ("user", "character", "kinds"),
    [
        ({"生日": "11月28日", "爱好": "摄影"}, {}, [Kind.BIRTHDAY]),
        ({"Birthday": "Nov 28"}, {"生日": "11月28号"}, [Kind.BIRTHDAY, Kind.HER_BIRTHDAY]),
        ({"誕生日": "11月29日"}, {"생일": "11월 28일"}, [Kind.HER_BIRTHDAY]),
        ({"Hobby": "28 November", "Birthday": "some day"}, {}, []),
        ({"生年月日": "11月28日"}, {"出生日期": "11月28日"}, [Kind.BIRTHDAY, Kind.HER_BIRTHDAY]),
        ({"Birth date": "11-28"}, {"date_of_birth": "1990-11-28"}, [Kind.BIRTHDAY, Kind.HER_BIRTHDAY]),
        ({"Geburtsdatum": "28.11."}, {"생년월일": "11월 28일"}, [Kind.BIRTHDAY, Kind.HER_BIRTHDAY]),
    ],
)
def test_birthdays_on_the_users_profile_and_her_card_are_noticed(
    user: dict[str, str], character: dict[str, str], kinds: list[Kind]
) -> None:
    assert [one.kind for one in birthdays(user, character, NOW)] == kinds


def test_the_first_meeting_of_a_day_is_one_after_a_night() -> None:
    assert hello(NOW - timedelta(hours=12), NOW)
    assert hello(NOW - timedelta(hours=2), NOW) is None
    assert hello(NOW.replace(hour=0, minute=30), NOW) is None, "they met on this day"
    assert hello(NOW.replace(hour=23) - timedelta(days=1), NOW.replace(hour=1)) is None, "nobody slept"
    assert hello(None, NOW) is None
