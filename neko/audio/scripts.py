"""Which script a text is written in, and in which language it is therefore said.

Python has no property for scripts; the first word of a letter's Unicode name is one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from neko.late_patterns import late_pattern

_LANGUAGES: Final = {
    "CYRILLIC": ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tt", "ba", "cv"),
    "GREEK": ("el", "grc"), "ARABIC": ("ar", "fa", "ur", "sd", "ug", "ku"), "HEBREW": ("he",), "THAI": ("th",),
    "DEVANAGARI": ("hi", "mr", "ne", "kok"), "BENGALI": ("bn", "as", "bpy"), "TAMIL": ("ta",), "TELUGU": ("te",),
    "KANNADA": ("kn",), "MALAYALAM": ("ml",), "GUJARATI": ("gu",), "GURMUKHI": ("pa",), "ORIYA": ("or",),
    "SINHALA": ("si",), "GEORGIAN": ("ka",), "ARMENIAN": ("hy", "hyw"), "ETHIOPIC": ("am", "ti"), "MYANMAR": ("my",),
    "CHEROKEE": ("chr",), "LAO": ("lo",), "KHMER": ("km",), "TIBETAN": ("bo",), "MONGOLIAN": ("mn",),
    "HANGUL": ("ko",), "HIRAGANA": ("ja",), "KATAKANA": ("ja",), "CJK": ("zh", "ja", "yue", "hak"),
}  # fmt: skip
"""The languages of each script but Latin, the one first that is meant when nothing else tells."""
_TELLING: Final = {
    "CYRILLIC": (("uk", "іїєґ"), ("be", "ў"), ("sr", "ђћџљњ"), ("mk", "ѓќѕ"), ("kk", "ұқғәіһ")),
    "ARABIC": (("ur", "ٹڈڑےں"), ("fa", "پچژگکی")),
}
"""Letters that only one of the languages of a script has."""


@lru_cache(maxsize=4096)
def script_of(character: str) -> str:
    """ "LATIN", "CYRILLIC", "CJK" and so on; "" for what is no letter and may stand in any."""
    if not character.isalpha() and unicodedata.category(character) != "Mc":
        return ""
    name = unicodedata.name(unicodedata.normalize("NFKC", character)[:1], "")
    first = name.replace("-", " ").partition(" ")[0]
    return {"MODIFIER": "", "IDEOGRAPHIC": "CJK"}.get(first, first)


_SYMBOL: Final = late_pattern(
    r"(?<![\u0370-\u03ff\u1f00-\u1fff])[\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u00b5\u2126](?![\u0300-\u03ff\u1f00-\u1fff])"
)


def named_symbols(text: str, name: Callable[[str], str]) -> str:
    """``text`` with ``name`` in place of Greek letters that stand alone: those are symbols (π, Δt, μ), no words."""
    return text if text.isascii() else _SYMBOL.sub(lambda found: name(unicodedata.normalize("NFKC", found[0])), text)


def without_symbols(text: str) -> str:
    """``text`` without letters that stand for something in a formula."""
    return named_symbols(text, lambda _letter: "")


def scripts_in(text: str) -> dict[str, int]:
    """How many letters of each script there are."""
    if text.isascii():
        letters = sum(map(str.isalpha, text))
        return {"LATIN": letters} if letters else {}
    counts: dict[str, int] = {}
    for character in text:
        if script := script_of(character):
            counts[script] = counts.get(script, 0) + 1
    return counts


def language_of(script: str, text: str, usual: str) -> str:
    """The language of ``text`` in a script: ``usual`` where that is written in it, else by its letters.

    "" for Latin, which too many languages have, and for what none is known of.
    """
    languages = _LANGUAGES.get(script, ())
    if (main := primary(usual)) in languages and (main != languages[0] or script == "CJK"):
        return usual
    lower = text.lower()
    telling = (language for language, letters in _TELLING.get(script, ()) if any(letter in lower for letter in letters))
    return next(telling, languages[0] if languages else "")


def runs(text: str, language: str) -> list[tuple[str, str]]:
    """``text`` cut where the script changes, each run with its language; ``language`` is that of the whole.

    What is no letter goes with what stands before it. Kanji among kana are Japanese.
    """
    languages: dict[str, str] = {}
    found: list[tuple[list[str], str]] = []
    scripts = [script_of(character) for character in text]
    japanese = not {"HIRAGANA", "KATAKANA"}.isdisjoint(scripts)
    for character, script in zip(text, scripts, strict=True):
        if script and script not in languages:
            languages[script] = _language_here(script, text, language, japanese=japanese)
        own = languages.get(script, "")
        if found and own in ("", found[-1][1]):
            found[-1][0].append(character)
        elif len(found) == 1 and not found[0][1]:
            found[0] = ([*found[0][0], character], own)
        else:
            found.append(([character], own))
    return [("".join(run), own or language) for run, own in found]


def _language_here(script: str, text: str, language: str, *, japanese: bool) -> str:
    if script == "LATIN":
        return language if is_latin(language) else "en"
    if japanese and script in ("CJK", "HIRAGANA", "KATAKANA"):
        return "ja"
    return language_of(script, text, language) or "?"


def merged(texts: list[tuple[str, str]], language: str) -> list[tuple[str, str]]:
    """Single words of English go with what is in ``language`` around them."""
    found: list[tuple[str, str]] = []
    for text, own in texts:
        own = language if own == "en" and len(text.split()) < 2 else own
        if found and found[-1][1] == own:
            found[-1] = found[-1][0] + text, own
        else:
            found.append((text, own))
    return found


def is_latin(language: str) -> bool:
    """Whether a language is written in Latin letters."""
    return all(primary(language) not in languages for languages in _LANGUAGES.values())


def primary(language: str) -> str:
    """The language of a BCP 47 tag, without region and script."""
    return language.partition("-")[0].lower()
