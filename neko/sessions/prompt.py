"""What a model is told: the system prompt of a session, and what is known for one turn alone.

The order of the pieces is that of ``contract/sessions.md`` §5: preamble, character, memory
(traits, time, memo, recent lines), closing line. What changes from turn to turn, the time and what memory
recalls, stands behind the talk, so that a server need not read again what comes before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from neko.llm.tokens import beginning, estimate_tokens
from neko.prompts import phrases
from neko.sessions.digest import digest, stands
from neko.sessions.prompt_lines import Instructions
from neko.sessions.recall_lines import recall_lines
from neko.types.lines import Line
from neko.types.memory import CHARACTER, USER, Evidence, Fact, Gist, RecentEntry, no_gist
from neko.well_formed import bare_words

RECENT_BUDGET = 2400
"""How many tokens, as ``estimate_tokens`` counts them, the recent lines may take."""
_RECENT_SHARE = 8
_ROOMY = RECENT_BUDGET * _RECENT_SHARE
_LONGEST_RECENT = RECENT_BUDGET // 6
"""Tokens of one of them: of a longer one the beginning stands there."""
_GIST = 800
"""Characters of what is told of lines that do not stand there whole."""
_LEAST_RECENT = 40
"""Tokens that are worth beginning a line for."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who talks with whom. ``prompt`` is the card's system prompt with its placeholders filled;
    ``traits`` are the free fields of both cards, ``lorebook`` the entries of the character's
    (``sessions/lorebook``). ``is_stranger``: what ``master`` says is no name."""

    character: str
    master: str
    prompt: str
    traits: Mapping[str, Mapping[str, object]]
    language: str
    is_stranger: bool = False
    lorebook: Sequence[object] = ()


def compose(
    persona: Persona,
    recent: Sequence[RecentEntry],
    began: datetime,
    facts: Sequence[Fact] = (),
    questions: Sequence[Line] = (),
    gist: Gist = no_gist,
    most_tokens: int | None = None,
) -> Instructions:
    """The system prompt of a session that began at this moment; of the ``facts`` and open ``questions`` what the cards,
    the memo and the recent lines do not say. Of recent lines that it has no room for, and that are in no memo yet, the
    ``gist`` is told; where a request has ``most_tokens``, recent lines take a small part of them."""
    say = phrases(persona.language)
    names = {"character": persona.character, "master": say["stranger"] if persona.is_stranger else persona.master}
    memo = [entry.text for entry in recent if entry.role == "system"][:1]
    outside = any(entry.outside for entry in recent)
    said = [entry for entry in recent if entry.role != "system"]
    lines, whole, untold = _within_budget(said, persona, min(RECENT_BUDGET, (most_tokens or _ROOMY) // _RECENT_SHARE))
    if untold and (told := gist(untold, _GIST)):
        memo.append(told)
    shown = said[len(said) - len(lines) :]
    of_before = [line for line, entry in zip(lines, shown, strict=True) if entry.left]
    of_chat = lines[len(of_before) :]
    traits = {name: dict(values) for name, values in persona.traits.items() if values}
    called = {USER: names["master"], CHARACTER: persona.character}
    there = bare_words("\n".join((*memo, *lines)))
    of_cards = {who: bare_words("\n".join(map(str, traits.get(name, {}).values()))) for who, name in called.items()}
    new = [fact for fact in facts if fact.pinned or not stands(fact.value, of_cards.get(fact.subject, ""), there)]
    still = [line for line in questions if line.id not in whole and not stands(line.text, there)]
    known = digest(new, still, called, persona.language, began)
    pieces = [
        say["preamble"].format(**names),
        persona.prompt,
        say["ask_name"] if persona.is_stranger else "",
        say["feeling"],
        say["traits"].format(**names) + "\n" + json.dumps(traits, ensure_ascii=False) if traits else "",
        say["began"].format(now=spoken_time(began, persona.language)),
        "\n".join(filter(None, (say["memo"], say["of_others"] if outside else "", *memo))) if memo else "",
        known.text,
        "\n".join((say["left"], *of_before)) if of_before else "",
        "\n".join((say["recent"], *of_chat)) if of_chat else "",
        say["closing"].format(**names),
    ]
    return Instructions("\n\n".join(piece for piece in pieces if piece), whole, known.sources, outside)


def is_full(recent: Sequence[RecentEntry]) -> bool:
    """Are there more recent lines than a prompt has room for?"""
    lines = [entry.text for entry in recent if entry.role != "system"]
    return sum(map(estimate_tokens, lines)) > RECENT_BUDGET


def before(recent: Sequence[RecentEntry], pending: Sequence[str], *, again: bool) -> list[RecentEntry]:
    """What was said before the lines of ``pending``, which the model gets as messages and must not read twice.

    ``again``: the last of them is asked anew; the reply that it got goes too.
    """
    earlier = list(recent)
    if again and earlier and earlier[-1].role == "assistant":
        earlier.pop()
    while earlier and earlier[-1].role == "user" and earlier[-1].text in pending:
        earlier.pop()
    return earlier


@dataclass(frozen=True, slots=True)
class Known:
    """What a turn is told from memory, "" for nothing, and the evidence that it is."""

    text: str
    evidence: tuple[Evidence, ...]


def context(
    persona: Persona,
    recalled: Sequence[Evidence],
    question: str = "",
    stands: Callable[[Evidence], bool] = lambda _: False,
) -> Known:
    """What of ``recalled`` is worth telling for one turn (``recall_lines``)."""
    chosen = recall_lines(recalled, question, persona.language, stands)
    lines = [line for _, line in chosen]
    text = "\n".join((phrases(persona.language)["recall"], *lines)) if lines else ""
    return Known(text, tuple(evidence for evidence, _ in chosen))


def clock(language: str, now: datetime, began: datetime) -> str:
    """The time in words, with the day if it is another than that on which the session began."""
    say = phrases(language)
    if now.date() == began.date():
        return say["clock"].format(time=f"{now:%H:%M}")
    return say["now"].format(now=spoken_time(now, language))


def spoken_time(now: datetime, language: str) -> str:
    """Date, weekday and time in a form every language model reads, in the words of the language."""
    say = phrases(language)
    weekday = say["weekdays"].split()[now.weekday()]
    return say["moment"].format(weekday=weekday, date=f"{now:%Y-%m-%d}", time=f"{now:%H:%M}")


def _within_budget(
    entries: Sequence[RecentEntry], persona: Persona, left: int
) -> tuple[list[str], frozenset[int], list[RecentEntry]]:
    """The newest lines within the tokens that are ``left``, the ids of those that stand there whole, and what does not,
    oldest first."""
    speakers = {"user": persona.master, "assistant": persona.character}
    dated = phrases(persona.language)["recent_line"]
    lines: list[str] = []
    whole: set[int] = set()
    untold: list[RecentEntry] = []
    for number, entry in enumerate(reversed(entries)):
        date = f"{entry.at:%Y-%m-%d %H:%M}" if entry.at else ""
        room = min(left, _LONGEST_RECENT)
        if room < _LEAST_RECENT:
            untold += reversed(entries[: len(entries) - number])
            break
        line = dated.format(date=date, speaker=speakers[entry.role], text=entry.text).lstrip()
        shown = beginning(line, room)
        left -= estimate_tokens(shown)
        lines.append(shown)
        if shown == line:
            whole.add(entry.id)
        else:
            untold.append(replace(entry, text=line[len(shown) - 1 :]))
    return lines[::-1], frozenset(whole - {0}), untold[::-1]
