"""Does a sentence speak of a mark, or does a template's own mark stand there? Told by what is around it.

A template's mark stands at the end of a sentence or of the text, in front of a line of its own, or where a role
follows. One that is quoted, is an item of a list, is introduced with a colon, or stands in the middle of a sentence
is spoken of: no answer and no turn begins with a comma.
"""

from __future__ import annotations

import re

from neko.late_patterns import late_pattern
from neko.llm.template_marks import BEGINS, Kind

LOOK_AHEAD = 16
"""Characters after a mark that are enough to tell."""
LOOK_BACK = 8
"""Characters before it that are."""

_OPENING_QUOTES = "\"'“‘«「『（([【`*_"
_CLOSING_QUOTES = "\"'”’»」』）)]】`*_"
_PAUSES = ",，、:：;；|-–—"
_ROLE = r"(?:assistant|model|bot|user|human|system|tool)\b"
_IN_LINE = late_pattern(rf"(?:{_ROLE})? +[^\s{re.escape(BEGINS)}]|[.?!。？！){re.escape(_PAUSES)}]")
_NEXT_LINE = late_pattern(rf" ?\n(?!{_ROLE})[^\s{re.escape(BEGINS)}]")
_NEXT_PARAGRAPH = late_pattern(rf" ?\n+(?!{_ROLE})[^\s{re.escape(BEGINS)}]")
_COMMA = late_pattern(r"[,;)，。、；）]|\.(?!\.)|-(?=\w)|['’]s\b")
_GOES_ON = late_pattern(rf"[:：]|{_COMMA.pattern}")
_UNSPACED = late_pattern(r"[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""A letter of a script that sets words, or what belongs to a word, side by side."""
_ITEM = late_pattern(r"(?:\A|\n) *(?:[-*+•|]|#{1,6}|\d{1,2}[.)]) \Z")
_INTRODUCED = late_pattern(r"[:：][ ]?\n\Z")


def opens_quote(before: str) -> bool:
    """Does a quote, a bracket or a sign of emphasis begin right before it?"""
    return before[-1:] != "" and before[-1] in _OPENING_QUOTES


def is_quoted(before: str, after: str) -> bool:
    """Does it stand alone between two of them?"""
    return opens_quote(before) and after[:1] != "" and after[0] in _CLOSING_QUOTES


def goes_on(after: str) -> bool:
    """Does the same sentence go on?"""
    return (after[:1] == " " and after[1:2].islower()) or _GOES_ON.match(after) is not None


def is_mentioned(kind: Kind, before: str, after: str) -> bool:
    """``before`` and ``after`` are the characters around it; nothing follows an ``after`` that is shorter."""
    if opens_quote(before):
        return is_quoted(before, after)
    if _INTRODUCED.search(before):
        return bool(_NEXT_LINE.match(after))
    if _ITEM.search(before) or (before.strip() and _COMMA.match(after)):
        return True
    if kind is Kind.CLOSING:
        is_in_line = bool(_IN_LINE.match(after) or _NEXT_LINE.match(after) or not after.strip())
        return runs(before) and (is_in_line or before[-2] in _PAUSES)
    if _UNSPACED.match(after) and (runs(before) or _UNSPACED.match(before[-1:])):
        return True
    return runs(before) and bool(_IN_LINE.match(after) or _NEXT_PARAGRAPH.match(after))


def runs(before: str) -> bool:
    """Does it stand in the middle of a line, after a word or a pause?"""
    return before[-1:] == " " and (before[-2:-1].isalnum() or before[-2:-1] in (*_PAUSES,))
