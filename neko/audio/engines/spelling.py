"""Numbers and signs in words, where espeak-ng would skip them, spell them or say them in another order."""

from __future__ import annotations

import datetime
import logging
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from neko.audio.engines.amounts import AFTER, BEFORE, with_magnitudes, with_money, with_units
from neko.audio.engines.shortened import in_full
from neko.audio.engines.signs import with_minus_signs, with_signs
from neko.late_patterns import late_pattern
from neko.tasks import spare_collector

if TYPE_CHECKING:
    from babel import Locale

logger = logging.getLogger(__name__)

_PERCENT: Final = {"zh": r"百分之\1", "ja": r"\1パーセント", "ko": r"\1 퍼센트"}
_PERMILLE: Final = late_pattern(r"(?<!\d)(?<!\d,)(\d[\d,]*(?:\.\d+)?)\s?‰")
_OUT_OF: Final = {
    "en": "out of",
    "de": "von",
    "fr": "sur",
    "es": "sobre",
    "ru": "из",
    "zh": "比",
    "ja": "対",
    "ko": "대",
}
_RATING: Final = late_pattern(r"(?<![\d.,/])(\d{1,3}[.,]\d)/(\d{1,3})(?![\d/])")
_PERCENTAGE: Final = late_pattern(r"(?<!\d)(?<!\d,)(\d[\d,]*(?:\.\d+)?)\s?[%％]")
_TO: Final = {
    "en": "to", "de": "bis", "fr": "à", "es": "a", "it": "a", "pt": "a", "nl": "tot", "pl": "do", "sv": "till",
    "da": "til", "nb": "til", "cs": "až", "ro": "până la", "ru": "до", "uk": "до", "tr": "ile", "vi": "đến",
    "id": "sampai", "zh": "到", "ja": "から", "ko": "에서 ",
}  # fmt: skip
_AGAINST: Final = {"de": "zu", "zh": "比", "ja": "対", "ko": "대", "ru": ":"}
"""Between the numbers of a score or a ratio, where it is another word."""
_NUMBER_WORD: Final = {
    "en": "number", "de": "Nummer", "fr": "numéro", "es": "número", "it": "numero", "pt": "número", "nl": "nummer",
    "pl": "numer", "sv": "nummer", "ru": "номер", "uk": "номер",
}  # fmt: skip

