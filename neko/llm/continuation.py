"""Going on with a reply that was cut off, so that the reader sees one text with nothing doubled."""

from __future__ import annotations

from collections.abc import Sequence

from neko.llm.chat_request import ChatMessage

_ANCHOR = 60
_LOOK_BACK = 4000
_SURELY_REPEATED = 10
_UNSPACED = 0x1100


def continuation_request(messages: Sequence[ChatMessage], beginning: str) -> list[ChatMessage]:
    """``messages`` again, with what there is of the reply and the request to go on from there.

    The model is asked to begin with the last words again: a chat reply cannot begin with a
    space or in mid-word, and the repeated words show where to join.
    """
    anchor = beginning[-_ANCHOR:]
    if len(beginning) > _ANCHOR and " " in anchor:
        anchor = anchor.split(" ", 1)[1]
    request = (
        "[The connection broke and your reply above was cut off. Go on with it from exactly where it stops, in the "
        "same language and tone. Begin by repeating its last words to the letter, then continue; do not "
        f"mention the interruption. The last words are: {anchor.strip()}]"
    )
    return [*messages, {"role": "assistant", "content": beginning}, {"role": "user", "content": request}]


class ContinuationJoiner:
    """Joins a continuation to the beginning of a reply: cuts what it repeats, adds a missing space.

    Text is held back only while it could still be a repetition.
    """

    __slots__ = ("_beginning", "_candidates", "_held", "_open")

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning[-_LOOK_BACK:]
        self._held = ""
        self._open = bool(beginning)
        end = max((at + 1 for at, character in enumerate(self._beginning) if character.isalnum()), default=0)
        self._candidates = [at for at in range(end) if _may_start(self._beginning, at)]
        if len(beginning) > _LOOK_BACK:
            self._candidates = self._candidates[1:]

    def feed(self, text: str) -> str:
        """What is new in ``text``; may be empty while a repetition is possible."""
        if not self._open:
            return text
        self._held += text
        probe = self._held.lstrip(" \n…")
        if not probe:
            return ""
        beginning = self._beginning
        self._candidates = [at for at in self._candidates if _agree(beginning, at, probe)]
        if self._candidates and len(beginning) - self._candidates[0] > len(probe):
            return ""
        return self._settle(probe)

    def flush(self) -> str:
        """The end of the continuation: decide with what is there."""
        probe = self._held.lstrip(" \n…")
        if not self._open or not probe:
            return ""
        whole = [at for at in self._candidates if len(self._beginning) - at <= len(probe)]
        if not whole and self._candidates and len(probe) >= _SURELY_REPEATED:
            return ""
        self._candidates = whole
        return self._settle(probe)

    def _settle(self, probe: str) -> str:
        self._open = False
        whole = [at for at in self._candidates if len(self._beginning) - at <= len(probe)]
        if whole:
            return probe[len(self._beginning) - whole[0] :]
        if self._held[0].isspace() and self._beginning[-1].isspace():
            return self._held.lstrip()
        if _spaced(self._beginning[-1]) and _spaced(self._held[0]):
            return " " + self._held
        return self._held


def _agree(beginning: str, at: int, probe: str) -> bool:
    overlap = min(len(beginning) - at, len(probe))
    return beginning.startswith(probe[:overlap], at)


def _may_start(beginning: str, at: int) -> bool:
    """A repetition starts at a word; in scripts without spaces anywhere, if two characters are repeated."""
    character = beginning[at]
    if character.isspace():
        return False
    if ord(character) >= _UNSPACED:
        return len(beginning) - at >= 2
    return at == 0 or not (_spaced(character) and _spaced(beginning[at - 1]))


def _spaced(character: str) -> bool:
    """True for letters and digits of scripts that put spaces between words."""
    return character.isalnum() and ord(character) < _UNSPACED
