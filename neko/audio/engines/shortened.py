"""Abbreviations and Roman numerals in full, where espeak-ng spells them or says something else."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from neko.late_patterns import late_pattern

_ABBREVIATIONS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "vs": "versus", "etc": "et cetera", "approx": "approximately", "Prof": "Professor", "Ms": "Miz", "Jr": "Junior",
        "Sr": "Senior", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "dept": "department", "Dept": "Department",
        "govt": "government", "Gen": "General", "Capt": "Captain", "Sgt": "Sergeant", "Lt": "Lieutenant",
        "Rev": "Reverend", "Gov": "Governor", "Sen": "Senator", "Mt": "Mount", "Inc": "Incorporated", "Ltd": "Limited",
        "Corp": "Corporation", "Ph.D": "PhD",
        "a.k.a": "also known as", "e.g": "for example", "i.e": "that is",
    },
    "de": {
        "z. B": "zum Beispiel", "d. h": "das heißt", "u. a": "unter anderem", "usw": "und so weiter",
        "bzw": "beziehungsweise", "ca": "circa", "Nr": "Nummer", "evtl": "eventuell", "ggf": "gegebenenfalls",
        "inkl": "inklusive", "Dr": "Doktor", "Prof": "Professor", "Hr": "Herr", "Str": "Straße", "vgl": "vergleiche",
        "o. Ä": "oder Ähnliches", "Std": "Stunden", "Min": "Minuten",
    },
    "fr": {"p. ex": "par exemple", "c.-à-d": "c’est-à-dire", "env": "environ", "apr": "après", "etc": "et cetera"},
    "es": {
        "p. ej": "por ejemplo", "EE. UU": "Estados Unidos", "Ud": "usted", "Uds": "ustedes",
        "aprox": "aproximadamente", "núm": "número", "pág": "página", "etc": "etcétera",
    },
    "ru": {
        "т. е": "то есть", "т. д": "так далее", "т. п": "тому подобное", "т. к": "так как", "др": "другие",
        "пр": "прочее", "напр": "например", "ул": "улица", "стр": "страница", "см": "смотри",
    },
}  # fmt: skip
"""Without their last full stop; a blank between two parts may be missing."""
_SAINT: Final = late_pattern(r"\bSt\.(?=\s[A-Z])")
_NUMBERED: Final = late_pattern(r"\b([Ff]ig|[Vv]ol)\.(?=\s?\d)")
"""Before a number only: a fig is a fruit."""
_MONSIEUR: Final = late_pattern(r"\bM\.(?=\s[A-Z])")
_CENTURY: Final = late_pattern(r"(?<![\w.])([IVX]{1,6})(e|er|ème)(?!\w)")
_STREET: Final = late_pattern(
    r"(?<=[a-z] )St\.(?!\s[A-Z])|(?<=[a-z] )St\.(?=\s(?:In|On|At|And|The|She|He|It|I|We|They)\b)"
)

_DIVISION_WORDS: Final = {
    "en": "Chapter|Part|Act|Scene|Volume|Vol|Book|Section|War|Figure|Table|Type|Phase|Level|Class|Stage|Appendix|Mark|"
    "Episode|Season|Article|Grade|Tier|Division|Title|Schedule",
    "de": "Kapitel|Teil|Akt|Band|Buch|Abschnitt|Weltkrieg|Tabelle|Typ|Phase|Stufe|Klasse|Artikel",
    "fr": "chapitre|partie|acte|tome|volume|livre|section|article|guerre|type|phase|niveau",
    "ru": "глава|часть|акт|том|книга|раздел|статья",
}
_RULERS_WORDS: Final = """
Henry Louis George Edward Elizabeth Charles William James Richard Paul Pius Benedict Napoleon Philip Peter
Catherine Alexander Nicholas Frederick Wilhelm Ramses Leo Francis Ivan Mary Gregory Clement Innocent Urban
Harald Carl Gustav Otto Leopold Ferdinand Alfonso Christian Margaret Robert John Ludwig Friedrich Heinrich
Karl
"""
_RULERS: Final = frozenset(_RULERS_WORDS.split())
_NUMERAL: Final = r"(?=[IVXLC])(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ROMAN: Final = late_pattern(rf"(?<![\w.'’&/-])(?P<word>[^\W\d_]{{1,24}} )?(?P<numeral>{_NUMERAL})(?![\w'’&/-]|\.\w)")
_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_ORDINALS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth",
)  # fmt: skip
_NO_NUMERALS: Final = frozenset(("CV", "XL", "XX", "LI", "CI", "LX", "XC", "XI", "XXX"))
"""Sizes and abbreviations, where no word before tells that it is a number."""


def in_full(text: str, language: str) -> str:
    """Abbreviations as words and Roman numerals as digits or ordinals, where ``language`` (ISO 639) has them here."""
    if language == "en":
        text = _SAINT.sub("Saint", _STREET.sub("Street", text))
        text = _NUMBERED.sub(lambda found: f"{found[1]}{'ure' if found[1] in ('Fig', 'fig') else 'ume'}", text)
    elif language == "de":
        text = _SAINT.sub("Sankt", text)
    elif language == "fr":
        text = _CENTURY.sub(
            lambda found: f"{_value(found[1])}{'er' if found[2] == 'er' else 'ème'}", _MONSIEUR.sub("Monsieur", text)
        )
    if language in _ABBREVIATIONS:
        text = _abbreviations(language).sub(lambda found: _word(found, language), text)
    return _ROMAN.sub(lambda found: _roman(found, language), text) if language in _DIVISION_WORDS else text


@cache
def _abbreviations(language: str) -> re.Pattern[str]:
    shapes = (
        re.escape(short).replace(r"\ ", r"\s?") for short in sorted(_ABBREVIATIONS[language], key=len, reverse=True)
    )
    return re.compile(rf"(?<![\w.])({'|'.join(shapes)})\.(?!\w)")


@cache
def _words(language: str) -> dict[str, str]:
    return {short.replace(" ", ""): word for short, word in _ABBREVIATIONS[language].items()}


def _word(found: re.Match[str], language: str) -> str:
    word = _words(language)[re.sub(r"\s", "", found[1])]
    return f"{word}." if found.end() == len(found.string) else word


def _roman(found: re.Match[str], language: str) -> str:
    numeral, before = found["numeral"], (found["word"] or "").strip()
    if not numeral:
        return found[0]
    divides = re.fullmatch(_DIVISION_WORDS[language], before, re.IGNORECASE) is not None
    names = before[:1].isupper() and not before.isupper()
    named = numeral not in _NO_NUMERALS and (len(numeral) > 2 or names)
    if not divides and not (before in _RULERS or named if len(numeral) > 1 else before in _RULERS):
        return found[0]
    if numeral == "I" and found.string[found.end() : found.end() + 2].strip().islower():
        return found[0]
    value = _value(numeral)
    if language == "en" and before in _RULERS and value < len(_ORDINALS):
        return f"{before} the {_ORDINALS[value]}"
    return f"{found['word'] or ''}{value}"


def _value(numeral: str) -> int:
    values = [_VALUES[letter] for letter in numeral]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
