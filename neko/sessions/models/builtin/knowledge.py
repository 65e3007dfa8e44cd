"""What she knows about the user and the people around them, told when they ask for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neko.i18n import attribute_name, sentence
from neko.sessions.models.builtin.phrasebook import Phrasebook
from neko.sessions.models.builtin.wording import Wording
from neko.types.memory import CHARACTER, USER, Fact

_MOST: Final = 12
_FIRST: Final = frozenset(("name", "home", "job", "birthday", "allergy"))
"""What is told of even when there is too much else."""


def answer(book: Phrasebook, known: Sequence[Fact], wording: Wording) -> str | None:
    """The facts as a list, with where they can be set right; None when nothing is known."""
    of_them = [fact for fact in known if fact.subject != CHARACTER]
    if not of_them:
        return None
    least_first = sorted(of_them, key=lambda fact: (fact.pinned, fact.attribute in _FIRST))
    shown = {fact.id for fact in least_first[-_MOST:]}
    told = sorted((fact for fact in of_them if fact.id in shown), key=lambda fact: fact.subject != USER)
    lines = [_item(fact, book.language) for fact in told]
    if left := len(of_them) - len(told):
        lines.append(wording.say(book, "know_more", count=left))
    places = {"menu": sentence("menu.memory", book.language), "tab": sentence("memory.known", book.language)}
    return wording.say(book, "know_facts", lines="".join(f"\n- {line}" for line in lines) + "\n\n", **places)


def _item(fact: Fact, language: str) -> str:
    item = f"{attribute_name(fact.attribute, language)}: {fact.value}"
    return item if fact.subject == USER else f"{fact.subject}, {item}"
