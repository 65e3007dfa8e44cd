"""Cuts streamed text into pieces that can be spoken on their own, in any language.

The cutter looks at one character at a time and decides whether a piece ends *before* it, so the
pieces never depend on how the text was split into deltas, and joined they are the text again.
"""

from __future__ import annotations

import re

_FULL_STOPS = "。！？｡…︒"
_STOPS = ".!?…"
_CLOSERS = "\"'”’)]}»」』）】》〉〕*_~`"
_PAUSES = ",;:，、；：،—"
_FIRST_SOFT = 24
"""Characters after which the first piece of a reply may end at a pause, so that sound starts early."""
_SOFT = 90
_HARD = 220
_WIDE = 2.5
"""How many narrow characters of speech one CJK character is worth."""

_WORDS = (
    "mr mrs ms dr prof st sr jr vs etc e.g i.e eg ie cf al fig no vol pp approx dept est inc ltd co corp gen col capt "
    "lt sgt rev hon gov sen rep mt ft ave blvd rd u.s u.k u.n e.u a.m p.m d.c ph.d b.a m.a m.d jan feb mar apr jun jul "
    "aug sept sep oct nov dec z.b d.h bzw usw ca nr str bsp evtl ggf sog inkl mme mlle sra srta ud uds p.ej"
)
_ABBREVIATIONS = frozenset(_WORDS.split())
_LAST_WORD = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\(?\d{1,3}\.$")
_OPEN_TAG = re.compile(r"</?[^\W\d_][^<>\n]{0,60}$")


class SentenceCutter:
    """Feed the text of one reply; pieces come out as soon as their end is certain."""

    def __init__(self) -> None:
        self._piece = ""
        self._weight = 0.0
        self._fenced = False
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Take a delta; the pieces that are complete now."""
        pieces = []
        for character in text:
            if self._ends_before(character):
                pieces.append(self._take())
            self._piece += character
            self._weight += _WIDE if character >= "\u2e80" else 1.0
            if character == "`" and self._piece.endswith("```"):
                self._fenced = not self._fenced
        return pieces

    def flush(self) -> list[str]:
        """The rest, at the end of the reply."""
        return [self._take()] if self._piece else []

    def _take(self) -> str:
        piece, self._piece, self._weight = self._piece, "", 0.0
        if piece.strip():
            self._first = False
        return piece

    def _ends_before(self, following: str) -> bool:
        piece = self._piece
        if self._fenced or not piece:
            return False
        last = piece[-1]
        if last == "\n":
            return following != "\n" and bool(piece.strip())
        if following in _CLOSERS or following in _FULL_STOPS or following in _STOPS:
            return False
        if last in _PAUSES:
            return self._may_pause(following)
        if last in _FULL_STOPS or last in _STOPS or last in _CLOSERS:
            return self._is_sentence(piece.rstrip(_CLOSERS), following)
        return self._is_too_long(following)

    def _may_pause(self, following: str) -> bool:
        enough = self._weight >= (_FIRST_SOFT if self._first else _SOFT)
        return enough and (following.isspace() or self._piece[-1] >= "\u2e80")

    def _is_sentence(self, core: str, following: str) -> bool:
        if not core.strip():
            return False
        if core[-1] in _FULL_STOPS and (core[-1] != "…" or following.isspace() or following >= "\u2e80"):
            return True
        if core[-1] not in _STOPS or not following.isspace() or _OPEN_TAG.search(core):
            return self._is_too_long(following)
        return core[-1] != "." or not _is_abbreviation(core)

    def _is_too_long(self, following: str) -> bool:
        return self._weight >= (_HARD if following.isspace() else 1.5 * _HARD)


def _is_abbreviation(core: str) -> bool:
    if _LIST_NUMBER.search(core):
        return True
    if core.endswith(".."):
        return False
    word = _LAST_WORD.search(core)
    if word is None:
        return False
    return word[1].lower() in _ABBREVIATIONS or (len(word[1]) == 1 and word[1].isupper() and word[1] != "I")
