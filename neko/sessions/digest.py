"""What a session is told at its start of what is known: people, and what is still open between the two.

Each part has a budget of tokens, as ``estimate_tokens`` counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from neko.i18n import attribute_name
from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.types.lines import UNKNOWN_TIME, Line
from neko.types.memory import CHARACTER, USER, Fact
from neko.well_formed import bare_words

One = TypeVar("One")

FACTS_BUDGET: Final = 400
"""Of what is known of people."""
OPEN_BUDGET: Final = 200
"""Of plans, promises and questions without an answer."""
_INTENTIONS: Final = frozenset(("plan", "promise"))
_OPEN_FOR: Final = timedelta(days=60)
"""What is older is left to recall."""


@dataclass(frozen=True, slots=True)
class Digest:
    """``sources``: the ids of the lines that it rests on."""

    text: str
    sources: frozenset[int]


def stands(value: str, *texts: str) -> bool:
    """Do these words stand in one of the texts, which are ``bare_words``? Whole ones, where blanks part them."""
    bare = bare_words(value)
    return any(f" {bare} " in f" {text} " if bare.isascii() else bare in text for text in texts)


def digest(
    facts: Sequence[Fact], questions: Sequence[Line], names: Mapping[str, str], language: str, now: datetime
) -> Digest:
    """``names``: what ``USER`` and ``CHARACTER`` are called."""
    say = phrases(language)
    lately = now.replace(tzinfo=None) - _OPEN_FOR
    known = [fact for fact in facts if fact.pinned or fact.attribute not in _INTENTIONS]
    people = _within(FACTS_BUDGET, [(fact, _line(fact, names, language)) for fact in _by_weight(known)])
    open_facts = [fact for fact in facts if fact not in known and fact.valid_from >= lately]
    threads = [(fact.valid_from, fact.sources, _line(fact, names, language)) for fact in _by_weight(open_facts)]
    for line in questions:
        if line.at >= lately:
            speaker = names[USER if line.role == "user" else CHARACTER]
            text = say["open_question"].format(speaker=speaker, text=line.text, date=f"{line.at:%Y-%m-%d}")
            threads.append((line.at, (line.id,), text))
    threads.sort(key=lambda one: one[0], reverse=True)
    still_open = _within(OPEN_BUDGET, [(one, one[2]) for one in threads])
    pieces = [
        "\n".join((say["facts"], *_grouped(people))) if people else "",
        "\n".join((say["open"], *(text for _, text in reversed(still_open)))) if still_open else "",
    ]
    sources = {source for fact, _ in people for source in fact.sources}
    sources.update(source for (_, lines, _), _ in still_open for source in lines)
    return Digest("\n\n".join(filter(None, pieces)), frozenset(sources))


def _by_weight(facts: Sequence[Fact]) -> list[Fact]:
    """All that are pinned, then the newest first."""
    return [*(fact for fact in facts if fact.pinned), *(fact for fact in reversed(facts) if not fact.pinned)]


def _within(budget: int, lines: Sequence[tuple[One, str]]) -> list[tuple[One, str]]:
    """The first of the lines that fit, and every one that is pinned."""
    chosen = []
    for one, text in lines:
        budget -= estimate_tokens(text) + 1
        if budget < 0 and not (isinstance(one, Fact) and one.pinned):
            break
        chosen.append((one, text))
    return chosen


def _grouped(lines: Sequence[tuple[Fact, str]]) -> list[str]:
    """Those of one person together, the user first, the oldest first."""
    first: dict[str, int] = {USER: -2, CHARACTER: -1}
    for fact, _ in sorted(lines, key=lambda one: one[0].id):
        first.setdefault(fact.subject, fact.id)
    return [text for _, text in sorted(lines, key=lambda one: (first[one[0].subject], one[0].valid_from, one[0].id))]


def _line(fact: Fact, names: Mapping[str, str], language: str) -> str:
    return phrases(language)["fact_line"].format(
        subject=names.get(fact.subject, fact.subject),
        attribute=attribute_name(fact.attribute, language),
        value=fact.value,
        date="?" if fact.valid_from == UNKNOWN_TIME else f"{fact.valid_from:%Y-%m-%d}",
    )
