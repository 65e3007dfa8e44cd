"""The way of the user's voice: from any client's frames to the one session that listens.

A task of its own, so that sound never waits behind text. What comes is kept in a ring bounded in
seconds and bytes: nobody listens → only the last moments (the pre-roll of whoever will); a session
is on its way → all of it up to the bound, which then goes to that session. When the ring is full the
oldest sound goes. Every sample reaches at most one session, in order, none twice: what a session refuses goes to the
one after it, and what the converter of the old rate still holds goes once. One exception: what a session had of an
utterance when it was lost, which nobody will answer any more, is said again to its successor (``rewind``).
"""

from __future__ import annotations

import array
import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from neko.audio.resample import PcmStream
from neko.sessions.speech_watch import SpeechWatch
from neko.tasks import TaskOwner, is_cancelled
from neko.types.model_session import ModelSession, UserAudio

logger = logging.getLogger(__name__)

BYTES_PER_SAMPLE = 2
_WINDOWS = 25
"""Into which the last half second is cut to see whether it grows louder."""
_NEWEST = 10
_RISE = 4
_LOUD = 600
"""Peaks of PCM16 below which nothing is a word."""
LONGEST_RUN_S = 0.04
"""Sound that has piled up is sent in pieces of this length, so that voice activity can be told in it."""


@dataclass(frozen=True, slots=True)
class MicrophoneLimits:
    """``pre_roll_s``: kept while nobody listens. ``start_s``: kept while a first session starts, after
    which older sound would only be answered too late. ``change_s``: kept while one session follows another.
    ``utterance_s``: kept of what a session was sent of the utterance that it hears, and ``lead_s`` of what came before
    that was noticed; ``again_s`` after what it was told again a sign of it should have come. ``retry_s``: until a
    session that refused a piece is offered it again."""

    pre_roll_s: float = 0.5
    start_s: float = 1.5
    change_s: float = 15.0
    utterance_s: float = 30.0
    lead_s: float = 0.5
    again_s: float = 5.0
    max_bytes: int = 4_000_000
    send_timeout_s: float = 2.0
    retry_s: float = 0.25


class MicrophoneState(Enum):
    CLOSED = "closed"
    """Nobody listens."""
    STARTING = "starting"
    """A first session is on its way."""
    LIVE = "live"
    """A session listens."""
    CHANGING = "changing"
    """One session listened, the next one is on its way."""


class _Chunk(NamedTuple):
    """``again``: a session had it before, which was lost."""

    pcm: bytes
    rate: int
    again: bool = False

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (BYTES_PER_SAMPLE * self.rate)


class _Ring:
    """Chunks of sound, oldest first; ``dropped_s`` seconds have been thrown away."""

    def __init__(self, max_bytes: int) -> None:
        self._chunks: deque[_Chunk] = deque()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._seconds = 0.0
        self.dropped_s = 0.0

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def chunks(self) -> Sequence[_Chunk]:
        return tuple(self._chunks)

    def add(self, chunk: _Chunk, max_seconds: float) -> None:
        self._chunks.append(chunk)
        self._bytes += len(chunk.pcm)
        self._seconds += chunk.seconds
        self.trim(max_seconds)

    def trim(self, max_seconds: float) -> None:
        """Throw away the oldest until what is left is within the bounds."""
        while self._chunks and (
            self._seconds - self._chunks[0].seconds >= max_seconds or self._bytes > self._max_bytes
        ):
            self.dropped_s += self._take().seconds

    def take_run(self) -> _Chunk:
        """Chunks of one rate from the front, as one of about ``LONGEST_RUN_S`` at most."""
        first = self._take()
        pieces, seconds = [first.pcm], first.seconds
        while self._chunks and self._chunks[0].rate == first.rate and seconds < LONGEST_RUN_S:
            seconds += self._chunks[0].seconds
            pieces.append(self._take().pcm)
        return first if len(pieces) == 1 else _Chunk(b"".join(pieces), first.rate)

    def clear(self) -> None:
        self._chunks.clear()
        self._bytes = 0
        self._seconds = 0.0

    def _take(self) -> _Chunk:
        chunk = self._chunks.popleft()
        self._bytes -= len(chunk.pcm)
        self._seconds = self._seconds - chunk.seconds if self._chunks else 0.0
        return chunk


