"""The lines that the model of danger is trained with (``tests/safety/train.py``).

A file is a list of lines by section, as those that are tested with. ``{one|two}`` stands for either and ``<name>`` for
what ``@name: one|two`` listed above; of such a line so many of its wordings are taken, by chance but always the same.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from neko.language import LANGUAGES
from neko.settings.paths import ASSETS
from tests.companion.exchanges import exchanges

HERE = Path(__file__).parent
HARMLESS = "none"
HELD_OUT = ("held_out", "everyday")
"""Folders of lines that no model is trained with."""
WORDINGS = 40
"""At most so many wordings are taken of one line."""
_ILLNESS = ("illness", "生病", "病気", "병")
"""Groups of the companion's exchanges that may well be an emergency."""
_SPEAKS_OF_IT = re.compile(
    r"suicid|hurt|emergency|helpline|kill|die\b|unsafe|violence|112|119|911|"
    r"死|自杀|自殺|危险|危險|急救|緊急|暴力|죽|위험|응급",
    re.IGNORECASE,
)
"""Ordinary sentences that are no example of what is harmless."""
_PLACEHOLDER = re.compile(r"<\w+>|\{[^}]*\}")
_LABEL = 8
"""Characters up to which a text of ours is a label and no sentence."""
_NAME = re.compile(r"<(\w+)>")
_CHOICE = re.compile(r"\{([^{}]*)\}")


class Lines(NamedTuple):
    """The wordings of one line. ``kind`` is a danger or ``none``."""

    language: str
    kind: str
    wordings: list[str]


def labelled(file: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file with the section that each stands in: a danger, or ``none``."""
    section = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            yield section, line


def training_lines() -> Iterator[Lines]:
    """All of them, always in the same order, without what is held out."""
    files = [file for folder in HELD_OUT for file in (HERE / folder).glob("*.txt")]
    held_out = {line for file in files for _, line in labelled(file)}
    for lines in _all_lines():
        if wordings := [wording for wording in lines.wordings if wording not in held_out]:
            yield lines._replace(wordings=wordings)


def _all_lines() -> Iterator[Lines]:
    chance = random.Random(1)
    for file in sorted(HERE.glob("*.txt")):
        for kind, line in labelled(file):
            yield Lines(file.stem, kind, [line])
    for language, text in sorted(set(_ordinary())):
        if not _SPEAKS_OF_IT.search(text):
            yield Lines(language, HARMLESS, [text])
    for file in sorted((HERE / "training").glob("*.txt")):
        names: dict[str, str] = {}
        for kind, line in labelled(file):
            if line.startswith("@"):
                name, _, listed = line[1:].partition(":")
                names[name] = listed.strip()
            else:
                yield Lines(file.stem, kind, _wordings(line, names, chance))


def _ordinary() -> Iterator[tuple[str, str]]:
    """What people say to her on any day, what she says, and what the page does: none of it is danger.

    Without that a model knows danger and its look-alikes only, and takes one in four ordinary sentences for it.
    """
    for language in LANGUAGES:
        for exchange in exchanges(language):
            if exchange.group not in _ILLNESS:
                yield from ((language, turn) for turn in exchange.turns)
        for folder in ("offline", "locales"):
            words = json.loads((ASSETS / folder / f"{language}.json").read_text(encoding="utf-8"))
            for text in _sentences(words.get("phrases", {}) if folder == "offline" else words):
                yield language, text


def _sentences(words: Any) -> Iterator[str]:
    if isinstance(words, str):
        text = _PLACEHOLDER.sub("", words).strip()
        if len(text) > _LABEL:
            yield text
    elif isinstance(words, dict | list):
        for one in words.values() if isinstance(words, dict) else words:
            yield from _sentences(one)


def _wordings(line: str, names: dict[str, str], chance: random.Random) -> list[str]:
    if "{" not in line and "<" not in line:
        return [line]
    found = sorted({_one(line, names, chance) for _ in range(2 * WORDINGS)})
    return found if len(found) <= WORDINGS else chance.sample(found, WORDINGS)


def _one(line: str, names: dict[str, str], chance: random.Random) -> str:
    line = _NAME.sub(lambda found: "{" + names[found[1]] + "}", line)
    while "{" in line or "<" in line:
        line, changed = _CHOICE.subn(lambda found: chance.choice(found[1].split("|")), line)
        line = _NAME.sub(lambda found: "{" + names[found[1]] + "}", line)
        if not changed and not _CHOICE.search(line):
            raise ValueError(f"a brace that is not closed: {line}")
    return re.sub("  +", " ", line).strip()
