"""A talk as Markdown: to be read by people, and back again as far as it goes.

Lines are there with who said them and when, to the second, and the memo. There are no ids, sessions, chats, earlier
versions of replies and pictures; what is known of people, and what was changed by hand, stands there to be read. What
was said may look like one of our own marks: it then has a backslash more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Final

from neko.memory.import_rows import Precision, Taken
from neko.types.lines import Line, NewLine, Role
from neko.types.memory import Change, Fact

_TITLE: Final = re.compile(r"# (.{1,1000})")
_DAY: Final = re.compile(r"## (\d{4}-\d\d-\d\d)")
_SPEAKER: Final = re.compile(r"\*\*(.{1,1000})\*\*(?: \((user|assistant|system)\))? (\d\d:\d\d(?::\d\d)?)")
_PICTURES: Final = re.compile(r"\[(\d{1,4}) 🖼\]")
_MARKS: Final = re.compile(
    r"\\*(?:## \d{4}-\d\d-\d\d|\*\*.{1,1000}\*\*(?: \((?:user|assistant|system)\))? \d\d:\d\d(?::\d\d)?|\[\d{1,4} 🖼\])"
)


class Written:
    """Writes a talk line by line."""

    def __init__(self, character: str) -> None:
        self._character = character
        self._day: date | None = None

    def head(self, memo: str, facts: Sequence[Fact], changes: Sequence[Change] = ()) -> str:
        told = f"\n> {memo.replace(chr(10), chr(10) + '> ')}\n" if memo else ""
        known = "\n" + "".join(f"* {_told(fact)}\n" for fact in facts) if facts else ""
        changed = "".join(f"* {one.at.isoformat()}, {one.kind.value}: {one.lines}\n" for one in changes)
        by_hand = f"\n### Changes\n\n{changed}" if changed else ""
        return f"# {self._character}\n{told}{known}{by_hand}"

    def line(self, line: Line) -> str:
        day = "" if line.at.date() == self._day else f"\n## {line.at.date().isoformat()}\n"
        self._day = line.at.date()
        role = "" if line.role == _role_of(line.speaker, self._character) else f" ({line.role})"
        pictures = f"\n\n[{line.images} 🖼]" if line.images else ""
        return f"{day}\n**{line.speaker}**{role} {line.at:%H:%M:%S}\n\n{escaped(line.text)}{pictures}\n"


def _told(fact: Fact) -> str:
    until = fact.valid_to.date().isoformat() if fact.valid_to else ""
    return f"**{fact.subject}**, {fact.attribute}: {fact.value} ({fact.valid_from.date().isoformat()} – {until})"


def _role_of(speaker: str, character: str) -> Role:
    return "assistant" if speaker == character else "user"


def escaped(text: str) -> str:
    """What was said, so that none of it is taken for a mark of ours."""
    return "\n".join("\\" + one if _MARKS.fullmatch(one) else one for one in text.split("\n"))


def named_in(text: str) -> str:
    """Whose talk a text is, "" when it is none that was written here."""
    lines = iter(text.lstrip("\ufeff").split("\n"))
    title = _TITLE.fullmatch(next(lines).rstrip("\r"))
    return title[1] if title and any(_DAY.fullmatch(line.rstrip("\r")) for line in lines) else ""


def memo_in(text: str) -> str:
    """The memo at its head."""
    head: list[str] = []
    for line in text.split("\n")[1:]:
        if line.startswith(">"):
            head.append(line[1:].strip())
        elif head or line.strip():
            break
    return "\n".join(head)


def said_in(text: str) -> Iterator[Taken]:
    """The lines of a talk, in its order."""
    character, day = named_in(text), date.min
    head: tuple[str, Role, time, Precision] | None = None
    words: list[str] = []
    for line in (one.rstrip("\r") for one in text.split("\n")):
        new_day, speaker = _DAY.fullmatch(line), _SPEAKER.fullmatch(line)
        if not new_day and not speaker:
            words.append(line)
            continue
        if head and any(words):
            yield _taken(head, day, words)
        head, words = None, []
        if new_day:
            day = date.fromisoformat(new_day[1]) if _is_date(new_day[1]) else day
        elif speaker:
            at, role = speaker[3], speaker[2] or _role_of(speaker[1], character)
            known = Precision.SECOND if at.count(":") == 2 else Precision.MINUTE
            head = speaker[1], role, time.fromisoformat(at) if _is_time(at) else time.min, known  # type: ignore[assignment]
    if head and any(words):
        yield _taken(head, day, words)


def _taken(head: tuple[str, Role, time, Precision], day: date, words: Sequence[str]) -> Taken:
    speaker, role, at, precision = head
    text, images = _without_pictures(_trimmed(words))
    moment = datetime.combine(day, at)
    line = NewLine("", "", role, "\n".join(_unescaped(text)), moment, images=images, speaker=speaker)
    return Taken(line, day != date.min, precision=precision)


def _trimmed(words: Sequence[str]) -> list[str]:
    """Without the empty line before what was said, and the end of its last line."""
    kept = list(words[1:] if words and not words[0] else words)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _without_pictures(words: list[str]) -> tuple[list[str], int]:
    if not words or not (pictures := _PICTURES.fullmatch(words[-1])):
        return words, 0
    return _trimmed(["", *words[:-1]]), int(pictures[1])


def _unescaped(words: Iterable[str]) -> list[str]:
    return [one[1:] if one.startswith("\\") and _MARKS.fullmatch(one) else one for one in words]


def _is_date(text: str) -> bool:
    return _fits(date.fromisoformat, text)


def _is_time(text: str) -> bool:
    return _fits(time.fromisoformat, text)


def _fits(read: object, text: str) -> bool:
    try:
        read(text)  # type: ignore[operator]
    except ValueError:
        return False
    return True