class Microphone:
    """``feed`` sound from anywhere; ``listen``, ``wait`` and ``close`` say who gets it.

    ``hears_utterance``: does the session still owe something for speech that it was sent? ``watch`` listens along.
    ``on_fault`` is told of a session that takes no sound, once until it does again.
    """

    def __init__(
        self,
        owner: TaskOwner,
        executor: ThreadPoolExecutor,
        *,
        limits: MicrophoneLimits | None = None,
        hears_utterance: Callable[[], bool] = lambda: False,
        watch: SpeechWatch | None = None,
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._owner = owner
        self._executor = executor
        self._limits = limits or MicrophoneLimits()
        self._hears_utterance = hears_utterance
        self._watch = watch
        self._on_fault = on_fault
        self._ring = _Ring(self._limits.max_bytes)
        self._converted: deque[_Chunk] = deque()
        """At a session's rate, to be delivered before the ring; the first is on its way, maybe."""
        self._sent = _Ring(self._limits.max_bytes)
        """What the session that listens was sent last."""
        self._sent_s = 0.0
        """Seconds that it was sent in all."""
        self._ends: dict[str, float] = {}
        """Of them those by which an utterance was over, whose words are to come."""
        self._again_until = -math.inf
        """Of them those up to which it is waited for a sign of what it was said again."""
        self._session: ModelSession | None = None
        self._resampler: PcmStream | None = None
        self._filled = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault_told = False
        self._talk = 0
        self._lost_s = 0.0
        self._fed_at = -math.inf
        self.state = MicrophoneState.CLOSED
        self.muted = False
        self.reduce_noise = False
        """The noise of the room is unwanted."""

    @property
    def dropped_s(self) -> float:
        """Seconds of sound that no session got."""
        return self._ring.dropped_s + self._lost_s

    def feed(self, pcm: bytes, rate: int) -> None:
        """Take PCM16 little-endian mono at ``rate`` Hz; an odd last byte is left out. Muted, it is thrown away."""
        if self.muted:
            return
        pcm = pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE]
        if not pcm:
            return
        self._fed_at = asyncio.get_running_loop().time()
        self._ring.add(_Chunk(pcm, rate), self._bound)
        if self.state is MicrophoneState.LIVE:
            self._wake()

    def sound_ago(self) -> float:
        """Seconds since sound came last."""
        return asyncio.get_running_loop().time() - self._fed_at

    def listen(self, session: ModelSession) -> None:
        """From now on this session gets the sound, beginning with what no other one took."""
        self._session = session
        self._begin_sending()
        if self._watch:
            self._watch.listen(session)
        self._fault_told = False
        self.state = MicrophoneState.LIVE
        self._changed.set()
        if self._converted or len(self._ring):
            self._wake()

    def wait(self) -> None:
        """A session is on its way: keep what comes for it."""
        listening = self.state in (MicrophoneState.LIVE, MicrophoneState.CHANGING)
        self.state = MicrophoneState.CHANGING if listening else MicrophoneState.STARTING
        self._leave()

    def over(self, utterance_id: str) -> None:
        """The session has heard all of this utterance."""
        self._ends[utterance_id] = self._sent_s

    def settle(self, utterance_id: str) -> None:
        """What was said in it is known, or that it was nothing: no other session is to hear it again."""
        self._again_until = -math.inf
        if (end := self._ends.pop(utterance_id, None)) is not None:
            self._sent.trim(max(0.0, self._sent_s - end))

    @property
    def says_again(self) -> bool:
        """Is the session that listens being told what a lost one had heard, and has shown no sign of it yet?"""
        return self._sent_s < self._again_until

    def rewind(self) -> None:
        """The session that listened is lost in the middle of an utterance: its successor is to hear it whole."""
        self._converted.extendleft(chunk._replace(again=True) for chunk in reversed(self._sent.chunks))
        self._sent.clear()

    def close(self) -> None:
        """Nobody listens any more."""
        self._leave()
        self._resampler = None
        self.state = MicrophoneState.CLOSED
        self._lost_s += sum(chunk.seconds for chunk in self._converted if not chunk.again)
        self._end_talk()
        self._ring.trim(self._limits.pre_roll_s)

    def _begin_sending(self) -> None:
        self._sent.clear()
        self._ends.clear()
        self._sent_s = 0.0
        again_s = sum(chunk.seconds for chunk in self._converted if chunk.again)
        self._again_until = again_s + self._limits.again_s if again_s else -math.inf

    def _leave(self) -> None:
        self._session = None
        if self._watch:
            self._watch.leave()

    def forget(self) -> None:
        """Throw away what waits: it belongs to a talk that is over."""
        self._ring.clear()
        self._end_talk()

    def _end_talk(self) -> None:
        self._talk += 1
        self._converted.clear()
        self._sent.clear()

    def speech_may_begin(self) -> bool:
        """Is what was sent last so much louder than what was sent before it that a word may just have begun, which
        nobody has noticed yet?"""
        return _rises(b"".join(chunk.pcm for chunk in self._sent.chunks))

    @property
    def _bound(self) -> float:
        return {
            MicrophoneState.CLOSED: self._limits.pre_roll_s,
            MicrophoneState.STARTING: self._limits.start_s,
        }.get(self.state, self._limits.change_s)

    def _wake(self) -> None:
        self._filled.set()
        if (self._task is None or self._task.done()) and not self._owner.closed:
            self._task = self._owner.spawn(self._run(), name="microphone")

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while (session := self._session) is not None and (self._converted or len(self._ring)):
                if not await self._deliver(session):
                    await self._rest(session)

    async def _rest(self, session: ModelSession) -> None:
        """Until another session listens, or this one is tried again."""
        self._changed.clear()
        if self._session is session:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.retry_s):
                    await self._changed.wait()

    async def _deliver(self, session: ModelSession) -> bool:
        """One run of sound to this session, unless another one listens by the time it is converted; False when it was
        refused."""
        await self._convert(session.capabilities.input_rate)
        if self._session is not session or not self._converted:
            return True
        chunk = self._converted[0]
        try:
            async with asyncio.timeout(self._limits.send_timeout_s):
                await session.send(UserAudio(chunk.pcm, self.reduce_noise))
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception) and is_cancelled():
                raise
            logger.warning("the session did not take a piece of sound: %s", type(error).__name__)
            if isinstance(error, TimeoutError) and self._is_next(chunk):
                self._converted.popleft()  # it may have it
                self._lost_s += 0.0 if chunk.again else chunk.seconds
            self._tell_fault(session, error)
            return False
        self._fault_told = False
        if self._is_next(chunk):
            self._converted.popleft()
            if self._session is session:
                is_owed = self.says_again or self._hears_utterance()
                self._sent_s += chunk.seconds
                self._sent.add(chunk, self._limits.utterance_s if is_owed else self._limits.lead_s)
                if self._watch:
                    self._watch.hear(chunk.pcm, chunk.rate)
        else:  # the session was lost meanwhile, and its successor is to hear it all
            self._converted = deque(one._replace(again=True) if one is chunk else one for one in self._converted)
        return True

    def _is_next(self, chunk: _Chunk) -> bool:
        return bool(self._converted) and self._converted[0] is chunk

    def _tell_fault(self, session: ModelSession, error: BaseException) -> None:
        if self._session is session and not self._fault_told:
            self._fault_told = True
            if self._on_fault:
                self._on_fault(error)

    async def _convert(self, rate: int) -> None:
        """See to it that what is to be delivered next has this rate."""
        run = asyncio.get_running_loop().run_in_executor
        while any(chunk.rate != rate for chunk in self._converted):
            waiting = list(self._converted)
            pcm = b"".join([await run(self._executor, _resampled, chunk.pcm, chunk.rate, rate) for chunk in waiting])
            if waiting == list(self._converted):  # else the session was lost meanwhile
                self._converted = deque([_Chunk(pcm, rate)])
        if self._converted or not len(self._ring):
            return
        chunk, talk = self._ring.take_run(), self._talk
        pcm = chunk.pcm
        if chunk.rate != rate or self._resampler is not None:
            pcm = await run(self._executor, self._resample, chunk, rate)
        if pcm and talk == self._talk:
            self._converted.append(_Chunk(pcm, rate))

    def _resample(self, chunk: _Chunk, rate: int) -> bytes:
        """In the executor. When a rate changes, what the old converter still holds goes first."""
        resampler, held = self._resampler, b""
        if resampler is None or (resampler.in_rate, resampler.out_rate) != (chunk.rate, rate):
            if resampler is not None:
                held = _resampled(resampler.flush(), resampler.out_rate, rate)
            resampler = self._resampler = PcmStream(chunk.rate, rate)
        return held + resampler.process(chunk.pcm)


def _resampled(pcm: bytes, from_rate: int, to_rate: int) -> bytes:
    """A whole piece of sound at another rate."""
    converter = PcmStream(from_rate, to_rate)
    return converter.process(pcm) + converter.flush()


def _rises(pcm: bytes) -> bool:
    """Is the end of it much louder than what it was like before?"""
    samples = array.array("h", pcm)
    size = len(samples) // _WINDOWS
    if not size:
        return False
    peaks = [max(map(abs, samples[at : at + size])) for at in range(0, size * _WINDOWS, size)]
    newest, before = max(peaks[-_NEWEST:]), sorted(peaks[:-_NEWEST])
    return newest > _LOUD and newest > _RISE * before[len(before) // 2]
