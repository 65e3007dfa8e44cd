"""Does a sentence speak of a mark, or does a template's own mark stand there? Told by what is around it.

A template's mark stands at the end of a sentence or of the text, in front of a line of its own, or where a role
follows. One that is quoted, stands in the middle of a line, or is introduced with a colon is spoken of.
"""

from __future__ import annotations

import re

from neko.llm.template_marks import BEGINS, Kind

LOOK_AHEAD = 16
"""Characters after a mark that are enough to tell."""
LOOK_BACK = 4
"""Characters before it that are."""

_OPENING_QUOTES = "\"'“‘«「『（([【`*_"
_CLOSING_QUOTES = "\"'”’»」』）)]】`*_"
_PAUSES = ",，、:：;；|-–—"
_ROLE = r"(?:assistant|model|bot|user|human|system|tool)\b"
_IN_LINE = re.compile(rf"(?:{_ROLE})? +[^\s{re.escape(BEGINS)}]|[.?!。？！){re.escape(_PAUSES)}]")
_NEXT_LINE = re.compile(rf"[ ]?\n(?!{_ROLE})[^\s{re.escape(BEGINS)}]")
_INTRODUCED = re.compile(r"[:：][ ]?\n\Z")


def opens_quote(before: str) -> bool:
    """Does a quote, a bracket or a sign of emphasis begin right before it?"""
    return before[-1:] != "" and before[-1] in _OPENING_QUOTES


def is_quoted(before: str, after: str) -> bool:
    """Does it stand alone between two of them?"""
    return opens_quote(before) and after[:1] != "" and after[0] in _CLOSING_QUOTES


def goes_on(after: str) -> bool:
    """Does the same sentence go on?"""
    return after[:1] == " " and after[1:2].islower()


def is_mentioned(kind: Kind, before: str, after: str) -> bool:
    """``before`` and ``after`` are the characters around it; nothing follows an ``after`` that is shorter."""
    if opens_quote(before):
        return is_quoted(before, after)
    if _INTRODUCED.search(before):
        return bool(_NEXT_LINE.match(after))
    if not runs(before):
        return False
    if _IN_LINE.match(after) or _NEXT_LINE.match(after):
        return True
    return kind is Kind.CLOSING and not after.strip()


def runs(before: str) -> bool:
    """Does it stand in the middle of a line, after a word or a pause?"""
    return before[-1:] == " " and (before[-2:-1].isalnum() or before[-2:-1] in (*_PAUSES,))
