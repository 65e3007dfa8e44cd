"""What the built-in model says to somebody who may be in danger, and in the lines after it.

Serious, plain and warm: no rule of small talk answers here, and no smile. It is told what is known (``Help``); it
does not judge the words itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from neko.language import guess
from neko.safety import Help, words
from neko.sessions.models.builtin.phrasebook import phrasebook, plain
from neko.sessions.models.builtin.rules import Rules
from neko.types.model_session import UserMessage

T = TypeVar("T")

_LINES_AFTER = 4
"""Lines for which she stays serious after the last one that told of danger."""
_FACE = re.compile(r"^\s*<\w+>\s*")
_LONGEST_ANSWER = 60
"""Characters: what is longer is no plain yes or no to her question."""


@dataclass(slots=True)
class Comfort:
    """For one session. ``choice`` picks among wordings; none is used twice in a row."""

    language: str
    choice: random.Random
    _help: Help | None = None
    _left: int = 0
    _last: dict[str, object] = field(default_factory=dict)

    @property
    def is_serious(self) -> bool:
        """Something that the user said a few lines ago told of danger."""
        return self._help is not None and self._left > 0

    def answer(self, message: UserMessage, rules: Rules) -> str:
        """A whole reply; ``rules`` make the one to lines that have nothing to do with danger."""
        self.language = guess(message.text, self.language)
        if message.help:
            self._help, self._left = message.help, _LINES_AFTER
            return self._reply(message.help)
        if self._help is None or self._left == 0:
            return rules.answer(message)
        self._left -= 1
        return self._reply_after(self._help, message, rules)

    def _reply(self, found: Help) -> str:
        say = words(self.language)
        before, after = self._pick(found.danger.value, say.replies[found.danger])
        space = "" if before[-1] in "。！？" else " "
        return "<sad>" + space.join((before, say.whom(found), after))

    def _reply_after(self, found: Help, message: UserMessage, rules: Rules) -> str:
        say, text = words(self.language), plain(message.text)
        if phrasebook(self.language).matches("present", text.rstrip("?.! ")):
            return "<sad>" + self._pick("present", say.after["present"]).format(reach=say.whom(found))
        if len(text) <= _LONGEST_ANSWER:
            for name in ("joke", "thanks", "unsafe", "safe"):
                if re.search(say.told[name], text):
                    return "<sad>" + self._pick(name, say.after[name]).format(reach=say.whom(found))
        reply = rules.answer(message)
        if rules.has_answered or phrasebook(self.language).matches("question", text):
            return _FACE.sub("<neutral>", reply)
        return "<sad>" + self._pick("other", say.after["other"]).format(reach=say.whom(found))

    def _pick(self, name: str, wordings: Sequence[T]) -> T:
        fresh = [wording for wording in wordings if wording != self._last.get(name)]
        chosen = self.choice.choice(fresh or list(wordings))
        self._last[name] = chosen
        return chosen
