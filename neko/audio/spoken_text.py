"""What has been heard of a reply, by how much of its sound was played. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neko.late_patterns import late_pattern

_WORD_END = late_pattern(r"(?<=[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef])|(?<=\s)|$")


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    until_ms: float


class SpokenText:
    """The pieces of one reply's text, in order, and where each ends in its sound."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    def add(self, text: str, until_ms: float) -> None:
        """The next piece, whose sound ends ``until_ms`` milliseconds after the beginning of the reply's."""
        self._pieces.append(_Piece(text, until_ms))

    def until(self, played_ms: float) -> str:
        """The text that was heard when this much had been played, to the word: one that was begun counts as heard."""
        heard: list[str] = []
        begins_ms = 0.0
        for piece in self._pieces:
            if piece.until_ms <= played_ms:
                heard.append(piece.text)
            elif played_ms > begins_ms:
                share = (played_ms - begins_ms) / (piece.until_ms - begins_ms)
                heard.append(_up_to_word(piece.text, share))
                break
            else:
                break
            begins_ms = piece.until_ms
        return "".join(heard).rstrip()

    def between(self, from_ms: float, to_ms: float) -> str:
        """The text that was heard in this part of the sound, without a word that had begun before."""
        return self.until(to_ms)[len(self.until(from_ms)) :]


def _up_to_word(text: str, share: float) -> str:
    at = math.ceil(len(text.rstrip()) * share)
    end = _WORD_END.search(text, at)
    return text[: end.end() if end else len(text)]
