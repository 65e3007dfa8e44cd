"""Listens along with a voice model, so that speech of which its session gives no sign is not lost.

A provider may tell late, or never, that somebody speaks. While speech is heard here, and until the session has shown
that it heard it, no other session takes over (``awaited``), and what it was sent is kept for a successor (``unheard``).
A session that stays silent about clear speech is given up once (``Deaf.LOST``), so that another one hears it; when that
one gives no sign either, it may be that there was nothing to hear, so this is only told (``Deaf.TOLD``), and nothing
more until there is a sign.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from neko.audio.resample import PcmStream
from neko.audio.turn_taking.segmenter import Segmenter, Speech
from neko.audio.voice_activity import WINDOW_BYTES, WINDOW_S, EnergyDetector, VoiceDetector
from neko.sessions.models.realtime.own_turns import Detection
from neko.tasks import TaskOwner
from neko.types.hearing import HEARING_RATE
from neko.types.model_session import (
    ModelEvent,
    ModelSession,
    Reconnected,
    SessionEnds,
    SessionNotice,
    SpeechStarted,
    Transcript,
)

_WINDOWS_AT_ONCE: Final = 4
"""So many are waited for before they are judged: a change of threads costs more than a judgement."""
_MOST_PASSED_S: Final = 1.0
_MOST_WAITING: Final = 40 * HEARING_RATE * 2
_NO_SIGNS: Final = (SessionEnds, SessionNotice, Reconnected)


class Deaf(Enum):
    """What becomes of a session that hears nothing."""

    LOST = "lost"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Seconds. ``sign_s``: after what may be speech a successor waits so long for a sign of it, and ``longest_s`` from
    its beginning (a radio). ``answer_s``: by then a session that has heard clear speech has given one; ``last_s``: of
    the latest. ``clear_s`` of speech in two utterances, or ``sure_s`` in one, are worth noticing, or ``loud_s`` in
    three where speech is told by loudness alone, and an utterance of less than ``word_s`` is a cough. After ``stuck_s``
    of quiet, in pauses of which ``pause_s`` are not counted, below ``quiet_db`` (of full scale), a provider that said
    that speech began knows that it is over; where words of it have come its answer is late, which the session notices
    by itself before ``late_s``. ``missing_s``: without any sound for so long nobody speaks."""

    sign_s: float = 5.0
    answer_s: float = 8.0
    last_s: float = 3.0
    clear_s: float = 1.2
    sure_s: float = 3.0
    loud_s: float = 5.0
    word_s: float = 0.25
    longest_s: float = 30.0
    pause_s: float = 1.5
    stuck_s: float = 8.5
    late_s: float = 32.0
    quiet_db: float = -45.0
    missing_s: float = 2.0


class _Utterance(NamedTuple):
    ended: float
    speech_s: float