_ISO: Final = late_pattern(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:(?![\d/-])|(?=T))(T(?=\d\d:))?")
_DOTTED: Final = late_pattern(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.(\d{4})(?!\d)")
_SLASHED: Final = late_pattern(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\d/])")
_DAY_MONTH: Final = late_pattern(
    r"\b(on|by|until|till|since|before|after|from|due) (1[0-2]|[1-9])/(3[01]|[12]\d|[1-9])(?![\d/])"
)
_TIME: Final = late_pattern(
    r"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])(\s?[ap]\.?m\b)?", re.IGNORECASE
)
_CLOCK: Final = {"zh": ("点", "分", "秒"), "ja": ("時", "分", "秒"), "ko": ("시", "분", "초")}
_SCORE: Final = late_pattern(r"(?<![\d:])(\d{1,3}):(\d)(?![\d:])")
_END: Final = r"\d{1,4}(?:[.,]\d+)?[%％]?"
_SPAN: Final = late_pattern(rf"{BEFORE}(?<![\d.,/–-])({_END})\s?([–—〜～~-])\s?({_END})(?![\d/–-]|[.,]\d)")
_UNIT_SPAN: Final = late_pattern(
    rf"{BEFORE}"
    r"(?<![\d.,/–-])(\d{1,6}(?:[.,]\d{1,4})?)(\s?(?:[^\W\d_]{1,3}|℃|°[CF]?))\s?[–—〜～~-]\s?(\d{1,6}(?:[.,]\d{1,4})?)\2"
    rf"{AFTER}"
)
"""With the unit at both ends: 5元~10元."""
_FROM: Final = late_pattern(r"\b(?:from|won|lost|scored?|led|finished|ended|drew|tied|by) $")
_PHONE: Final = late_pattern(
    rf"{BEFORE}(?<![.,-])(?:\+\d{{1,3}}|\(?\d{{2,5}}\)?)(?:[ .\u00a0-]{{1,2}}\(?\d{{2,8}}\)?){{1,5}}(?!-){AFTER}"
)
_DIALLED_PHONE: Final = late_pattern(rf"{BEFORE}(?<![.,:/-])(0\d{{2,4}})/(\d{{4,8}})(?![-/:]|[.,]\d){AFTER}")
_LONG_DISTANCE: Final = late_pattern(rf"{BEFORE}(?<![.,:/-])([18])-(\d{{3}})-(\d{{3}})-(\d\d)-?(\d\d)(?!-){AFTER}")
_LOCAL_PHONE: Final = late_pattern(rf"{BEFORE}(?<![.,:/-])(?!\d00-\d\d00)(\d{{3}})-(\d{{4}})(?![-/:]|[.,]\d){AFTER}")
_BARE_PHONE: Final = late_pattern(
    rf"{BEFORE}(?<![.,:/$€£¥￥₩-])(?<!\d[ \u00a0\u202f])(?:\+\d{{8,15}}|0\d{{2,14}}|\d{{10,20}})"
    rf"(?![-/:]|[.,]\d|0{{5}}|\s?[元円원%€£$]){AFTER}"
)
"""Digits in one row: too many for an amount, or with a zero before them."""
_GROUPED: Final = late_pattern(r"(?<!\d)\d{1,3}(?:[\u00a0\u202f ]\d{3})+(?!\d)")
_DOTTED_GROUPS: Final = late_pattern(r"(?<![\d.,])\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+(?![\d.,]\d)")
_FRACTION: Final = late_pattern(r"(?<![\d/.,])(\d{1,2})/(\d{1,3})(?![\d/])")
_PARTS: Final = "half third quarter fifth sixth seventh eighth ninth tenth"
_EN_FRACTIONS: Final = dict(enumerate(_PARTS.split(), start=2))
_OTHER_FRACTIONS: Final = {
    "de": ("und", "ein halb|ein drittel|zwei drittel|ein viertel|drei viertel"),
    "fr": ("et", "un demi|un tiers|deux tiers|un quart|trois quarts"),
    "es": ("y", "un medio|un tercio|dos tercios|un cuarto|tres cuartos"),
    "ru": ("и", "одна вторая|одна треть|две трети|одна четверть|три четверти"),
}
_SIMPLEST: Final = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 4))
_VULGAR: Final = late_pattern("(?:(\\d)\\s?)?([¼-¾⅐-⅞])")
_NUMERO: Final = late_pattern(r"(?:№|(?<![\w&])#|(?<!\w)[nN]\.?[°º])\s?(?=\d)")
_ROMAN: Final = late_pattern("[Ⅰ-ⅿ]")
_NUMBERED: Final = {"zh": r"\1号", "ja": r"\1番", "ko": r"\1번"}
_NUMBERED_SIGN: Final = late_pattern(r"(?:№|(?<![A-Za-z\d&])#)\s?(\d+)(?!\d)")
_PAGES: Final = late_pattern(r"\b(pp?)\.\s?(?=\d)")
_DECADE: Final = late_pattern(r"\b(1[1-9]|20)([1-9])0['’]?s\b")
_TENS: Final = (
    "",
    "tens",
    "twenties",
    "thirties",
    "forties",
    "fifties",
    "sixties",
    "seventies",
    "eighties",
    "nineties",
)
_YEAR: Final = late_pattern(r"\b(in|since|from|until|till|of|year|to|January|February|March|April|May|June|July|August|"
                          r"September|October|November|December|\d,) (1[1-9])(\d\d)\b(?![\d,.]\d|[%°])")  # fmt: skip
