"""Text from outside is made clean where it comes in, so that nothing behind the door has to care.

Clean text can be written anywhere: it has neither halves of surrogate pairs, which JSON may carry and UTF-8
cannot, nor control characters, and its lines end with LF. What cannot be text becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

_UNCLEAN = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff]")
_UNCLEAN_WITHIN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPED = re.compile(r"\\(?:u(?:00[01]|[dD][89a-fA-F])|[bfr])")
_ESCAPED_BYTES = re.compile(_ESCAPED.pattern.encode())
"""In a JSON document: an escape that may stand for something unclean. Unescaped it is no JSON."""
_UNSEEN = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]*"
)
"""Blanks, control characters, and what Unicode calls default ignorable: nothing of it is seen by itself."""
_MARK = "\ufffd"
_DEEPEST = 200
_WORD = re.compile(r"[^\W_]+")


def well_formed(text: str) -> str:
    """The text made clean: halves that stand together are joined, anything else that is no text is marked."""
    if not _UNCLEAN.search(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNCLEAN.sub(_MARK, _PAIR.sub(_joined, text))


def _joined(pair: re.Match[str]) -> str:
    return pair.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def load_json(raw: str | bytes, *, pieces: bool = False, strict: bool = False) -> Any:
    """A JSON document with clean texts; raises ``ValueError`` and ``RecursionError``.

    ``pieces``: a text may go on in the next document, so half a pair at its edge and the ends of lines stay: see
    ``TextPieces``. ``strict``: NaN and infinities, which are no JSON, are refused.
    """
    clean = _within if pieces else well_formed
    if not strict:
        try:
            value = orjson.loads(raw)
        except ValueError:  # halves of pairs, bytes that are no UTF-8, NaN, what is no JSON
            pass
        else:
            escaped = _ESCAPED_BYTES.search(raw) if isinstance(raw, bytes) else _ESCAPED.search(raw)
            return _each_text(value, clean) if escaped else value
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    value = json.loads(text, parse_constant=_refuse) if strict else json.loads(text)
    return _each_text(value, clean) if _ESCAPED.search(text) else value


def check_depth(value: Any) -> Any:
    """A document as it is; raises ``ValueError`` for one whose parts are nested too deep for it to be copied, walked
    and written."""
    level = [value]
    for _ in range(_DEEPEST):
        parts = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list)))
        level = [part for held in parts for part in held if isinstance(part, (dict, list))]
        if not level:
            return value
    raise ValueError(f"its parts are nested more than {_DEEPEST} deep")


def dump_json(value: Any) -> bytes:
    """A value of clean JSON as compact UTF-8; texts in it are made clean."""
    try:
        return orjson.dumps(value)
    except TypeError:  # halves of pairs, integers beyond 64 bits
        return well_formed(json.dumps(value, ensure_ascii=False, separators=(",", ":"))).encode()


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _each_text(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_each_text(item, clean) for item in value]
    if isinstance(value, dict):
        return {clean(key): _each_text(item, clean) for key, item in value.items()}
    return value


def _within(text: str) -> str:
    """The text made clean but for halves that its neighbours may complete, and for the ends of its lines."""
    start = 1 if "\udc00" <= text[:1] <= "\udfff" else 0
    end = max(start, len(text) - ("\ud800" <= text[-1:] <= "\udbff"))
    return text[:start] + _UNCLEAN_WITHIN.sub(_MARK, _PAIR.sub(_joined, text[start:end])) + text[end:]


def _goes_on(text: str) -> bool:
    last = text[-1:]
    return last == "\r" or "\ud800" <= last <= "\udbff"


class TextPieces:
    """Makes a text clean that comes in pieces: halves of a pair may come in neighbouring ones."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """The clean text so far; half a pair waits for the other half."""
        if not self._held and not _UNCLEAN.search(piece):
            return piece
        text, self._held = self._held + piece, ""
        if _goes_on(text):
            text, self._held = text[:-1], text[-1]
        return well_formed(text)

    def flush(self) -> str:
        """What waited: no other half came."""
        rest, self._held = well_formed(self._held), ""
        return rest


def is_blank(text: str) -> bool:
    """Whether nothing of it is seen: blanks and what has no width. Signs and emoji are seen."""
    return _UNSEEN.fullmatch(text) is not None


def bare_words(text: str) -> str:
    """``text`` without case and signs, for telling whether two wordings are the same."""
    return " ".join(_WORD.findall(text.casefold()))
