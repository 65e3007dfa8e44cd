"""Cuts streamed text into pieces that can be spoken on their own, in any language.

The cutter looks at one character at a time and decides whether a piece ends *before* it, so the
pieces never depend on how the text was split into deltas, and joined they are the text again,
without its blocks of code.
A cut too few only makes a longer piece, a cut too many is heard: in doubt there is none.
"""

from __future__ import annotations

import re

from neko.audio.abbreviations import ends_sentence
from neko.code_marks import ProseReader

_FULL_STOPS = "。！？｡︒।॥۔؟።፧"
"""End a sentence whatever follows."""
_STOPS = ".!?…"
_CLOSERS = "\"'”’)]}»」』）】》〉〕*_~`"
_PAUSES = ",;:，、；：،—"
_FIRST_SOFT = 24
"""Characters after which the first piece of a reply may end at a pause, so that sound starts early."""
_SOFT = 90
_HARD = 220
_HARDEST = 1.5 * _HARD
_WIDE = 2.5
"""How many narrow characters of speech one CJK character is worth."""

_SPANS = {"*": "*", "(": ")", "[": "]", "（": "）", "【": "】"}
_LONGEST_SPAN = 300
"""What a piece begins with may be an action of several sentences, which is no piece until it is closed or so long."""

_OPEN_TAG = re.compile(r"</?[^\W\d_][^<>\n]{0,60}$")
_TAIL = 80
"""How far back abbreviations, list marks and tags are looked for."""


class SentenceCutter:
    """Feed the text of one reply; pieces come out as soon as their end is certain."""

    def __init__(self) -> None:
        self._piece: list[str] = []
        self._weight = 0.0
        self._blank = True
        self._prose = ProseReader()
        self._span = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Take a delta; the pieces that are complete now."""
        return self._cut(self._prose.feed(text))

    def flush(self) -> list[str]:
        """The rest, at the end of the reply."""
        pieces = self._cut(self._prose.flush())
        return [*pieces, self._take()] if self._piece else pieces

    def _cut(self, prose: str) -> list[str]:
        pieces = []
        for character in prose:
            if self._ends_before(character):
                pieces.append(self._take())
            self._add(character)
        return pieces

    def _add(self, character: str) -> None:
        if self._blank or self._span:
            self._follow_span(character)
        if not (character.isspace() and (not self._piece or self._piece[-1].isspace())):
            self._weight += _WIDE if _is_wide(character) else 1.0
        self._piece.append(character)
        self._blank = self._blank and character.isspace()

    def _follow_span(self, character: str) -> None:
        """``_span`` is what closes the span that the piece began with, while it is open."""
        if self._blank:
            self._span = _SPANS.get(character, "")
        elif character in (self._span, "\n") or (self._piece[-1] in _SPANS and character.isspace()):
            self._span = ""

    def _take(self) -> str:
        piece = "".join(self._piece)
        self._first = self._first and self._blank
        self._piece, self._weight, self._blank, self._span = [], 0.0, True, ""
        return piece

    def _ends_before(self, following: str) -> bool:
        if not self._piece:
            return False
        last = self._piece[-1]
        if last == "\n":
            return following != "\n" and not self._blank
        if self._span and self._weight < _LONGEST_SPAN:
            return False
        if following in _CLOSERS or following in _FULL_STOPS or following in _STOPS:
            return False
        if last in _PAUSES:
            return self._may_pause(last, following) or self._is_too_long(following)
        if last in _FULL_STOPS or last in _STOPS or last in _CLOSERS:
            return self._is_sentence(following) or self._is_too_long(following)
        if last.isspace() and not following.isspace() and _opens_sentence(following):
            return self._was_sentence() or self._is_too_long(following)
        return self._is_too_long(following)

    def _may_pause(self, last: str, following: str) -> bool:
        enough = self._weight >= (_FIRST_SOFT if self._first else _SOFT)
        return enough and (following.isspace() or _is_wide(last))

    def _is_sentence(self, following: str) -> bool:
        """At a mark: does it end here, whatever comes after the next space?"""
        tail = self._tail()
        core = tail.rstrip(_CLOSERS)
        if not core or core[-1] in _FULL_STOPS:
            return bool(core.strip())
        if core[-1] not in _STOPS or not (following.isspace() or _is_wide(following)) or _OPEN_TAG.search(core):
            return False
        if core[-1] == "." and ends_sentence(core) != "yes":
            return False
        return _is_wide(following) or core == tail

    def _was_sentence(self) -> bool:
        """After a mark and a space, before what could begin a sentence: had it ended there?"""
        tail = self._tail().rstrip()
        core = tail.rstrip(_CLOSERS)
        if not core or core[-1] not in _STOPS or _OPEN_TAG.search(core):
            return False
        verdict = ends_sentence(core) if core[-1] == "." else "yes"
        return verdict == "perhaps" or (verdict == "yes" and core != tail)

    def _tail(self) -> str:
        return "".join(self._piece[-_TAIL:])

    def _is_too_long(self, following: str) -> bool:
        return self._weight >= (_HARD if following.isspace() else _HARDEST)


def _is_wide(character: str) -> bool:
    return character >= "\u2e80"


def _opens_sentence(character: str) -> bool:
    return not (character.islower() or character.isdigit() or character in _PAUSES)
