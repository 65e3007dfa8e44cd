"""When something is to be, as the user says it in English, German, Chinese, Japanese or Korean: "in ten minutes",
"morgen um halb zehn", 明早八点, "every Monday at 9". Pure; times are local wall times without a zone, and what is
ambiguous is taken for the next one.

``dateparser`` was looked at: of fourteen such phrases it read five ("in ten minutes" and the like), lost the time of
day in "tomorrow at nine", read 火 as Tuesday, knows no repeats, and took up to half a second for a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final, Literal

from neko.agent.lengths import DAYS_KO, HOUR_DE, N_EN, N_HAN, N_KO, RUN_EN, RUN_HAN, RUN_KO, U_EN, number, seconds

Every = Literal["", "day", "week"]


@dataclass(frozen=True, slots=True)
class When:
    """``after_s``: so many seconds from now, however the clock is set; else ``due`` is what counts."""

    due: datetime
    after_s: float | None = None
    every: Every = ""


@dataclass(frozen=True, slots=True)
class Read:
    """``when`` is None where no time is named, or ``is_past``. ``rest``: the text without the words of the time.

    ``leads``: the text begins with the time; ``ends``: it ends with it; ``dated``: that names the day, or how long it
    is until then; ``clocked``: the hour.
    """

    when: When | None
    rest: str
    is_past: bool = False
    leads: bool = False
    dated: bool = False
    clocked: bool = False
    ends: bool = False


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# ── the parts of a time ───────────────────────────────────────────────────────

_WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        ("monday mon montag 一 月 월", "tuesday tue tues dienstag 二 火 화", "wednesday wed mittwoch 三 水 수",
         "thursday thu thurs donnerstag 四 木 목", "friday fri freitag 五 金 금",
         "saturday sat samstag sonnabend 六 土 토", "sunday sun sonntag 日 天 일")
    )
    for name in names.split()
}  # fmt: skip
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("january jan januar", "february feb februar", "march mar märz", "april apr", "may mai", "june jun juni",
         "july jul juli", "august aug", "september sep sept", "october oct oktober", "november nov",
         "december dec dezember"), 1
    )
    for name in names.split()
}  # fmt: skip
_DAYS: Final = {
    name: days
    for days, names in (
        (0, "today|tonight|this morning|this afternoon|this evening|今天|今日|今晚|今早|今夜|今晩|きょう|오늘"),
        (0, "heute|heute morgen|heute früh|heute abend|heute nacht"),
        (1, "tomorrow|morgen|morgen früh|明天|明日|明早|明晚|明朝|明晩|あした|あす|내일"),
        (2, "the day after tomorrow|day after tomorrow|übermorgen|uebermorgen|后天|後天|明後日|あさって|모레"),
        (3, "大后天|大後天|しあさって|글피"),
    )
    for name in names.split("|")
}
_PARTS: Final = {
    name: part
    for part, names in (
        ("dawn", "凌晨|清晨|未明|明け方|새벽"),
        ("morning", "in the morning|this morning|morning|早上|早晨|上午|早|午前|朝|오전|아침"),
        ("morning", "heute morgen|heute früh|morgen früh|am morgen|morgens|in der früh|früh"),
        ("morning", "am vormittag|vormittags|vormittag"),
        ("noon", "at noon|noon|am mittag|mittags|mittag|中午|正午|昼|お昼|정오|점심|낮"),
        ("afternoon", "in the afternoon|this afternoon|afternoon|下午|午后|午後|오후"),
        ("afternoon", "am nachmittag|nachmittags|nachmittag"),
        ("evening", "in the evening|this evening|evening|heute abend|am abend|abends|abend|傍晚|夕方|저녁"),
        ("night", "at night|tonight|night|晚上|今晚|明晚|夜里|夜裡|晚|夜|今夜|今晩|晩|밤"),
        ("night", "heute nacht|in der nacht|nachts|nacht"),
        ("midnight", "at midnight|midnight|um mitternacht|mitternacht|半夜|午夜|零点|零點|深夜|真夜中|자정"),
    )
    for name in names.split("|")
}
_HOUR_OF: Final = {"dawn": 5, "morning": 9, "noon": 12, "afternoon": 15, "evening": 19, "night": 20, "midnight": 0}
_LATER: Final = frozenset({"afternoon", "evening", "night"})
_WAKES: Final = r"\bwake me\b|\bweck(?:e|er)?\b|\bwecken\b|叫醒|[叫喊]我.{0,12}起[床来來]|起こして|깨워"
_MOST_WEEKS: Final = 500
"""In which a weekday is to be a certain day of the month."""
_LONGEST_MONTHS: Final = 62
"""Days in which each day of a month comes."""
_EARLIEST_WAKING: Final = 5
"""The hour from which on "wake me at seven" is in the morning, whenever it is said."""
_EARLIEST_AS_SAID: Final = 6
"""Hours from which on "tomorrow at seven" is in the morning; three is in the afternoon."""


def _latin(names: Iterable[str], *, but: bool = False) -> str:
    """Those in Latin letters, or all ``but`` those."""
    return "|".join(sorted((name for name in names if (name > "\u2e80") is but), key=len, reverse=True))


_WEEKDAY_EN: Final = _latin(_WEEKDAYS)
_WEEKDAY_DE: Final = "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
_MONTH_EN: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_EN: Final = _latin(_DAYS)
_DAY_OTHER: Final = _latin(_DAYS, but=True)
_PART_EN: Final = _latin(_PARTS)
_PART_OTHER: Final = _latin((name for name in _PARTS if len(name) > 1 or name in "朝昼夜晩낮밤"), but=True)

_AFTER: Final = (
    rf"\bin (?:about |around |exactly |etwa |ungefähr |genau )?(?P<run>{RUN_EN})(?:(?:'s?)? time)?\b",
    rf"(?P<run>\b{RUN_EN}) (?:from now|later)\b",
    rf"(?P<run>{RUN_HAN})(?:钟|鐘|間)?(?:之后|之後|以后|以後|过后|過後|后|後|経ったら|経過後|たったら|ご(?=に))に?",
    rf"过(?P<run>{RUN_HAN})(?=[提叫喊通])",
    rf"(?P<run>{RUN_KO}|{'|'.join(DAYS_KO)}) ?(?:뒤|후|있다가|이따가?|지나(?:면|서))(?:에)?",
)
_LENGTHS: Final = (
    rf"(?P<run>\b{RUN_EN})(?=[ ,.!?-]|$)",
    rf"(?P<run>{RUN_HAN})(?:間)?(?:の|的)?",
    rf"(?P<run>{RUN_KO})(?:짜리|간)?",
)
_EVERY: Final = (
    rf"\b(?:every|each) (?P<weekday>{_WEEKDAY_EN})s?\b",
    r"\b(?:every|each) (?:single )?(?:day|(?=morning|afternoon|evening|night))|\bdaily\b",
    rf"\bjeden (?P<weekday>{_WEEKDAY_DE})\b",
    rf"\b(?P<weekday>{_WEEKDAY_DE})s\b",
    r"\b(?:jeden (?:tag|(?=morgen|vormittag|mittag|nachmittag|abend))|jede (?=nacht)|täglich)\b",
    r"每(?:个|個)?(?:周|週|星期|礼拜|禮拜)(?P<weekday>[一二三四五六日天])",
    r"每(?:天|日)|天天|每(?=[早晚])",
    r"毎週(?:の)?(?P<weekday>[月火水木金土日])曜日?(?:の|に)?",
    r"毎日(?:の)?|毎(?=[朝晩夜])",
    r"매주 ?(?P<weekday>[월화수목금토일])요일(?:마다)?",
    r"매일|날마다",
)
_UNKNOWN_EVERY: Final = (
    rf"\b(?:every|each) (?:{_WEEKDAY_EN}),? (?:the )?\d{{1,2}}(?:st|nd|rd|th)\b",
    rf"\bjeden (?:{_WEEKDAY_DE}),? (?:de[rn] )?\d{{1,2}}\.(?! ?\d)",
    r"\b(?:(?:every|each) month|jeden monat)(?: (?:on |am )(?:the )?\d{1,2}(?:st|nd|rd|th|\.))?",
    r"(?:每(?:个|個)?月|毎月の?)(?:\d{1,2}[日号號][にの]?)?|(?:매달|매월)(?: ?\d{1,2}일에?)?",
)
"""What no reminder can be: one on every 13th, or on every Friday that is one."""
_CHAPTER: Final = r"(?<!chapter )(?<!section )(?<!version )(?<!kapitel )(?<!abschnitt )(?<!seite )"
_MONTH_NUMBER: Final = r"(?P<month>0?[1-9]|1[0-2])"
_DATES: Final = (
    r"\b(?:on |am )?(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b",
    rf"\b(?:on |am )?(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? (?P<month>{_MONTH_EN})\b"
    r"(?:,? (?P<year>20\d\d))?",
    rf"\b(?:on )?(?P<month>{_MONTH_EN})\.? (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,? (?P<year>20\d\d))?",
    rf"(?:(?P<year>20\d\d)年)?(?P<month>{N_HAN})月(?P<day>{N_HAN})[日号號](?:の|に)?",
    r"(?:(?P<year>20\d\d)년 ?)?(?P<month>\d{1,2})월 ?(?P<day>\d{1,2})일(?:에)?",
    rf"(?:\b(?:on|am|vom|zum|bis) |(?<!\bat )(?<!\bum ){_CHAPTER}(?<![\d.])(?=\d+\.\d+\.))"
    rf"(?P<day>\d{{1,2}})\.{_MONTH_NUMBER}(?![\d:])(?! ?(?:[ap]\.?m\b|uhr\b))\.?(?P<year>20\d\d)?(?!\d)",
    r"\bon (?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>20\d\d))?(?![\d/])",
)
"""With points the day comes first, as in German, and with strokes the month, where that can be."""
_ROMANCE_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("janvier enero gennaio janeiro", "février fevrier febrero febbraio fevereiro", "mars marzo março marco",
         "avril abril aprile", "mayo maggio maio", "juin junio giugno junho", "juillet julio luglio julho",
         "août aout agosto", "septembre septiembre settembre setembro", "octobre octubre ottobre outubro",
         "novembre noviembre novembro", "décembre decembre diciembre dicembre dezembro"), 1
    )
    for name in names.split()
}  # fmt: skip
"""French, Spanish, Italian and Portuguese ones: what a card calls a birthday may be in any of them."""
_ANY_YEAR: Final = (
    r"(?<!\d)\d{4}([-/.]) ?(?P<month>\d{1,2})\1 ?(?P<day>\d{1,2})(?!\d)",
    r"(?<![\d/])(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?:\d{4}|\d\d))?(?![\d/])",
    r"(?<![\d.])(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})(?:\. ?(?:\d{4}|\d\d)?)?(?!\d)",
    r"(?<!\d)(?<!\d-)(?P<day>\d{1,2})-(?P<month>\d{1,2})-\d{4}(?!\d)",
    r"(?<!\d)(?<!\d-)(?P<month>\d{1,2})-(?P<day>\d{1,2})(?![\d-])",
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:er|[.º°])? ?(?:de |di )?(?P<month>{'|'.join(_ROMANCE_MONTHS)})\b",
)
"""What is a day where a day of any year is looked for …"""
_BARE_DAY: Final = rf"(?P<month>{N_HAN})月(?P<day>{N_HAN})"
"""… and, of Chinese ones, last."""
_BY_THE_MOON: Final = r"农历|農曆|阴历|陰曆|旧暦|음력"
_BESIDE_A_DATE: Final = (
    rf"\b(?:(?:on|this|next|am|diesen|nächsten|kommenden) )?(?:{_WEEKDAY_EN}),? (?:the |de[rnm] )?(?=\0)",
    rf"(?<=\0),? (?:{_WEEKDAY_EN})\b",
    r"(?<=\0) ?\(?(?:(?:周|週|星期|礼拜|禮拜)[一二三四五六日天]|[月火水木金土日](?:曜日?|(?=\)))"
    r"|[월화수목금토일](?:요일|(?=\))))\)?"
    r"(?:[にの에])?",
)
"""The weekday of a date, which says nothing more."""
_NAMED_DAYS: Final = (
    rf"\b(?:on |next |this )?(?P<weekday>{_WEEKDAY_EN}),? (?:the )?(?P<nth>\d{{1,2}})(?:st|nd|rd|th)\b",
    rf"\b(?:am |diesen |nächsten )?(?P<weekday>{_WEEKDAY_DE}),? (?:de[rnm] )?(?P<nth>\d{{1,2}})\.(?! ?\d)",
    rf"(?<![月\d])(?P<nth>{N_HAN})[日号號](?:の|的)?(?:(?:周|週|星期|礼拜|禮拜)(?P<weekday>[一二三四五六日天])"
    r"|(?P<weekday_ja>[月火水木金土日])曜日?)(?:の|に)?",
    r"(?<!월 )(?<![월\d])(?P<nth>\d{1,2})일(?:의)? ?(?P<weekday>[월화수목금토일])요일(?:에)?",
    r"\b(?:on|by) the (?P<nth>\d{1,2})(?:st|nd|rd|th)\b(?: of (?:the|this) month)?"
    r"(?=,? (?:to|at|that|about|by|around|remind|wake)\b| ?[,.!?;\0]|$)",
    r"\bam (?P<nth>\d{1,2})\.(?=,? (?:an|daran|um|gegen|dass|erinner\w*|weck\w*)\b|,| ?\0|[!?]?$)",
    rf"在?(?<![第月\d])(?P<nth>{N_HAN})[号號](?=[提叫喊通,。]|早|上午|中午|下午|晚|{N_HAN}[点點:]|\0|$)",
    r"(?<![第月\d])(?P<nth>\d{1,2})日(?:に(?! ?[\d一]回)|の(?=\d{1,2}時|朝|昼|夜|午))",
    r"(?<!월 )(?<![월\d])(?P<nth>\d{1,2})일(?:에(?! ?(?:한|\d) ?번)| (?=\d{1,2} ?시|오전|오후|아침|저녁))",
    rf"\b(?P<next>nächste woche (?:am )?)?(?:am |diesen |nächsten |kommenden )?(?P<weekday>{_WEEKDAY_DE})"
    r"(?: ?(?P<part>früh|morgen|vormittag|mittag|nachmittag|abend|nacht))?\b",
    rf"\b(?<!\bam )(?<!\bguten )(?<!\bgestern )(?P<name>{_DAY_EN})\b",
    rf"\b(?P<next>next |this |on |this coming )?(?P<weekday>{_WEEKDAY_EN})\b",
    r"(?P<next>下|这|這|本)?(?:个|個)?(?:周|週|星期|礼拜|禮拜)(?P<weekday>[一二三四五六日天])",
    r"(?P<next>来週|今週|次)?(?:の)?(?P<weekday>[月火水木金土日])曜日?(?:の|に)?",
    r"(?P<next>다음 ?주|이번 ?주)? ?(?P<weekday>[월화수목금토일])요일(?:에)?",
    rf"(?P<name>{_DAY_OTHER})(?:の|に)?",
)
_AMOUNTS_DE: Final = (
    r"[%€]|(?:prozent|euro|cent|kilo|kg|gramm|g|liter|l|km|kilometer|meter|m|grad|punkte?|jahre?|wochen?|tage?"
    r"|monate?|stunden?|minuten?|sekunden?)\b"
)
"""What "um 10" is no time before."""
_CLOCKS: Final = (
    rf"(?<=\bwecker )(?:auf|für) (?P<h>{HOUR_DE})\b(?![:.,]\d| ?uhr\b| ?{U_EN})",
    rf"\b(?:(?:um|gegen|ab|bis) )?halb (?P<hour_half_to>{HOUR_DE})\b(?: uhr\b)?",
    rf"\b(?:(?:um|gegen|ab|bis) )?viertel nach (?P<hour_quarter>{HOUR_DE})\b(?: uhr\b)?",
    rf"\b(?:(?:um|gegen|ab|bis) )?(?:viertel vor|dreiviertel) (?P<hour_to>{HOUR_DE})\b(?: uhr\b)?",
    rf"\b(?:(?:um|gegen|ab|bis) )?(?<![:.\d])(?P<h>{HOUR_DE}) ?uhr\b"
    r"(?: (?P<m>[0-5]\d|fünfzehn|zwanzig|drei(?:ß|ss)ig|vierzig)\b)?",
    rf"\bum (?P<h>{HOUR_DE})(?<! ein)(?<! eine[mnr])(?<! eine)\b(?![:.,]\d| ?(?:{_AMOUNTS_DE}))",
    r"\b(?:(?:at|by|around|for|until|um|gegen|ab|bis) )?(?P<h>\d{1,2}):(?P<m>[0-5]\d)(?!\d)"
    r"(?: ?(?P<half_of_day>[ap]\.?m\b\.?)| ?uhr\b)?",
    r"(?:\0 ?|\b(?:at|by|around|until|um|gegen|ab) |(?<=\bme )|(?<=\bup ))(?P<h>\d{1,2})\.(?P<m>[0-5]\d)(?!\d|\.\d)"
    r"(?: ?(?P<half_of_day>[ap]\.?m\b\.?)| ?uhr\b)?",
    r"\b(?P<h>\d{1,2})\.(?P<m>[0-5]\d)(?: ?(?P<half_of_day>[ap]\.?m\b\.?)| ?uhr\b)",
    r"^(?P<h>\d{1,2})\.(?P<m>[0-5]\d)(?=$| ?\0)",
    rf"\b(?:at |by |around |for )?(?P<h>{N_EN}) ?(?P<half_of_day>[ap]\.?m\b\.?)",
    rf"\b(?:at |by |around |for )?(?P<h>{N_EN}) o'?clock\b",
    rf"\b(?:at |by )?half past (?P<hour_half>{N_EN})\b",
    rf"\b(?:at |by )?(?:a )?quarter past (?P<hour_quarter>{N_EN})\b",
    rf"\b(?:at |by )?(?:a )?quarter to (?P<hour_to>{N_EN})\b",
    rf"\bat (?P<h>{N_EN})\b(?! (?:of|the|least|most|once))",
    rf"在?(?P<h>{N_HAN})[点點](?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<m>{N_HAN})分?)?(?:整|钟|鐘)?(?:に)?",
    rf"(?P<h>{N_HAN})[時时](?![間间候])(?:(?P<half>半)|(?P<m>{N_HAN})分)?(?:ごろ|頃|ちょうど)?(?:に)?",
    rf"(?P<h>{N_KO}) ?시(?!간)(?: ?(?P<half>반)| ?(?P<m>{N_KO}) ?분)?(?:쯤)?(?:에)?",
)

_PARTS_BY_DAY: Final = (
    r"(?<=\0)(?P<part>morgen)\b",
    rf"\b(?P<part>{_PART_EN})\b",
    rf"(?P<part>{_PART_OTHER})(?:の|에)?",
)
_PARTS_ALONE: Final = (r"\b(?P<part>at noon|at midnight|um mitternacht)\b", r"(?P<part>正午|정오|자정)(?:に|에)?")


@dataclass(slots=True)
class _Draft:
    """What was found of a time so far. ``nth``: the day of the month that the weekday has to be, 0 for any. ``exact``:
    the hour counts from midnight. ``is_unknown``: it comes again in a way that is not known here."""

    text: str
    after_s: float = 0.0
    every: Every = ""
    weekday: int | None = None
    nth: int = 0
    is_next_week: bool = False
    days: int | None = None
    day: date | None = None
    has_year: bool = False
    part: str = ""
    hour: float | None = None
    minute: int = 0
    half_of_day: str = ""
    exact: bool = False
    is_unknown: bool = False

    @property
    def has_day(self) -> bool:
        is_named = self.days is not None or self.weekday is not None
        return is_named or bool(self.nth or self.day or self.every)

    def find(self, patterns: tuple[str, ...]) -> dict[str, str] | None:
        """The first of these that is there; its words are gone for the next."""
        for pattern in patterns:
            if found := _pattern(pattern).search(self.text):
                self.text = self.text[: found.start()] + "\0" + self.text[found.end() :]
                return {name: value for name, value in found.groupdict().items() if value}
        return None


def read_when(text: str, now: datetime, *, bare_length: bool = False) -> Read:
    """The time that a text names. ``bare_length``: a mere length ("ten minutes") counts from now, as for a timer."""
    draft = _Draft(" ".join(unicodedata.normalize("NFKC", text).replace("’", "'").split()))
    try:
        _gather(draft, now, bare_length=bare_length)
        if draft.days != 0 and _is_ambiguous(draft) and _pattern(_WAKES).search(text):
            draft.part = "morning" if (1 if draft.has_day else _EARLIEST_WAKING) <= (draft.hour or 0) < 12 else ""
        when = None if draft.is_unknown else _resolve(draft, now)
    except (ValueError, OverflowError):  # the 31st of February, the 40th hour
        return Read(None, draft.text.replace("\0", " "))
    rest = re.sub(r"\s+", " ", draft.text.replace("\0", " ")).strip()
    leads = draft.text.lstrip().startswith("\0")
    dated = bool(draft.after_s) or draft.has_day
    is_past = when is not None and when.due <= now
    clocked = bool(draft.part) or draft.hour is not None
    ends = draft.text.rstrip(" .,!?;。！？").endswith("\0")
    return Read(None if is_past else when, rest, is_past, leads, dated, clocked, ends)


def month_and_day(text: str) -> tuple[int, int] | None:
    """The day of the year that a text names, whatever the year; None also for one by the moon."""
    draft = _Draft(" ".join(unicodedata.normalize("NFKC", text).split()))
    found = None if _pattern(_BY_THE_MOON).search(draft.text) else draft.find((*_ANY_YEAR, *_DATES, _BARE_DAY))
    if found is None:
        return None
    try:
        _take_date(draft, {"month": found["month"], "day": found["day"]}, datetime(2000, 1, 1))
    except ValueError:  # the 31st of February
        return None
    return (draft.day.month, draft.day.day) if draft.day else None


def _gather(draft: _Draft, now: datetime, *, bare_length: bool) -> None:
    if found := draft.find(_AFTER):
        draft.after_s = seconds(found["run"])
    draft.is_unknown = draft.find(_UNKNOWN_EVERY) is not None
    if (found := draft.find(_EVERY)) is not None:
        draft.every = "week" if "weekday" in found else "day"
        draft.weekday = _WEEKDAYS.get(found.get("weekday", "").casefold())
    if found := draft.find(_DATES):
        _take_date(draft, found, now)
        draft.find(_BESIDE_A_DATE)
    elif not draft.every and (found := draft.find(_NAMED_DAYS)):
        _take_named_day(draft, found)
    if found := draft.find(_CLOCKS):
        _take_clock(draft, found)
    has_day_or_hour = draft.hour is not None or draft.days is not None or draft.every or draft.day or draft.nth
    if not draft.part and (found := draft.find(_PARTS_BY_DAY if has_day_or_hour else _PARTS_ALONE)):
        draft.part = _part_of(found["part"])
    names_none = draft.hour is None and draft.days is None and not draft.every and not draft.after_s
    if bare_length and names_none and (found := draft.find(_LENGTHS)):
        draft.after_s = seconds(found["run"])


def _take_date(draft: _Draft, found: dict[str, str], now: datetime) -> None:
    name = found["month"].casefold()
    month = _MONTHS.get(name) or _ROMANCE_MONTHS.get(name) or int(number(name))
    day = int(number(found["day"]))
    if month > 12:
        month, day = day, month
    draft.has_year = "year" in found
    draft.day = date(int(found.get("year", now.year)), month, day)


def _take_named_day(draft: _Draft, found: dict[str, str]) -> None:
    if name := found.get("name", "").casefold():
        draft.days = _DAYS[name]
        draft.part = _PARTS.get(name, _PARTS.get(name[-1:], "")) if not name.isascii() or name in _PARTS else ""
        return
    draft.weekday = _WEEKDAYS.get(found.get("weekday", found.get("weekday_ja", "")).casefold())
    draft.nth = int(number(found["nth"])) if "nth" in found else 0
    draft.is_next_week = found.get("next", "").replace(" ", "").startswith(("下", "来週", "다음주", "nächstewoche"))
    draft.part = _part_of(found["part"]) if "part" in found else ""


def _part_of(name: str) -> str:
    """German "morgen" is also tomorrow; as a part of a day it stands behind one."""
    return _PARTS.get(name.casefold(), "morning")


def _take_clock(draft: _Draft, found: dict[str, str]) -> None:
    written = next(found[key] for key in ("h", "hour_half", "hour_half_to", "hour_quarter", "hour_to") if key in found)
    draft.hour = number(written)
    draft.minute = int(number(found["m"])) if "m" in found else 0
    if "half" in found or "hour_half" in found or "hour_half_to" in found:
        draft.minute = 30
    if "hour_quarter" in found:
        draft.minute = 15
    if "quarter" in found:
        draft.minute = 15 if found["quarter"] == "一" else 45
    if "hour_to" in found:
        draft.minute = 45
    if "hour_to" in found or "hour_half_to" in found:
        draft.hour = draft.hour - 1 or 12
    draft.half_of_day = found.get("half_of_day", "")[:1].casefold()
    draft.exact = draft.hour > 12 or draft.hour == 0 or written.startswith("0")
    if draft.hour != int(draft.hour) or draft.hour > 24 or draft.minute > 59:
        raise ValueError(written)


# ── what they say together ────────────────────────────────────────────────────


def _resolve(draft: _Draft, now: datetime) -> When | None:
    has_day = draft.has_day
    has_time = draft.hour is not None or bool(draft.part)
    if draft.after_s:
        whole_days = draft.after_s >= 86_400 and draft.after_s % 86_400 == 0
        if not (has_time and whole_days):
            return When(now + timedelta(seconds=draft.after_s), draft.after_s)
        draft.days, has_day = int(draft.after_s // 86_400), True
    if not has_day and not has_time:
        return None
    if draft.days == 0 and not has_time:
        return None
    day = _day(draft, now)
    hour, next_day = _hour(draft, has_day=has_day)
    due = datetime.combine(day, time(hour % 24, draft.minute)) + timedelta(next_day + hour // 24)
    if due > now:
        earlier = due - timedelta(hours=12)
        if not has_day and _is_ambiguous(draft) and earlier > now:
            due = earlier
        return When(due, None, draft.every)
    return _after_now(draft, due, now, has_day=has_day)


def _after_now(draft: _Draft, due: datetime, now: datetime, *, has_day: bool) -> When | None:
    """The next time of that kind where the first one is over; one that is over for good stays so."""
    is_today = not has_day or draft.days == 0
    if is_today and _is_ambiguous(draft) and due + timedelta(hours=12) > now:
        return When(due + timedelta(hours=12), None, draft.every)
    if draft.nth:
        return When(due + (_day(draft, now + timedelta(1)) - due.date()), None, draft.every)
    if draft.weekday is not None:
        return When(due + timedelta(7), None, draft.every)
    if not has_day or draft.every == "day":
        return When(due + timedelta(1), None, draft.every)
    if draft.day and not draft.has_year:
        return When(due.replace(year=due.year + 1), None, draft.every)
    return When(due)


def _is_ambiguous(draft: _Draft) -> bool:
    return not (draft.half_of_day or draft.part or draft.exact) and draft.hour is not None and 1 <= draft.hour <= 12


def _day(draft: _Draft, now: datetime) -> date:
    if draft.day:
        return draft.day
    if draft.nth and draft.weekday is None:
        days = (now.date() + timedelta(ahead) for ahead in range(_LONGEST_MONTHS))
        return _nth_of(days, draft.nth)
    if draft.weekday is not None:
        ahead = (draft.weekday - now.weekday()) % 7
        if draft.nth:
            first = now.date() + timedelta(ahead)
            return _nth_of((first + timedelta(7 * week) for week in range(_MOST_WEEKS)), draft.nth)
        if draft.is_next_week:
            ahead = 7 - now.weekday() + draft.weekday
        return now.date() + timedelta(ahead)
    return now.date() + timedelta(draft.days or 0)


def _nth_of(days: Iterable[date], nth: int) -> date:
    """The first of them that is this day of its month. Raises ``ValueError``."""
    if (day := next((day for day in days if day.day == nth), None)) is None:
        raise ValueError(nth)
    return day


def _hour(draft: _Draft, *, has_day: bool) -> tuple[int, int]:
    """The hour from midnight, and whether it is that of the day after."""
    if draft.hour is None:
        return _HOUR_OF[draft.part] if draft.part else 9, 1 if draft.part == "midnight" else 0
    hour = int(draft.hour)
    if draft.half_of_day:
        return hour % 12 + (12 if draft.half_of_day == "p" else 0), 0
    if draft.exact:
        return hour, 0
    if draft.part in _LATER:
        if draft.part == "night" and (hour == 12 or hour < 5):
            return hour % 12, 1
        return hour % 12 + 12, 0
    if draft.part == "noon":
        return hour + 12 if hour < 6 else hour, 0
    if draft.part:
        return hour % 12, 1 if draft.part == "midnight" else 0
    if has_day and draft.days != 0 and hour < _EARLIEST_AS_SAID:
        return hour + 12, 0
    return hour, 0
