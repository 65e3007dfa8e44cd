"""Full stops that end no sentence: those of abbreviations, initials, ordinals and list numbers.

By rules about the shape of a word, and a list for those that look like others. A wrong "no" only makes a longer
piece. ``sentencex`` and ``stream2sentence`` know more abbreviations of each language by name; they want the words that
follow and the language, and a stream has neither.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from neko.late_patterns import late_pattern

_NEVER_WORDS: Final = """
prof rev hon gen col maj capt gov sen rep pres messrs ca approx dept univ viz al est inc co corp vol vols ave
abb mio evtl inkl exkl mme sra srta dra ud uds núm ул им
"""
_PERHAPS_WORDS: Final = """
no nos etc a.m p.m fig figs ft min max jan feb mar apr jun jul aug sept sep oct nov dec tue thu thur fri usw
"""
_NEVER: Final = frozenset(_NEVER_WORDS.split())
_PERHAPS: Final = frozenset(_PERHAPS_WORDS.split())
_NARROW: Final = r"[^\W\d_\u2e80-\uffff]"
_LAST_WORD: Final = late_pattern(rf"({_NARROW}+(?:\.{_NARROW}+)*)\.$")
_SHORT_PARTS: Final = late_pattern(rf"{_NARROW}{{1,3}}(?:\.{_NARROW}{{1,3}})+")
"""U.S.A, N.E.K.O, J.R.R, z.B, Ph.D, т.е; not example.com."""
_LETTER_WORDS: Final = frozenset("IЯя")
_INITIAL_BEFORE: Final = late_pattern(rf"(?:^|[\s(.]){_NARROW}\.\s?{_NARROW}\.$")
_NO_VOWEL: Final = late_pattern(r"[bcdfghjklmnpqrstvwxzßçćčłñřśšž]{2,5}|[бвгджзйклмнпрстфхцчшщ]{2,5}")
"""Dr, Mrs, vs, Blvd, bzw, Nr, др."""
_SOUND: Final = late_pattern(r"h+m+|m+h?m*|sh+|p+s+t*|p+f+t*|t+s+k*|b+r+|g+r+|z+|hmph|хм+|мм+|тс+|бр+", re.IGNORECASE)
_LIST_MARK: Final = late_pattern(r"(?:^|\n)[^\S\n]*[(*_]*(?:\d{1,3}|[A-Za-z])\.$")
_ORDINAL: Final = late_pattern(r"\b(?:am|der|den|dem|des|vom|zum|seit|kapitel) \d{1,2}\.$", re.IGNORECASE)


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
    if word.lower() in _PERHAPS:
        return "perhaps"
    if word.lower() in _NEVER or _SHORT_PARTS.fullmatch(word):
        return "no"
    if len(word) == 1:
        return "yes" if word in _LETTER_WORDS and not _INITIAL_BEFORE.search(text) else "no"
    return "no" if word[1:].islower() and _NO_VOWEL.fullmatch(word.lower()) and not _SOUND.fullmatch(word) else "yes"
