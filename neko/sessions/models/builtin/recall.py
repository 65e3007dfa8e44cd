"""Quotes what the user said before, where it answers what they ask: subject and verb have to agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neko.sessions.models.builtin.phrasebook import Phrasebook, plain
from neko.sessions.models.builtin.wording import Wording
from neko.types.memory import Evidence

_LONGEST_QUOTE: Final = 160
_LONGEST_TEXT: Final = 2000


def answer(book: Phrasebook, text: str, recalled: Sequence[Evidence], wording: Wording) -> str | None:
    """A line of the user that shares at least two thirds of the words that matter in the question ``text``.

    Never a line of hers, and never a question.
    """
    wanted = book.key_words(text)
    hits = [
        hit
        for hit in recalled
        if hit.role == "user"
        and not book.matches("question", plain(hit.text[:_LONGEST_TEXT]))
        and not book.matches("forget", plain(hit.text[:_LONGEST_TEXT]))
        and 3 * len(book.shared(wanted, hit.text[:_LONGEST_TEXT])) >= 2 * len(wanted) > 0
    ]
    if not hits:
        return None
    best = max(hits, key=lambda hit: (len(book.shared(wanted, hit.text)), hit.at, hit.score))
    reply = _quote(book, "recall_user", best, wording)
    shared = book.shared(wanted, best.text)
    others = (hit for hit in hits if plain(hit.text) != plain(best.text) and shared <= book.shared(wanted, hit.text))
    other = next(others, None)
    return reply if other is None else reply + _quote(book, "recall_also", other, wording)


def _quote(book: Phrasebook, name: str, hit: Evidence, wording: Wording) -> str:
    text = " ".join(hit.text.split())
    if len(text) > _LONGEST_QUOTE:
        text = text[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + "…"
    when = book.when(hit.at, wording.clock())
    opening, closing = book.quotes
    quote = opening + text.rstrip(".。") + closing
    return wording.say(book, name, when=when, When=when[0].upper() + when[1:], quote=quote)
