"""When something was, as a question says it in English, Chinese, Japanese or Korean: "yesterday", 上周五, "in May".

``dateparser`` was looked at: it gives moments where spans are wanted, knows no 上上周, and takes tens of milliseconds.
Patterns are written for texts in their simplest form (``words.plain``): 週 is 周, カ月 is か月.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

Span = tuple[date, date]
"""The first day, and the one behind the last."""


@dataclass(frozen=True, slots=True)
class Times:
    """The spans that a text names, and the text without their words."""

    spans: tuple[Span, ...]
    rest: str


def read(text: str, today: date) -> Times:
    """``text`` is in its simplest form. What is ambiguous is taken for the last time before ``today``."""
    spans: list[Span] = []
    for pattern, reading in _readings():
        found = list(pattern.finditer(text))
        for match in found:
            with suppress(ValueError, OverflowError):  # 31 February, the year 0
                spans.append(reading(match, today))
        if found:
            text = pattern.sub(lambda match: " " * len(match[0]), text)
    return Times(tuple(dict.fromkeys(spans)), text)


MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
            "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二",
        )
    )
    for name in names.split()
}  # fmt: skip
"""What months are called, to their numbers from 0; 12 more in Chinese."""
_WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            "monday 一 月 월", "tuesday 二 火 화", "wednesday 三 水 수", "thursday 四 木 목",
            "friday 五 金 금", "saturday 六 土 토", "sunday 日 天 일",
        )
    )
    for name in names.split()
}  # fmt: skip
_NUMBERS: Final = {
    name: number
    for number, names in enumerate(
        (
            "a an one 一 한", "two couple 两 二 두", "three few 三 几 세 몇", "four several 四 네", "five 五", "six 六",
            "seven 七", "eight 八", "nine 九", "ten 十 열",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_DAYS_OF_UNIT: Final = {
    name: days
    for days, names in (
        (1, "day 天 日 일"),
        (7, "week 周 星期 礼拜 个星期 个礼拜 周间 주 주일"),
        (30, "month 个月 か月 ゖ月 箇月 개월 달"),
        (365, "year 年 년"),
    )
    for name in names.split()
}
_DAYS_BACK: Final = {
    name: days
    for days, names in enumerate(
        (
            "today|tonight|this morning|今天|今日|今早|今晚|今朝|きょう|오늘",
            "yesterday|last night|昨天|昨日|昨晚|昨夜|きのう|ゆうべ|어제|어젯밤",
            "day before yesterday|前天|一昨日|おととい|그제|그저께|엊그제",
            "大前天",
        )
    )
    for name in names.split("|")
}
_YEARS_BACK: Final = {
    "今年": 0,
    "올해": 0,
    "去年": 1,
    "昨年": 1,
    "작년": 1,
    "지난해": 1,
    "前年": 2,
    "一昨年": 2,
    "재작년": 2,
}
_SEASONS: Final = {
    name: 3 * number
    for number, names in enumerate(("spring 春 봄", "summer 夏 여름", "autumn fall 秋 가을", "winter 冬 겨울"), 1)
    for name in names.split()
}
_HOLIDAYS: Final = {"christmas": (12, 24), "圣诞": (12, 24), "くりすます": (12, 24), "크리스마스": (12, 24),
                    "halloween": (10, 31), "万圣节": (10, 31), "valentine": (2, 14), "情人节": (2, 14)}  # fmt: skip


def _any(names: Iterable[str]) -> str:
    """A pattern for any of the names, the longest first."""
    return "|".join(sorted(names, key=len, reverse=True))


_MONTH: Final = f"(?P<month>{_any(name for name in MONTHS if name.isascii())})"
_DAY: Final = r"(?P<day>\d{1,2})(?!\d)(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)(?!\d)"
_WEEKDAY: Final = f"(?P<weekday>{_any(name for name in _WEEKDAYS if name.isascii())})"
_COUNT: Final = rf"(?P<count>\d{{1,3}}|{_any(_NUMBERS)})"
_HAN_MONTH: Final = r"(?P<month>\d{1,2}|十[一二]?|[一二三四五六七八九])月"
_PART: Final = r"(?:(?P<part>early|mid|late|(?:the )?(?:beginning|start|middle|end|first half|second half) of)[ -])?"
_BACK: Final = f"(?P<back>{_any(_YEARS_BACK)})"

Reading = Callable[[re.Match[str], date], Span]


def _month(match: re.Match[str], today: date) -> tuple[int, int]:
    """Year and number of the month that is named."""
    found = match.groupdict()
    month = MONTHS[found["month"]] % 12 + 1 if found["month"] in MONTHS else int(found["month"])
    if found.get("year"):
        return int(found["year"]), month
    if found.get("back"):
        return today.year - _YEARS_BACK[found["back"]], month
    return today.year - (month > today.month), month


def _of_day(match: re.Match[str], today: date) -> Span:
    year, month = _month(match, today)
    day = date(year, month, int(match["day"]))
    if not match.groupdict().get("year") and day > today:
        day = day.replace(year=year - 1)
    return _one(day)


def _of_month(match: re.Match[str], today: date) -> Span:
    first, end = _whole_month(*_month(match, today))
    part = match.groupdict().get("part") or ""
    if part.startswith(("early", "the beg", "beg", "the start", "start", "the first", "first")):
        end = first + timedelta(15)
    elif part.startswith(("late", "the end", "end", "the second", "second")):
        first += timedelta(15)
    elif part:
        first, end = first + timedelta(9), first + timedelta(21)
    return first, end


def _whole_month(year: int, month: int) -> Span:
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _of_year(match: re.Match[str], today: date) -> Span:
    found = match.groupdict()
    year = int(found["year"]) if found.get("year") else today.year - _YEARS_BACK[found["back"]]
    return date(year, 1, 1), date(year + 1, 1, 1)


def _one(day: date) -> Span:
    return day, day + timedelta(1)


def _of_days_back(match: re.Match[str], today: date) -> Span:
    return _one(today - timedelta(_DAYS_BACK[match["name"]]))


def _ago(match: re.Match[str], today: date) -> Span:
    """Around the day so long ago, as vaguely as its unit is."""
    unit = _DAYS_OF_UNIT[match["unit"]]
    day = today - timedelta(_number(match) * unit)
    return day - timedelta(unit // 2), day + timedelta(unit // 2 + 1)


def _lately(match: re.Match[str], today: date) -> Span:
    return today - timedelta(_number(match) * _DAYS_OF_UNIT[match["unit"]]), today + timedelta(1)


def _number(match: re.Match[str]) -> int:
    return _NUMBERS.get(match["count"]) or int(match["count"])


def _of_weekday(match: re.Match[str], today: date) -> Span:
    """The last day of this name before today."""
    back = (today.weekday() - _WEEKDAYS[match["weekday"]]) % 7 or 7
    return _one(today - timedelta(back))


def _of_week(match: re.Match[str], today: date) -> Span:
    found = match.groupdict()
    monday = today - timedelta(today.weekday() + 7 * _weeks_back(found["which"]))
    if found.get("weekday"):
        return _one(monday + timedelta(_WEEKDAYS[found["weekday"]]))
    if found.get("end"):
        return monday + timedelta(4), monday + timedelta(7)
    return monday, monday + timedelta(7)


def _weeks_back(which: str) -> int:
    if which.startswith(("上上", "先々", "先先", "지지난", "week before last")):
        return 2
    return 0 if which.startswith(("this", "这", "本", "今", "이번")) else 1


def _of_last_month(match: re.Match[str], today: date) -> Span:
    back = 0 if match["which"].startswith(("this", "这", "本", "今", "이번")) else 1
    return _whole_month(today.year - (today.month <= back), (today.month - back - 1) % 12 + 1)


def _of_last_year(match: re.Match[str], today: date) -> Span:
    year = today.year - (0 if match["which"].startswith("this") else 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def _of_season(match: re.Match[str], today: date) -> Span:
    found = match.groupdict()
    month = _SEASONS[found["season"]]
    if found.get("year"):
        year = int(found["year"])
    elif found.get("back"):
        year = today.year - _YEARS_BACK[found["back"]]
    else:
        year = today.year - (date(today.year, month, 1) > today)
    return date(year, month, 1), date(year + (month + 3) // 13, (month + 2) % 12 + 1, 1)


def _of_holiday(match: re.Match[str], today: date) -> Span:
    day = date(today.year, *_HOLIDAYS[match["name"]])
    if day > today:
        day = day.replace(year=day.year - 1)
    return day - timedelta(1), day + timedelta(3)


@cache
def _readings() -> tuple[tuple[re.Pattern[str], Reading], ...]:
    """In the order in which they are tried; what one has read is gone for the next."""
    seasons = _any(name for name in _SEASONS if name.isascii())
    han_day = r"(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})[日号]"
    patterns: tuple[tuple[str, Reading], ...] = (
        (rf"{_YEAR}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})(?!\d)", _of_day),
        (rf"\b{_DAY}(?: of)? {_MONTH}\b\.?(?:,? {_YEAR})?", _of_day),
        (rf"\b{_MONTH}\b\.? (?:the )?{_DAY}(?:,? {_YEAR})?", _of_day),
        (rf"\b{_PART}{_MONTH}\b,?(?: of)? {_YEAR}", _of_month),
        (rf"\b(?:in|since|during|last|this|until|of) {_PART}{_MONTH}\b(?! \w+ing\b)", _of_month),
        (rf"\b(?:last |this |the )?(?P<season>{seasons}) (?:of )?{_YEAR}", _of_season),
        (rf"\b(?:last|this|in|in the|during the|over the) (?P<season>{seasons})\b", _of_season),
        (rf"\b(?:in|during|since|of|year) {_YEAR}", _of_year),
        (rf"\b{_COUNT}(?: of)? (?P<unit>day|week|month|year)s? ago\b", _ago),
        (rf"\b(?:past|last|previous) {_COUNT}(?: of)? (?P<unit>day|week|month|year)s?\b", _lately),
        (
            r"\b(?:the )?(?P<which>week before last|last week|this week|past week|previous week)(?P<end>end)?\b",
            _of_week,
        ),
        (r"\b(?P<which>last month|this month|previous month|past month)\b", _of_last_month),
        (r"\b(?P<which>last year|this year|previous year|past year)\b", _of_last_year),
        (rf"\b(?:last |on |this |past ){_WEEKDAY}\b", _of_weekday),
        (rf"\b(?:the )?(?P<name>{_any(name for name in _DAYS_BACK if name.isascii())})\b", _of_days_back),
        (rf"{_YEAR}[年년][的の]? ?{_HAN_MONTH}{han_day}", _of_han_day),
        (rf"{_YEAR}[年년] ?(?P<month>\d{{1,2}})월 ?(?P<day>\d{{1,2}})일", _of_day),
        (rf"{_YEAR}[年년][的の]? ?{_HAN_MONTH}", _of_month),
        (rf"{_YEAR}년 ?(?P<month>\d{{1,2}})월", _of_month),
        (rf"(?:{_YEAR}年|{_BACK})[的の]? ?(?P<season>[春夏秋冬]|봄|여름|가을|겨울)[天季]?", _of_season),
        (rf"(?:{_YEAR}[年년]|{_BACK})[的の]? ?{_HAN_MONTH}{han_day}", _of_han_day),
        (rf"{_BACK}[的の]? ?{_HAN_MONTH}", _of_month),
        (rf"{_BACK} ?(?P<month>\d{{1,2}})월", _of_month),
        (rf"{_YEAR}[年년]", _of_year),
        (rf"{_HAN_MONTH}{han_day}", _of_han_day),
        (r"(?P<month>\d{1,2})월 ?(?P<day>\d{1,2})일", _of_day),
        (
            rf"{_COUNT} ?(?P<unit>{_any(name for name in _DAYS_OF_UNIT if not name.isascii())}) ?(?:以前|之前|前|전)",
            _ago,
        ),
        (
            r"(?P<which>上上个?|上个?|这个?|本|先々|先先|先|今)(?:周|星期|礼拜)[的の]?"
            r"(?:(?P<weekday>[一二三四五六日天月火水木金土](?!间))(?:曜日?)?|(?P<end>末))?",
            _of_week,
        ),
        (
            r"(?P<which>지지난|지난|저번|이번) ?주 ?(?:의 )?(?:(?P<weekday>[월화수목금토일])요일|(?P<end>말))?",
            _of_week,
        ),
        (r"(?P<which>上个?|这个|本|先|今)月", _of_last_month),
        (r"(?P<which>지난|저번|이번) ?달", _of_last_month),
        (rf"{_HAN_MONTH}(?!曜)", _of_month),
        (r"(?P<month>\d{1,2})월", _of_month),
        (r"(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])", _of_weekday),
        (r"(?P<weekday>[日月火水木金土])曜日?", _of_weekday),
        (r"(?P<weekday>[월화수목금토일])요일", _of_weekday),
        (rf"(?P<name>{_any(name for name in _DAYS_BACK if not name.isascii())})", _of_days_back),
        (_BACK, _of_year),
        (rf"(?P<name>{_any(_HOLIDAYS)})", _of_holiday),
    )
    return tuple((re.compile(pattern), reading) for pattern, reading in patterns)


def _of_han_day(match: re.Match[str], today: date) -> Span:
    """As ``_of_day``, where the number of the day may be written in ideographs."""
    year, month = _month(match, today)
    day = date(year, month, _han_number(match["day"]))
    found = match.groupdict()
    if not found.get("year") and not found.get("back") and day > today:
        day = day.replace(year=year - 1)
    return _one(day)


def _han_number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    digits = "零一二三四五六七八九"
    tens, ten, ones = text.rpartition("十")
    return (digits.index(tens) if tens else 1 if ten else 0) * 10 + (digits.index(ones) if ones else 0)
