"""The user's keys are for nobody to read: not for a model either, whatever it was that read them from a file, and
however it wrote them. Nor does any act carry one, should a model have come by it all the same."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

SHORTEST: Final = 8
"""Characters; what is shorter may stand in any text by chance."""
KEPT_BACK: Final = "It was not done: what you gave holds a key of the user's settings, which is for nobody."
"""In words for the model."""
_HIDDEN: Final = "…"
_SIGNS: Final = re.compile(r"[^A-Za-z0-9]+")
_LETTER: Final = re.compile(r"[A-Za-z0-9]")


class OwnKeys:
    """``keys`` tells those of this moment."""

    def __init__(self, keys: Callable[[], Iterable[str]] = tuple) -> None:
        self._keys = keys

    def without(self, text: str) -> str:
        """The text with each key left out, also where it is encoded, turned round or parted by spaces and signs."""
        known = self._known()
        for key in known:
            text = text.replace(key, _HIDDEN)
        if not known:
            return text
        squeezed = _squeezed(text)
        found = sorted(
            match.span() for key in known for way in _ways(key) for match in re.finditer(re.escape(way), squeezed)
        )
        places = [match.start() for match in _LETTER.finditer(text)] if found else []
        kept, end = [], 0
        for first, behind in found:
            kept.append(text[end : max(end, places[first])])
            end = max(end, places[behind - 1] + 1)
        return _HIDDEN.join((*kept, text[end:]))

    def are_in(self, told: Any) -> bool:
        """Does any way of writing a key stand in it? A text, or arguments, of which one may go on in the next."""
        known = self._known()
        text = "".join(_texts(told)) if known else ""
        squeezed = _squeezed(text) if known else ""
        return any(key in text or any(written in squeezed for written in _ways(key)) for key in known)

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


def _squeezed(text: str) -> str:
    """Letters and digits alone: what signs, spaces and the case of letters can hide. One place for each that stays."""
    return _SIGNS.sub("", text).lower()


@lru_cache(256)
def _ways(key: str) -> tuple[str, ...]:
    """What is left of a key, squeezed, when it is written as it is or in one of the usual ways: backwards, in numbers
    (hex and decimal, each alone or with a prefix, as in an address, a program or HTML), base64 and base32."""
    ways = []
    for text in (key, key[::-1]):
        data = text.encode()
        escaped = (quote(text, safe=""), quote(text))
        numbers = [f"{prefix}".join(("", *(f"{byte:02x}" for byte in data))) for prefix in ("", "x", "0x", "u00")]
        ways += [text, *escaped, *numbers, "".join(map(str, data)), *_of_base64(data), base64.b32encode(data).decode()]
    squeezed = dict.fromkeys(map(_squeezed, ways))
    return tuple(way for way in squeezed if len(way) >= SHORTEST)


def _of_base64(data: bytes) -> Iterable[str]:
    """As base64 of a longer text has it, by where it begins there: but for the signs that its neighbours share."""
    for before in range(3):
        written = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = (before + len(data)) * 8 // 6
        yield written[-(-before * 8 // 6) : whole]