class SpeechWatch:
    """``detection`` makes the judge of what is speech; ``is_free()``: is nothing going on in the conversation that
    would be heard, or explain it? ``on_change`` is told when ``awaited`` may be another, ``on_deaf`` of a session that
    gives no sign. Sound is taken as it is sent to the session, and judged a moment later."""

    def __init__(
        self,
        owner: TaskOwner,
        detection: Callable[[], Detection] | None,
        *,
        is_free: Callable[[], bool],
        on_change: Callable[[], None],
        on_deaf: Callable[[Deaf, float], None],
        limits: WatchLimits | None = None,
    ) -> None:
        self._owner = owner
        self._make = detection
        self._is_free = is_free
        self._on_change = on_change
        self._on_deaf = on_deaf
        self._limits = limits or WatchLimits()
        self._clock = asyncio.get_running_loop().time
        self._detection: Detection | None = None
        self._loudness = EnergyDetector()
        self._any = Segmenter()
        """Of all that may be speech: a provider may take it to be some."""
        self._speech = Segmenter()
        self._to_hearing_rate: PcmStream | None = None
        self._waiting = bytearray()
        self._unjudged = bytearray()
        self._rate = HEARING_RATE
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._session: ModelSession | None = None
        self._heard_at = -math.inf
        self._is_alone = False
        """Was nothing else going on since the speech under way began?"""
        self._unheard: list[_Utterance] = []
        self._since: float | None = None
        """When that began which may be speech, and of which there is no sign."""
        self._until = -math.inf
        """When it was over."""
        self._was_awaited = False
        self._has_started = False
        """The provider said that speech began, and nothing of it since."""
        self._has_words = False
        self._pause_s = self._quiet_s = 0.0
        self._rested_at, self._passed_s = -math.inf, 0.0
        """Seconds that passed and are not counted as quiet yet: what is said again comes faster than it was said."""
        self._given_up = 0
        """Sessions that were silent about speech, since the last sign."""

    # ── what is asked ─────────────────────────────────────────────────────────

    @property
    def awaited(self) -> bool:
        """May somebody be speaking, or a sign of what they said be still to come?"""
        now = self._clock()
        if self._since is None or now - self._since > self._limits.longest_s:
            return False
        if self._any.open:
            return now - self._heard_at < self._limits.missing_s
        return now - self._until < self._limits.sign_s

    @property
    def unheard(self) -> bool:
        """Has something been sent that may be speech, or clear speech with nothing else going on, without a sign?"""
        return self.awaited or bool(self._unheard)

    # ── what happens ──────────────────────────────────────────────────────────

    def listen(self, session: ModelSession) -> None:
        """This one is sent the sound from now on."""
        self.leave()
        if self._make is None or not session.capabilities.answers_speech:
            return
        self._session = session
        self._detection = self._detection or self._make()

    def leave(self) -> None:
        """Nobody is sent it."""
        self._session = None
        self._any.reset()
        self._speech.reset()
        self._waiting.clear()
        self._to_hearing_rate, self._unjudged = None, bytearray()
        self._has_started = False
        self._pause_s = 0.0
        self._forget()

    def hear(self, pcm: bytes, rate: int) -> None:
        """This PCM16 mono at ``rate`` Hz was sent; never waits."""
        if self._session is None:
            return
        self._heard_at, self._rate = self._clock(), rate
        self._waiting += pcm
        if len(self._waiting) < _WINDOWS_AT_ONCE * WINDOW_BYTES * rate // HEARING_RATE:
            return
        del self._waiting[: max(0, len(self._waiting) - _MOST_WAITING)]
        self._arrived.set()
        if (self._task is None or self._task.done()) and not self._owner.closed:
            self._task = self._owner.spawn(self._run(), name="watch for speech")

    def sign(self, event: ModelEvent) -> None:
        """The session tells something: it hears."""
        if isinstance(event, _NO_SIGNS):
            return
        if isinstance(event, SpeechStarted):
            self._has_started, self._has_words, self._quiet_s = True, False, 0.0
        elif isinstance(event, Transcript) and not event.final:
            self._has_words, self._quiet_s = True, 0.0
        else:
            self._has_started = False
        self._given_up = 0
        if self._since is not None or self._unheard:
            self._forget()

    # ── what is heard ─────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            session, detection = self._session, self._detection
            if session is None or detection is None:
                continue
            if self._to_hearing_rate is None or self._to_hearing_rate.in_rate != self._rate:
                self._to_hearing_rate = PcmStream(self._rate, HEARING_RATE)
            stream = _Stream(self._to_hearing_rate, self._unjudged, bytes(self._waiting))
            self._waiting.clear()
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(detection.executor, _judge, detection.detector, self._loudness, stream)
            judged = await work
            if self._session is not session:
                continue
            for window in judged:
                self._take(window)
            self._look()

    def _take(self, window: _Judged) -> None:
        is_free, now = self._is_free(), self._clock()
        self._is_alone = self._is_alone and is_free
        for event in self._any.feed(max(window.speech, window.loud)):
            if event is Speech.BEGAN and now - self._until > self._limits.sign_s:
                self._since = now
            elif event is Speech.ENDED:
                self._until = now
        if self._since is None and self._any.open and not self._any.silence_s:
            self._since = now
        for event in self._speech.feed(window.speech):
            if event is Speech.BEGAN:
                self._is_alone = is_free
            elif event is Speech.ENDED and self._is_alone and self._speech.speech_s >= self._limits.word_s:
                self._unheard.append(_Utterance(now, self._speech.speech_s))
        self._rest(is_quiet=window.level < self._limits.quiet_db and not self._any.open)

    def _rest(self, *, is_quiet: bool) -> None:
        self._pause_s = self._pause_s + WINDOW_S if is_quiet else 0.0
        now = self._clock()
        self._passed_s = min(self._passed_s + now - self._rested_at, _MOST_PASSED_S)
        self._rested_at = now
        if self._has_started and self._pause_s > self._limits.pause_s:
            quiet_s = min(WINDOW_S, self._passed_s)
            self._quiet_s += quiet_s
            self._passed_s -= quiet_s

    def _forget(self) -> None:
        self._unheard.clear()
        self._is_alone = False
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """See whether anything is due, and when the next thing will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        limits, now = self._limits, self._clock()
        stuck_s = limits.late_s if self._has_words else limits.stuck_s
        if self._has_started and self._quiet_s >= stuck_s:
            self._has_started = False
            self._on_deaf(Deaf.LOST, stuck_s)
            return
        if self._is_deaf(now):
            self._give_up()
        elif self._unheard and now - self._unheard[0].ended > limits.longest_s:
            self._forget()
        if self._was_awaited != self.awaited:
            self._was_awaited = self.awaited
            self._on_change()
        if dues := [due for due in self._dues() if due > now]:
            self._timer = asyncio.get_running_loop().call_at(min(dues), self._look)

    def _is_deaf(self, now: float) -> bool:
        """Would a session that hears have given a sign by now?"""
        limits, unheard = self._limits, self._unheard
        if not unheard or self._speech.open or self._detection is None:
            return False
        speech_s = sum(utterance.speech_s for utterance in unheard)
        if self._detection.detector.knows_speech:
            is_clear = speech_s >= (limits.clear_s if len(unheard) > 1 else limits.sure_s)
        else:
            is_clear = len(unheard) > 2 and speech_s >= limits.loud_s
        return is_clear and now >= unheard[0].ended + limits.answer_s and now >= unheard[-1].ended + limits.last_s

    def _give_up(self) -> None:
        """The first time on the session, so that another one is to hear what it did not; then on its being speech."""
        self._given_up += 1
        if self._given_up == 1:
            self._on_deaf(Deaf.LOST, self._limits.answer_s)
        else:
            self._forget()
            if self._given_up == 2:
                self._on_deaf(Deaf.TOLD, self._limits.answer_s)

    def _dues(self) -> Iterator[float]:
        limits = self._limits
        if self._since is not None:
            yield from (self._since + limits.longest_s, self._until + limits.sign_s)
        if self._any.open:
            yield self._heard_at + limits.missing_s
        if self._unheard:
            first, last = self._unheard[0].ended, self._unheard[-1].ended
            yield from (first + limits.answer_s, last + limits.last_s, first + limits.longest_s)


class _Stream(NamedTuple):
    """Sound on its way to the judge; ``unjudged`` is what is left of what was converted before, and is of this."""

    converter: PcmStream
    unjudged: bytearray
    pcm: bytes


class _Judged(NamedTuple):
    """One window: how likely it is speech, how likely by its loudness alone, and its level in decibels."""

    speech: float
    loud: float
    level: float


def _judge(detector: VoiceDetector, loudness: EnergyDetector, stream: _Stream) -> list[_Judged]:
    """In the executor."""
    unjudged = stream.unjudged
    unjudged += stream.converter.process(stream.pcm)
    judged: list[_Judged] = []
    for at in range(0, len(unjudged) - WINDOW_BYTES + 1, WINDOW_BYTES):
        window = bytes(unjudged[at : at + WINDOW_BYTES])
        judged.append(_Judged(detector.probability(window), loudness.probability(window), loudness.level))
    del unjudged[: len(judged) * WINDOW_BYTES]
    return judged
