"""Providers repeat what they were sent in their errors; what goes into the log must not hold words of the talk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from neko.late_patterns import late_pattern

_WORD: Final = late_pattern(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
"""A word, or one letter of the scripts that put no spaces between them."""
_RUN: Final = 4
"""So many words of the talk in a row are no coincidence."""
_CUT: Final = "…"


def without_echo(said: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """``said`` with a mark for each run of words that ``messages`` hold too, and for a whole short message."""
    texts = [text for message in messages for text in _texts(message)]
    talk = _spaced(word for text in texts for word in _words(text))
    short = {tuple(words) for text in texts if 0 < len(words := _words(text[:200])) < _RUN}
    found = list(_WORD.finditer(said))
    words = [match[0].casefold() for match in found]
    echoed: set[int] = set()
    for at in range(len(words)):
        for run in (words[at : at + length] for length in range(1, _RUN + 1)):
            if tuple(run) in short or (len(run) == _RUN and _spaced(run) in talk):
                echoed.update(range(at, at + len(run)))
    kept, end = [], 0
    for at in sorted(echoed):
        kept.append(said[end : found[at].start()] if at - 1 not in echoed else "")
        kept.append(_CUT if at - 1 not in echoed else "")
        end = found[at].end()
    return "".join(kept) + said[end:]


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (part["text"] for part in content if isinstance(part.get("text"), str))


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _spaced(words: Iterator[str] | list[str]) -> str:
    return f" {' '.join(words)} "
