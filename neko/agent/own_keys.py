"""The user's keys are for nobody to read: not for a model either, whatever it was that read them from a file, and
however it wrote them. Nor does any act carry one, or a good part of one, should a model have come by it all the same.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

SHORTEST: Final = 8
"""Characters; what is shorter may stand in any text by chance."""
KEPT_BACK: Final = "It was not done: what you gave holds a key of the user's settings, which is for nobody."
"""In words for the model."""
_HIDDEN: Final = "…"
_SHORTEST_PART: Final = 10
_FEWEST_SIGNS: Final = 5
"""A key of fewer different ones may be part of anything, and is only found whole."""
_SIGNS: Final = re.compile(r"[^A-Za-z0-9]+")
_LETTER: Final = re.compile(r"[A-Za-z0-9]")
_ESCAPE: Final = re.compile(
    r"%(?:25)*([0-9a-f]{2})|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|&#x0*([0-9a-f]{1,6});?|&#0*([0-9]{1,7});?", re.IGNORECASE
)
"""Of one sign, in addresses (also several times over), in programs and in HTML."""
_ESCAPE_OR_SIGN: Final = re.compile(f"{_ESCAPE.pattern}|.", re.IGNORECASE | re.DOTALL)
_DECIMAL: Final = 5
"""The group of the escape whose number is not hexadecimal."""
_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")
_ALIKE: Final = str.maketrans(
    "аеорсухіјѕԁһкмтвАЕОРСУХІЈЅКМТВНαορντκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijsdhkmtbAEOPCYXIJSKMTBHaopvtkABEZHIKMNOPTYX"
)
"""Letters of Cyrillic and Greek that look like ours."""


class OwnKeys:
    """``keys`` tells those of this moment."""

    def __init__(self, keys: Callable[[], Iterable[str]] = tuple) -> None:
        self._keys = keys

    def without(self, text: str) -> str:
        """The text with each key left out, also where it is encoded, turned round, in another script's digits or
        parted by spaces and signs."""
        known = self._known()
        for key in known:
            text = text.replace(key, _HIDDEN)
        ways = [way for key in known for way in _ways(key)]
        found = sorted((*_found(text, ways, _squeezed, _letters), *_found(text, ways, _read, _read_letters)))
        kept, end = [], 0
        for first, behind in found:
            kept.append(text[end : max(end, first)])
            end = max(end, behind)
        return _HIDDEN.join((*kept, text[end:]))

    def are_in(self, told: Any) -> bool:
        """Does any way of writing a key stand in it, or a third of one in a piece? A text, or arguments, of which one
        may go on in the next."""
        known = self._known()
        if not known:
            return False
        text = "".join(_texts(told))
        if any(key in text for key in known):
            return True
        readings = [(read, _beginnings(read)) for read in {_squeezed(text), _read(text)}]
        parts = [part for key in known for part in _parts(key)]
        return any(part[:SHORTEST] in begun and part in read for read, begun in readings for part in parts)

    def _known(self) -> list[str]:
        return sorted((key for key in self._keys() if len(key) >= SHORTEST), key=len, reverse=True)


def _texts(told: Any) -> Iterator[str]:
    if isinstance(told, Mapping):
        for value in told.values():
            yield from _texts(value)
        yield from map(str, told)
    elif isinstance(told, list | tuple):
        for value in told:
            yield from _texts(value)
    elif isinstance(told, str | int | float):
        yield str(told)


# ── how a text is read ──────────────────────────────────────────────────────────────────

_Letters = list[tuple[str, int, int]]
"""Letters and digits in small, each with where it stands in the text."""


def _found(
    text: str, ways: Iterable[str], read: Callable[[str], str], letters: Callable[[str], _Letters]
) -> Iterator[tuple[int, int]]:
    """Where these stand in a text that is read in this way."""
    squeezed = read(text)
    if hits := [way for way in ways if way in squeezed]:
        places = letters(text)
        squeezed = "".join(letter for letter, *_ in places)
        for way in hits:
            for match in re.finditer(re.escape(way), squeezed):
                yield places[match.start()][1], places[match.end() - 1][2]


def _squeezed(text: str) -> str:
    """Letters and digits alone: what signs, spaces and the case of letters can hide."""
    return _SIGNS.sub("", text).lower()


def _beginnings(text: str) -> set[str]:
    """Of all that stands in it, the first signs: most parts of keys begin like nothing in a text."""
    return {text[start : start + SHORTEST] for start in range(len(text) - SHORTEST + 1)}


def _letters(text: str) -> _Letters:
    return [(match[0].lower(), *match.span()) for match in _LETTER.finditer(text)]


def _read(text: str) -> str:
    """The same of what escapes mean, and of what looks like our letters and digits, or is a digit of another script."""
    return _squeezed(_in_our_letters(_ESCAPE.sub(_meant, text)))


def _read_letters(text: str) -> _Letters:
    return [
        (letter, *match.span())
        for match in _ESCAPE_OR_SIGN.finditer(text)
        for letter in _squeezed(_in_our_letters(_meant(match)))
    ]


def _in_our_letters(text: str) -> str:
    """Also of those that are wide, round or fat (Unicode's NFKD)."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text).translate(_ALIKE)
    return _OTHER_DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), plain)


def _meant(match: re.Match[str]) -> str:
    if match.lastindex is None:
        return match[0]
    number = int(match[match.lastindex], 10 if match.lastindex == _DECIMAL else 16)
    return chr(number) if number <= 0x10FFFF else ""


# ── how a key may be written ────────────────────────────────────────────────────────────


@lru_cache(256)
def _parts(key: str) -> tuple[str, ...]:
    """Pieces of all ways of writing it, of which one stands in every third of it that goes on in one piece."""
    if len(set(key)) < _FEWEST_SIGNS:
        return _ways(key)
    found: dict[str, None] = {}
    for way in _ways(key):
        size = max(_SHORTEST_PART, len(way) // 4)
        starts = range(0, max(1, len(way) - size + 1), max(1, size // 3))
        found.update((way[start : start + size], None) for start in starts)
    return tuple(found)


@lru_cache(256)
def _ways(key: str) -> tuple[str, ...]:
    """What is left of a key, squeezed, when it is written as it is or in one of the usual ways: backwards, with letters
    moved by thirteen, in numbers (hex, decimal, octal and binary, each alone or with a prefix, as in an address, a
    program or HTML), base64, base32 and base85, and base64 or hex of hex or base64."""
    ways = []
    for text in (key, key[::-1], codecs.encode(key, "rot13")):
        data = text.encode()
        coded = (data.hex().encode(), base64.b64encode(data))
        escaped = (quote(text, safe=""), quote(text))
        numbers = [f"{prefix}".join(("", *(f"{byte:02x}" for byte in data))) for prefix in ("", "x", "0x", "u00")]
        numbers += ["".join(format(byte, form) for byte in data) for form in ("d", "o", "03o", "b", "08b")]
        of_base64 = [*_of_base64(data), *(way[::-1] for way in _of_base64(data))]
        twice = [way for once in coded for way in (once.hex(), *_of_base64(once))]
        others = (base64.b32encode(data).decode(), base64.b85encode(data).decode())
        ways += [text, *escaped, *numbers, *of_base64, *twice, *others]
    squeezed = dict.fromkeys(map(_squeezed, ways))
    return tuple(way for way in squeezed if len(way) >= SHORTEST)


def _of_base64(data: bytes) -> Iterable[str]:
    """As base64 of a longer text has it, by where it begins there: but for the signs that its neighbours share."""
    for before in range(3):
        written = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = (before + len(data)) * 8 // 6
        yield written[-(-before * 8 // 6) : whole]
