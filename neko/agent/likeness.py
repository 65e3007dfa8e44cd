"""Which names are written alike, so that somebody who reads them takes one for another."""

from __future__ import annotations

import unicodedata
from typing import Final

_LATIN: Final = str.maketrans(
    "АВЕЗКМНОРСТУХІЈЅаеорсухіјѕԁһԛԝѵкгпмΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνικυχγτηωıɑɡɩøłđ01",
    "ABE3KMHOPCTYXIJSaeopcyxijsdhqwvkrnmABEZHIKMNOPTYXaopvikuxytnwiagioldol",
)
"""Letters of other alphabets, and digits, that look like Latin letters: the commonest confusables of Unicode TR39."""
_JOINED_MARKS: Final = range(0x300, 0x370)


def likeness(name: str) -> str:
    """The same for all names that look like this one: in letters of any case, width or alphabet, with or without
    accents, spaces, signs and what is not seen."""
    decomposed = unicodedata.normalize("NFKD", name)
    latin = unicodedata.normalize("NFKD", decomposed.translate(_LATIN).casefold().translate(_LATIN))
    kept = (sign for sign in latin if unicodedata.category(sign)[0] in "LNM" and ord(sign) not in _JOINED_MARKS)
    return "".join(kept) or name
