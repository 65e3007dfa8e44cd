"""Full stops that end no sentence: those of abbreviations, initials, ordinals and list numbers."""

from __future__ import annotations

import re
from typing import Final

_BEFORE_NAMES: Final = frozenset(
    (
        "mr mrs ms mx dr prof rev hon gen col maj capt cmdr lt sgt sr jr st mt ft gov sen rep pres supt messrs mmes "
        "vs cf ca approx dept univ viz al jan feb apr aug sep sept oct nov dec tue tues wed thu thur thurs fri "
        "hr frau bzw bspw ggf evtl inkl exkl tel abb mme mlle mgr sra srta dra ud uds núm sig dott avv dhr mevr bijv "
        "г ул им др пр рис см"
    ).split()
)
_BEFORE_NUMBERS: Final = frozenset("no nos nr op p pp ch vol vols fig figs eq sec mar jun jul mon art pág".split())
_BEFORE_LOWER_CASE: Final = frozenset("etc inc ltd co corp bros usw est min max std".split())
_BEFORE_ORDINALS: Final = frozenset("am der den dem des vom zum bis ab seit im kapitel".split())

_LAST_WORD: Final = re.compile(r"[^\s(\[{\"'“”‘’«»„*_]+$")
_DOTTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_LIST_NUMBER: Final = re.compile(r"(?:^|\n)[\s>*+-]*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})$")
_WORD_BEFORE_NUMBER: Final = re.compile(r"(\w+)\s+\d{1,2}$")


def ends_no_sentence(before: str, following: str) -> bool:
    """Whether a single full stop after ``before`` belongs to its last word.

    ``before`` reaches back to the beginning of the piece; ``following`` is the first letter or
    digit after the stop ("" at the end of the text).
    """
    found = _LAST_WORD.search(before)
    if found is None or not following:
        return False
    word = found.group()
    lower = word.lower()
    if lower in _BEFORE_NAMES or _DOTTED.fullmatch(word) or _LIST_NUMBER.search(before):
        return True
    if lower in _BEFORE_NUMBERS:
        return following.isdigit()
    if lower in _BEFORE_LOWER_CASE:
        return following.islower()
    if len(word) == 1 and word.isupper():
        return word not in ("I", "Я")
    ordinal = _WORD_BEFORE_NUMBER.search(before)
    return ordinal is not None and ordinal.group(1).lower() in _BEFORE_ORDINALS
