"""What is said to somebody who may be in danger, by language (``assets/safety``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from neko.language import LANGUAGES
from neko.safety.danger import Danger
from neko.safety.helplines import Help, Helpline
from neko.settings.paths import ASSETS


@dataclass(frozen=True, slots=True)
class Words:
    """One language.

    ``replies``: for each danger wordings of what is said before and after whom to call; ``reach``: whom, by what is
    known of the region; ``after``: what is said in the lines that follow; ``told``: patterns of those lines;
    ``card``: the title of the card; ``emergency``: what an emergency number reaches; ``note``: for a model.
    """

    replies: Mapping[Danger, Sequence[tuple[str, str]]]
    reach: Mapping[str, str]
    after: Mapping[str, Sequence[str]]
    told: Mapping[str, str]
    card: Mapping[Danger, str]
    emergency: Mapping[str, str]
    note: str

    def whom(self, help_: Help) -> str:
        """Whom to call, in one sentence or two."""
        if not help_.emergency:
            return self.reach["unknown"].format(find=help_.find.removeprefix("https://"))
        number = help_.emergency[0].number
        line = next(iter(help_.lines), None)
        if line is None:
            return self.reach["emergency"].format(emergency=number)
        form = "line_first" if help_.danger is Danger.SELF_HARM else "emergency_first"
        return self.reach[form].format(emergency=number, name=line.name, number=line.number)

    def numbers(self, help_: Help) -> tuple[Helpline, ...]:
        """All of them, whom to call first first, each with a name."""
        emergency = [replace(line, name=self.emergency.get(line.name, line.name)) for line in help_.emergency]
        first, then = (help_.lines, emergency) if help_.danger is Danger.SELF_HARM else (emergency, help_.lines)
        return (*first, *then)


def load_words() -> None:
    """Read the words of every language ahead of their use (files are read: not on the loop thread)."""
    for language in LANGUAGES:
        words(language)


@cache
def words(language: str) -> Words:
    """The words of a language; its file is read at the first call (not on the loop thread)."""
    data: dict[str, Any] = json.loads((ASSETS / "safety" / f"{language}.json").read_text(encoding="utf-8"))
    return Words(
        {danger: [(before, after) for before, after in data["replies"][danger.value]] for danger in Danger},
        data["reach"],
        data["after"],
        data["told"],
        {danger: data["card"][danger.value] for danger in Danger},
        data["emergency"],
        data["note"],
    )
