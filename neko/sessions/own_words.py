"""Her own words, which come back as the echo of her voice and are recognised as if the user had said them. Pure."""

from __future__ import annotations

import unicodedata

from neko.late_patterns import late_pattern

_UNIT = late_pattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_STEM = 4
"""Letters by which a longer word is known again, as echo swallows endings."""
_ENOUGH = 0.65
"""The part of what was recognised that she must be saying."""
_LONGEST = 400


def are_own(words: str, being_said: str) -> bool:
    """Are these words, recognised while she speaks, nothing but what is ``being_said``?

    Words and, where a script writes none, pairs of characters are looked for in any order: a recogniser leaves out and
    adds some of an echo. One character alone is not enough to tell.
    """
    if not being_said or len(words) > _LONGEST:
        return False
    said = set(_units(being_said))
    heard = _units(words)
    known = sum(len(unit) for unit in heard if unit in said)
    return known > 0 and known >= _ENOUGH * sum(map(len, heard))


def _units(text: str) -> list[str]:
    units: list[str] = []
    for run in _UNIT.findall(unicodedata.normalize("NFKC", text).casefold()):
        if run[0] < "\u3040":
            units.append(run[:_STEM])
        else:
            units += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return [unit for unit in units if len(unit) > 1 or unit.isascii()]
