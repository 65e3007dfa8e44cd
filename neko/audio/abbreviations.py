"""Full stops that end no sentence: those of abbreviations, initials, ordinals and list numbers."""

from __future__ import annotations

import re
from typing import Final, Literal

_NEVER_WORDS: Final = """
mr mrs ms mx dr prof rev hon gen col maj capt cmdr lt sgt sr jr st mt gov sen rep pres messrs vs cf ca approx dept univ
viz al est inc ltd co corp bros vol vols pp ave blvd rd e.g i.e eg ie u.s u.k u.n e.u d.c ph.d b.a m.a m.d hr bzw bspw
bsp ggf evtl inkl exkl z.b d.h abb str nr mme mlle mgr sra srta dra ud uds núm p.ej sig dott г ул им др
"""
_PERHAPS_WORDS: Final = """
no nos etc a.m p.m fig figs ft min max jan feb mar apr jun jul aug sept sep oct nov dec tue thu thur fri usw
"""
_NEVER: Final = frozenset(_NEVER_WORDS.split())
_PERHAPS: Final = frozenset(_PERHAPS_WORDS.split())
_LAST_WORD: Final = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")
_LIST_MARK: Final = re.compile(r"(?:^|\n)[^\S\n]*[(*_]*(?:\d{1,3}|[A-Za-z])\.$")
_ORDINAL: Final = re.compile(r"\b(?:am|der|den|dem|des|vom|zum|seit|kapitel) \d{1,2}\.$", re.IGNORECASE)


def ends_sentence(text: str) -> Literal["yes", "no", "perhaps"]:
    """Does the full stop at the end of ``text`` end a sentence? ``text`` reaches back to the start of its line.

    Perhaps: when a capital follows, as in "No. I don't." and not in "no. 5"; "5 p.m. The" and not "5 p.m. today".
    """
    if _LIST_MARK.search(text) or _ORDINAL.search(text):
        return "no"
    match = _LAST_WORD.search(text)
    if match is None:
        return "yes"
    word = match[1]
    if word.lower() in _NEVER or (len(word) == 1 and word.isupper() and word not in "IЯ"):
        return "no"
    return "perhaps" if word.lower() in _PERHAPS else "yes"
