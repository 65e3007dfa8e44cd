"""One reply as it grows: deltas of the model's text in, events for the clients out. Pure state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from neko.metrics import Timeline
from neko.sessions.emotion import classify
from neko.sessions.events import EmotionShown, Event, ReplyText
from neko.sessions.tags import Cleaned, TagFilter
from neko.types.lines import Line, LineStatus, Remark

_PASS = re.compile(r"[\s\[*\"'“]*(?:P(?:A(?:S(?:S[\s\]*.!\"'”]*)?)?)?)?")
"""What may become, or is, the word for having nothing to say."""
_ENOUGH_TO_JUDGE = 60
"""Characters of an untagged reply after which its feeling is judged from its words."""


@dataclass(slots=True)
class ReplyStream:
    """The reply of one turn. ``speech_id`` marks its sound, fresh for every reply.

    ``is_anew``: an earlier text of this reply was taken back.

    ``own_voice``: the model speaks itself, its text is not synthesised. ``silent``: no sound is made.
    ``replaces``: the line of an earlier reply of which this one is a retry. ``text``: what was shown, of which
    the first ``delivered`` characters were sent to somebody who may have left since.
    ``remark``: what is to be known of it. ``pictures``: what she asked to see for it, as JPEGs.
    ``spoken``: it answers what was said by voice. ``may_pass``: nobody asked, and PASS is no word of hers.
    ``timeline`` has the marks end_of_turn and transcript (of a spoken turn), committed, first_delta, first_audio and
    turn_end.
    """

    turn_id: str
    replaces: Line | None = None
    own_voice: bool = False
    silent: bool = False
    speech_id: str = field(default_factory=lambda: uuid4().hex)
    timeline: Timeline = field(default_factory=Timeline)
    text: str = ""
    delivered: int = 0
    is_anew: bool = False
    spoken: bool = False
    remark: Remark | None = None
    pictures: list[bytes] = field(default_factory=list)
    may_pass: bool = False
    _held: str = ""
    _first: bool = True
    _emotion_shown: bool = False
    _tags: TagFilter = field(default_factory=TagFilter)

    def anew(self) -> ReplyStream:
        """The same reply from its start: what was shown of it is taken back."""
        return ReplyStream(
            self.turn_id,
            self.replaces,
            self.own_voice,
            self.silent,
            timeline=self.timeline,
            is_anew=True,
            spoken=self.spoken,
            remark=self.remark,
            pictures=self.pictures,
            may_pass=self.may_pass,
        )

    def feed(self, delta: str) -> list[Event]:
        """Take a delta of the model's text; what to tell the clients about it."""
        if self.may_pass:
            self._held += delta
            if _PASS.fullmatch(self._held):
                return []
            delta, self._held, self.may_pass = self._held, "", False
        return self._show(self._tags.feed(delta))

    def finish(self) -> list[Event]:
        """The reply is complete: what was still held back."""
        held, self._held, self.may_pass = self._held, "", False
        events = [] if "PASS" in held else self.feed(held)
        events += self._show(self._tags.flush())
        if self.text and not self._emotion_shown:
            events.append(self._judge())
        return events

    def note(self, code: str, params: Mapping[str, str | int | float]) -> None:
        """Something is to be known of this reply, as long as it is shown."""
        self.remark = Remark(code, params)

    def better_kept(self, status: LineStatus) -> Line | None:
        """The earlier reply, if this retry was cut before it had as much to say: that one stays."""
        old = self.replaces
        return old if old and status != "complete" and len(self.text) < len(old.text) else None

    def so_far(self) -> ReplyText | None:
        """The reply in one piece, for a client that joins in the middle."""
        return ReplyText(self.turn_id, self.speech_id, self.text, first=True) if self.text else None

    def _show(self, cleaned: Cleaned) -> list[Event]:
        events: list[Event] = [EmotionShown(emotion, 1.0, self.speech_id) for emotion in cleaned.emotions[-1:]]
        self._emotion_shown = self._emotion_shown or bool(events)
        if cleaned.text:
            events.append(ReplyText(self.turn_id, self.speech_id, cleaned.text, self._first))
            self._first = False
            self.text += cleaned.text
            if not self._emotion_shown and len(self.text) >= _ENOUGH_TO_JUDGE:
                events.append(self._judge())
        return events

    def _judge(self) -> EmotionShown:
        self._emotion_shown = True
        feeling = classify(self.text)
        return EmotionShown(feeling.emotion, feeling.confidence, self.speech_id)
