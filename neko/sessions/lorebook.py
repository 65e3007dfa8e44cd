"""A character's lorebook: what a model is told of her world where words call for it.

Entries have the form that cards have (``character_book.entries`` in
https://github.com/malfoyslastname/character-card-spec-v2) and stand in the card under ``neko.lorebook``. One is told
when one of its ``keys`` is among the words of the last two lines or of an entry that is told, and its
``secondary_keys`` are as ``extensions.selectiveLogic`` wants them. Keys that are patterns (``/…/``) call for nothing,
as nothing bounds how long looking for one takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.well_formed import bare_words

LINES: Final = 2
"""The newest of the talk, which are searched for keys."""
_BUDGET: Final = 800
"""Tokens of all that is told with one turn."""
MOST_ENTRIES: Final = 1_000
_ORDER: Final = 100
_AND_ANY, _NOT_ALL, _NOT_ANY, _AND_ALL = range(4)
_PATTERN: Final = re.compile(r"/.+/[a-z]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """``keys`` and ``also`` are ``bare_words``. ``logic``: how many of ``also`` have to be there besides one of
    ``keys``; ``order``: the higher, the rather."""

    content: str
    keys: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    logic: int = _AND_ANY
    order: float = _ORDER
    always: bool = False
    calls_others: bool = True

    def fits(self, text: str) -> bool:
        """Does this text, which is ``bare_words``, call for it?"""
        if self.always:
            return True
        if not any(_stands(key, text) for key in self.keys):
            return False
        if not self.also:
            return True
        there = [_stands(key, text) for key in self.also]
        return {_NOT_ALL: not all(there), _NOT_ANY: not any(there), _AND_ALL: all(there)}.get(self.logic, any(there))


def _stands(key: str, text: str) -> bool:
    """A whole word, where blanks part them."""
    return f" {key} " in text if key.isascii() else key in text


def told(entries: Sequence[object], lines: Sequence[str], language: str) -> str:
    """What of a card's entries belongs to these lines, the most important last; "" for nothing."""
    left = sorted(filter(None, map(_read, entries[:MOST_ENTRIES])), key=lambda entry: -entry.order)
    chosen, room, text = list[str](), _BUDGET, _searched(lines)
    while text.strip():
        called, others = list[Entry](), list[Entry]()
        for entry in left:
            (called if entry.fits(text) else others).append(entry)
        left, text = others, ""
        for entry in called:
            cost = estimate_tokens(entry.content)
            if cost <= room:
                room -= cost
                chosen.insert(0, entry.content)
                text += _searched([entry.content]) if entry.calls_others else ""
    return "\n".join((phrases(language)["lore"], *chosen)) if chosen else ""


def _searched(texts: Sequence[str]) -> str:
    return f" {' | '.join(map(bare_words, texts))} "


def _read(one: object) -> Entry | None:
    """None for one that is switched off, or is no entry."""
    if not isinstance(one, Mapping) or not one.get("enabled", True) or not isinstance(one.get("content"), str):
        return None
    order, found = one.get("insertion_order"), one.get("extensions")
    extensions = found if isinstance(found, Mapping) else {}
    return Entry(
        one["content"].strip(),
        _keys(one.get("keys")),
        _keys(one.get("secondary_keys")) if one.get("selective", True) else (),
        logic if isinstance(logic := extensions.get("selectiveLogic"), int) else _AND_ANY,
        order if isinstance(order, int | float) else _ORDER,
        bool(one.get("constant")),
        not extensions.get("prevent_recursion"),
    )


def _keys(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else ()
    bare = (bare_words(key) for key in listed if isinstance(key, str) and not is_pattern(key))
    return tuple(filter(None, bare))


def is_pattern(key: str) -> bool:
    """Is the key a regular expression?"""
    return bool(_PATTERN.fullmatch(key.strip()))
