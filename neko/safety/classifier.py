"""How much a line sounds like danger: a linear model over words, characters and what they are about.

It was trained (``python -m tests.safety.train``, numpy only) on lines that were made up for this by the authors of
Neko, with language models, in November 2026: ``tests/safety``. No line of anybody in need is among them. The table of
weights is indexed by a hash of a feature, so it needs no vocabulary; ``assets/safety/model.json`` says when it was
made and from when on a score is danger.

Adding up a few hundred small numbers needs no numpy, which would cost an idle Neko 20 MB.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

from neko.late_patterns import late_pattern
from neko.safety.danger import Danger
from neko.safety.folding import folded
from neko.settings.paths import ASSETS

SIZE: Final = 1 << 20
"""Places in the table of danger or not."""
KIND_SIZE: Final = 1 << 14
"""Places in each of the tables that tell which danger, in the order of ``Danger``."""
POWER: Final = 0.25
"""A score is divided by the number of features to this power: long lines do not count more for their length."""

_TOKEN = late_pattern(r"[a-z']+|\d+|[\u3041-\u30ff\u3400-\u9fff々ー]+|[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]+")
_LATIN_END = "\u0100"
_LONGEST_WORD = 30
_YOUNG = range(4, 18)
"""Ages, if it is an age: "I'm 13"."""
_WIDTHS = (2, 4, 6, 8)
"""Bytes of one to four characters in UTF-16."""
_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "ly", "ies")


@dataclass(frozen=True, slots=True)
class Model:
    """``weights`` and ``kinds`` hold one signed byte for each place; both are to be multiplied by ``scale``."""

    weights: memoryview
    kinds: memoryview
    scale: float
    bias: float
    threshold: float
    kind_bias: Mapping[str, float]

    def score(self, found: Collection[int]) -> float:
        """Above 0 it is taken for danger; how far, says how sure that is."""
        weights = self.weights
        total: int = sum([weights[feature % SIZE] for feature in found])
        return total * self.scale / math.pow(max(len(found), 1), POWER) + self.bias - self.threshold

    def kind(self, found: Collection[int]) -> Danger:
        """The danger that a line is most likely about, if it is about any."""

        def likely(numbered: tuple[int, Danger]) -> float:
            first = numbered[0] * KIND_SIZE
            total: int = sum([self.kinds[first + feature % KIND_SIZE] for feature in found])
            return total * self.scale / math.pow(max(len(found), 1), POWER) + self.kind_bias[numbered[1].value]

        return max(enumerate(Danger), key=likely)[1]


@cache
def model() -> Model:
    """Reads two files at the first call: not on the loop thread."""
    folder = ASSETS / "safety"
    facts: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    table = memoryview(zlib.decompress((folder / "model.bin").read_bytes())).cast("b")
    return Model(table[:SIZE], table[SIZE:], facts["scale"], facts["bias"], facts["threshold"], facts["kind_bias"])


def features(text: str) -> set[int]:
    """What a text (``folded``) is made of, each as a number of 32 bits."""
    words: list[bytes] = [b"^"]
    about: list[bytes] = []
    letters: list[str] = ["^"]
    for token in _TOKEN.findall(text):
        first = token[0]
        if first.isdigit():
            young = token.isascii() and len(token) < 3 and int(token) in _YOUNG
            words.append(b"#y" if young else b"#")
            letters.append("\u00a7" if young else "#")
            about.append(b"young" if young else b"number")
        elif first >= _LATIN_END:
            letters.append(token)
        elif word := token.replace("'", "")[:_LONGEST_WORD]:
            words.append(word.encode())
            about += _meant_by_word(word)
    about += _meant_by_letters("".join(letters).strip("^#\u00a7"))
    kinds = sorted(set(about))
    found = {crc32(one, 11) for one in kinds}
    for i, one in enumerate(kinds):
        with_one = crc32(one, 12)
        found.update([crc32(other, with_one) for other in kinds[i + 1 :]])
    found.update([crc32(after, crc32(before, 13)) for before, after in pairwise(about)])
    if len(words) > 1:
        _add_words(found, [*words, b"$"])
    if len(letters) > 1:
        _add_letters(found, "".join([*letters, "$"]))
    return found


def _add_words(found: set[int], words: list[bytes]) -> None:
    """One to three words in a row, two with one between, and four letters in a row of long ones."""
    for word in words:
        if len(word) > 4:
            marked = b"_" + word
            found.update([crc32(marked[i : i + 4], 7) for i in range(len(marked) - 3)])
    before, last = 0, 0
    skipped = 0
    for word in words:
        alone = crc32(word, 1)
        found.add(alone)
        if last:
            pair = crc32(word, last + 1)
            found.add(pair)
            if before:
                found.add(crc32(word, before + 1))
                found.add(crc32(word, skipped + 2))
            before, skipped = pair, last
        last = alone


def _add_letters(found: set[int], letters: str) -> None:
    """One to four characters in a row, and two with one between, of scripts that are written without spaces."""
    raw = letters.encode("utf-16-le", "surrogatepass")
    for start in range(0, len(raw), 2):
        for width in _WIDTHS:
            found.add(crc32(raw[start : start + width], 3))
        found.add(crc32(raw[start : start + 2] + raw[start + 4 : start + 6], 5))


@cache
def _concepts() -> tuple[Mapping[str, list[bytes]], int]:
    """What words are about: the concepts of each word, and the length of the longest in letters other than Latin."""
    data: dict[str, str] = json.loads((ASSETS / "safety" / "concepts.json").read_text(encoding="utf-8"))
    meant: dict[str, list[bytes]] = {}
    for concept, words in data.items():
        for word in words.split():
            meant.setdefault(folded(word), []).append(concept.encode())
    return meant, max(len(word) for word in meant if word[0] >= _LATIN_END)


def load_concepts() -> None:
    """Reads a file: not on the loop thread."""
    _concepts()


def _meant_by_word(word: str) -> list[bytes]:
    meant, _ = _concepts()
    return next((meant[form] for form in _forms(word) if form in meant), [])


def _forms(word: str) -> Iterator[str]:
    yield word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            yield word.removesuffix(ending)
    if word.endswith("ing"):
        yield word[:-3] + "e"
    if word.endswith("ied"):
        yield word[:-3] + "y"


def _meant_by_letters(letters: str) -> list[bytes]:
    """The longest word that is known at each place, from the left."""
    meant, longest = _concepts()
    found: list[bytes] = []
    start, end = 0, len(letters)
    while start < end:
        for stop in range(min(start + longest, end), start, -1):
            if here := meant.get(letters[start:stop]):
                found += here
                start = stop
                break
        else:
            start += 1
    return found
