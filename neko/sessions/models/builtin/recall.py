"""Quotes what the user said before, where it answers what they ask: subject and verb have to agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neko.language import LANGUAGES
from neko.sessions.models.builtin.phrasebook import Phrasebook, phrasebook, plain
from neko.sessions.models.builtin.wording import Wording
from neko.sessions.recall_lines import LEAST_FIT
from neko.types.memory import Evidence

_LONGEST_QUOTE: Final = 160
_LONGEST_TEXT: Final = 2000


def answer(book: Phrasebook, text: str, recalled: Sequence[Evidence], wording: Wording) -> str | None:
    """A line of the user that shares at least two thirds of the words that matter in the question ``text``.

    Or one that tells the fact that is asked for, in other words. Never a line of hers, and never a question.
    """
    wanted = book.key_words(text)
    told = next((pattern for fact in book.facts if (pattern := fact.wanted(text))), None)
    hits = [
        hit
        for hit in recalled
        if hit.role == "user"
        and not _asks(book, hit)
        and (
            told.search(plain(hit.text[:_LONGEST_TEXT]))
            if told
            else 3 * len(book.shared(wanted, hit.text[:_LONGEST_TEXT])) >= 2 * len(wanted) > 0
        )
    ]
    if not hits:
        return None
    best = max(hits, key=lambda hit: (len(book.shared(wanted, hit.text)), hit.at, hit.score))
    reply = _quote(book, "recall_elsewhere" if best.elsewhere else "recall_user", best, wording)
    shared = book.shared(wanted, best.text)
    others = (
        hit
        for hit in hits
        if plain(hit.text) != plain(best.text)
        and _told_to(hit) == _told_to(best)
        and shared <= book.shared(wanted, hit.text)
    )
    other = next(others, None)
    return reply if other is None else reply + _quote(book, "recall_also", other, wording)


def may_be_told(book: Phrasebook, recalled: Sequence[Evidence]) -> bool:
    """Whether the user may have told what they ask for in words that ``answer`` does not see to answer it."""
    return any(hit.role == "user" and hit.fit >= LEAST_FIT and not _asks(book, hit) for hit in recalled)


def _asks(book: Phrasebook, hit: Evidence) -> bool:
    """Whether the line asks, or asks to forget, and tells nothing."""
    text = plain(hit.text[:_LONGEST_TEXT])
    return book.matches("question", text) or book.matches("forget", text)


def _told_to(hit: Evidence) -> str:
    """The other character, "" for her."""
    return hit.elsewhere.character if hit.elsewhere else ""


def search_words(text: str) -> str:
    """``text`` with the words in which a fact that it asks for may have been told; for a search of the log.

    Reads the phrases of every language at the first call (not on the loop thread).
    """
    asked = plain(text[:_LONGEST_TEXT])
    facts = (fact for language in LANGUAGES for fact in phrasebook(language).facts)
    return " ".join((text, *{fact.words for fact in facts if fact.words and fact.wanted(asked)}))


def _quote(book: Phrasebook, name: str, hit: Evidence, wording: Wording) -> str:
    text = " ".join(hit.text.split())
    if len(text) > _LONGEST_QUOTE:
        text = text[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + "…"
    when = book.when(hit.at, wording.clock())
    opening, closing = book.quotes
    quote = opening + text.rstrip(".。") + closing
    said = {"when": when, "When": when[0].upper() + when[1:], "quote": quote, "other": _told_to(hit)}
    return wording.say(book, name, **said)
