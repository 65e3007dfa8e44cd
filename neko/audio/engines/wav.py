"""WAV as it comes in: its header, then samples of any plain format to PCM16 mono.

The standard library's ``wave`` wants a seekable file with true lengths, and so does libsndfile; a server that streams
WAV sends neither. Layout: RIFF, chunks of (id, length, content), of which ``fmt `` tells the format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neko.speech_errors import SpeechUnreadableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGEST_HEADER = 256 * 1024
"""Pictures and lyrics may stand before the sound."""
_ENDLESS = 0x7FFF_0000
"""Lengths from here on are what a server writes that does not know the length yet."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_PLAIN = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples are laid out: ``rate`` in Hz, ``bits`` of one sample of one channel, all little-endian."""

    rate: int
    channels: int = 1
    encoding: int = _PCM
    bits: int = 16

    @property
    def frame(self) -> int:
        """Bytes of one moment."""
        return self.channels * self.bits // 8

    def to_pcm16(self, data: bytes) -> bytes:
        """Whole frames as PCM16 mono."""
        if (self.encoding, self.bits, self.channels) == (_PCM, 16, 1):
            return data
        return mixed_down(self._as_float(data).reshape(-1, self.channels))

    def _as_float(self, data: bytes) -> NDArray[np.float32]:
        import numpy as np

        samples: Any
        if self.encoding == _FLOAT:
            samples = np.frombuffer(data, f"<f{self.bits // 8}")
        elif self.bits == 8:
            samples = (np.frombuffer(data, "u1").astype(np.float32) - 128) / 2**7
        elif self.bits == 24:
            triples = np.frombuffer(data, "u1").reshape(-1, 3)
            padded = np.concatenate([np.zeros((len(triples), 1), "u1"), triples], axis=1)
            samples = np.ascontiguousarray(padded).view("<i4").ravel() / 2**31
        else:
            samples = np.frombuffer(data, f"<i{self.bits // 8}") / 2.0 ** (self.bits - 1)
        result: NDArray[np.float32] = samples.astype(np.float32)
        return result


def mixed_down(frames: NDArray[np.float32]) -> bytes:
    """Samples from -1 to 1, a row a moment and a column a channel, as PCM16 mono."""
    import numpy as np

    mono = np.nan_to_num(frames.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
    return bytes((np.clip(mono, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())


class WavStream:
    """Takes the head off a stream, and what follows its sound.

    ``format`` is None until the header is there. ``feed`` raises ``SpeechUnreadableError`` for an encoding
    other than plain integers and floats.
    """

    def __init__(self) -> None:
        self.format: SampleFormat | None = None
        self._held = b""
        self._left: int | None = None
        self._in_sound = False

    def feed(self, chunk: bytes) -> bytes:
        """PCM16 mono of the whole moments so far.

        Another WAV may follow the first: some servers send one for every stretch of a sentence.
        """
        self._held += chunk
        pieces = []
        while piece := self._next_piece():
            pieces.append(piece)
        return b"".join(pieces)

    def _next_piece(self) -> bytes:
        if not self._in_sound and not (self._find_riff() and self._find_sound()):
            return b""
        assert self.format is not None
        data = self._held if self._left is None else self._held[: self._left]
        data = data[: len(data) - len(data) % self.format.frame]
        self._held = self._held[len(data) :]
        if self._left is not None:
            self._left -= len(data)
            if self._left < self.format.frame:
                self._in_sound = False
        return self.format.to_pcm16(data) if data else b""

    def _find_riff(self) -> bool:
        """Whether ``_held`` begins with a file: the first does, and what stands between two is dropped."""
        if self.format is None:
            return True
        at = self._held.find(b"RIFF")
        self._held = self._held[at:] if at >= 0 else self._held[-3:]
        return at >= 0

    def _find_sound(self) -> bool:
        at, found = 12, None
        while at + 8 <= len(self._held):
            kind, length = struct.unpack_from("<4sI", self._held, at)
            if kind == b"data":
                if self.format is not None and (found is None or found.rate != self.format.rate):
                    self._held = self._held[at + 8 :]
                    return False
                if found is None:
                    raise SpeechUnreadableError("a WAV without a format")
                self.format, self._in_sound = found, True
                self._left = length if 0 < length < _ENDLESS else None
                self._held = self._held[at + 8 :]
                return True
            if kind == b"fmt " and at + 8 + length <= len(self._held):
                found = _read_format(self._held[at + 8 : at + 8 + length])
            at += 8 + length + (length & 1)
        if len(self._held) > _LARGEST_HEADER:
            raise SpeechUnreadableError("a WAV without sound")
        return False


def _read_format(chunk: bytes) -> SampleFormat:
    if len(chunk) < 16:
        raise SpeechUnreadableError("a WAV without a format")
    encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if encoding == _EXTENSIBLE:
        encoding = struct.unpack_from("<H", chunk, 24)[0] if len(chunk) >= 26 else _PCM
    if (encoding, bits) not in _PLAIN or not 1 <= channels <= 8 or not 4000 <= rate <= 192_000:
        raise SpeechUnreadableError(f"a WAV of encoding {encoding}, {bits} bit, {channels} channels, {rate} Hz")
    return SampleFormat(rate, channels, encoding, bits)
