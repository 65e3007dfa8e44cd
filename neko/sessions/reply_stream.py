"""One turn: the reply as it grows. Pure state; whoever holds it does the talking."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

from neko.metrics import TurnTimeline
from neko.sessions.emotion import classify
from neko.sessions.events import EmotionShown, Event, ReplyText
from neko.sessions.tags import Cleaned, TagFilter

_ENOUGH_TO_JUDGE = 60
"""Characters of an untagged reply after which its feeling is judged from its words."""


@dataclass(slots=True)
class Turn:
    """``id`` is the model's ``reply_id``; ``speech_id`` marks the sound, fresh for every reply.

    ``own_voice``: the model speaks itself, its text is not synthesised. ``silent``: nobody hears,
    no sound is made. ``held`` collects reply
    text while the user's own words are still being recognised; ``None`` when nothing is awaited.
    """

    id: str
    own_voice: bool = False
    silent: bool = False
    replaces: int | None = None
    speech_id: str = field(default_factory=lambda: uuid4().hex)
    timeline: TurnTimeline = field(default_factory=TurnTimeline)
    finished: bool = False
    held: list[str] | None = None
    text: str = ""
    _first: bool = True
    _felt: bool = False
    _tags: TagFilter = field(default_factory=TagFilter)

    def grow(self, delta: str) -> list[Event]:
        """Take a delta of the model's text; what to tell the client about it."""
        if self.held is not None:
            self.held.append(delta)
            return []
        return self._show(self._tags.feed(delta))

    def release(self) -> list[Event]:
        """The user's words have been shown: the reply may be shown too."""
        held, self.held = self.held, None
        return [event for delta in held or () for event in self.grow(delta)]

    def close(self) -> list[Event]:
        """The reply is complete: what was still held back."""
        events = self.release() + self._show(self._tags.flush())
        if self.text and not self._felt:
            events.append(self._judge())
        return events

    def caught_up(self) -> ReplyText | None:
        """The reply so far in one piece, for a client that joins in the middle."""
        return ReplyText(self.id, self.speech_id, self.text, first=True) if self.text else None

    def _show(self, cleaned: Cleaned) -> list[Event]:
        events: list[Event] = [EmotionShown(emotion, 1.0, self.speech_id) for emotion in cleaned.emotions]
        self._felt = self._felt or bool(events)
        if cleaned.text:
            events.append(ReplyText(self.id, self.speech_id, cleaned.text, self._first))
            self._first = False
            self.text += cleaned.text
            if not self._felt and len(self.text) >= _ENOUGH_TO_JUDGE:
                events.append(self._judge())
        return events

    def _judge(self) -> EmotionShown:
        self._felt = True
        feeling = classify(self.text)
        return EmotionShown(feeling.emotion, feeling.confidence, self.speech_id)
