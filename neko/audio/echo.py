"""Her own voice in the microphone, taken out before anybody listens.

A client that has a canceller of its own says so (``echo_cancelled``) and needs nothing of this. For others, what
they play (the far end) is laid beside what comes in (the near end) on one clock, the samples of the microphone, and
taken out by WebRTC's AEC3 (the package ``pywebrtc-audio``, of the extra ``hearing``), which finds the remaining delay
by itself. Where it is not installed, ``EnvelopeSuppressor`` turns down what is as loud as her echo is expected to be;
some of the echo still sounds like speech then (``lets_echo_through``), so that only words can tell who speaks.
Nothing here makes her deaf: what the user says over her comes through.

Everything here blocks (some 0.15 ms per 10 ms of sound) and belongs to one stream of sound, in one thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from neko.audio.resample import PcmStream
from neko.types.hearing import HEARING_RATE
from neko.types.model_session import Playback, SoundToPlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.int16]

BLOCK = HEARING_RATE // 100
"""Samples that are taken at a time: 10 ms, as AEC3 does."""
LATENCY_BYTES = 2 * BLOCK
"""What comes out is so much later than what went in."""
LEAD = 60 * HEARING_RATE // 1000
"""Samples by which the far end is ahead of what was reported, as an echo cannot come before its sound."""
TOLERANCE = 50 * HEARING_RATE // 1000
"""Samples by which a report may differ from what is assumed, as it does by the way it takes; every jump would cost the
canceller some time to find the delay again."""
REPEATABLE = HEARING_RATE
"""Samples that stay after they were played, for a client that goes back a little when it resumes."""
LONGEST = 1200 * HEARING_RATE
"""Samples of one speech that are kept to be played, twenty minutes of it."""
LONGEST_LAG = 2 * HEARING_RATE


class Canceller(Protocol):
    """Takes the echo of the far end out of the near end, ``BLOCK`` samples at a time."""

    def process(self, near: Samples, far: Samples) -> Samples:
        """The near end without the echo."""
        ...


class FarEnd:
    """What a client plays at each sample of its microphone.

    A client that reports nothing is taken to play what it gets at once.
    """

    def __init__(self) -> None:
        self._speech_id = ""
        self._sound = bytearray()
        self._from = 0
        """The sample of the speech that ``_sound`` begins with."""
        self._converter: PcmStream | None = None
        self._offset: int | None = None
        """Sample of the speech minus sample of the microphone; ``None`` while nothing is played."""
        self._began = 0
        self._reported = False
        self._lag = 0
        """Samples of the microphone from the first piece of a speech to its first sample played, as last seen."""

    def tell(self, news: SoundToPlay | Playback, at: int) -> None:
        """Take what the client was given, or has reported, when its microphone was at sample ``at``."""
        if isinstance(news, SoundToPlay):
            self._add(news, at)
        elif news.speech_id == self._speech_id:
            self._report(news, at)

    def take(self, at: int, count: int) -> Samples:
        """What is played during so many samples of the microphone; quiet where nothing is."""
        import numpy as np

        played = np.zeros(count, dtype=np.int16)
        if self._offset is None:
            return played
        start = at + self._offset
        until = self._from + len(self._sound) // 2
        begin, end = max(start, self._from), min(start + count, until)
        if begin < end:
            piece = bytes(self._sound[2 * (begin - self._from) : 2 * (end - self._from)])
            played[begin - start : end - start] = np.frombuffer(piece, dtype="<i2")
        if start + count > until:  # it waits for more
            self._offset -= min(count, start + count - until)
        over = min(begin - REPEATABLE, until) - self._from
        if over > REPEATABLE:
            del self._sound[: 2 * over]
            self._from += over
        return played

    def _add(self, piece: SoundToPlay, at: int) -> None:
        if piece.speech_id != self._speech_id:
            self._speech_id = piece.speech_id
            self._sound.clear()
            self._from = 0
            self._began = at
            self._reported = False
            self._offset = LEAD - at - self._lag
            self._converter = PcmStream(piece.rate, HEARING_RATE)
        if self._converter and len(self._sound) < 2 * LONGEST:
            self._sound += self._converter.process(piece.pcm)

    def _report(self, playback: Playback, at: int) -> None:
        if playback.state != "playing":
            self._offset = None
            return
        played = round(playback.played_ms * HEARING_RATE / 1000)
        offset = played - at + LEAD
        if self._offset is None or abs(offset - self._offset) > TOLERANCE:
            self._offset = offset
        if not self._reported:
            self._reported = True
            self._lag = max(0, min(LONGEST_LAG, at - played - self._began))


class EchoGuard:
    """A stream of microphone sound, which begins at sample ``at``, without her voice."""

    def __init__(self, canceller: Canceller, at: int = 0) -> None:
        self.far_end = FarEnd()
        self._canceller = canceller
        self._at = at
        self._near = bytearray()
        self._clean = bytearray(LATENCY_BYTES)

    @property
    def lets_echo_through(self) -> bool:
        """Does speech in the clean sound prove nothing while she is heard?"""
        return isinstance(self._canceller, EnvelopeSuppressor)

    def clean(self, pcm: bytes) -> bytes:
        """As much sound as is given, ``LATENCY_BYTES`` later."""
        import numpy as np

        self._near += pcm
        whole = len(self._near) // (2 * BLOCK) * 2 * BLOCK
        near = np.frombuffer(bytes(self._near[:whole]), dtype="<i2").astype(np.int16)
        del self._near[:whole]
        for start in range(0, len(near), BLOCK):
            far = self.far_end.take(self._at, BLOCK)
            self._at += BLOCK
            self._clean += self._canceller.process(near[start : start + BLOCK], far).astype("<i2").tobytes()
        clean = bytes(self._clean[: len(pcm)])
        del self._clean[: len(pcm)]
        return clean


class EnvelopeSuppressor:
    """Turns down what is no louder than her echo can be, by the envelopes of both ends.

    The delay is where the two envelopes of the last seconds go together best, the level of the echo what the near
    end has there in proportion to the far end. Ours, as it stands in where no package is installed.
    """

    _DELAYS = 50
    """Blocks that the echo may come later."""
    _SPAN = 200
    """Blocks that are compared."""
    _LOOK_EVERY = 10
    _ALIKE = 0.5
    """Correlation above which the near end is taken to hold the far end."""
    _AUDIBLE_DB = -60.0
    _MARGIN_DB = 6.0
    """By how much louder than the expected echo something must be to be somebody else."""
    _DECAY_DB = 1.5
    """Per block: a room of 0.4 s."""

    def __init__(self) -> None:
        import numpy as np

        self._near_db = np.full(self._SPAN, -100.0)
        self._far_db = np.full(self._SPAN + self._DELAYS, -100.0)
        self._blocks = 0
        self._delay = 0
        self._path_db: float | None = None
        """Level of the echo over that of the far end; ``None`` while none is known."""
        self._echo_db = -100.0
        self._noise_db = -70.0

    def process(self, near: Samples, far: Samples) -> Samples:
        """See ``Canceller``."""
        import numpy as np

        level = _level_db(near)
        self._near_db[:-1] = self._near_db[1:]
        self._near_db[-1] = level
        self._far_db[:-1] = self._far_db[1:]
        self._far_db[-1] = _level_db(far)
        self._noise_db = max(-90.0, min(level, self._noise_db + 0.02))
        self._blocks += 1
        if self._blocks % self._LOOK_EVERY == 0:
            self._look()
        if self._path_db is None:
            return near
        there = len(self._far_db) - 1 - self._delay
        recent = float(np.max(self._far_db[there - 2 : there + 3]))
        self._echo_db = max(self._echo_db - self._DECAY_DB, recent + self._path_db)
        if recent <= self._AUDIBLE_DB and self._echo_db < self._noise_db:
            return near
        over = level - self._echo_db - self._MARGIN_DB
        if over >= 0.0 or level <= self._noise_db:
            return near
        quiet: Samples = (near * 10.0 ** ((self._noise_db - level) / 20.0)).astype(np.int16)
        return quiet

    def _look(self) -> None:
        import numpy as np

        near = np.maximum(self._near_db, -80.0)
        best, found = self._ALIKE, None
        near_part = near - near.mean()
        for delay in range(self._DELAYS):
            start = self._DELAYS - delay
            far = np.maximum(self._far_db[start : start + self._SPAN], -80.0)
            far_part = far - far.mean()
            norm = float(np.sqrt((near_part**2).sum() * (far_part**2).sum()))
            if norm > 0.0 and (alike := float((near_part * far_part).sum()) / norm) > best:
                best, found = alike, delay
        if found is None:
            return
        start = self._DELAYS - found
        far = self._far_db[start : start + self._SPAN]
        loud = far > max(self._AUDIBLE_DB, float(far.max()) - 20.0)
        if loud.sum() >= 30:
            self._delay = found
            self._path_db = float(np.median(self._near_db[loud] - far[loud]))


def _level_db(samples: Samples) -> float:
    import numpy as np

    power = float(np.mean(np.square(samples.astype(np.float32)))) / 32768.0**2
    return 10.0 * float(np.log10(power)) if power > 1e-10 else -100.0


def canceller() -> Canceller:
    """AEC3 if it is installed."""
    try:
        from pywebrtc_audio import EchoCanceller
    except ImportError:
        return EnvelopeSuppressor()
    aec: Canceller = EchoCanceller(HEARING_RATE)
    return aec
