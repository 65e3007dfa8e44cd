"""The privacy switch, as the agent keeps to it: no tool looks at the user's screen or through their camera, none
listens.

Her own browser is no screen of the user's: what it shows she has opened herself, so it goes on. What a tool of somebody
else's does is known by what it says of itself, or by its name; one that tells neither is not found out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

HINT: Final = "looks_or_listens"
"""A plug-in's own word on one of its entries."""
REFUSED: Final = (
    "It was not called: the user's privacy switch is on, so nothing looks at their screen or through their camera, and "
    "nothing listens. Only they can switch it off. Do not try another way."
)
"""In words for the model."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ALONE: Final = _words("screenshot screenshots screencap screencast camera cameras webcam microphone microphones mic")
_LOOKING: Final = _words("capture captures grab look looks record records recording see shot shots take view")
_SEEN: Final = _words("screen screens desktop display displays monitor monitors")
_HEARING: Final = _words("capture captures record records recording listen listens")
_HEARD: Final = _words("audio sound sounds voice voices speech")


class AgentPrivacy:
    """``here``: the switch of this process is on. A main elsewhere tells of its own, and what it told last holds while
    it is away. ``on_change``: it may be another than before."""

    def __init__(self, here: Callable[[], bool]) -> None:
        self._here = here
        self._elsewhere = False
        self.on_change: Callable[[], object] = lambda: None

    @property
    def on(self) -> bool:
        return self._elsewhere or self._here()

    @property
    def on_here(self) -> bool:
        return self._here()

    def told(self, on: bool) -> None:
        """A main elsewhere says how its switch stands."""
        self._elsewhere = on
        self.on_change()

    def moved(self) -> None:
        """The switch of this process was."""
        self.on_change()


def looks_or_listens(*names: str) -> bool:
    """Does a tool of this name, or with this title, look at a screen, through a camera, or listen?"""
    words = {word.lower() for name in names for word in _WORD.findall(name[:200])}
    if words & _ALONE:
        return True
    return bool((words & _SEEN and words & _LOOKING) or (words & _HEARD and words & _HEARING))