_FIRST_YEAR: Final = late_pattern(r"\b(1[1-9])(\d[1-9]|[1-9]0)(?= to 1[1-9]\d\d\b)")
_SHORT_DECADE: Final = late_pattern(r"(?<!\w)['’]([1-9])0s\b")
_FEET: Final = late_pattern(r"(?<![\d.])([3-8])['’′](1[01]|\d)(?:[\"”″]|'')")
_ENGLISH_NUMERO: Final = late_pattern(r"\b[Nn]o\.\s?(?=\d)")
_FORMULA: Final = late_pattern(r"\b(CO|NO|SO)[2₂]\b")
_KO_DIGITS: Final = str.maketrans("0123456789", "공일이삼사오육칠팔구")
_KO_NATIVE: Final = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_KO_TENS: Final = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_KO_MONTHS: Final = late_pattern(r"(?<![\d.,])(6|10)월")
_KO_COUNTED: Final = late_pattern(
    r"(?<![\d.,])(\d{1,2})\s?(시간|시|개월|개|명|살|마리|잔|권|가지|번째|벌|송이|그루|채|통)(?!대)"
)
_KO_HOURS: Final = 12
_ZH_YEAR: Final = late_pattern(r"(?<![\d.,])([12]\d{3})(?=年)")
_ZH_DIGITS: Final = str.maketrans("0123456789", "零一二三四五六七八九")
_ZH_TWO: Final = late_pattern(
    r"(?<![\d.,第])2(?=(?:[个個只隻位条條本次天年块塊杯件家种種张張人周週岁歲点點万萬千]|小时|小時|分钟|分鐘))"
)


def in_words(text: str, language: str) -> str:
    """Amounts, dates, times, ranges, units and the like as they are said in ``language`` (ISO 639)."""
    if any(character.isnumeric() for character in text):
        text = _numbers(text, language)
    return in_full(with_signs(text, language), language)


def _numbers(text: str, language: str) -> str:
    locale = _locale(language)
    if locale is None:
        return text
    text = _ROMAN.sub(lambda found: str(int(unicodedata.numeric(found[0]))), text.replace("\u00b5", "μ"))
    for rule in (_phones, _dates, _times, _scores, _fractions):
        text = rule(text, locale)
    text = with_minus_signs(text, language)
    text = with_money(text, locale, _between(_TO, locale))
    text = _ranges(text, locale)
    text = with_units(with_magnitudes(text, locale), locale)
    text = _RATING.sub(lambda found: f"{found[1]}{_between(_OUT_OF, locale)}{found[2]}", text)
    if language == "zh":
        text = _PERMILLE.sub(r"千分之\1", text)
    if language in _PERCENT:
        text = _PERCENTAGE.sub(_PERCENT[language], text)
    text = _DOTTED_GROUPS.sub(lambda found: found[0].replace(found[1], ""), text)
    text = _GROUPED.sub(lambda found: re.sub(r"\s", "", found[0]), text)
    if language in _NUMBERED:
        text = _NUMBERED_SIGN.sub(_NUMBERED[language], text)
    if word := _NUMBER_WORD.get(language):
        text = _NUMERO.sub(f"{word} ", text)
    own: dict[str, Callable[[str], str]] = {"en": _english, "ko": _korean, "zh": _chinese}
    return own.get(language, str)(text)


@cache
def _locale(language: str) -> Locale | None:
    """None where CLDR does not know the language, or Babel is not installed."""
    try:
        from babel import Locale, UnknownLocaleError
    except ImportError:
        logger.warning("numbers are said as they are written: babel is not installed")
        return None
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return None
    assert locale.months  # reads the tables of the language
    spare_collector()
    return locale


def _between(words: dict[str, str], locale: Locale) -> str:
    """The word that joins two numbers, with blanks around it where words have them; a blank for a language without."""
    word = words.get(locale.language) or _TO.get(locale.language, "")
    return word if locale.language in _CLOCK else f" {word} " if word else " "


