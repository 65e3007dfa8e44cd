"""Finds what the user wants forgotten, asks before it goes, and takes a clear yes for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neko.sessions.models.builtin.names import told_name
from neko.sessions.models.builtin.phrasebook import Phrasebook, namings, plain
from neko.types.memory import Evidence

_LONGEST_QUOTE: Final = 120
_LONGEST_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class Wish:
    """To forget these lines of the log. ``turn`` is that of the wish and of her question, which name them again.

    ``names``: one of them, or the message ``told_in``, says what the user is called; ``name``: what that was, once it
    is granted.
    """

    lines: tuple[int, ...]
    turn: str
    names: bool
    name: str = ""
    told_in: str = ""


def find(book: Phrasebook, text: str, recalled: Sequence[Evidence]) -> list[Evidence] | None:
    """The lines that the wish ``text`` means, the oldest first; None when it names nothing to look for.

    Lines of the user that hold at least two thirds of its words that matter, or give their name if that is meant, and
    lines of hers that repeat one.
    """
    lines = [hit for hit in recalled if hit.layer == "line" and hit.elsewhere is None]
    theirs = [hit for hit in lines if hit.role == "user"]
    wanted = _wanted(book, text)
    if wanted:
        theirs = [
            hit
            for hit in theirs
            if not book.matches("question", plain(hit.text[:_LONGEST_TEXT]))
            and 3 * len(book.shared(wanted, hit.text[:_LONGEST_TEXT])) >= 2 * len(wanted)
        ]
    elif book.matches("forget_name", text):
        theirs = [hit for hit in theirs if told_name(hit.text[:_LONGEST_TEXT], namings())]
    else:
        return None
    said = [plain(hit.text).rstrip(".。!！") for hit in theirs]
    hers = [hit for hit in lines if hit.role == "assistant" and any(words in plain(hit.text) for words in said)]
    return sorted((*theirs, *hers), key=lambda hit: hit.at)


def _wanted(book: Phrasebook, text: str) -> set[str]:
    """The words that matter, without those that are for forgetting."""
    for pattern in book.triggers["forget_words"]:
        text = pattern.sub(" ", text)
    return book.key_words(text)


def listed(book: Phrasebook, texts: Sequence[str]) -> str:
    """All of them, since a yes is to all: each shortened, as an item of a list."""
    opening, closing = book.quotes
    return "".join(f"\n- {opening}{_shortened(text)}{closing}" for text in texts) + "\n\n"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1].rstrip() + "…"
