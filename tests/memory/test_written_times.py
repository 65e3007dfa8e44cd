"""Dates with times as people and programs write them are read where they can be read in one way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from neko.memory.written_times import read

MAY_8 = datetime(2023, 5, 8)
AFTERNOON = datetime(2023, 5, 8, 13, 56)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1:56 pm on 8 May, 2023", AFTERNOON),
        ("May 8, 2023 1:56pm", AFTERNOON),
        ("Monday, May 8th, 2023 at 1:56 p.m.", AFTERNOON),
        ("8-May-2023 13:56", AFTERNOON),
        ("2023/05/08 13:56:00", AFTERNOON),
        ("2023年5月8日 下午1:56", AFTERNOON),
        ("2023년 5월 8일 오후 1:56", AFTERNOON),
        ("12:05 am on 8 May, 2023", MAY_8 + timedelta(minutes=5)),
        ("8 May 2023", MAY_8),
        ("Mon, 08 May 2023 13:56:00 +0200", AFTERNOON.replace(tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_written_moment_is_read(text: str, moment: datetime) -> None:
    assert read(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "03/04/2023", "May 2023", "8 May", "31 Feb 2023", "25:00 8 May 2023", "13:56", "9" * 5_000],
)
def test_what_has_no_meaning_or_several_is_not_read(text: str) -> None:
    assert read(text) is None