def _dates(text: str, locale: Locale) -> str:
    def say(found: re.Match[str], year: str, month: str, day: str) -> str:
        from babel.dates import format_date

        try:
            full = int(year) if len(year) == 4 else 2000 + int(year) - (100 if int(year) > 69 else 0)
            date = datetime.date(full, int(month), int(day))
        except ValueError:
            return found[0]
        said = format_date(date, "long", locale=locale).replace("\u00a0", " ").replace("\u202f", " ")
        return said.replace(" г.", " года").replace(" р.", " року") + (", " if found[0].endswith("T") else "")

    def slashed(found: re.Match[str]) -> str:
        first, second, year = found.groups()
        month_first = int(second) > 12 or (locale.language == "en" and int(first) <= 12)
        return say(found, year, *((first, second) if month_first else (second, first)))

    text = _ISO.sub(lambda found: say(found, found[1], found[3], found[4]), text)
    text = _DOTTED.sub(lambda found: say(found, found[3], found[2], found[1]), text)
    text = _SLASHED.sub(slashed, text)
    months = locale.months["format"]
    if locale.language == "en":
        text = _DAY_MONTH.sub(lambda found: f"{found[1]} {months['wide'][int(found[2])]} {found[3]}", text)
    return _month_names(locale).sub(lambda found: _months(locale)[found[0].rstrip(".")], text)


@cache
def _months(locale: Locale) -> dict[str, str]:
    names = locale.months["format"]
    found = {names["abbreviated"][month].rstrip("."): names["wide"][month] for month in range(1, 13)}
    return found | ({"Sept": "September"} if locale.language == "en" else {})


@cache
def _month_names(locale: Locale) -> re.Pattern[str]:
    """An abbreviated month beside a day."""
    named = _months(locale).items()
    names = sorted((name for name, wide in named if name != wide and not name[0].isdigit()), key=len, reverse=True)
    if not names:
        return re.compile(r"(?!)")
    either = "|".join(map(re.escape, names))
    return re.compile(rf"\b(?:{either})\b\.?(?=\s\d{{1,2}}\b)|(?<=\d )(?:{either})\b\.?|(?<=\d\. )(?:{either})\b\.?")


def _times(text: str, locale: Locale) -> str:
    def say(found: re.Match[str]) -> str:
        hour, minute, second, half = int(found[1]), int(found[2]), int(found[3] or 0), found[4] or ""
        if locale.language in _CLOCK:
            of_hour, *others = _CLOCK[locale.language]
            rest = [f"{value}{name}" for value, name in zip((minute, second), others, strict=True) if value]
            return (" " if locale.language == "ko" else "").join([f"{hour}{of_hour}", *rest]) + half
        if locale.language == "en" and (minute < 10 or found[3]):
            if not minute and not second:
                return str(hour) + (half or " o'clock")
            rest = [f"oh {value}" if value < 10 else str(value) for value in (minute, second)]
            return f"{hour} {' '.join(rest if found[3] else rest[:1])}{half}"
        return found[0].replace(":", " ") if found[3] else found[0]

    return _TIME.sub(say, text)


def _scores(text: str, locale: Locale) -> str:
    return _SCORE.sub(lambda found: f"{found[1]}{_between(_TO | _AGAINST, locale)}{found[2]}", text)


def _ranges(text: str, locale: Locale) -> str:
    def say(found: re.Match[str]) -> str:
        low, dash, high = found.groups()
        if dash == "-":
            whole = low.rstrip("%").isdecimal() and high.rstrip("%").isdecimal()
            told = locale.language == "en" and _FROM.search(found.string, max(0, found.start() - 12), found.start())
            if whole and low == high:
                return f"{low} {high}"
            if not whole or not (told or _ascends(low.rstrip("%"), high.rstrip("%"))):
                return found[0]
        return f"{low}{_between(_TO, locale)}{high}"

    text = _UNIT_SPAN.sub(lambda found: f"{found[1]}{found[2]}{_between(_TO, locale)}{found[3]}{found[2]}", text)
    return _SPAN.sub(say, text)


def _ascends(low: str, high: str) -> bool:
    """Whether two numbers with a hyphen can be the ends of a range; years go with years."""
    return int(low) < int(high) and len(low) <= len(high) and (len(high) == 4) == (len(low) == 4)


