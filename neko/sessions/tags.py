"""Inline tags in a streamed reply: ``<happy>`` moves the face and is never shown or spoken.

Only the known feelings are tags, everything else between ``<`` and ``>`` is text. A tag may be split
over deltas, so text from a ``<`` on is held back while it can still become one. Tags in code or quotes are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neko.code_marks import CodeMarks
from neko.llm.mentions import is_quoted, opens_quote

EMOTIONS = ("happy", "sad", "angry", "surprised", "neutral", "relaxed")

_ALIASES = {
    alias: emotion
    for emotion, aliases in {
        "happy": "开心 高兴 開心 高興 喜 嬉しい 기쁨 joy smile excited love",
        "sad": "难过 伤心 難過 傷心 悲しい 슬픔 sorrow",
        "angry": "生气 生氣 愤怒 憤怒 怒り 화남 annoyed",
        "surprised": "惊讶 驚訝 驚き 놀람 surprise",
        "neutral": "平静 平靜 普通",
        "relaxed": "放松 放鬆 リラックス 편안 calm shy",
    }.items()
    for alias in aliases.split()
}
_FEELINGS = {name: name for name in EMOTIONS} | _ALIASES
_TAG = re.compile(rf"</? ?({'|'.join(sorted(_FEELINGS, key=len, reverse=True))}) ?/?>", re.IGNORECASE)
_BEGINNINGS = frozenset(name[:length] for name in _FEELINGS for length in range(len(name) + 1))
_LONGEST_TAG = max(map(len, _FEELINGS)) + len("</  />")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text to show, and the feelings that were tagged in it, in order."""

    text: str
    emotions: tuple[str, ...] = ()


class TagFilter:
    """Feed the deltas of one reply; text comes out as soon as it cannot be part of a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._code = CodeMarks()
        self._started = False
        self._last = ""

    def feed(self, delta: str) -> Cleaned:
        if self._started and not self._held and "<" not in delta:
            self._code.read(delta)
            self._last = delta[-1:] or self._last
            return Cleaned(delta)
        return self._take(self._held + delta, final=False)

    def flush(self) -> Cleaned:
        """The rest, at the end of the reply."""
        return self._take(self._held, final=True)

    def _take(self, text: str, *, final: bool) -> Cleaned:
        shown: list[str] = []
        emotions: list[str] = []
        self._held = ""
        done = 0
        while (at := text.find("<", done)) >= 0:
            self._show(shown, text[done:at])
            done = at
            if not self._code.inside:
                match = _TAG.match(text, at)
                before = text[at - 1 : at] or self._last
                if match and match.end() == len(text) and not final and opens_quote(before):
                    self._held = text[at:]
                    break
                if match and not is_quoted(before, text[match.end() : match.end() + 1]):
                    emotions.append(_FEELINGS[match[1].lower()])
                    done = match.end()
                    continue
                if not final and _may_become_tag(text, at):
                    self._held = text[at:]
                    break
            done += 1
            self._show(shown, "<")
        else:
            self._show(shown, text[done:])
        return Cleaned("".join(shown), tuple(emotions))

    def _show(self, shown: list[str], piece: str) -> None:
        if not self._started:  # white space before the first word of the reply is not shown
            piece = piece.lstrip()
            self._started = bool(piece)
        self._code.read(piece)
        self._last = piece[-1:] or self._last
        shown.append(piece)


def _may_become_tag(text: str, at: int) -> bool:
    if len(text) - at >= _LONGEST_TAG:
        return False
    name = text[at + 1 :].removeprefix("/").removeprefix(" ")
    return name.removesuffix("/").removesuffix(" ").lower() in _BEGINNINGS
