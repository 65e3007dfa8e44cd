"""Reads the exchanges of a language and has the built-in model answer them.

A file is groups of lines. A group begins with ``= name | faces | must | must not``: which faces fit (``!sad``: any but
this; ``-``: any), and patterns for her reply. A line is what a newcomer writes; ``a >> b`` are two turns of which the
last is judged, ``(words)`` at its end is something they said on another day, ``=> pattern`` must be in the reply, too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from neko.characters import CHARACTERS, MASTER, PROFILE_NAME, default_characters
from neko.sessions.models.builtin.rules import Rules
from neko.types.memory import Because, Evidence, Reason
from neko.types.model_session import UserMessage

NOW = datetime(2026, 11, 27, 15, 39, tzinfo=UTC)
FOLDER = Path(__file__).parent
HELD_OUT = 3
"""Every third line was not looked at while the rules were written."""
_LINE = re.compile(r"^(?P<turns>.+?)(?: \((?P<memory>.+)\))?(?: => (?P<must>.+))?$")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is said, in turns, and what is acceptable as the last reply."""

    group: str
    turns: tuple[str, ...]
    memory: str | None
    faces: str
    must: tuple[str, ...]
    must_not: str
    held_out: bool

    def fault(self, reply: str) -> str | None:
        """What is wrong with ``reply``; None when nothing is."""
        tag = re.match(r"<(\w+)>", reply)
        face, words = (tag[1] if tag else "none"), re.sub(r"<\w+>", "", reply)
        fits = (face in self.faces) != self.faces.startswith("!")
        if self.faces != "-" and not fits:
            return f"the face is {face}"
        if lacking := [one for one in self.must if not re.search(one, words, re.IGNORECASE)]:
            return f"lacks {lacking[0]}"
        found = re.search(self.must_not, words, re.IGNORECASE) if self.must_not else None
        return f"says {found[0]!r}" if found else None


def exchanges(language: str) -> Iterator[Exchange]:
    """All of a language, in the order of its file."""
    group = ["", "-", ".", ""]
    number = 0
    for line in (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            group = [part.strip() for part in line[2:].split(" | ")]
            continue
        read = _LINE.match(line)
        assert read, line
        number += 1
        must = (group[2], *([read["must"]] if read["must"] else []))
        turns = tuple(read["turns"].split(" >> "))
        yield Exchange(group[0], turns, read["memory"], group[1], must, group[3], number % HELD_OUT == 0)


def reply_to(exchange: Exchange, language: str) -> str:
    """Her last reply, from a fresh session with the first card of the language."""
    cards = default_characters(language)
    character, card = next(iter(cards[CHARACTERS].items()))
    traits = {name: str(value) for name, value in card.items() if name != "system_prompt"}
    master = str(cards[MASTER][PROFILE_NAME])
    rules = Rules(character, master, language, lambda: NOW, random.Random(str(exchange.turns)), traits)
    recalled: tuple[Evidence, ...] = ()
    if exchange.memory:
        recalled = (
            Evidence(
                exchange.memory, "user", master, datetime(2026, 11, 3, 10), "line", (1,), Reason(Because.MENTIONS), 1.0
            ),
        )
    reply = ""
    for turn in exchange.turns:
        reply = rules.answer(UserMessage("1", turn, recalled=recalled))
    return reply
