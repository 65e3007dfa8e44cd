"""Her own voice in the microphone, taken out before anybody listens.

A client that has a canceller of its own says so (``echo_cancelled``) and needs nothing of this. For others, what they
play (the far end) is laid beside what comes in (the near end) on one clock, the samples of the microphone, and taken
out by WebRTC's AEC3 (the package ``pywebrtc-audio``, of the extra ``hearing``), which finds the remaining delay by
itself. What is no louder than her echo is expected to be (``EchoLevel``) is replaced by noise before anybody judges
whether it is speech, and is all that is done where AEC3 is not installed; some of the echo still sounds like speech
then (``lets_echo_through``), so that only words can tell who speaks. Nothing here makes her deaf: what the user says
over her comes through.

Everything here blocks (some 0.3 ms per 10 ms of sound) and belongs to one stream of sound, in one thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from neko.audio.echo_level import BLOCK, EchoLevel
from neko.audio.resample import PcmStream
from neko.types.hearing import HEARING_RATE
from neko.types.model_session import Playback, SoundToPlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples: TypeAlias = NDArray[np.int16]

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
        self._expected = 0
        """The sample of the speech that follows the last one that was taken."""
        self._offset: int | None = None
        """Sample of the speech minus sample of the microphone; ``None`` while nothing is played."""
        self._skipped: int | None = None
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
            self._skipped = begin if begin != self._expected else None
            self._expected = end
        if start + count > until:  # it waits for more
            self._offset -= min(count, start + count - until)
        over = min(begin - REPEATABLE, until) - self._from
        if over > REPEATABLE:
            del self._sound[: 2 * over]
            self._from += over
        return played

    def take_skipped(self) -> Samples | None:
        """What was played just before the last block that was taken, if it did not follow the one before: so much as
        the far end is ahead."""
        import numpy as np

        end, self._skipped = self._skipped, None
        if end is None:
            return None
        begin = max(self._from, end - LEAD)
        piece = bytes(self._sound[2 * (begin - self._from) : 2 * (end - self._from)])
        return np.frombuffer(piece, dtype="<i2")

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
    """A stream of microphone sound, which begins at sample ``at``, without her voice.

    ``canceller`` None: none is installed.
    """

    def __init__(self, canceller: Canceller | None, at: int = 0) -> None:
        self.far_end = FarEnd()
        self._canceller = canceller
        self._level = EchoLevel()
        self._at = at
        self._near = bytearray()
        self._clean = bytearray(LATENCY_BYTES)
        self._judged = bytearray(LATENCY_BYTES)

    @property
    def lets_echo_through(self) -> bool:
        """Does speech in the clean sound prove nothing while she is heard?"""
        return self._canceller is None

    def go_on_at(self, at: int) -> None:
        """The next sound begins with this sample: some may have been passed over."""
        self._at = at - len(self._near) // 2

    def clean(self, pcm: bytes) -> tuple[bytes, bytes]:
        """As much sound as is given, ``LATENCY_BYTES`` later: for whoever recognises words, and for whoever judges
        whether anybody speaks, with noise where it is no louder than her echo may be."""
        import numpy as np

        self._near += pcm
        whole = len(self._near) // (2 * BLOCK) * 2 * BLOCK
        samples = np.frombuffer(bytes(self._near[:whole]), dtype="<i2").astype(np.int16)
        del self._near[:whole]
        for start in range(0, len(samples), BLOCK):
            near, far = samples[start : start + BLOCK], self.far_end.take(self._at, BLOCK)
            self._at += BLOCK
            if (before := self.far_end.take_skipped()) is not None:
                self._level.begins_with(before)
            clean = self._canceller.process(near, far) if self._canceller else near
            judged = self._level.comfort_noise() if self._level.covers(near, far) else clean
            self._clean += (clean if self._canceller else judged).astype("<i2").tobytes()
            self._judged += judged.astype("<i2").tobytes()
        return _taken(self._clean, len(pcm)), _taken(self._judged, len(pcm))


def _taken(sound: bytearray, size: int) -> bytes:
    taken = bytes(sound[:size])
    del sound[:size]
    return taken


def canceller() -> Canceller | None:
    """AEC3 if it is installed."""
    try:
        from pywebrtc_audio import EchoCanceller
    except ImportError:
        return None
    aec: Canceller = EchoCanceller(HEARING_RATE)
    return aec
