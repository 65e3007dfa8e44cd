"""What a model is told: the system prompt of a session and what memory adds to one turn.

The order of the pieces is that of ``contract/sessions.md`` §5: preamble, character, memory
(traits, time, memo, recent lines), closing line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from neko.llm.tokens import estimate_tokens
from neko.prompts import phrases
from neko.types.memory import Evidence, RecentEntry

RECENT_BUDGET = 2400
"""How many tokens, as ``estimate_tokens`` counts them, the recent lines may take."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who talks with whom. ``prompt`` is the card's system prompt with its placeholders filled;
    ``traits`` are the free fields of both cards. ``is_stranger``: what ``master`` says is no name."""

    character: str
    master: str
    prompt: str
    traits: Mapping[str, Mapping[str, object]]
    language: str
    is_stranger: bool = False


def compose(persona: Persona, recent: Sequence[RecentEntry], now: datetime) -> str:
    """The system prompt of a new session."""
    say = phrases(persona.language)
    names = {"character": persona.character, "master": say["stranger"] if persona.is_stranger else persona.master}
    memo = [entry.text for entry in recent if entry.role == "system"]
    lines = _within_budget([entry for entry in recent if entry.role != "system"], persona)
    traits = {name: dict(values) for name, values in persona.traits.items() if values}
    pieces = [
        say["preamble"].format(**names),
        persona.prompt,
        say["ask_name"] if persona.is_stranger else "",
        say["feeling"],
        say["traits"].format(**names) + "\n" + json.dumps(traits, ensure_ascii=False) if traits else "",
        say["now"].format(now=spoken_time(now)),
        say["memo"] + "\n" + memo[0] if memo else "",
        say["recent"] + "\n" + "\n".join(lines) if lines else "",
        say["closing"].format(**names),
    ]
    return "\n\n".join(piece for piece in pieces if piece)


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


def context(persona: Persona, recalled: Sequence[Evidence]) -> str:
    """What memory adds to one turn, or an empty string."""
    if not recalled:
        return ""
    say = phrases(persona.language)
    lines = [
        say["recall_line"].format(date=f"{evidence.at:%Y-%m-%d %H:%M}", speaker=evidence.speaker, text=evidence.text)
        for evidence in recalled
    ]
    return say["recall"] + "\n" + "\n".join(lines)


def spoken_time(now: datetime) -> str:
    """Date, weekday and time in a form every language model reads."""
    return f"{now:%A}, {now:%Y-%m-%d %H:%M}"


def _within_budget(entries: Sequence[RecentEntry], persona: Persona) -> list[str]:
    speakers = {"user": persona.master, "assistant": persona.character}
    lines: list[str] = []
    left = RECENT_BUDGET
    for entry in reversed(entries):
        line = f"{speakers[entry.role]} | {entry.text}"
        left -= estimate_tokens(line)
        if left < 0:
            break
        lines.append(line)
    return lines[::-1]
