"""Measures in other units. The factors are exact by definition (international yard and pound, 1959; US gallon).

No library: two dozen constants, and none of the kept ones knows the names of units in all our languages as people
type them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

from neko.sessions.models.builtin.numerals import number
from neko.sessions.models.builtin.phrasebook import Phrasebook
from neko.sessions.models.builtin.wording import Wording
from neko.settings import ASSETS

_NUMBER: Final = r"(?P<amount>-?\d{1,9}(?:\.\d{1,6})?|[一二两兩三四五六七八九十百]{1,5}|\ban?\b|\bone\b|\bhalf a\b)"
_LONGEST: Final = 200
_OF_WEIGHT: Final = re.compile("ポンド|オンス|グラム|파운드|온스|그램")
_KILO: Final = re.compile("(?:キロ(?!グラム|メートル)|킬로(?!그램|미터))")
"""Japanese and Korean shorten kilogram and kilometre to the same word."""
_LEAST: Final = 0.1
_ONE: Final = {"a": Fraction(1), "an": Fraction(1), "one": Fraction(1), "half a": Fraction(1, 2)}


@dataclass(frozen=True, slots=True)
class Unit:
    """``shown`` is its sign; ``factor`` times and ``offset`` plus make the measure's own unit of it."""

    measure: str
    shown: str
    factor: Fraction
    offset: Fraction


def answer(book: Phrasebook, text: str, wording: Wording) -> str | None:
    """A measure of ``text`` in the unit that it asks for; None when it asks for none."""
    if len(text) > _LONGEST or not (book.matches("question", text) or book.matches("convert", text)):
        return None
    if book.matches("exchange", text):
        return wording.say(book, "exchange_unknown")
    pattern, units = _units()
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    if _OF_WEIGHT.search(text):
        text = _KILO.sub("kg", text)
    found = list(pattern.finditer(text))
    counted = [match for match in found if match["amount"]]
    others = [match for match in found if not match["amount"]]
    if len(counted) != 1 or len(others) != 1:
        return None
    source, target = units[counted[0].lastgroup or ""], units[others[0].lastgroup or ""]
    if source.measure != target.measure or source == target:
        return None
    written = counted[0]["amount"]
    amount = _ONE.get(written) or Fraction(written if re.match(r"-?\d", written) else number(written))
    result = (amount * source.factor + source.offset - target.offset) / target.factor
    return wording.say(
        book, "converted", amount=_short(amount), unit=source.shown, result=_short(result), other=target.shown
    )


def _short(value: Fraction) -> str:
    if abs(value) < _LEAST and value:
        return f"{float(value):.3g}"
    return f"{float(value):,.2f}".rstrip("0").rstrip(".")


@cache
def _units() -> tuple[re.Pattern[str], dict[str, Unit]]:
    table = json.loads((ASSETS / "offline" / "units.json").read_text(encoding="utf-8"))
    units: dict[str, Unit] = {}
    patterns = []
    for measure, its in table.items():
        for shown, (factor, offset, names) in its.items():
            group = f"u{len(units)}"
            units[group] = Unit(measure, shown, Fraction(factor), Fraction(offset))
            patterns.append(rf"(?P<{group}>{names})")
    return re.compile(rf"(?:{_NUMBER}\s?(?:个|個)?)?(?:{'|'.join(patterns)})"), units
