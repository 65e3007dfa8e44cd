"""When something was, as questions say it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neko.memory.time_expressions import read
from neko.memory.words import plain

TODAY = date(2026, 11, 27)
"""A Friday."""


@pytest.mark.parametrize(
    ("text", "first", "days"),
    [
        ("what did we talk about yesterday?", "2026-11-26", 1),
        ("What did I tell you last Tuesday?", "2026-11-24", 1),
        ("the day before yesterday", "2026-11-25", 1),
        ("what happened on 3 June, 2023", "2023-06-03", 1),
        ("on May 7th 2023", "2023-05-07", 1),
        ("on 2023-05-07", "2023-05-07", 1),
        ("in May", "2026-05-01", 31),
        ("in December", "2025-12-01", 31),
        ("in the first half of September 2022", "2022-09-01", 15),
        ("in 2022", "2022-01-01", 365),
        ("three days ago", "2026-11-24", 1),
        ("two weeks ago", "2026-11-10", 7),
        ("in the past 3 days", "2026-11-24", 4),
        ("last week", "2026-11-16", 7),
        ("last weekend", "2026-11-20", 3),
        ("last month", "2026-10-01", 31),
        ("last year", "2025-01-01", 365),
        ("last summer", "2026-06-01", 92),
        ("over Christmas", "2025-12-23", 4),
        ("昨天我们聊了什么", "2026-11-26", 1),
        ("上周五我说了什么", "2026-11-20", 1),
        ("上週五", "2026-11-20", 1),
        ("上上周", "2026-11-09", 7),
        ("三天前", "2026-11-24", 1),
        ("两个星期前", "2026-11-10", 7),
        ("上个月", "2026-10-01", 31),
        ("2023年7月", "2023-07-01", 31),
        ("去年五月", "2025-05-01", 31),
        ("五月三号", "2026-05-03", 1),
        ("十月二十一日", "2026-10-21", 1),
        ("去年夏天", "2025-06-01", 92),
        ("昨日何を話した", "2026-11-26", 1),
        ("先週の金曜日", "2026-11-20", 1),
        ("二週間前", "2026-11-10", 7),
        ("３カ月前", "2026-08-14", 31),
        ("先月", "2026-10-01", 31),
        ("去年の夏", "2025-06-01", 92),
        ("어제 뭐 했어", "2026-11-26", 1),
        ("지난주 금요일", "2026-11-20", 1),
        ("3일 전", "2026-11-24", 1),
        ("지난달", "2026-10-01", 31),
        ("2023년 7월 5일", "2023-07-05", 1),
        ("작년 여름", "2025-06-01", 92),
    ],
)
def test_a_time_is_read_as_the_days_it_names(text: str, first: str, days: int) -> None:
    begin = date.fromisoformat(first)
    assert read(plain(text), TODAY).spans == ((begin, begin + timedelta(days)),)


@pytest.mark.parametrize(
    "text",
    ["I may be going", "May I ask?", "she has 3 cats", "31 February 2023", "我的猫叫什么", "the year of the cat", ""],
)
def test_where_no_time_is_named_none_is_read(text: str) -> None:
    assert read(plain(text), TODAY).spans == ()


def test_the_words_of_the_time_are_taken_out() -> None:
    times = read("what did maria eat on 3 june 2023 with john", TODAY)
    assert times.rest.split() == ["what", "did", "maria", "eat", "on", "with", "john"]


@given(st.text(), st.dates())
def test_any_text_is_read_on_any_day(text: str, today: date) -> None:
    for first, end in read(plain(text), today).spans:
        assert first < end
