"""Numbers and lengths of time as people say them: "anderthalb Stunden", 两小时二十分钟. Pure; see ``when``."""

from __future__ import annotations

import re
from typing import Final

_ENGLISH: Final = {
    name: value
    for value, names in (
        (0.5, "half"), (1, "a an one"), (2, "two couple"), (3, "three few"), (4, "four"), (5, "five"), (6, "six"),
        (7, "seven"), (8, "eight"), (9, "nine"), (10, "ten"), (11, "eleven"), (12, "twelve"), (15, "fifteen"),
        (20, "twenty"), (25, "twenty-five"), (30, "thirty"), (40, "forty"), (45, "forty-five"), (50, "fifty"),
        (60, "sixty"), (90, "ninety"),
    )
    for name in names.split()
}  # fmt: skip
_GERMAN: Final = {
    name: value
    for value, names in (
        (0.5, "halben,halbe,einer halben,eine halbe"), (1, "ein,eins,eine,einem,einen,einer"), (2, "zwei"), (3, "drei"),
        (3, "ein paar,paar"), (4, "vier"), (5, "fünf,fuenf"), (6, "sechs"), (7, "sieben"), (8, "acht"), (9, "neun"),
        (10, "zehn"), (11, "elf"), (12, "zwölf,zwoelf"), (15, "fünfzehn"), (20, "zwanzig"), (30, "dreißig,dreissig"),
        (40, "vierzig"), (45, "fünfundvierzig"), (60, "sechzig"), (90, "neunzig"), (1.5, "anderthalb,eineinhalb"),
        (2.5, "zweieinhalb"),
    )
    for name in names.split(",")
}  # fmt: skip
_KOREAN: Final = {
    name: value
    for value, names in (
        (0.5, "반"), (1, "한 하나"), (2, "두 둘"), (3, "세 셋"), (4, "네 넷"), (5, "다섯"), (6, "여섯"), (7, "일곱"),
        (8, "여덟"), (9, "아홉"), (10, "열"), (11, "열한"), (12, "열두"), (20, "스무"), (30, "서른"),
    )
    for name in names.split()
}  # fmt: skip
DAYS_KO: Final = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "열흘": 10, "보름": 15}
_DIGITS: Final = {
    sign: at
    for at, signs in enumerate(("零〇영공", "一일", "二两兩이", "三삼", "四사", "五오", "六육", "七칠", "八팔", "九구"))
    for sign in signs
}


def number(text: str) -> float:
    """Raises ``ValueError`` for what is none."""
    text = text.strip().casefold()
    if re.fullmatch(r"\d+(?:[.,]\d+)?", text):
        return float(text.replace(",", "."))
    if text == "半":
        return 0.5
    for names in (_ENGLISH, _GERMAN, _KOREAN):
        if text in names:
            return names[text]
    total, digit = 0, -1
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign] if digit < 0 else digit * 10 + _DIGITS[sign]
        elif sign in "十십百백":
            total += (1 if digit < 0 else digit) * (10 if sign in "十십" else 100)
            digit = -1
        else:
            raise ValueError(text)
    return total + max(digit, 0)


def _any(names: dict[str, float]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


N_EN: Final = rf"(?:\d{{1,4}}(?:\.\d+)?|{_any(_ENGLISH)})"
HOUR_DE: Final = (
    rf"(?:\d{{1,2}}|{'|'.join(n for n, v in _GERMAN.items() if 1 <= v <= 12 and v % 1 == 0 and ' ' not in n)})"
)
N_HAN: Final = r"(?:\d{1,4}(?:\.\d+)?|[零〇一二三四五六七八九十百两兩]{1,5}|半)"
N_KO: Final = rf"(?:\d{{1,4}}|{_any(_KOREAN)}|[일이삼사오육칠팔구십백]{{1,5}})"
_SECONDS: Final = {
    name: length
    for length, names in (
        (1, "sec secs second seconds sekunde sekunden 秒 秒钟 秒鐘 초"),
        (60, "m min mins minute minutes minuten 分 分钟 分鐘 분"),
        (900, "viertelstunde 刻钟 刻鐘"),
        (3600, "h hr hrs hour hours stunde stunden 小时 小時 钟头 鐘頭 時間 시간"),
        (86_400, "day days tag tage tagen 天 日 日間 일"),
        (604_800, "week weeks woche wochen 周 週 星期 礼拜 禮拜 週間 周間 주 주일"),
    )
    for name in names.split()
}


def _units(first: str, last: str) -> str:
    """Those that begin with a sign from ``first`` to ``last``."""
    names = [name for name in _SECONDS if first <= name[0] <= last]
    return "|".join(sorted(names, key=len, reverse=True))


U_EN: Final = _units("a", "z")
_U_HAN: Final = _units("\u3400", "\u9fff")
_U_KO: Final = _units("\uac00", "\ud7a3")
_PIECE_EN: Final = (
    rf"(?P<n>\d{{1,4}}(?:\.\d+|,(?:\d|25|75))?(?=[ -]?[a-z])|(?:{_any(_ENGLISH | _GERMAN)})(?=[ -]))"
    rf"(?: (?P<mid>and a half))?[ -]?(?:(?:a|an|of|of an) )?(?P<u>{U_EN})\b(?P<half> and a half)?"
)
_PIECE_HAN: Final = rf"(?P<n>{N_HAN})(?P<mid>[个個]半)?[个個]?(?P<u>{_U_HAN})(?P<half>半)?"
_PIECE_KO: Final = rf"(?P<n>{N_KO}) ?(?P<u>{_U_KO})(?P<half> ?반)?"


def _bare(piece: str) -> str:
    return re.sub(r"\?P<\w+>", "?:", piece)


RUN_EN: Final = rf"{_bare(_PIECE_EN)}(?:(?:,| and|, and| und)? {_bare(_PIECE_EN)})*"
RUN_HAN: Final = rf"{_bare(_PIECE_HAN)}(?:[零又と、]?{_bare(_PIECE_HAN)})*"
RUN_KO: Final = rf"{_bare(_PIECE_KO)}(?: ?{_bare(_PIECE_KO)})*"


def seconds(run: str) -> float:
    """How long a run of numbers with units is."""
    if run in DAYS_KO:
        return DAYS_KO[run] * 86_400.0
    total = 0.0
    for piece in (_PIECE_EN, _PIECE_HAN, _PIECE_KO):
        for found in re.finditer(piece, run, re.IGNORECASE):
            parts = found.groupdict()
            count = number(parts["n"]) + (0.5 if parts.get("mid") or parts.get("half") else 0)
            total += count * _SECONDS[parts["u"].casefold()]
        if total:
            break
    return total
