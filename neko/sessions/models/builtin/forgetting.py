"""Finds what the user wants forgotten, asks before it goes, and takes a clear yes for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neko.sessions.models.builtin.phrasebook import Phrasebook, plain
from neko.types.memory import Evidence

_LONGEST_QUOTE: Final = 120
_LONGEST_TEXT: Final = 2000
_MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """To forget these lines of the log. ``turn`` is that of the wish and of her question, which name them again.

    ``names``: one of them says what the user is called.
    """

    lines: tuple[int, ...]
    turn: str
    names: bool


def find(book: Phrasebook, text: str, recalled: Sequence[Evidence]) -> list[Evidence] | None:
    """The lines that the wish ``text`` means, the oldest first; None when it names nothing to look for.

    Lines of the user that hold at least two thirds of its words that matter, and lines of hers that repeat one.
    """
    for pattern in book.triggers["forget_words"]:
        text = pattern.sub(" ", text)
    wanted = book.key_words(text)
    if not wanted:
        return None
    lines = [hit for hit in recalled if hit.layer == "line"]
    theirs = [
        hit
        for hit in lines
        if hit.role == "user"
        and not book.matches("question", plain(hit.text[:_LONGEST_TEXT]))
        and 3 * len(book.shared(wanted, hit.text[:_LONGEST_TEXT])) >= 2 * len(wanted)
    ]
    said = [plain(hit.text).rstrip(".。!！") for hit in theirs]
    hers = [hit for hit in lines if hit.role == "assistant" and any(words in plain(hit.text) for words in said)]
    return sorted((*theirs, *hers), key=lambda hit: hit.at)


def listed(book: Phrasebook, hits: Sequence[Evidence]) -> str:
    """Each line shortened, on one of its own; beyond a few only that there are more."""
    opening, closing = book.quotes
    shown = [f"\n- {opening}{_shortened(hit.text)}{closing}" for hit in hits[:_MOST_SHOWN]]
    return "".join(shown) + (f"\n- … (+{len(hits) - _MOST_SHOWN})" if len(hits) > _MOST_SHOWN else "") + "\n\n"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1].rstrip() + "…"
