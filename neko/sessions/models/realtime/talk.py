"""The replies and utterances of one voice session as events in their order, whatever protocol tells of them.

Nothing here waits. What comes late of a reply that is over is dropped; what a session emits keeps the order that the
seam asks for: an old reply ends before a new one begins, words come after the speech they belong to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal
from uuid import uuid4

from neko.errors import ModelError, NekoError
from neko.llm.reply_sink import LONGEST_REPLY
from neko.sessions.models.event_channel import EventChannel
from neko.sessions.models.realtime.reply_length import ReplyLength
from neko.types.model_session import (
    AudioDelta,
    ReplyDone,
    ReplyNotice,
    ReplyStarted,
    SpeechRejected,
    SpeechStarted,
    SpeechStopped,
    TextDelta,
    Transcript,
)

_REMEMBERED = 16
"""Replies and utterances whose late news is still understood."""

LONGEST_SOUND_S: Final = 600.0
"""A model that speaks for longer is in a loop, as is one that writes more than ``LONGEST_REPLY``."""

EndReason = Literal["complete", "interrupted", "failed"]


@dataclass(slots=True, eq=False)
class Reply:
    """One reply. ``items``: what the provider calls the parts of its speech, in order, and the milliseconds of each.

    ``written``: what it calls those of a reply without sound. ``length``: characters of its text. ``limit`` says when
    it has become too long to listen to.
    """

    id: str
    utterance_id: str | None = None
    limit: ReplyLength = field(default_factory=lambda: ReplyLength(None, is_spoken=True))
    pieces: list[str] = field(default_factory=list)
    items: dict[str, float] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    length: int = 0
    done: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_endless(self) -> bool:
        """Is it still under way, and longer than any reply is meant to be?"""
        too_long = self.length >= LONGEST_REPLY or self.sound_ms >= LONGEST_SOUND_S * 1000
        return (too_long or self.limit.is_reached) and not self.done

    @property
    def sound_ms(self) -> float:
        return sum(self.items.values())

    @property
    def is_empty(self) -> bool:
        """Has nothing come of it?"""
        return not self.items and not any(self.pieces)


@dataclass(slots=True, eq=False)
class Utterance:
    """One stretch of the user's speech. ``item_id``: the provider's name for it, "" while that is not known."""

    item_id: str = ""
    id: str = field(default_factory=lambda: uuid4().hex)
    speaking: bool = True
    words: str = ""
    known: bool = False
    """Its words, or that there are none, have been told."""
    answered: bool = False
    """A reply has begun since, or there is nothing to answer."""


class Talk:
    """Emits into ``channel``. ``reply`` is the one under way, if any; ``on_speech``: the user begins to speak.
    ``longest_units``: how long a reply may be; ``is_spoken``: by the model itself."""

    def __init__(self, channel: EventChannel, longest_units: int | None = None, *, is_spoken: bool = True) -> None:
        self._channel = channel
        self._new_limit = partial(ReplyLength, longest_units, is_spoken=is_spoken)
        self.on_speech: Callable[[], object] = lambda: None
        self.reply: Reply | None = None
        self._replies: OrderedDict[str, Reply] = OrderedDict()
        self._utterances: OrderedDict[str, Utterance] = OrderedDict()

    # ── replies ───────────────────────────────────────────────────────────────

    def begin(self, reply_id: str, utterance_id: str | None = None) -> Reply:
        """A reply begins; one still under way is interrupted first."""
        self.supersede()
        for utterance in self._utterances.values():
            utterance.answered = True
        reply = self.reply = self._replies[reply_id] = Reply(reply_id, utterance_id, self._new_limit())
        while len(self._replies) > _REMEMBERED:
            self._replies.popitem(last=False)
        self._channel.put(ReplyStarted(reply_id, utterance_id))
        return reply

    def begin_spoken(self) -> Reply:
        """The provider answers by itself what it has heard."""
        latest = next(reversed(self._utterances.values()), None)
        return self.begin(uuid4().hex, latest.id if latest else None)

    def find(self, reply_id: str) -> Reply | None:
        """A reply of lately."""
        return self._replies.get(reply_id)

    def text(self, reply: Reply, text: str) -> bool:
        """Words of a reply; false when the reader is behind."""
        if reply.done or not text:
            return True
        text = text[: LONGEST_REPLY - reply.length]
        reply.pieces.append(text)
        reply.length += len(text)
        reply.limit.wrote(reply.text)
        return self._channel.put_delta(TextDelta(reply.id, text))

    def sound(self, reply: Reply, pcm: bytes, rate: int, item_id: str = "") -> bool:
        """Sound of a reply; false when the reader is behind."""
        if reply.done or not pcm:
            return True
        reply.items[item_id] = reply.items.get(item_id, 0.0) + len(pcm) / (rate * 2) * 1000
        reply.limit.spoke(pcm, rate)
        return self._channel.put_delta(AudioDelta(reply.id, pcm, rate))

    def end(self, reply: Reply, reason: EndReason = "complete", error: NekoError | None = None) -> None:
        """A reply is over; the second time is ignored."""
        if reply.done:
            return
        reply.done = True
        if reply is self.reply:
            self.reply = None
        self._channel.put(ReplyDone(reply.id, reason, error))

    def lose(self, error: NekoError) -> None:
        """The session is over; a reply that nothing has come of is left open: another session may be asked it."""
        if self.reply is not None and (self.reply.text or self.reply.sound_ms):
            self.end(self.reply, "failed", error)

    def cut_short(self, reply: Reply, error: ModelError) -> None:
        """A reply is over before the model has ended it; what there is of it stays, and why it ends is told."""
        self._channel.put(ReplyNotice(reply.id, error.code, error.params))
        self.end(reply)

    def supersede(self) -> Reply | None:
        """Interrupt the reply under way; returns it."""
        reply = self.reply
        if reply is not None:
            self._cut(reply)
        return reply

    def interrupt(self, reply_id: str) -> Reply | None:
        """Interrupt this reply. None when it is not under way, and its end has been read or another has begun since."""
        reply = self._replies.get(reply_id)
        if reply is None:
            return None
        is_latest = reply is next(reversed(self._replies.values()))
        if reply.done and not (is_latest and self._channel.holds_end(reply_id)):
            return None
        self._cut(reply)
        return reply

    def _cut(self, reply: Reply) -> None:
        """What the reader has not taken yet was never said."""
        self._channel.withdraw(reply.id)
        reply.done = False
        self.end(reply, "interrupted")

    # ── the user's speech ─────────────────────────────────────────────────────

    @property
    def is_speaking(self) -> bool:
        """Is the user speaking?"""
        latest = next(reversed(self._utterances.values()), None)
        return latest is not None and latest.speaking

    @property
    def unanswered(self) -> Utterance | None:
        """What the user said last, if it is over and its words are still to come."""
        latest = next(reversed(self._utterances.values()), None)
        return latest if latest and not latest.speaking and not latest.known else None

    @property
    def is_owed(self) -> bool:
        """Are the words of what the user said last still to come, or a reply to them?"""
        latest = next(reversed(self._utterances.values()), None)
        return latest is not None and not latest.speaking and not (latest.known and latest.answered)

    def speech_started(self, item_id: str = "") -> None:
        """The user begins to speak."""
        if self.is_speaking:
            self._at(item_id)  # told twice, the second time with its name
            return
        utterance = Utterance(item_id)
        self._utterances[utterance.id] = utterance
        while len(self._utterances) > _REMEMBERED:
            self._utterances.popitem(last=False)
        self._channel.put(SpeechStarted(utterance.id))
        self.on_speech()

    def speech_stopped(self, item_id: str = "") -> None:
        """The user stopped; where nothing said that they began, that is told now."""
        utterance = self._at(item_id)
        if utterance is None or utterance.known:
            self.speech_started(item_id)
            utterance = next(reversed(self._utterances.values()))
        if utterance.speaking:
            utterance.speaking = False
            self._channel.put(SpeechStopped(utterance.id))

    def committed(self, item_id: str) -> None:
        """An utterance of this name is whole: the latest, or one of which nothing has been told, as its words may
        come after the reply to it."""
        if self._at(item_id) is None and not self.is_owed:
            self.speech_stopped(item_id)

    def words(self, item_id: str, piece: str) -> None:
        """A further piece of what was recognised."""
        utterance = self._at(item_id)
        if utterance and not utterance.known and piece:
            utterance.words += piece
            self._channel.put(Transcript(utterance.id, utterance.words, final=False))

    def all_words(self, item_id: str, text: str, error: NekoError | None = None) -> None:
        """All that was recognised; without words the utterance was none."""
        utterance = self._at(item_id)
        if utterance is None or utterance.known:
            if not text.strip() or (utterance and item_id and utterance.words):
                return
            self.speech_started(item_id)  # nobody told of the speech, but here are its words
            utterance = next(reversed(self._utterances.values()))
        if utterance.speaking:
            utterance.speaking = False
            self._channel.put(SpeechStopped(utterance.id))
        utterance.known, utterance.words = True, text.strip()
        if utterance.words:
            self._channel.put(Transcript(utterance.id, text))
        else:
            utterance.answered = True
            self._channel.put(SpeechRejected(utterance.id, error))

    def _at(self, item_id: str) -> Utterance | None:
        """The utterance of this name: the latest without a name takes it; "" is the latest."""
        for utterance in reversed(self._utterances.values()):
            if not item_id or utterance.item_id == item_id:
                return utterance
            if not utterance.item_id and not utterance.known:
                utterance.item_id = item_id
                return utterance
        return None
