"""Sample-rate conversion of a stream: nothing is lost at its end, nothing clicks at its seams."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import soxr

SPEAKER_RATE = 48_000
_QUICK_BYTES = 48_000
"""A second at 24 kHz, which takes some 0.2 ms."""
_LQ_FROM = 22_050
"""LQ keeps four fifths of the band: all of speech from this rate on, but of 16 kHz half the strength at 6.5 kHz, where
s and f are."""


class PcmStream:
    """PCM16 little-endian mono at ``in_rate`` to ``out_rate`` Hz, chunk by chunk, in one thread at a time.

    soxr is loaded with the first chunk. Its quality LQ holds back 1 ms of 22.05 kHz and at most 21 ms
    of 24 kHz, where HQ holds 40 ms; what is or becomes 16 kHz is worth that. ``flush`` gives what is still held.
    """

    def __init__(self, in_rate: int, out_rate: int = SPEAKER_RATE) -> None:
        self.in_rate = in_rate
        self.out_rate = out_rate
        self._odd = b""
        self._stream: soxr.ResampleStream | None = None

    def is_quick(self, pcm: bytes) -> bool:
        """Does converting this chunk take less than handing it to a thread and back? The first one is slow."""
        return self.in_rate == self.out_rate or (self._stream is not None and len(pcm) <= _QUICK_BYTES)

    def process(self, pcm: bytes) -> bytes:
        """Convert a chunk; a byte that is half a sample waits for the next one."""
        return self._run(pcm, last=False)

    def flush(self) -> bytes:
        """The rest of the stream. After this the object is used up."""
        return self._run(b"", last=True)

    def _run(self, pcm: bytes, *, last: bool) -> bytes:
        pcm = self._odd + pcm
        whole = len(pcm) & ~1
        pcm, self._odd = pcm[:whole], pcm[whole:]
        if self.in_rate == self.out_rate:
            return pcm
        import numpy as np
        import soxr

        if self._stream is None:
            quality = "LQ" if min(self.in_rate, self.out_rate) >= _LQ_FROM else "HQ"
            self._stream = soxr.ResampleStream(self.in_rate, self.out_rate, 1, dtype="int16", quality=quality)
        converted = self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=last)
        return bytes(converted.astype("<i2").tobytes())
