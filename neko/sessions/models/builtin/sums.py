"""Sums put into words: tips, shares, parts and roots among them."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

from neko.sessions.models.builtin.arithmetic import SumTooLargeError, evaluate, in_words
from neko.sessions.models.builtin.numerals import with_digits
from neko.sessions.models.builtin.phrasebook import Phrasebook
from neko.sessions.models.builtin.wording import Wording

_LONGEST: Final = 300
_ALLOWED: Final = re.compile(r"[\d.+\-*/() ]+")
_TWO_NUMBERS: Final = re.compile(r"[\d.)]\s*[-+*/]+\s*[-+(]*\d")
_LOOKS_LIKE_DATE: Final = re.compile(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}|[\d ()-]*\d{3,}-\d{3,}")
_ROOT: Final = re.compile(r"√\s?(\d{1,12})")


def answer(book: Phrasebook, text: str, wording: Wording) -> str | None:
    """The answer to a sum in ``text``; None when it asks for none."""
    expression = _expression(book, text)
    if expression is None:
        return None
    shown = expression.replace("**", "^").replace("*", " × ").replace("/", " ÷ ")
    shown = " ".join(re.sub(r"(?<=[\d)])([-+])", r" \1 ", shown).split())
    try:
        number, exact = _root(expression) or in_words(evaluate(expression))
    except ZeroDivisionError:
        return wording.say(book, "sum_zero")
    except SumTooLargeError:
        return wording.say(book, "sum_huge")
    except ValueError:
        return None
    return wording.say(book, "sum" if exact else "sum_about", expression=shown, result=number)


def _root(expression: str) -> tuple[str, bool] | None:
    root = _ROOT.fullmatch(expression)
    if root is None:
        return None
    number = int(root[1])
    whole = math.isqrt(number)
    return in_words(Fraction(whole)) if whole * whole == number else (f"{math.sqrt(number):.6g}", False)


def _expression(book: Phrasebook, text: str) -> str | None:
    """The sum that ``text`` asks for, when it asks for nothing else."""
    if len(text) > _LONGEST or _LOOKS_LIKE_DATE.fullmatch(text):
        return None
    for words, number in sorted(book.sums.numbers.items(), key=lambda item: -len(item[0])):
        text = re.sub(rf"\b{words}\b", str(number), text)
    text = re.sub(r"(?<=\d)[,_](?=\d{3}\b)", "", with_digits(text))
    text = text.replace("×", "*").replace("÷", "/").replace("^", "**").replace("−", "-")
    for pattern, in_signs in book.sums.rewrites:
        text = pattern.sub(in_signs, text, count=1)
    for pattern, sign in book.sums.operators:
        text = pattern.sub(sign, text)
    for pattern in book.sums.frame:
        text = pattern.sub(" ", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%", r"(\1/100)", text)
    text = re.sub(r"\b0+(?=\d)", "", text).strip()
    if _ROOT.fullmatch(text):
        return text
    if not _ALLOWED.fullmatch(text) or not (_TWO_NUMBERS.search(text) or "**" in text):
        return None
    return re.sub(r"\s+", "", text) if not re.search(r"\d\s+\d", text) else None
