"""Chooses among the phrasings of one thing and fills in what they leave open."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from neko.characters import placeholders
from neko.sessions.models.builtin.phrasebook import Phrasebook

_CALLED: Final = re.compile(r"[,、，]\s*\{master\}")
_OWN_FACE: Final = re.compile(r"^<\w+>")


_FIRST_LETTER: Final = re.compile(r"^(?:<\w+>)?[a-z]")
_PARTICLE: Final = re.compile(r"(?P<last>\w)(?:(?P<i>\(이\))|(?P<topic>은\(는\)))")
_HANGUL: Final = range(0xAC00, 0xD7A4)
_FINALS: Final = 28
"""Syllables of Hangul from one without a final consonant to the next (Unicode, 3.12)."""


def _particle(written: re.Match[str]) -> str:
    """The form of a Korean particle that the sound before it asks for; of other scripts, by the last letter."""
    last = written["last"]
    closed = (ord(last) - _HANGUL.start) % _FINALS != 0 if ord(last) in _HANGUL else last.lower() not in "aeiouy"
    particle = ("이" if closed else "") if written["i"] else ("은" if closed else "는")
    return last + particle


@dataclass(slots=True)
class Wording:
    """For one session. ``clock`` is local time; ``choice`` picks; no phrase comes twice in a row.

    ``master``: what the user is called in the settings; "" when that is to be forgotten.
    """

    character: str
    master: str
    clock: Callable[[], datetime]
    choice: random.Random
    name: str | None = None
    """What the user said that they are called."""
    _last: dict[str, str] = field(default_factory=dict)

    @property
    def called(self) -> str | None:
        """What the user is called: the name they gave, else that of the settings; None when there is neither."""
        return self.name or (None if self.master in placeholders() else self.master or None)

    def say(self, book: Phrasebook, phrase: str, **values: object) -> str:
        """One of the phrases of this name. Values are text, never read for blanks again."""
        return self.one_of(book, phrase, book.phrases[phrase], **values)

    def one_of(self, book: Phrasebook, name: str, phrases: Sequence[str], **values: object) -> str:
        """One of these phrases, which have this name together."""
        now, called = self.clock(), self.called
        words = self.pick(name, phrases)
        if called is None:
            words = _CALLED.sub("", words)
        blanks = {"date": book.date("full", now), "weekday": book.weekdays[now.weekday()], "time": f"{now:%H:%M}"}
        written = words.format(**{"character": self.character, "master": called, **blanks, **values})
        written = _FIRST_LETTER.sub(lambda first: first[0][:-1] + first[0][-1].upper(), written)
        return _PARTICLE.sub(_particle, written) if book.language == "ko" else written

    def pick(self, name: str, phrases: Sequence[str]) -> str:
        """One of these, other than the last one picked under this name."""
        fresh = [phrase for phrase in phrases if phrase != self._last.get(name)] or phrases
        self._last[name] = self.choice.choice(fresh)
        return self._last[name]


def joined(replies: Sequence[str], space: str) -> str:
    """Several replies as one, with the face of the first that has one."""
    faces = [face[0] for reply in replies if (face := _OWN_FACE.match(reply))]
    return "".join(faces[:1]) + space.join(_OWN_FACE.sub("", reply).strip() for reply in replies)
