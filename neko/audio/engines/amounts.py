"""Amounts of money and quantities with their units as they are said, in every language that CLDR has (by Babel).

Numbers stay digits, in the writing of the language: the voice reads those well. What it does not know is where the name
of a currency goes, what a magnitude belongs to, and most units.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from neko.late_patterns import late_pattern

if TYPE_CHECKING:
    from babel import Locale

NUMBER: Final = r"\d{1,3}(?:[.,'’\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
BEFORE: Final = r"(?<![^\W\u3040-\uffff])"
"""Where no word of letters with blanks around them ends: 今天38.5℃ has a number of its own."""
AFTER: Final = r"(?![^\W\u3040-\uffff])"
_PREFIXED: Final = {
    **{"US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD"},
    **{"S$": "SGD", "R$": "BRL", "MX$": "MXN", "€": "EUR", "₴": "UAH"},
    **{"₺": "TRY", "₫": "VND", "฿": "THB", "₱": "PHP", "₪": "ILS", "₦": "NGN", "zł": "PLN", "CN¥": "CNY", "JP¥": "JPY"},
}
_PLAIN: Final = {
    **{"$": "USD", "＄": "USD", "£": "GBP", "￡": "GBP", "¥": "JPY", "￥": "JPY"},
    **{"₩": "KRW", "￦": "KRW", "₹": "INR", "₽": "RUB"},
}
"""Signs that several countries have: the country is not said."""
_CODES: Final = (
    "USD EUR GBP JPY CNY RMB KRW INR RUB CHF AUD CAD NZD HKD TWD SGD SEK NOK DKK PLN CZK HUF TRY BRL MXN ZAR THB VND "
    "IDR UAH"
)
_KIN: Final = {"USD": ("CAD", "AUD"), "GBP": ("EGP", "LBP"), "KRW": ("KPW",), "INR": ("PKR", "LKR"), "RUB": ("BYN",)}
"""Currencies of the same name: what the names have in common is the name without a country."""
_YEN: Final = late_pattern(r"\b(?:y[eê]n\w*|jen\w*|ien\w*|иен\w*|єн\w*)|엔|円|日元", re.IGNORECASE)
_MINOR: Final = {"USD": ("cent", "cents"), "EUR": ("cent", "cents"), "GBP": ("penny", "pence")}
_SHORT: Final = {
    **dict.fromkeys(("k", "K", "тыс.", "тыс"), 10**3),
    **dict.fromkeys(("m", "M", "mn", "mio", "Mio.", "Mio", "mln", "млн.", "млн"), 10**6),
    **dict.fromkeys(("b", "B", "bn", "Bn", "Mrd.", "Mrd", "Md", "mld", "млрд.", "млрд"), 10**9),
    **dict.fromkeys(("tn", "T", "Bio."), 10**12),
}
_ENGLISH: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_LONG: Final = (
    r"thousand|[mbtr]+illions?|hundred|Tausend|Million(?:en)?|Milliarden?|mille|milliards?|mil|mill[oó]n(?:es)?|"
    r"mil millones|milh(?:ão|ões)|bilh(?:ão|ões)|mil[ai]|milion[ei]|miliard[oi]|miljoen|miljard|"
    r"тысяч\w*|миллион\w*|миллиард\w*|tys\.|milion\w*|miliard\w*|miljon\w*|miljarder|bin|milyon|milyar|nghìn|triệu|tỷ|"
    r"[百千万萬億亿兆]+|[백천만억조]+"
)
_OF: Final = {"fr": "de ", "es": "de ", "pt": "de ", "it": "di ", "ca": "de ", "ro": "de "}
"""Between millions and what they are of."""
_THOUSANDS: Final = late_pattern(r"mille|mil|mila", re.IGNORECASE)
_WIDE_LANGUAGES: Final = ("zh", "ja", "ko")


def _any(words: object) -> str:
    return "|".join(re.escape(str(word)) for word in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_SIGN: Final = rf"(?:{_any((*_PREFIXED, *_PLAIN))})"
_CODE: Final = rf"(?:{'|'.join(_CODES.split())})"
_RANGE: Final = rf"(?P<low>{NUMBER})(?:\s?[–—~-]\s?(?:{_SIGN})?(?P<high>{NUMBER}))?"
_MAGNITUDE: Final = rf"(?:(?P<short>{_any(_SHORT)})(?![^\W_])|\s?(?P<long>{_LONG})(?![a-zA-Zа-я]))?"
_SPACED_SHORT: Final = (
    r"(?:\s(?P<spaced>bn|mn|tn|Mio\.?|Mrd\.?|mln|mld|млн\.?|млрд\.?|тыс\.?|[kKM](?=[€$£])|Md(?=[€$]))(?!\w))?"
)
_BEFORE: Final = late_pattern(
    rf"(?P<minus>(?<![\w.])[-−])?(?:(?<![A-Za-z])(?P<code>{_CODE})\s?|(?<![A-Za-z$])(?P<sign>{_SIGN})\s?)"
    rf"(?P<inner>[-−])?(?:{_RANGE})(?![.,]?\d){_MAGNITUDE}{_SPACED_SHORT}"
)
_AFTER: Final = late_pattern(
    rf"(?P<minus>(?<![\w.])[-−])?(?<![\w.,])(?:{_RANGE})(?![.,]?\d){_MAGNITUDE}{_SPACED_SHORT}"
    rf"\s?(?:(?P<sign>{_SIGN})(?!\w)|(?P<code>{_CODE})(?![A-Za-z]))"
)
_ARTICLE: Final = late_pattern(r"\b[Aa]n?\s$")
_AS_ADJECTIVE: Final = late_pattern(r"\b(dollar|euro|pound|rupee)s$")
"""In "a 5 dollar bill"."""
_CENTS: Final = late_pattern(r"(?<![\w.,])(\d{1,2})\s?[¢￠]")

_NEVER: Final = late_pattern(r"(?!)")
_COUNTED_IN: Final = {
    "en": late_pattern(rf"(?<![\w.,])({NUMBER})(M|bn|(?<=\d\d)[kK])(?= [a-z])"),
    "de": late_pattern(rf"(?<![\w.,])({NUMBER}) ?(Mio\.|Mrd\.|Mio|Mrd)(?!\w)"),
    "ru": late_pattern(rf"(?<![\w.,])({NUMBER}) ?(тыс\.|млн\.|млрд\.|тыс|млн|млрд)(?!\w)"),
    "pl": late_pattern(rf"(?<![\w.,])({NUMBER}) ?(mln|mld)(?!\w)"),
}
_UNITS: Final = {
    "km/h": "speed-kilometer-per-hour", "kmh": "speed-kilometer-per-hour", "mph": "speed-mile-per-hour",
    "m/s": "speed-meter-per-second", "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter",
    "mm": "length-millimeter",
    "μm": "length-micrometer", "μs": "duration-microsecond", "μg": "mass-microgram",
    "ft": "length-foot", "mi": "length-mile", "kg": "mass-kilogram", "g": "mass-gram",
    "mg": "mass-milligram", "lb": "mass-pound", "lbs": "mass-pound", "oz": "mass-ounce", "l": "volume-liter",
    "L": "volume-liter", "ml": "volume-milliliter", "mL": "volume-milliliter", "°C": "temperature-celsius",
    "° C": "temperature-celsius", "℃": "temperature-celsius", "°F": "temperature-fahrenheit",
    "° F": "temperature-fahrenheit", "℉": "temperature-fahrenheit", "°": "angle-degree", "m²": "area-square-meter",
    "m2": "area-square-meter", "km²": "area-square-kilometer", "cm²": "area-square-centimeter", "ha": "area-hectare",
    "m³": "volume-cubic-meter", "kB": "digital-kilobyte", "KB": "digital-kilobyte", "MB": "digital-megabyte",
    "GB": "digital-gigabyte", "TB": "digital-terabyte", "kWh": "energy-kilowatt-hour", "W": "power-watt",
    "kW": "power-kilowatt", "MW": "power-megawatt", "V": "electric-volt", "Hz": "frequency-hertz",
    "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
    "ms": "duration-millisecond", "hr": "duration-hour", "hrs": "duration-hour", "mins": "duration-minute",
    "sec": "duration-second", "secs": "duration-second", "min": "duration-minute",
    "h": "duration-hour", "kcal": "energy-foodcalorie",
}  # fmt: skip


def parse(number: str, locale: Locale, *, money: bool = False) -> Decimal:
    """A number as anybody writes it. One separator before three digits is what it is in the language, and in an
    amount of money it groups."""
    digits = re.sub(r"['’\u00a0\u202f]", "", number)
    marks = [mark for mark in digits if mark in ".,"]
    if len(set(marks)) == 2:
        digits = digits.replace(marks[0], "").replace(marks[-1], ".")
    elif len(marks) > 1:
        digits = digits.replace(marks[0], "")
    elif marks:
        grouped = len(digits.rpartition(marks[0])[2]) == 3 and digits[0] != "0"
        groups = grouped and (money or locale.number_symbols["latn"]["group"] == marks[0])
        digits = digits.replace(marks[0], "" if groups else ".")
    return Decimal(digits)


def written(value: Decimal, locale: Locale) -> str:
    """In the digits of the language, without groups."""
    return f"{value:f}".replace(".", str(locale.number_symbols["latn"]["decimal"]))


def with_money(text: str, locale: Locale, to: str) -> str:
    """Every amount of money in words; ``to`` joins the two ends of a range."""
    text = _BEFORE.sub(lambda found: _amount(found, locale, to), text)
    text = _AFTER.sub(lambda found: _amount(found, locale, to), text)
    if locale.language == "en":
        text = _CENTS.sub(lambda found: f"{found[1]} {_MINOR['USD'][found[1] != '1']}", text)
    return text


def with_magnitudes(text: str, locale: Locale) -> str:
    """Shortened millions of what is no money: "5M views", "3 Mio. Menschen"."""

    def say(found: re.Match[str]) -> str:
        from babel.numbers import format_compact_decimal

        value = parse(found[1], locale) * _SHORT[found[2]]
        return format_compact_decimal(value, format_type="long", fraction_digits=3, locale=locale).replace(
            "\u00a0", " "
        )

    return _COUNTED_IN.get(locale.language, _NEVER).sub(say, text)


def with_units(text: str, locale: Locale) -> str:
    """Every quantity with its unit in words."""
    units, quantity = _units(locale)
    return quantity.sub(lambda found: _quantity(found, units, locale), text)


@cache
def _units(locale: Locale) -> tuple[dict[str, str], re.Pattern[str]]:
    """The signs of units with their names in CLDR, those of the language (км/ч) among them, and what finds them."""
    from babel.units import format_unit

    units = dict(_UNITS)
    for unit in dict.fromkeys(_UNITS.values()):
        sign = format_unit(5, unit, "short", locale=locale).replace("5", "").strip(" \u00a0\u202f")
        if len(sign) > 1 and not sign[:1].isascii():
            units.setdefault(sign, unit)
    return units, re.compile(
        rf"{BEFORE}(?<![.,])(?P<number>{NUMBER})[ \u00a0\u202f]?(?P<unit>{_any(units)})(?![²³'’]){AFTER}"
    )


def _quantity(found: re.Match[str], units: dict[str, str], locale: Locale) -> str:
    from babel.units import format_unit

    value = parse(found["number"], locale)
    said = format_unit(value, units[found["unit"]], "long", format="0.##########", locale=locale)
    said = said.replace("\u00a0", " ")
    return re.sub(r"(?<=\S) (?=\S)", "", said) if locale.language in ("zh", "ja") else said


def _amount(found: re.Match[str], locale: Locale, to: str) -> str:
    sign, code = found["sign"], found["code"]
    currency = {"RMB": "CNY"}.get(code, code) or _PREFIXED.get(sign) or _PLAIN[sign]
    if currency == "JPY" and sign in ("¥", "￥") and locale.language == "zh":
        currency = "CNY"
    value = parse(found["high"] or found["low"], locale, money=True)
    low = f"{written(parse(found['low'], locale, money=True), locale)}{to}" if found["high"] else ""
    short = (found["short"] or found["spaced"] or "").strip()
    said = _said(value, short, found["long"] or "", currency, locale, plain=sign in _PLAIN, whole=not low)
    if locale.language == "en" and _ARTICLE.search(found.string, max(0, found.start() - 3), found.start()):
        said = _AS_ADJECTIVE.sub(r"\1", said)
    minus = "-" if found["minus"] or found.groupdict().get("inner") else ""
    return f"{minus}{low}{said}"


def _said(
    value: Decimal, short: str, magnitude: str, currency: str, locale: Locale, *, plain: bool, whole: bool
) -> str:
    gap = "" if locale.language in _WIDE_LANGUAGES else " "
    if short or magnitude:
        from babel.numbers import format_compact_decimal

        name = _name(currency, 5_000_000, locale, plain=plain)
        factor = _SHORT.get(short) or (None if locale.language == "en" else _ENGLISH.get(magnitude.lower()))
        if factor:
            value *= factor
            said = format_compact_decimal(value, format_type="long", fraction_digits=3, locale=locale)
            said = said.replace("\u00a0", " ")
        else:
            said = f"{written(value, locale)}{gap}{magnitude}"
        of = "" if _THOUSANDS.fullmatch(said.split()[-1]) else _OF.get(locale.language, "")
        return f"{said}{gap}{of}{name}"
    cents = int(value * 100 % 100)
    if not whole or gap == "" or value.as_tuple().exponent != -2 or not cents or value < 1:
        name = _name(currency, value, locale, plain=plain)
        if locale.language == "en" and whole and 0 < value < 1 and currency in _MINOR and value * 100 == cents:
            return f"{cents} {_MINOR[currency][cents != 1]}"
        return f"{written(value.normalize() if value == value.to_integral() else value, locale)}{gap}{name}"
    units = int(value)
    name = _name(currency, units, locale, plain=plain)
    if locale.language == "en" and currency in _MINOR:
        return f"{units} {name} and {cents} {_MINOR[currency][cents != 1]}"
    return f"{units} {name} {cents}"


@lru_cache(maxsize=512)
def _name(currency: str, count: Decimal | int, locale: Locale, *, plain: bool) -> str:
    """The name of a currency beside a count; without its country where ``plain``."""
    from babel.numbers import get_currency_name

    def name(code: str) -> str:
        return get_currency_name(code, count=count, locale=locale)

    full = name(currency)
    if not plain:
        return full
    if locale.language == "zh":
        return {"CNY": "元"}.get(currency, full)
    if currency == "JPY":
        found = _YEN.search(full)
        return found[0] if found else full
    return _in_common([full, *map(name, _KIN[currency])]) or full


def _in_common(names: list[str]) -> str:
    """The words that all names have, or the letters where words are not set apart."""
    words = re.split(r"[\s-]+", names[0])
    common = [w for w in words if all(w.lower() in re.split(r"[\s-]+", name.lower()) for name in names[1:])]
    if common:
        return " ".join(common)
    first = names[0]
    if first.isascii() or " " in first:
        return ""
    pieces = (first[at:end] for at in range(len(first)) for end in range(len(first), at + 1, -1))
    return max((piece for piece in pieces if all(piece in name for name in names[1:])), key=len, default="")
