"""The name that a user gives in a line, in any of the languages of ``assets/offline``.

Each language has patterns of giving a name (``told``), one of what speaks against it in the same sentence
(``against``: "don't call me …"), and words that stand in a name's place and are none (``not_names``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_LONGEST_TEXT: Final = 2000
_SENTENCE: Final = re.compile(r"(?:[^.!?。！？\n]|\.(?=\w))+[.!?。！？\n]*")
_GOES_ON: Final = re.compile(r"(\b(?:mr|mrs|ms|dr|st)|はじめまして|初めまして)[.。!]\s*", re.IGNORECASE)
"""What ends no sentence."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How a name is given in one language."""

    told: Sequence[re.Pattern[str]]
    against: re.Pattern[str]
    not_names: frozenset[str]
    others: re.Pattern[str] | None = None
    """What a sentence tells of somebody else, whose name the next one gives without saying whose it is."""

    def name_in(self, sentence: str) -> str | None:
        """The name given in this sentence; the last, when there are several."""
        if self.against.search(sentence):
            return None
        found = [match for pattern in self.told for match in pattern.finditer(sentence)]
        names = [match["name"] for match in sorted(found, key=lambda match: match.start("name"))]
        usable = [name for name in names if not self.not_names & {name.casefold(), name.split()[0].casefold()}]
        return usable[-1] if usable else None


def told_name(text: str, namings: Sequence[Naming]) -> str | None:
    """The name that the user gives in ``text``: the last one, with a capital letter; None when none is given."""
    text = unicodedata.normalize("NFKC", text[:_LONGEST_TEXT]).replace("’", "'")
    sentences = [one.strip() for one in _SENTENCE.findall(_GOES_ON.sub(r"\1 ", text))]
    names = [
        name
        for before, one in pairwise(["", *sentences])
        for naming in namings
        if not (naming.others and naming.others.search(before)) and (name := naming.name_in(one))
    ]
    return names[-1][:1].upper() + names[-1][1:].rstrip(" .'-") if names else None
