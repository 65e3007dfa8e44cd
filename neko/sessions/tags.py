"""Inline tags in a streamed reply: ``<happy>`` moves the face and is never shown or spoken.

A tag may be split over deltas, so text from a ``<`` on is held back until it is a tag or
clearly is none. Tags inside code are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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

_MAX_TAG = 48
_TAG = re.compile(r"</?\w[^<>\n]{0,46}>")
_COULD_BE_TAG = re.compile(r"</?(?:\w[^<>\n]{0,46})?")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text to show, and the feelings that were tagged in it, in order."""

    text: str
    emotions: tuple[str, ...] = ()


class TagFilter:
    """Feed the deltas of one reply; text comes out as soon as it cannot be part of a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._fence = ""
        self._last = ""
        self._started = False

    def feed(self, delta: str) -> Cleaned:
        if not self._held and not self._fence and "<" not in delta and "`" not in delta and self._started:
            self._last = delta[-1:] or self._last
            return Cleaned(delta)
        self._held += delta
        return self._drain(final=False)

    def flush(self) -> Cleaned:
        """The rest, at the end of the reply."""
        return self._drain(final=True)

    def _drain(self, *, final: bool) -> Cleaned:
        shown: list[str] = []
        emotions: list[str] = []
        while self._held:
            if self._held[0] == "`":
                if not final and set(self._held) == {"`"} and len(self._held) < 3:
                    break
                self._toggle_code(shown)
            elif self._held[0] == "<" and not self._fence:
                if (match := _TAG.match(self._held)) and self._is_tag(match.group()):
                    emotions.extend(_emotion_of(match.group()))
                    self._held = self._held[match.end() :]
                elif not final and _COULD_BE_TAG.fullmatch(self._held) and len(self._held) < _MAX_TAG:
                    break
                else:
                    self._show(shown, 1)
            else:
                self._show(shown, _plain_run(self._held))
        text = "".join(shown)
        if not self._started:
            text = text.lstrip()
            self._started = bool(text)
        return Cleaned(text, tuple(emotions))

    def _is_tag(self, candidate: str) -> bool:
        """Right behind a Latin word only a feeling is a tag: ``vector<int>`` is text."""
        glued = self._last.isascii() and self._last.isalnum()
        return not glued or bool(_emotion_of(candidate))

    def _toggle_code(self, shown: list[str]) -> None:
        ticks = "```" if self._held.startswith("```") else "`"
        if not self._fence:
            self._fence = ticks
        elif self._fence == ticks:
            self._fence = ""
        self._show(shown, len(ticks))

    def _show(self, shown: list[str], count: int) -> None:
        piece, self._held = self._held[:count], self._held[count:]
        shown.append(piece)
        self._last = piece[-1]
        if self._fence == "`" and "\n" in piece:  # inline code never spans lines: that backtick was only a backtick
            self._fence = ""


def _plain_run(text: str) -> int:
    ends = [at for at in (text.find("<", 1), text.find("`", 1)) if at > 0]
    return min(ends, default=len(text))


def _emotion_of(tag: str) -> list[str]:
    name = tag.strip("</>").strip().lower()
    name = _ALIASES.get(name, name)
    return [name] if name in EMOTIONS else []
