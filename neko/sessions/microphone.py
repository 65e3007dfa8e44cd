"""The way of the user's voice: from any client's frames to the one session that listens.

A task of its own, so that sound never waits behind text. What comes is kept in a ring bounded in
seconds and bytes: nobody listens → only the last moments (the pre-roll of whoever will); a session
is on its way → all of it up to the bound, which then goes to that session. When the ring is full the
oldest sound goes. Every sample reaches at most one session, in order, none twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from neko.audio.resample import PcmStream
from neko.tasks import TaskOwner, is_cancelled
from neko.types.model_session import ModelSession, UserAudio

logger = logging.getLogger(__name__)

BYTES_PER_SAMPLE = 2
LONGEST_RUN_S = 0.04
"""Sound that has piled up is sent in pieces of this length, so that voice activity can be told in it."""


@dataclass(frozen=True, slots=True)
class MicrophoneLimits:
    """``pre_roll_s``: kept while nobody listens. ``start_s``: kept while a first session starts, after
    which older sound would only be answered too late. ``change_s``: kept while one session follows another."""

    pre_roll_s: float = 0.5
    start_s: float = 1.5
    change_s: float = 15.0
    max_bytes: int = 4_000_000
    send_timeout_s: float = 2.0


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
    pcm: bytes
    rate: int

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

    ``on_fault`` is told of a session that takes no sound, once until it does again.
    """

    def __init__(
        self,
        owner: TaskOwner,
        executor: ThreadPoolExecutor,
        *,
        limits: MicrophoneLimits | None = None,
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._owner = owner
        self._executor = executor
        self._limits = limits or MicrophoneLimits()
        self._on_fault = on_fault
        self._ring = _Ring(self._limits.max_bytes)
        self._session: ModelSession | None = None
        self._resampler: PcmStream | None = None
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault_told = False
        self.state = MicrophoneState.CLOSED
        self.muted = False
        self.reduce_noise = False
        """The noise of the room is unwanted."""

    @property
    def dropped_s(self) -> float:
        """Seconds of sound that no session got."""
        return self._ring.dropped_s

    def feed(self, pcm: bytes, rate: int) -> None:
        """Take PCM16 little-endian mono at ``rate`` Hz; an odd last byte is left out. Muted, it is thrown away."""
        if self.muted:
            return
        pcm = pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE]
        if not pcm:
            return
        self._ring.add(_Chunk(pcm, rate), self._bound)
        if self.state is MicrophoneState.LIVE:
            self._wake()

    def listen(self, session: ModelSession) -> None:
        """From now on this session gets the sound, beginning with what the ring holds."""
        self._session = session
        self._fault_told = False
        self.state = MicrophoneState.LIVE
        if len(self._ring):
            self._wake()

    def wait(self) -> None:
        """A session is on its way: keep what comes for it."""
        listening = self.state in (MicrophoneState.LIVE, MicrophoneState.CHANGING)
        self.state = MicrophoneState.CHANGING if listening else MicrophoneState.STARTING
        self._session = None

    def close(self) -> None:
        """Nobody listens any more."""
        self._session = None
        self._resampler = None
        self.state = MicrophoneState.CLOSED
        self._ring.trim(self._limits.pre_roll_s)

    def forget(self) -> None:
        """Throw away what waits: it belongs to a talk that is over."""
        self._ring.clear()

    @property
    def _bound(self) -> float:
        return {
            MicrophoneState.CLOSED: self._limits.pre_roll_s,
            MicrophoneState.STARTING: self._limits.start_s,
        }.get(self.state, self._limits.change_s)

    def _wake(self) -> None:
        self._filled.set()
        if self._task is None:
            self._task = self._owner.spawn(self._run(), name="microphone")

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while len(self._ring) and self._session is not None:
                await self._deliver(self._session, self._ring.take_run())

    async def _deliver(self, session: ModelSession, chunk: _Chunk) -> None:
        """One run of sound to the session that was listening when it was taken."""
        try:
            async with asyncio.timeout(self._limits.send_timeout_s):
                if pcm := await self._at_rate(chunk, session.capabilities.input_rate):
                    await session.send(UserAudio(pcm, self.reduce_noise))
                self._fault_told = False
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception) and is_cancelled():
                raise
            logger.warning("the session did not take a piece of sound: %s", type(error).__name__)
            self._ring.dropped_s += chunk.seconds
            if self._session is session and not self._fault_told:
                self._fault_told = True
                if self._on_fault:
                    self._on_fault(error)

    async def _at_rate(self, chunk: _Chunk, rate: int) -> bytes:
        if chunk.rate == rate and self._resampler is None:
            return chunk.pcm
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._resample, chunk, rate)

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