def _fractions(text: str, locale: Locale) -> str:
    def say(found: re.Match[str]) -> str:
        top, bottom = int(found[1]), int(found[2])
        if not 0 < top < bottom:
            return f"{top} {bottom}" if locale.language == "en" and (top == bottom or bottom == 7) else found[0]
        if locale.language == "zh":
            return f"{bottom}分之{top}"
        if locale.language == "ja":
            return f"{bottom}ぶんの{top}"
        if locale.language == "ko":
            return f"{bottom}분의 {top}"
        mixed = found.string[max(0, found.start() - 2) : found.start()].strip().isdecimal()
        if locale.language in _OTHER_FRACTIONS and (top, bottom) in _SIMPLEST:
            joint, said = _OTHER_FRACTIONS[locale.language]
            return f"{joint} " * mixed + said.split("|")[_SIMPLEST.index((top, bottom))]
        if locale.language == "en" and bottom in _EN_FRACTIONS:
            part = _EN_FRACTIONS[bottom] + ("s" if top > 1 else "")
            return f"{'and ' * mixed}{'one' if top == 1 else top} {part}".replace("halfs", "halves")
        return found[0]

    def plain(found: re.Match[str]) -> str:
        return f"{found[1]} " * bool(found[1]) + unicodedata.normalize("NFKC", found[2]).replace("\u2044", "/")

    return _FRACTION.sub(say, _VULGAR.sub(plain, text))


def _phones(text: str, locale: Locale) -> str:
    def digits_of(group: str) -> str:
        return group.translate(_KO_DIGITS) if locale.language == "ko" else " ".join(group)

    def say(found: re.Match[str]) -> str:
        groups = re.findall(r"\d+", found[0])
        digits = sum(map(len, groups))
        grouped = all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3 and "-" not in found[0]
        dialled = found[0].startswith(("0", "(")) and digits >= 9 and len(groups[0]) > 2
        if (
            found[0].startswith("+")
            or dialled
            or (digits >= 9 and len(groups) >= 3 and not grouped and len(groups[0]) != 4)
        ):
            if locale.language == "fr" and all(len(group) == 2 for group in groups):
                return ", ".join(groups)
            return ("+" if found[0].startswith("+") else "") + ", ".join(map(digits_of, groups))
        return found[0]

    def bare(found: re.Match[str]) -> str:
        return found[0] if found[0].endswith("00000") else digits_of(found[0])

    for shape in (_LONG_DISTANCE, _DIALLED_PHONE):
        text = shape.sub(lambda found: ", ".join(map(digits_of, found.groups())), text)
    text = _LOCAL_PHONE.sub(lambda found: f"{digits_of(found[1])}, {digits_of(found[2])}", _PHONE.sub(say, text))
    return _BARE_PHONE.sub(bare, text)


def _english(text: str) -> str:
    text = _PAGES.sub(lambda found: "pages " if found[1] == "pp" else "page ", text)
    text = _DECADE.sub(lambda found: f"{found[1] if found[1] != '20' else 'twenty'} {_TENS[int(found[2])]}", text)
    text = _SHORT_DECADE.sub(lambda found: _TENS[int(found[1])], text)
    text = _FEET.sub(r"\1 foot \2", _ENGLISH_NUMERO.sub("number ", text))
    text = _YEAR.sub(_year, _FIRST_YEAR.sub(r"\1 \2", text))
    return _FORMULA.sub(lambda found: f"{' '.join(found[1])} 2", text)


def _year(found: re.Match[str]) -> str:
    if found[3] == "00":
        return found[0]
    return f"{found[1]} {found[2]} {f'oh {found[3][1]}' if found[3][0] == '0' else found[3]}"


def _chinese(text: str) -> str:
    """Years are read digit by digit, and two of something is 两."""
    return _ZH_TWO.sub("两", _ZH_YEAR.sub(lambda found: found[1].translate(_ZH_DIGITS), text))


def _korean(text: str) -> str:
    """Small numbers before a counter have names of their own."""

    def say(found: re.Match[str]) -> str:
        value, counter = int(found[1]), found[2]
        if counter == "개월" or value == 0 or (counter == "시" and value > _KO_HOURS):
            return found[0]
        tens, ones = divmod(value, 10)
        ten = "스무" if value == 20 else _KO_TENS[tens]
        return f"{ten}{_KO_NATIVE[ones]} {counter}"

    return _KO_COUNTED.sub(say, _KO_MONTHS.sub(lambda found: {"6": "유월", "10": "시월"}[found[1]], text))
