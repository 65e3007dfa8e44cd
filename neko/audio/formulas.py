r"""Formulas in the notation of TeX as signs and words: ``\(a^2 \leq \frac{b}{2}\)`` is "a² ≤ b / 2".

Written by hand: ``pylatexenc`` reads whole documents, and writes its signs for the eye.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from neko.late_patterns import late_pattern

_DISPLAYED: Final = late_pattern(r"\\\((?=[^\n]*?\w)([^\n]{1,400}?)\\\)|\\\[(?=[^\n]*?\w)([^\n]{1,400}?)\\\]")
_DOLLARS: Final = late_pattern(
    r"\${1,2}([^\s$\d](?:[^$\n]*[^\s$])?)\${1,2}|\$\$([^$\n]{1,400})\$\$|\$(\d[^$\n]*[\\^][^$\n]*)\$"
)
_FRACTION: Final = late_pattern(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT: Final = late_pattern(r"\\sqrt\s*\{([^{}]*)\}")
_COMMAND: Final = late_pattern(r"\\([A-Za-z]+)\*?")
_SIGNS: Final = {
    **{"times": "×", "cdot": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠"},
    **{"ne": "≠", "approx": "≈", "sim": "≈", "infty": "∞", "sqrt": "√", "lt": "<", "gt": ">", "to": "→", "circ": "°"},
    **{"rightarrow": "→", "Rightarrow": "→", "degree": "°", "sum": "sum", "int": "integral", "quad": " ", "qquad": " "},
    **dict.fromkeys(("left", "right", "text", "mathrm", "mathbf", "mathit", "displaystyle", "boxed", "big", "Big"), ""),
}
_POWER: Final = late_pattern(r"\^\{?([23])\}?(?!\d)")
_BRACES: Final = str.maketrans("{}", "  ")


def with_formulas(text: str) -> str:
    r"""``text`` with what stands in ``\(…\)``, ``\[…\]`` and ``$…$`` as signs and words. Linear."""
    if "\\" in text:
        text = _DISPLAYED.sub(lambda found: _formula(found[1] or found[2]), text)
    if "$" in text:
        text = _DOLLARS.sub(lambda found: _formula(found[1] or found[2] or found[3]), text)
    return text


def _formula(inside: str) -> str:
    text = _FRACTION.sub(r" \1 / \2 ", _ROOT.sub(r"√\1 ", inside))
    text = _COMMAND.sub(lambda found: _command(found[1]), text)
    text = _POWER.sub(lambda found: {"2": "²", "3": "³"}[found[1]], text)
    return f" {text.translate(_BRACES).replace('_', ' ').replace('*', '×').strip()} "


def _command(name: str) -> str:
    if name in _SIGNS:
        return f" {_SIGNS[name]} " if _SIGNS[name] else ""
    size = "CAPITAL" if name[:1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name.removeprefix('var').upper().replace('LAMBDA', 'LAMDA')}")
    except KeyError:
        return f" {name} "
